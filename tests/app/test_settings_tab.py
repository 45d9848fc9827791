from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QFormLayout, QTableWidgetItem
from pytestqt.qtbot import QtBot

from app.texts import models as words
from app.views.menu import Action, Command
from app.views.settings import (
    API_KEYS,
    BASIC,
    HEADROOM,
    HOST,
    LLAMA_SERVER,
    LOCAL_ONLY,
    MODEL_DIRS,
    PORT,
    PORTS,
    QUEUE,
    UPDATES,
    WAIT,
    Key,
)
from app.window.pick_button import FileButton
from app.window.settings_allowed import AllowedField
from app.window.settings_fields import (
    CheckField,
    ChoiceField,
    DurationField,
    JsonField,
    NamesField,
    NumberField,
    PortsField,
    SetsField,
    TextField,
)
from app.window.settings_flags import FlagsField
from app.window.settings_keys import KeysField
from app.window.settings_lists import FoldersField
from app.window.settings_page import FieldBox
from app.window.settings_pages import advanced_page, model_page, slot_page
from app.window.settings_tab import ADVANCED, MODEL_PAGE, SERVER, SLOT_PAGE, SettingsTab
from router.base.errors import ShuttingDown
from router.config.change import REMOVE, ConfigChange
from router.config.keys import Integer, Seconds, keys_of
from router.config.problems import ConfigProblem
from router.config.schema import ModelConfig, SlotConfig, UpstreamKind
from router.state import ServerState, ServerStatus, UpstreamStatus
from tests.app import scenes
from tests.app.config_link import SECRET, YAML, ConfigLink
from tests.app.fake_service import EMBED, GEMMA, LLAMA, QWEN, first_snapshot
from tests.app.running import until_processed
from tests.app.test_actions import Opened


class FakeLogin:
    def __init__(self) -> None:
        self.on = False
        self.error: OSError | None = None

    def is_enabled(self) -> bool:
        if self.error:
            raise self.error
        return self.on

    def set_enabled(self, enabled: bool) -> None:
        if self.error:
            raise self.error
        self.on = enabled


@pytest.fixture
def link() -> ConfigLink:
    return ConfigLink()


@pytest.fixture
def login() -> FakeLogin:
    return FakeLogin()


@pytest.fixture
async def tab(qtbot: QtBot, link: ConfigLink, login: FakeLogin) -> SettingsTab:
    """Shown, with hal0.yaml read."""
    made = SettingsTab(link, login=login)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(820, 560)
    made.show_snapshot(first_snapshot())
    made.show()
    await until_processed(lambda: made.draft is not None)
    return made


def type_into(field: Any, typed: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, typed) if typed else QTest.keyClick(field, Qt.Key.Key_Delete)


def editor(tab: SettingsTab, *key: str) -> Any:
    pages = [tab.server, tab.advanced, tab.folders, tab.slots.page, tab.models.page]
    return next(page.boxes[key].editor for page in pages if page is not None and key in page.boxes)


def problem(tab: SettingsTab, *key: str) -> str:
    pages = [tab.server, tab.advanced, tab.folders, tab.slots.page, tab.models.page]
    return next(page.boxes[key].problem.text() for page in pages if page is not None and key in page.boxes)


async def applied(tab: SettingsTab, link: ConfigLink) -> list[ConfigChange]:
    """Press Apply and wait for the outcome."""
    before = len(link.asked)
    tab.apply.click()
    await until_processed(lambda: len(link.asked) > before and tab.status.text() != words.APPLYING)
    return link.asked[-1]


async def test_it_shows_what_the_file_says(tab: SettingsTab) -> None:
    assert editor(tab, *HOST).text() == "127.0.0.1"
    assert editor(tab, *PORT).value() == 9000
    assert editor(tab, *LLAMA_SERVER).text() == "~/llama/llama-server"
    assert tab.general.file.text().endswith("hal0.yaml")
    assert tab.slots.chosen == "primary"
    assert editor(tab, "slots", "primary", "model").currentText() == "qwen"
    assert tab.status.text() == words.NO_CHANGES
    assert not tab.apply.isEnabled() and not tab.discard.isEnabled()


async def test_keys_are_shown_masked(tab: SettingsTab) -> None:
    keys = editor(tab, *API_KEYS)
    shown = [keys.lines.layout().itemAt(row).widget().layout().itemAt(0).widget().text() for row in (0, 1)]
    assert shown == ["env:HAL0_KEY (from the environment)", "••••••••4711"]


