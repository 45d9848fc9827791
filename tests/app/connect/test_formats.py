"""Real files of each client: connected, with everything of the person's kept, and taken back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.connect import jsonc
from app.connect.change import CannotConnect
from app.connect.formats import connected, taken_back
from app.views.client_files import WRITTEN, ClientFile, Format, Locations, Setting, files_of
from app.views.client_key import NO_KEY, ClientKey
from app.views.clients import Client

BASE = "http://127.0.0.1:8080"
HERMES = """\
# Hermes, set up in spring
model:
  default: anthropic/claude-opus   # dear
  provider: openrouter
terminal:
  backend: local   # never docker
"""
CONTINUE = """\
name: Mine
version: 0.0.1
schema: v1
models:
  # the one at work
  - name: Work
    provider: anthropic
    model: claude
    apiKey: ${{ secrets.KEY }}
rules:
  - Be brief.   # please
"""
AIDER = """\
# Sample .aider.conf.yml
## Specify the model to use for the main chat
#model: xxx
dark-mode: true
read: [CONVENTIONS.md]  # always
"""
LLM = """\
# extra models
- model_id: work   # mine
  model_name: gpt
  api_base: https://work.example/v1
"""
CODEX = """\
model = "gpt-5"  # the big one

[projects."/home/me"]
trust_level = "trusted"
"""
OPENCODE = """\
{
  "$schema": "https://opencode.ai/config.json",
  // the agent at work
  "provider": {
    "anthropic": {} // key from the environment
  }
}
"""
CLAUDE = """\
{
  "permissions": {"allow": ["Bash(ls:*)"]},
  "env": {"ANTHROPIC_MODEL": "opus"}
}
"""
TEXTS = {
    **{Client.HERMES: HERMES, Client.CONTINUE: CONTINUE, Client.AIDER: AIDER, Client.LLM: LLM},
    **{Client.CODEX: CODEX, Client.OPENCODE: OPENCODE, Client.CLAUDE_CODE: CLAUDE},
}
COMMENTS = ("#", "//")


def file_of(client: Client, model: str = "primary", key: ClientKey = NO_KEY) -> ClientFile:
    return files_of(client, BASE, model, key, Locations(Path("/home/me"), {}, "linux"))[0]


def read(text: str, kind: Format) -> Any:
    return {Format.YAML: yaml.safe_load, Format.JSON: jsonc.parse, Format.TOML: tomllib.loads}[kind](text)


@pytest.mark.parametrize("client", WRITTEN)
def test_what_a_person_wrote_stays_and_all_of_it_comes_back(client: Client) -> None:
    before, file = TEXTS[client], file_of(client)
    text, changes = connected(before, file.format, file.wanted)
    assert BASE in text
    for line in before.splitlines():
        if any(sign in line for sign in COMMENTS):
            assert line.partition("#")[2] in text and line.partition("//")[2] in text
    again, _ = connected(text, file.format, file.wanted)
    assert again == text, "nothing is written twice"
    back, stays = taken_back(text, file.format, changes)
    assert read(back, file.format) == read(before, file.format) and stays == ()


@pytest.mark.parametrize("client", WRITTEN)
def test_a_file_that_is_not_there_is_made_and_understood(client: Client) -> None:
    file = file_of(client)
    text, changes = connected("", file.format, (*file.head, *file.wanted))
    read(text, file.format)
    back, _ = taken_back(text, file.format, changes)
    assert not read(back, file.format)


def test_each_client_is_told_address_and_slot() -> None:
    def of(client: Client) -> Any:
        file = file_of(client, "coder")
        return read(connected(TEXTS[client], file.format, file.wanted)[0], file.format)

    hermes = of(Client.HERMES)["model"]
    assert hermes == {"default": "coder", "provider": "custom", "base_url": f"{BASE}/v1", "api_key": "hal0"}
    work, ours = of(Client.CONTINUE)["models"]
    assert (work["name"], ours["apiBase"], ours["model"]) == ("Work", f"{BASE}/v1", "coder")
    opencode = of(Client.OPENCODE)
    assert opencode["model"] == "hal0/coder" and list(opencode["provider"]) == ["anthropic", "hal0"]
    assert of(Client.AIDER)["model"] == "openai/coder"
    assert [entry["model_name"] for entry in of(Client.LLM)] == ["gpt", "coder"]
    codex = of(Client.CODEX)
    assert (codex["model"], codex["model_provider"]) == ("coder", "hal0")
    assert codex["model_providers"]["hal0"]["wire_api"] == "responses"
    claude = of(Client.CLAUDE_CODE)["env"]
    assert claude["ANTHROPIC_BASE_URL"] == BASE, "its own path is added to it"
    assert set(claude.values()) == {BASE, "hal0", "coder"}


def test_a_key_that_is_needed_is_written_where_it_is_read() -> None:
    key = ClientKey("secret-1", needed=True, secret=True)
    for client in WRITTEN:
        files = files_of(client, BASE, "primary", key, Locations(Path("/home/me"), {}, "linux"))
        assert any("secret-1" in str(file.wanted) for file in files), client
    models, keys = files_of(Client.LLM, BASE, "primary", key, Locations(Path("/home/me"), {}, "linux"))
    assert "api_key_name" in str(models.wanted) and "secret-1" not in str(models.wanted)
    assert keys.names == ("keys.json",)


@pytest.mark.parametrize(
    ("system", "environment", "client", "folder"),
    [
        ("linux", {}, Client.LLM, "/home/me/.config/io.datasette.llm"),
        ("darwin", {}, Client.LLM, "/home/me/Library/Application Support/io.datasette.llm"),
        ("linux", {"LLM_USER_PATH": "/l"}, Client.LLM, "/l"),
        ("linux", {"HERMES_HOME": "/h"}, Client.HERMES, "/h"),
        ("linux", {"CODEX_HOME": "/c"}, Client.CODEX, "/c"),
        ("linux", {"CLAUDE_CONFIG_DIR": "/d"}, Client.CLAUDE_CODE, "/d"),
        ("linux", {"XDG_CONFIG_HOME": "/x"}, Client.OPENCODE, "/x/opencode"),
    ],
)
def test_files_are_looked_for_where_the_client_looks(
    system: str, environment: dict[str, str], client: Client, folder: str
) -> None:
    (file,) = files_of(client, BASE, "primary", NO_KEY, Locations(Path("/home/me"), environment, system))
    assert file.folder == Path(folder)


def test_what_somebody_changed_since_stays() -> None:
    file = file_of(Client.HERMES)
    text, changes = connected(HERMES, file.format, file.wanted)
    text = text.replace("default: primary", "default: coder")
    back, stays = taken_back(text, file.format, changes)
    assert stays == ("model.default",)
    assert yaml.safe_load(back)["model"] == {"default": "coder", "provider": "openrouter"}


@pytest.mark.parametrize(
    ("text", "kind", "setting"),
    [
        ("model: gpt\n", Format.YAML, Setting(("model", "default"), "x")),
        ("models: {a: 1}\n", Format.YAML, Setting(("models",), {"name": "x"}, "name")),
        ("a: [1\n", Format.YAML, Setting(("b",), 1)),
        ("a = { b = 1 }\n", Format.TOML, Setting(("a", "c"), {"d": 1})),
        ('t = """\nmodel = "no"\n"""\n', Format.TOML, Setting(("model",), "x")),
        ('{"env": 1}', Format.JSON, Setting(("env", "X"), "x")),
        ("[1]", Format.JSON, Setting(("env",), "x")),
        ("base: &b {x: 1}\nmodel: *b\n", Format.YAML, Setting(("model", "x"), 2)),
    ],
)
def test_what_cannot_be_written_without_loss_is_refused(text: str, kind: Format, setting: Setting) -> None:
    with pytest.raises(CannotConnect):
        connected(text, kind, (setting,))


@pytest.mark.parametrize("client", WRITTEN)
def test_the_line_ends_of_windows_stay(client: Client) -> None:
    before, file = TEXTS[client].replace("\n", "\r\n"), file_of(client)
    text, changes = connected(before, file.format, file.wanted)
    assert text.count("\r\n") == text.count("\n") >= before.count("\n") and BASE in text
    back, _ = taken_back(text, file.format, changes)
    assert back.count("\r\n") == back.count("\n")


def test_a_snippet_says_the_same_as_the_file() -> None:
    from app.views.client_files import snippet

    for client in WRITTEN:
        file = file_of(client)
        written, _ = connected("", file.format, file.wanted)
        assert read(snippet((file,)), file.format) == read(written, file.format)
    assert json.loads(snippet((file_of(Client.OPENCODE),)))["model"] == "hal0/primary"
