from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PySide6.QtWidgets import QApplication

from app.views.client_key import NO_KEY, UNKNOWN, ClientKey, key_of
from app.views.connect import Client, recipe
from app.views.menu import Action, Command, menu_spec
from app.window.main import MainWindow
from router.config.change import ConfigDocument
from router.config.hidden import hide_keys
from router.config.load import parse_text
from tests.app import scenes
from tests.app.fake_service import StoreLink
from tests.app.running import run_qt
from tests.app.scenes import PRIMARY, lan, ready

URL = "http://127.0.0.1:8080/v1"


def test_the_url_is_the_url_and_nothing_else() -> None:
    assert recipe(Client.URL, ready()).paste == URL


def test_curl_is_one_command_a_shell_reads_as_meant() -> None:
    argv = shlex.split(recipe(Client.CURL, ready(), "coder").paste)
    assert argv[:2] == ["curl", f"{URL}/chat/completions"]
    assert json.loads(argv[argv.index("-d") + 1])["model"] == "coder"


def test_python_is_a_program_that_compiles_and_names_the_endpoint() -> None:
    source = recipe(Client.PYTHON, ready()).paste
    compile(source, "snippet", "exec")
    assert f'base_url="{URL}"' in source
    assert 'model="primary"' in source


def test_continue_is_yaml_in_its_own_schema() -> None:
    (entry,) = yaml.safe_load(recipe(Client.CONTINUE, ready(), "coder").paste)["models"]
    assert (entry["provider"], entry["model"], entry["apiBase"]) == ("openai", "coder", URL)
    assert entry["apiKey"]


@pytest.mark.parametrize("client", [Client.HERMES, Client.CLINE])
def test_fields_name_endpoint_and_slot(client: Client) -> None:
    shown = recipe(client, ready(), "coder")
    assert URL in shown.paste
    assert "coder" in shown.paste
    assert shown.steps


def test_open_webui_finds_the_models_itself() -> None:
    shown = recipe(Client.OPEN_WEBUI, ready())
    assert shown.paste.splitlines() == [f"URL:     {URL}", "API Key: hal0"]
    assert "host.docker.internal" in shown.steps


def test_hermes_is_warned_of_a_context_it_refuses() -> None:
    assert "64,000" in recipe(Client.HERMES, ready()).warning
    roomy = replace(ready(), slots=(replace(PRIMARY, context_length=65536),))
    assert recipe(Client.HERMES, roomy).warning == ""
    assert recipe(Client.CLINE, ready()).warning == ""


def test_an_unloaded_slot_is_judged_by_the_model_it_will_load() -> None:
    unloaded = replace(PRIMARY, state=scenes.SlotState.UNLOADED, context_length=None)
    assert "32,768" in recipe(Client.HERMES, replace(ready(), slots=(unloaded,))).warning


def test_on_a_network_the_key_has_to_be_filled_in() -> None:
    for client in (Client.CURL, Client.PYTHON, Client.CONTINUE, Client.CLINE, Client.HERMES):
        shown = recipe(client, lan())
        assert "YOUR-HAL0-KEY" in shown.paste
        assert "YOUR-HAL0-KEY" in shown.warning
    assert recipe(Client.URL, lan()).paste == URL


def test_without_a_slot_for_chats_that_is_said() -> None:
    assert "There is no chat slot" in recipe(Client.CURL, scenes.empty()).warning


def document(server: str) -> ConfigDocument:
    text = f"server: {server}\n"
    variables = {"HAL0_KEY": "from-the-environment"}
    config = parse_text(text, Path("hal0.yaml"), environment=variables).config
    return ConfigDocument(Path("hal0.yaml"), True, hide_keys(text), config)


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ("{}", NO_KEY),
        ("{api_keys: []}", NO_KEY),
        ("{api_keys: [abc-secret-1]}", ClientKey("abc-secret-1", needed=True, secret=True)),
        ("{api_keys: [env:HAL0_KEY, abc-secret-1]}", ClientKey("abc-secret-1", needed=True, secret=True)),
        ("{api_keys: [env:HAL0_KEY]}", ClientKey("VALUE-OF-HAL0_KEY", needed=True, variable="HAL0_KEY")),
    ],
)
def test_the_key_a_client_needs(server: str, key: ClientKey) -> None:
    """Row 38."""
    assert key_of(document(server)) == key


def test_keys_that_another_process_does_not_tell_are_asked_for() -> None:
    """Row 38: over HTTP the keys stay where they are (router.wire.config)."""
    told = document("{api_keys: [abc-secret-1]}")
    remote = replace(told, config=replace(told.config, server=replace(told.config.server, api_keys=())))
    assert key_of(remote) == UNKNOWN
    assert key_of(replace(told, text="server: [")) == UNKNOWN


@pytest.mark.parametrize("client", [client for client in Client if client is not Client.URL])
def test_a_key_is_copied_but_not_shown(client: Client) -> None:
    """Row 38."""
    key = ClientKey("hal0-secret-1234567890", needed=True, secret=True)
    found = recipe(client, ready(), key=key)
    assert key.value in found.paste and key.value not in found.shown
    assert found.shown.count("\n") == found.paste.count("\n")
    assert "YOUR" not in found.paste + found.warning


@pytest.mark.parametrize("client", [client for client in Client if client is not Client.URL])
def test_a_key_in_the_environment_is_pointed_at(client: Client) -> None:
    """Row 38."""
    key = ClientKey("VALUE-OF-HAL0_KEY", needed=True, variable="HAL0_KEY")
    found = recipe(client, ready(), key=key)
    assert "HAL0_KEY" in found.paste and "HAL0_KEY" in found.warning


def test_on_windows_curl_is_one_line_for_its_shells() -> None:
    paste = recipe(Client.CURL, lan(), key=ClientKey("a b", needed=True, secret=True), windows=True).paste
    assert "\n" not in paste and "'" not in paste
    assert '"Authorization: Bearer a b"' in paste and '{\\"model\\": ' in paste


def test_the_tray_connects_every_client() -> None:
    (row,) = (row for row in menu_spec(ready(), 0.0).rows if row.key == "connect")
    assert [entry.command for entry in row.rows] == [Command(Action.CONNECT, value=c.value) for c in Client]


def test_what_the_tray_asks_for_is_copied_or_shown(qapp: QApplication) -> None:
    async def scene() -> None:
        window, chosen = MainWindow(StoreLink(ready())), list[Command]()
        window.chosen.connect(chosen.append)
        window.connect_client(Client.URL.value)
        assert chosen == [Command(Action.COPY_TEXT, value=URL)] and not window.isVisible()
        window.connect_client(Client.CODEX.value)
        assert window.isVisible() and window.connect_dialog is not None
        assert 'model_provider = "hal0"' in window.connect_dialog.paste.toPlainText()
        window.connect_dialog.close()
        window.end()

    run_qt(qapp, scene())