async def test_edits_are_counted_applied_and_gone(tab: SettingsTab, link: ConfigLink) -> None:
    type_into(editor(tab, *HOST), "localhost")
    editor(tab, *QUEUE).setValue(3)
    assert tab.status.text() == "2 unsaved changes"
    assert await applied(tab, link) == [
        ConfigChange(("server", "host"), "localhost"),
        ConfigChange(("limits", "queue"), 3),
    ]
    assert tab.status.text() == words.NO_CHANGES
    assert editor(tab, *QUEUE).value() == 3


async def test_discard_brings_everything_back(tab: SettingsTab, link: ConfigLink) -> None:
    editor(tab, *PORT).setValue(1234)
    tab.slots.removed.emit("embed")
    assert tab.status.text() == "2 unsaved changes"
    tab.discard.click()
    assert tab.status.text() == words.NO_CHANGES
    assert editor(tab, *PORT).value() == 9000
    assert tab.slots.list.count() == 2
    assert link.asked == []


async def test_the_router_s_refusal_stands_at_its_field_and_nothing_is_lost(
    tab: SettingsTab, link: ConfigLink
) -> None:
    editor(tab, *PORT).setValue(8150)  # within engine.ports
    editor(tab, *WAIT).setValue(60)
    await applied(tab, link)
    assert "8150" in problem(tab, *PORTS)
    assert tab.status.text() == "2 unsaved changes"
    assert editor(tab, *PORT).value() == 8150
    assert tab.navigation.currentRow() == ADVANCED
    assert tab.navigation.item(ADVANCED).text().endswith("(!)")
    editor(tab, *PORTS).first.setValue(8151)
    assert problem(tab, *PORTS) == ""
    await applied(tab, link)
    assert tab.status.text() == words.NO_CHANGES
    assert yaml.safe_load(link.text or "")["engine"]["ports"] == [8151, 8199]


async def test_the_network_is_refused_without_a_key_before_anything_is_sent(
    tab: SettingsTab, link: ConfigLink
) -> None:
    for _ in range(2):
        editor(tab, *API_KEYS).lines.removers[0].click()
    type_into(editor(tab, *HOST), "0.0.0.0")
    assert problem(tab, *HOST) == words.LAN_NEEDS_KEY
    tab.apply.click()
    assert link.asked == [] and tab.banner.text() == words.FIX_FIRST
    assert tab.navigation.currentRow() == SERVER
    keys = editor(tab, *API_KEYS)
    keys.generate.click()
    made = keys.new.text()
    assert len(made) > 30 and keys.note.text() == words.KEY_COPY_HINT
    keys.add.click()
    assert keys.new.text() == "" and problem(tab, *HOST) == ""
    assert await applied(tab, link) == [
        ConfigChange(HOST, "0.0.0.0"),
        ConfigChange(API_KEYS, [made]),
    ]


async def test_a_key_that_cannot_be_one_is_refused(tab: SettingsTab) -> None:
    keys = editor(tab, *API_KEYS)
    type_into(keys.new, "two words")
    QTest.keyClick(keys.new, Qt.Key.Key_Return)
    assert keys.note.text() == words.BAD_KEY
    assert keys.new.text() == "two words"
    type_into(keys.new, SECRET)
    keys.add.click()
    assert keys.note.text() == words.KEY_TWICE


async def test_a_slot_is_added_edited_and_removed(tab: SettingsTab, link: ConfigLink) -> None:
    type_into(tab.slots.new, "coder")
    tab.slots.add.click()
    assert tab.slots.chosen == "coder"
    first = editor(tab, "slots", "coder", "model")
    assert [first.itemText(row) for row in range(first.count())] == [words.FIRST_THAT_RUNS, GEMMA, LLAMA, QWEN]
    first.setCurrentIndex(1)
    first.activated.emit(1)
    editor(tab, "slots", "coder", "pinned").click()
    tab.slots.choose("embed")
    tab.slots.remove.click()
    assert await applied(tab, link) == [
        ConfigChange(("slots", "embed"), REMOVE),
        ConfigChange(("slots", "coder"), {"kind": "chat", "model": GEMMA, "pinned": True}),
    ]


async def test_slot_names_are_checked_at_once(tab: SettingsTab) -> None:
    type_into(tab.slots.new, "primary")
    tab.slots.add.click()
    assert tab.slots.note.text() == words.NAME_TAKEN
    assert tab.slots.list.count() == 2


