"""Puts Qt's translations, `resources/translations/hal0_<locale>.qm`, behind `app.texts.translate.tr`."""

from __future__ import annotations

import importlib
from importlib import resources

from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

from app.texts import common, models, pull, remote, translate, window

# `common` first: the others are made of its words.
_TEXTS = (common, window, models, pull, remote)


def speak(app: QCoreApplication, folder: str | None = None, locale: QLocale | None = None) -> bool:
    """Use the language of this desktop; False if hal0 does not speak it, and stays English."""
    where = folder or str(resources.files("resources").joinpath("translations"))
    translator = QTranslator(app)
    if not translator.load(locale or QLocale(), "hal0", "_", where):
        return False
    app.installTranslator(translator)
    translate.use(lambda source: QCoreApplication.translate("", source))
    _say_again()
    return True


def speak_english() -> None:
    translate.use(None)
    _say_again()


def _say_again() -> None:
    # These modules hold plain constants, and everyone reads them through the module: a reload changes them all.
    for module in _TEXTS:
        importlib.reload(module)
