"""Draws the Models and Settings tabs in their states into artifacts/tabs, for people to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QTableWidgetItem, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.views.settings import HOST, PORT
from app.window.models_tab import ModelsTab
from app.window.settings_tab import SettingsTab
from app.window.theme import colours, style_sheet
from router.config.schema import Kind
from router.state import DeviceMemory, ModelStatus, Snapshot
from tests.app.config_link import ConfigLink
from tests.app.fake_service import GB, LLAMA, first_snapshot
from tests.app.running import until_processed
from tests.app.test_settings_tab import FakeLogin, editor, type_into

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts" / "tabs"
THEMES = {"light": QPalette(QColor("#efefef")), "dark": QPalette(QColor("#31363b"), QColor("#232629"))}
FAMILIES = ("Qwen3-30B-A3B-Instruct-2507", "Gemma-3-27B-it", "Llama-3.3-70B-Instruct", "Mistral-Small-24B-2506")
QUANTISATIONS = ("Q4_K_M", "Q6_K", "Q8_0", "IQ2_XXS", "BF16")


def many() -> Snapshot:
    models = []
    for number in range(60):
        family, quantisation = FAMILIES[number % 4], QUANTISATIONS[number % 5]
        models.append(
            ModelStatus(
                f"{family}-{quantisation}-{number}",
                f"{family} {quantisation} {number}",
                Kind.EMBEDDING if number % 9 == 0 else Kind.CHAT,
                ("thinking",) if number % 7 == 0 else (),
                int((number * 7 % 50 + 0.6) * GB),
                32768,
                131072 if number % 3 else 32768,
                quantisation,
                f"/home/me/models/a folder with quite a long name/{family}/{family}-{quantisation}.gguf",
                "the file is damaged: it ends after 3 of 11 GB; download it again" if number == 4 else None,
            )
        )
    ids = tuple(m.id for m in models)
    slots = (replace(first_snapshot().slots[0], choices=ids, model=ids[2], loaded=(ids[2],)),)
    return replace(first_snapshot(), models=tuple(models), slots=slots)


@pytest.fixture(params=list(THEMES))
def theme(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[str]:
    before = QPalette(qapp.palette())
    qapp.setPalette(THEMES[request.param])
    yield request.param
    qapp.setPalette(before)


def framed(qtbot: QtBot, tab: QWidget, width: int = 860, height: int = 560) -> QWidget:
    """The tab on a window of the shell's colours."""
    window = QWidget()
    qtbot.addWidget(window)
    window.setStyleSheet(style_sheet(colours(QApplication.palette())))
    inside = QVBoxLayout(window)
    inside.setContentsMargins(14, 14, 14, 14)
    inside.addWidget(tab)
    window.resize(width, height)
    window.show()
    return window


def draw(window: QWidget, name: str) -> None:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for _ in range(3):
        QApplication.processEvents()
    assert window.grab().save(str(ARTIFACTS / f"{name}.png"))


def test_models(qtbot: QtBot, theme: str) -> None:
    tab = ModelsTab(ConfigLink())  # type: ignore[arg-type]
    window = framed(qtbot, tab, 960)
    tab.show_snapshot(first_snapshot())
    draw(window, f"models-few-{theme}")
    tab.select(LLAMA)
    draw(window, f"models-broken-{theme}")
    tab.show_snapshot(many())
    tab.tell("Added /home/me/models; its models appear in a moment.", False)
    draw(window, f"models-many-{theme}")
    window.resize(720, 560)
    draw(window, f"models-narrow-{theme}")
    window.resize(480, 400)
    draw(window, f"models-least-{theme}")
    assert window.width() == 480
    window.resize(720, 560)
    tab.search.setText("nothing like this")
    draw(window, f"models-no-match-{theme}")
    tab.search.clear()
    tab.tell("", False)
    tab.show_snapshot(replace(Snapshot(), memory=(DeviceMemory("RAM", False, 8 * GB, GB),)))
    draw(window, f"models-empty-{theme}")


async def test_settings(qtbot: QtBot, theme: str) -> None:
    link = ConfigLink()
    tab = SettingsTab(link, login=FakeLogin())  # type: ignore[arg-type]
    window = framed(qtbot, tab)
    tab.show_snapshot(first_snapshot())
    await until_processed(lambda: tab.draft is not None and tab.command.line.toPlainText() != "")
    for row, name in enumerate(("general", "server", "slots", "models", "advanced")):
        tab.navigation.setCurrentRow(row)
        draw(window, f"settings-{name}-{theme}")
    window.resize(720, 480)
    tab.navigation.setCurrentRow(2)
    editor(tab, "slots", "primary", "models").every.click()
    draw(window, f"settings-slots-small-{theme}")
    window.resize(480, 400)
    draw(window, f"settings-slots-least-{theme}")
    assert window.width() == 480


async def test_settings_with_errors(qtbot: QtBot, theme: str) -> None:
    link = ConfigLink()
    tab = SettingsTab(link, login=FakeLogin())  # type: ignore[arg-type]
    window = framed(qtbot, tab)
    await until_processed(lambda: tab.draft is not None)
    for _ in range(2):
        editor(tab, "server", "api_keys").lines.removers[0].click()
    type_into(editor(tab, *HOST), "0.0.0.0")
    editor(tab, "server", "api_keys").generate.click()
    tab.apply.click()
    draw(window, f"settings-no-key-{theme}")
    tab.discard.click()
    flags = editor(tab, "models", "qwen", "flags")
    flags.setItem(5, 0, QTableWidgetItem("api-key"))
    editor(tab, *PORT).setValue(8150)
    tab.apply.click()
    async with asyncio.timeout(5):
        while not tab.draft or not tab.draft.refused:
            await asyncio.sleep(0)
    await until_processed(tab.apply.isEnabled)
    tab.navigation.setCurrentRow(3)
    draw(window, f"settings-refused-{theme}")
    editor(tab, "models", "qwen", "request").setPlainText('{"temperature": ')
    tab.apply.click()
    draw(window, f"settings-bad-json-{theme}")
    link.text = "server: {prot: 1}"
    broken = SettingsTab(link, login=FakeLogin())  # type: ignore[arg-type]
    window = framed(qtbot, broken)
    await until_processed(broken.banner.isVisible)
    draw(window, f"settings-unreadable-{theme}")