async def test_the_last_slot_stays(tab: SettingsTab) -> None:
    tab.slots.remove.click()
    tab.slots.remove.click()
    assert tab.slots.list.count() == 1
    assert tab.banner.text() == words.LAST_SLOT


async def test_what_a_slot_may_hold(tab: SettingsTab, link: ConfigLink) -> None:
    tab.slots.choose("embed")
    allowed = editor(tab, "slots", "embed", "models")
    assert allowed.every.isChecked() and allowed.list.isHidden()
    allowed.every.click()
    assert [allowed.list.item(row).text() for row in range(allowed.list.count())] == [EMBED]
    assert await applied(tab, link) == [ConfigChange(("slots", "embed", "models"), [EMBED])]
    allowed = editor(tab, "slots", "embed", "models")
    allowed.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    await applied(tab, link)
    assert "empty list" in problem(tab, "slots", "embed", "models")
    assert tab.navigation.item(SLOT_PAGE).text().endswith("(!)")


async def test_a_slot_of_another_engine_shows_its_command(tab: SettingsTab, link: ConfigLink) -> None:
    type_into(tab.slots.new, "stt")
    tab.slots.add.click()
    kind = editor(tab, "slots", "stt", "kind")
    kind.setCurrentIndex(3)
    kind.activated.emit(3)
    type_into(editor(tab, "slots", "stt", "command"), "whisper --port {port}")
    await applied(tab, link)
    assert yaml.safe_load(link.text or "")["slots"]["stt"] == {
        "kind": "stt",
        "command": "whisper --port {port}",
    }


async def test_a_named_model_s_flags_and_request(tab: SettingsTab, link: ConfigLink) -> None:
    flags = editor(tab, "models", "qwen", "flags")
    assert flags.rowCount() == 6
    flags.item(0, 1).setText("8192")
    flags.setItem(5, 0, QTableWidgetItem("mlock"))
    assert flags.rowCount() == 7
    flags.setCurrentCell(1, 0)
    QTest.keyClick(flags, Qt.Key.Key_Delete)
    editor(tab, "models", "qwen", "request").setPlainText('{"temperature": 1}')
    type_into(editor(tab, "models", "qwen", "aliases"), "a, b")
    asked = await applied(tab, link)
    assert sorted(asked, key=lambda change: change.path) == [
        ConfigChange(("models", "qwen", "aliases"), ["a", "b"]),
        ConfigChange(("models", "qwen", "flags", "flash-attn"), REMOVE),
        ConfigChange(("models", "qwen", "flags", "mlock"), True),
        ConfigChange(("models", "qwen", "flags", "n_ctx"), 8192),
        ConfigChange(("models", "qwen", "request", "chat_template_kwargs"), REMOVE),
        ConfigChange(("models", "qwen", "request", "temperature"), 1),
    ]


async def test_a_problem_without_a_field_stands_above_the_fields(tab: SettingsTab) -> None:
    assert tab.draft is not None and tab.slots.page is not None
    told = ConfigProblem("hal0.yaml", 3, "slots.primary.health", "must be a path")
    tab.draft.refuse([told])
    tab.draft.put(QUEUE, 3)
    editor(tab, *QUEUE).setValue(4)
    assert tab.slots.page.other.text() == "Must be a path."
    assert not tab.slots.page.other.isHidden()


async def test_half_typed_json_is_kept_and_stops_apply(tab: SettingsTab, link: ConfigLink) -> None:
    request = editor(tab, "models", "qwen", "request")
    request.setPlainText('{"temperature": ')
    assert "not JSON (line 1" in problem(tab, "models", "qwen", "request")
    tab.models.choose("plain")
    tab.models.choose("qwen")
    assert editor(tab, "models", "qwen", "request").toPlainText() == '{"temperature": '
    assert problem(tab, "models", "qwen", "request") != ""
    tab.apply.click()
    assert link.asked == []
    assert tab.navigation.currentRow() == MODEL_PAGE


async def test_a_refused_flag_is_shown_at_the_flags(tab: SettingsTab, link: ConfigLink) -> None:
    flags = editor(tab, "models", "qwen", "flags")
    flags.setItem(5, 0, QTableWidgetItem("api-key"))
    flags.setItem(5, 1, QTableWidgetItem("x"))
    await applied(tab, link)
    assert "hal0's to set" in problem(tab, "models", "qwen", "flags")
    assert ("api-key", "x") in editor(tab, "models", "qwen", "flags").value
    assert tab.models.list.item(0).text() == "qwen (!)"


