"""The one door every text of the desktop passes through on its way to a person. Imports no Qt.

`pyside6-lupdate app/*.py` finds the calls of `tr`; `app.texts.language` puts Qt's translation behind it.
"""

from __future__ import annotations

from collections.abc import Callable

Translate = Callable[[str], str]


def _english(source: str) -> str:
    return source


_translate: Translate = _english


def tr(source: str) -> str:
    """`source`, an English literal with `{names}` for what varies, in the language of the desktop."""
    return _translate(source)


def use(translate: Translate | None) -> None:
    """Translate with this function from now on; None is English again. See `app.texts.language.speak`."""
    global _translate  # noqa: PLW0603 - a language is one for the whole process
    _translate = translate or _english
