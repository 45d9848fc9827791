"""The texts can be extracted, translated and loaded with Qt's own tools."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from app.texts import common as text
from app.texts import models as texts_models
from app.texts import window as text_window
from app.texts.language import speak, speak_english

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent


@pytest.fixture
def german(tmp_path: Path) -> Iterator[Path]:
    """A folder with a translation in which every message is its source between « and »."""
    ts = tmp_path / "hal0_de.ts"
    sources = [ROOT / "app" / "texts" / f"{name}.py" for name in ("common", "window", "models")]
    run(TOOLS / "pyside6-lupdate", *sources, "-ts", ts)
    tree = ElementTree.parse(ts)  # noqa: S314 - our own file
    for message in tree.iter("message"):
        translation = message.find("translation")
        assert translation is not None
        translation.text = f"«{message.findtext('source')}»"
        translation.attrib.pop("type", None)
    tree.write(ts, encoding="utf-8", xml_declaration=True)
    run(TOOLS / "pyside6-lrelease", ts, "-qm", tmp_path / "hal0_de.qm")
    yield tmp_path
    speak_english()


def run(*argv: Path | str) -> None:
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_text_goes_through_qts_tools_and_back(qapp: QApplication, german: Path) -> None:
    assert speak(qapp, str(german), QLocale(QLocale.Language.German))
    assert text.OPEN == "«Open hal0»"
    assert text.models(3) == "«3 models»"
    assert text_window.CLIENTS["curl"] == "«curl command»"
    assert texts_models.LOAD_IN == "«Load in»"
    assert text_window.time_left(12) == "«~«12 s»»"
    speak_english()
    assert text.OPEN == "Open hal0"


def test_without_a_translation_hal0_stays_english(qapp: QApplication, tmp_path: Path) -> None:
    assert not speak(qapp, str(tmp_path), QLocale(QLocale.Language.German))
    assert text.OPEN == "Open hal0"