async def test_without_named_models_the_page_explains_them(qtbot: QtBot) -> None:
    link = ConfigLink(None)
    tab = SettingsTab(link, login=FakeLogin())  # type: ignore[arg-type]
    qtbot.addWidget(tab)
    tab.show()
    await until_processed(lambda: tab.draft is not None)
    assert tab.models.stack.currentWidget() is tab.models.empty
    assert tab.general.file_note.text() == words.CONFIG_ABSENT
    assert not tab.general.open.isEnabled()
    type_into(tab.models.new, "new")
    QTest.keyClick(tab.models.new, Qt.Key.Key_Return)
    assert problem(tab, "models", "new", "file") == words.FILE_MISSING
    type_into(editor(tab, "models", "new", "file"), "a.gguf")
    assert await applied(tab, link) == [ConfigChange(("models", "new"), {"file": "a.gguf"})]


async def test_model_folders(tab: SettingsTab, link: ConfigLink, tmp_path: Path) -> None:
    folders = editor(tab, *MODEL_DIRS)
    folders.lines.removers[1].click()
    folders.add.click()
    dialog = tab.findChild(QFileDialog)
    assert dialog is not None
    dialog.filesSelected.emit([str(tmp_path)])
    dialog.reject()
    assert await applied(tab, link) == [ConfigChange(MODEL_DIRS, ["~/models", str(tmp_path)])]


async def test_headroom_updates_and_never_leaving_this_computer(tab: SettingsTab, link: ConfigLink) -> None:
    assert editor(tab, *HEADROOM).text() == "512 MiB"
    editor(tab, *HEADROOM).setValue(1024)
    tab.general.boxes[LOCAL_ONLY].editor.click()
    updates = tab.general.boxes[UPDATES].editor
    updates.setCurrentIndex(1)
    updates.activated.emit(1)
    assert await applied(tab, link) == [
        ConfigChange(HEADROOM, "1024MiB"),
        ConfigChange(LOCAL_ONLY, True),
        ConfigChange(UPDATES, "off"),
    ]


async def test_upstreams_and_their_models_are_picked_rather_than_typed(
    tab: SettingsTab, link: ConfigLink
) -> None:
    link.text = YAML + "upstreams:\n  cloud: {base_url: https://example.org/v1}\n"
    cloud = UpstreamStatus("cloud", UpstreamKind.OPENAI, "https://example.org/v1", models=("big", "small"))
    tab.show_snapshot(replace(first_snapshot(), upstreams=(cloud,)))
    assert tab.slots.page is not None
    chooser = tab.slots.page.picks["slots", "primary", "fallback"]
    assert not chooser.isHidden()
    offered = chooser.menu().actions()
    assert [action.text() for action in offered] == ["cloud", "cloud/big", "cloud/small"]
    offered[1].trigger()
    offered[0].trigger()
    offered[1].trigger()  # which is there already
    assert await applied(tab, link) == [
        ConfigChange(("slots", "primary", "fallback"), ["cloud/big", "cloud"]),
    ]


async def test_a_model_to_set_up_is_picked_from_those_that_are_here(tab: SettingsTab) -> None:
    here = replace(scenes.QWEN, file="/models/q.gguf")
    tab.show_snapshot(replace(first_snapshot(), models=(here, replace(scenes.GEMMA, file=None))))
    offered = tab.models.pick.menu().actions()
    assert [action.text() for action in offered] == [QWEN], "what has no file is another engine's"
    offered[0].trigger()
    assert tab.models.chosen == QWEN
    assert tab.models.pick.isHidden(), "it is set up now, and nothing else is left"


async def test_a_file_is_chosen_from_the_disk(tab: SettingsTab, link: ConfigLink, tmp_path: Path) -> None:
    assert tab.models.page is not None
    box = tab.models.page.boxes["models", tab.models.chosen, "file"]
    button = box.findChild(FileButton)
    assert button is not None and button.accessibleName() == "Choose a model file"
    button.click()
    dialog = button.window().findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "b.gguf"))
    dialog.reject()
    assert await applied(tab, link) == [
        ConfigChange(("models", tab.models.chosen, "file"), str(tmp_path / "b.gguf"))
    ]


