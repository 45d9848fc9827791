from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
import yaml

from app.connect import Client, recipe
from tests.app import scenes
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
    assert "No slot is for chats" in recipe(Client.CURL, scenes.empty()).warning