async def test_priority_and_stand_ins_of_a_slot(tab: SettingsTab, link: ConfigLink) -> None:
    link.text = YAML + "upstreams:\n  cloud: {base_url: https://example.org/v1}\n"
    editor(tab, "slots", "primary", "priority").setValue(5)
    type_into(editor(tab, "slots", "primary", "fallback"), "cloud, cloud/big")
    assert await applied(tab, link) == [
        ConfigChange(("slots", "primary", "priority"), 5),
        ConfigChange(("slots", "primary", "fallback"), ["cloud", "cloud/big"]),
    ]
    type_into(editor(tab, "slots", "primary", "fallback"), "clout")
    await applied(tab, link)
    assert "Did you mean “cloud”?" in problem(tab, "slots", "primary", "fallback")


async def test_every_key_has_a_field_within_its_bounds(tab: SettingsTab) -> None:
    """A key has its field as soon as router.config.schema declares it."""
    pages = [tab.general, tab.server, tab.folders, tab.advanced]
    assert {key for page in pages for key in page.boxes} == set(BASIC)
    form = {("slots", "s", name): None for name in keys_of(SlotConfig)}
    shown: dict[str, Any] = {}
    for served in ({}, {"command": "x {port}"}, {"upstream": "a/b"}):
        page = slot_page("s", form | {("slots", "s", name): said for name, said in served.items()})
        shown |= {key[2]: box.editor for key, box in page.boxes.items()}
    assert shown.keys() == keys_of(SlotConfig).keys()
    assert [key[2] for key in model_page("m", {}).boxes] == list(keys_of(ModelConfig))
    for name, row in keys_of(SlotConfig).items():
        if isinstance(row.key.type, Integer | Seconds):
            bounds = shown[name].minimum(), shown[name].maximum()
            assert bounds == (row.key.type.low, row.key.type.high)


async def test_a_slot_that_an_upstream_serves_shows_only_that(qtbot: QtBot) -> None:
    upstream = "upstreams:\n  cloud: {base_url: https://example.org/v1}\n"
    link = ConfigLink(upstream + "slots:\n  far: {upstream: cloud/big}\n")
    tab = SettingsTab(link, login=FakeLogin())  # type: ignore[arg-type]
    qtbot.addWidget(tab)
    tab.show()
    await until_processed(lambda: tab.slots.page is not None)
    assert tab.slots.page is not None
    assert [key[2] for key in tab.slots.page.boxes] == ["kind", "upstream", "fallback"]
    assert editor(tab, "slots", "far", "upstream").text() == "cloud/big"


# -- the file and the router ---------------------------------------------------------------------------------


async def test_a_file_changed_outside_is_read_and_edits_stay(tab: SettingsTab, link: ConfigLink) -> None:
    editor(tab, *QUEUE).setValue(3)
    link.text = YAML.replace("port: 9000", "port: 9001")
    server = ServerStatus(ServerState.RUNNING, port=9001)
    tab.show_snapshot(replace(first_snapshot(), server=server))
    await until_processed(lambda: editor(tab, *PORT).value() == 9001)
    assert editor(tab, *QUEUE).value() == 3
    assert tab.status.text() == "1 unsaved change"


async def test_a_snapshot_with_the_same_server_reads_nothing(tab: SettingsTab, link: ConfigLink) -> None:
    reads = link.reads
    tab.show_snapshot(replace(first_snapshot(), memory=()))
    await asyncio.sleep(0)
    assert link.reads == reads


async def test_a_file_that_cannot_be_read_is_told(qtbot: QtBot, link: ConfigLink) -> None:
    link.text = "server: {prot: 1}"
    tab = SettingsTab(link, login=FakeLogin())  # type: ignore[arg-type]
    qtbot.addWidget(tab)
    tab.show()
    await until_processed(tab.banner.isVisible)
    assert "server.prot" in tab.banner.text()
    assert not tab.server.isEnabled()
    link.text = YAML
    tab.load_config()
    await until_processed(lambda: tab.draft is not None)
    assert tab.banner.isHidden() and tab.server.isEnabled()


async def test_a_file_that_is_not_in_effect_says_so(tab: SettingsTab, link: ConfigLink) -> None:
    told = "hal0.yaml:2: server.port: must be a whole number"
    tab.show_snapshot(replace(first_snapshot(), server=ServerStatus(config_error=told)))
    await until_processed(tab.banner.isVisible)
    assert tab.banner.text() == told
    editor(tab, *QUEUE).setValue(3)
    link.shown = "server: [\n"
    tab.load_config()
    await until_processed(lambda: "has an error; fix it" in tab.banner.text())
    assert tab.status.text() == "1 unsaved change"
    link.shown = None
    tab.show_snapshot(first_snapshot())
    await until_processed(tab.banner.isHidden)
    await applied(tab, link)
    assert tab.status.text() == words.NO_CHANGES


@pytest.mark.parametrize(
    ("error", "told"),
    [(ShuttingDown("hal0 is stopping."), "hal0 is stopping."), (ZeroDivisionError(), words.UNEXPECTED)],
)
async def test_other_failures_lose_nothing(
    tab: SettingsTab, link: ConfigLink, error: Exception, told: str
) -> None:
    editor(tab, *QUEUE).setValue(3)
    link.error = error
    await applied(tab, link)
    assert tab.banner.text() == told
    assert tab.status.text() == "1 unsaved change" and tab.apply.isEnabled()


async def test_ctrl_s_applies(tab: SettingsTab, link: ConfigLink) -> None:
    editor(tab, *QUEUE).setValue(3)
    tab.navigation.setCurrentRow(SERVER)
    tab.activateWindow()
    editor(tab, *HOST).setFocus()
    await until_processed(tab.isActiveWindow)
    QTest.keyClick(editor(tab, *HOST), Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    await until_processed(lambda: link.asked != [])


async def test_the_engine_command_can_be_read_and_copied(tab: SettingsTab) -> None:
    program = '"/opt/llama server"' if sys.platform == "win32" else "'/opt/llama server'"
    command = f"{program} -m /models/q.gguf --port 8101"
    await until_processed(lambda: tab.command.line.toPlainText() == command)
    tab.command.copy.click()
    assert QGuiApplication.clipboard().text() == command
    tab.command.slots.setCurrentIndex(1)
    tab.command.slots.activated.emit(1)
    await until_processed(lambda: tab.command.note.full == words.NO_ENGINE)
    assert not tab.command.copy.isEnabled()


# -- General -------------------------------------------------------------------------------------------------


def test_light_or_dark_is_chosen_at_once(tab: SettingsTab, qtbot: QtBot) -> None:
    """It is of this desktop, not of hal0.yaml: there is nothing to apply."""
    assert tab.general.theme.currentText() == "as the system"
    with qtbot.waitSignal(tab.chosen) as caught:
        QTest.keyClick(tab.general.theme, Qt.Key.Key_Down)
    assert caught.args == [Command(Action.APPEARANCE, value="light")]
    assert tab.status.text() == words.NO_CHANGES


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (30, "30 s"), (90, "90 s"), (600, "10 min"), (5400, "90 min"), (7200, "2 h"), (0.5, "0.5 s"),
     (172800, "2 d")],
)  # fmt: skip
def test_a_duration_is_told_in_the_unit_a_person_would_use(qtbot: QtBot, seconds: float, shown: str) -> None:
    field = DurationField(0, 30 * 86400)
    qtbot.addWidget(field)
    field.show_value(seconds)
    assert field.text() == shown
    assert field.valueFromText(field.text()) == seconds


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("45", 45), ("10 min", 600), ("10m", 600), ("1.5 h", 5400), ("2 d", 172800), ("never", 0)],
)
def test_a_duration_is_typed_as_people_write_it(qtbot: QtBot, typed: str, seconds: float) -> None:
    field = DurationField(0, 30 * 86400, zero="never")
    qtbot.addWidget(field)
    field.show_value(1)
    field.selectAll()
    QTest.keyClicks(field, typed)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.value() == seconds


@pytest.mark.parametrize(
    ("before", "steps", "after"), [(30, 1, 31), (600, 1, 660), (60, -1, 59), (7200, 1, 10800)]
)
def test_a_duration_steps_in_its_unit(qtbot: QtBot, before: int, steps: int, after: int) -> None:
    field = DurationField(0, 30 * 86400)
    qtbot.addWidget(field)
    field.show_value(before)
    field.stepBy(steps)
    assert field.value() == after


async def test_start_at_login_is_off_until_asked(tab: SettingsTab, login: FakeLogin) -> None:
    assert not tab.general.start.isChecked()
    tab.general.start.click()
    assert login.on
    tab.general.start.click()
    assert not login.on
    assert tab.status.text() == words.NO_CHANGES


async def test_a_login_that_cannot_be_changed_says_so(tab: SettingsTab, login: FakeLogin) -> None:
    login.error = PermissionError(13, "Permission denied")
    tab.general.start.click()
    assert not tab.general.start.isChecked()
    assert "Permission denied" in tab.general.start_note.text()
    tab.general.refresh_desktop()
    assert "Permission denied" in tab.general.start_note.text()


@pytest.fixture
def opened() -> Iterator[Opened]:
    made = Opened()
    QDesktopServices.setUrlHandler("file", made, "open")  # type: ignore[arg-type]
    yield made
    QDesktopServices.unsetUrlHandler("file")


async def test_the_file_and_its_folder_are_opened(tab: SettingsTab, opened: Opened) -> None:
    tab.general.open.click()
    tab.general.reveal_file.click()
    file = "/home/me/.config/hal0/hal0.yaml"
    assert opened.urls == [file, Path(file).parent.as_posix()]
    tab.general.copy.click()
    assert QGuiApplication.clipboard().text() == str(Path(file))


async def test_every_field_has_a_name_for_screen_readers(tab: SettingsTab) -> None:
    for page in (tab.server, tab.advanced, tab.folders, tab.slots.page, tab.models.page):
        assert page is not None
        for key, box in page.boxes.items():
            assert box.editor.accessibleName() or box.editor.text(), key


@pytest.mark.parametrize("keys", [0, 2])
async def test_the_address_is_judged_as_it_is_typed(
    tab: SettingsTab, keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 47: not an address, this computer only, or open to others."""
    monkeypatch.setattr("app.window.settings_exchange.resolves", lambda name: name == "nas")
    while len(removers := editor(tab, *API_KEYS).lines.removers) > keys:
        removers[0].click()
    box = tab.server.boxes[HOST]
    open_to_all = "" if keys else words.LAN_NEEDS_KEY
    for typed, told, hint in (
        ("127.0.0.2", "", words.HOST_HERE),
        ("nonsense", "“nonsense” is not an address of this computer.", words.HOST_HINT),
        (
            "127.0.0.1:80",
            "Only the address belongs here, without http:// and without the port.",
            words.HOST_HINT,
        ),
        ("0.0.0.0", open_to_all, words.HOST_NETWORK),
        ("", "The address is missing: use 127.0.0.1 for this computer only.", words.HOST_HINT),
    ):
        type_into(box.editor, typed)
        assert (box.problem.text(), box.hint.text()) == (told, hint), typed
    type_into(box.editor, "nas")
    await until_processed(lambda: box.hint.text() == words.HOST_NETWORK)
    type_into(box.editor, "gone.example")
    await until_processed(lambda: "not an address" in box.problem.text())


# -- every way to change a setting (row 39) ------------------------------------------------------------------


def _type(field: Any) -> None:
    type_into(field, "a1")


def _type_here(field: Any) -> None:
    QTest.keyClicks(field, "{}")


def _step(field: Any) -> None:
    field.stepBy(1)


def _type_number(field: Any) -> None:
    type_into(field.lineEdit(), "77")


def _arrow(field: Any) -> None:
    keys = Qt.Key
    QTest.keyClick(field, keys.Key_Down if field.currentIndex() < field.count() - 1 else keys.Key_Up)


def _tick_one(field: AllowedField) -> None:
    field.every.click()
    field.list.item(0).setCheckState(Qt.CheckState.Unchecked)


def _edit_cell(field: FlagsField) -> None:
    field.setCurrentCell(field.rowCount() - 1, 0)
    QTest.keyClicks(field.focusWidget() or field, "mlock")  # and the cell is not left


def _delete_row(field: FlagsField) -> None:
    field.setCurrentCell(0, 0)
    QTest.keyClick(field, Qt.Key.Key_Delete)


def _add_key(field: KeysField) -> None:
    type_into(field.new, "another-key")
    field.add.click()


GESTURES: dict[type, tuple[Callable[[Any], object], ...]] = {
    TextField: (_type, lambda field: QTest.keyClick(field, Qt.Key.Key_Space) or _type(field)),
    NamesField: (_type,),
    SetsField: (_type,),
    NumberField: (_step, _type_number),
    DurationField: (_step, _type_number),
    PortsField: (lambda field: _step(field.first), lambda field: _type_number(field.last)),
    CheckField: (lambda field: field.click(), lambda field: QTest.keyClick(field, Qt.Key.Key_Space)),
    ChoiceField: (_arrow,),
    JsonField: (_type_here, lambda field: field.clear() or _type_here(field)),
    AllowedField: (lambda field: field.every.click(), _tick_one),
    FlagsField: (_edit_cell, _delete_row),
    FoldersField: (
        lambda field: field._on_chosen(["/another/folder"]),
        lambda field: field.lines.removers[0].click(),
    ),
    KeysField: (
        lambda field: field.generate.click(),
        lambda field: type_into(field.new, "another-key"),
        _add_key,
        lambda field: field.lines.removers[1].click(),
    ),
}


def every_editor(tab: SettingsTab) -> list[tuple[Key, Any]]:
    pages = (tab.general, tab.server, tab.advanced, tab.folders, tab.slots.page, tab.models.page)
    return [(key, box.editor) for page in pages if page is not None for key, box in page.boxes.items()]


@pytest.mark.parametrize("gesture", range(4))
async def test_every_change_counts_by_whatever_means(tab: SettingsTab, link: ConfigLink, gesture: int) -> None:
    """Row 39: unsaved, Apply enabled, Discard brings it back, Apply writes it; for every editor there is."""
    tab.models.choose("qwen")
    tried = 0
    for key, _ in every_editor(tab):
        ways = GESTURES[type(dict(every_editor(tab))[key])]
        if gesture >= len(ways):
            continue
        tried += 1
        assert tab.draft is not None
        before = tab.draft.form[key]
        for _ in range(2):
            ways[gesture](dict(every_editor(tab))[key])
            assert tab.status.text() == "1 unsaved change", key
            assert tab.apply.isEnabled() and tab.discard.isEnabled(), key
            assert tab.draft.form[key] != before
            changed = tab.draft.form[key]
            tab.discard.click()
            assert tab.status.text() == words.NO_CHANGES and tab.draft.form[key] == before, key
            assert not tab.apply.isEnabled()
            link.asked.clear()
        tab.exchange.put(key, changed)
        assert tab.draft.problems() or tab.draft.changes(), key
        tab.discard.click()
    assert tried


async def test_a_generated_key_closes_the_door_without_another_button(
    tab: SettingsTab, link: ConfigLink
) -> None:
    """Row 39."""
    keys = editor(tab, *API_KEYS)
    keys.generate.click()
    made = keys.new.text()
    assert (await applied(tab, link))[0].value == ["env:HAL0_KEY", SECRET, made]
    assert tab.status.text() == words.NO_CHANGES
    assert keys.new.text() == "" and len(keys.lines.removers) == 3
    keys.generate.click()
    type_into(keys.new, made)
    assert problem(tab, *API_KEYS) == words.KEY_TWICE


async def test_a_name_that_was_typed_is_added_by_apply(tab: SettingsTab, link: ConfigLink) -> None:
    """Row 39: not lost without a word because Add was not pressed."""
    type_into(tab.slots.new, "coder")
    assert tab.status.text() == "1 unsaved change" and tab.apply.isEnabled()
    assert await applied(tab, link) == [ConfigChange(("slots", "coder"), {"kind": "chat"})]
    type_into(tab.slots.new, "two words")
    tab.apply.click()
    assert tab.slots.note.text() == words.BAD_SLOT_NAME and tab.navigation.currentRow() == SLOT_PAGE
    tab.discard.click()
    assert tab.status.text() == words.NO_CHANGES and tab.slots.new.text() == ""


def test_settings_without_words_of_their_own_stand_below_what_they_are_of(qtbot: QtBot) -> None:
    """`keep` says nothing by itself."""
    page = advanced_page()
    qtbot.addWidget(page)
    above: dict[tuple[str, ...], str] = {}
    heading = ""
    for row in range(page.rows.rowCount()):
        if (whole := page.rows.itemAt(row, QFormLayout.ItemRole.SpanningRole)) is not None:
            line = whole.widget()
            heading = line.text() if line.property("title") else heading
        elif isinstance(box := page.rows.itemAt(row, QFormLayout.ItemRole.FieldRole).widget(), FieldBox):
            above[next(key for key, known in page.boxes.items() if known is box)] = heading
    assert above["activity", "keep"] == "Activity"
    assert above["conversations", "keep"] == "Conversations"
    assert above["read_ahead", "when_idle"] == "Read ahead"
    assert above[WAIT] == ""
    assert set(above) == set(page.boxes)
