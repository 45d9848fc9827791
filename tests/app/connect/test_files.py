"""Clients' files on a disk: the change is shown, written in one step with a backup, and taken back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import yaml

from app.connect.change import CannotConnect
from app.connect.files import BACKUP, plan, plan_undo, undo, write
from app.connect.record import FILE, Record
from app.views.client_files import ClientFile, Locations, files_of
from app.views.client_key import NO_KEY, ClientKey
from app.views.clients import Client

BASE = "http://127.0.0.1:8080"
MINE = "# mine\nmodel: sonnet  # dear\ndark-mode: true\n"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    (tmp_path / "state").mkdir()
    return Record(tmp_path / "state")


def wanted(
    home: Path, client: Client = Client.AIDER, model: str = "primary", key: ClientKey = NO_KEY
) -> tuple[ClientFile, ...]:
    return files_of(client, BASE, model, key, Locations(home, {}, "linux"))


def test_a_file_comes_back_byte_for_byte(tmp_path: Path, record: Record) -> None:
    file = tmp_path / ".aider.conf.yml"
    file.write_text(MINE)
    file.chmod(0o640)
    planned = plan(wanted(tmp_path))
    assert "-model: sonnet  # dear" in planned[0].diff() and f"+openai-api-base: {BASE}/v1" in planned[0].diff()
    assert file.read_text() == MINE, "a plan writes nothing"
    write("aider", planned, record)
    backup = file.with_name(file.name + BACKUP)
    assert backup.read_text() == MINE and stat.S_IMODE(file.stat().st_mode) == 0o640
    assert plan(wanted(tmp_path)) == ()
    write("aider", plan(wanted(tmp_path, model="coder")), record)
    assert yaml.safe_load(file.read_text())["model"] == "openai/coder" and backup.read_text() == MINE
    undo("aider", plan_undo("aider", record), record)
    assert file.read_text() == MINE and not backup.exists() and record.read() == {}
    assert plan_undo("aider", record) == ()


def test_a_file_that_hal0_made_goes_again(tmp_path: Path, record: Record) -> None:
    write("codex", plan(wanted(tmp_path, Client.CODEX)), record)
    file = tmp_path / ".codex" / "config.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    undo("codex", plan_undo("codex", record), record)
    assert not file.exists()


def test_what_was_added_meanwhile_stays(tmp_path: Path, record: Record) -> None:
    file = tmp_path / ".aider.conf.yml"
    file.write_text(MINE)
    write("aider", plan(wanted(tmp_path)), record)
    write("aider", plan(wanted(tmp_path, model="coder")), record)
    file.write_text(file.read_text().replace("dark-mode: true", "dark-mode: false") + "vim: true\n")
    undo("aider", plan_undo("aider", record), record)
    assert file.read_text() == "# mine\nmodel: sonnet  # dear\ndark-mode: false\nvim: true\n"


def test_a_link_stays_a_link(tmp_path: Path, record: Record) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "aider.yml"
    real.write_text(MINE)
    link = tmp_path / ".aider.conf.yml"
    link.symlink_to(real)
    write("aider", plan(wanted(tmp_path)), record)
    assert link.is_symlink() and BASE in real.read_text()


def test_no_key_is_shown_or_kept(tmp_path: Path, record: Record) -> None:
    key = ClientKey("very-secret-key-0123", needed=True, secret=True)
    planned = plan(wanted(tmp_path, Client.CLAUDE_CODE, key=key))
    shown = planned[0].diff(key.value, "••••")
    assert key.value not in shown and "••••" in shown
    write("claude-code", planned, record)
    assert key.value not in (tmp_path / "state" / FILE).read_text()
    keys = tmp_path / ".config" / "io.datasette.llm" / "keys.json"
    keys.parent.mkdir(parents=True)
    keys.write_text('{\n  "mistral": "somebodys-own"\n}\n')
    (tmp_path / ".aider.conf.yml").write_text("openai-api-key: sk-my-own-0123456789\n")
    for client in (Client.LLM, Client.AIDER):
        for change in plan(wanted(tmp_path, client, key=key)):
            shown = change.diff(key.value, "••••")
            assert "somebodys-own" not in shown and "sk-my-own" not in shown and key.value not in shown


def test_a_file_that_cannot_be_changed_is_left_and_said(tmp_path: Path) -> None:
    folder = tmp_path / ".continue"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with pytest.raises(CannotConnect, match="would be read no more beside a new config"):
        plan(wanted(tmp_path, Client.CONTINUE))
    broken = "models: [unclosed\n"
    (folder / "config.yaml").write_text(broken)
    with pytest.raises(CannotConnect, match="was left as it is: it cannot be read"):
        plan(wanted(tmp_path, Client.CONTINUE))
    assert (folder / "config.yaml").read_text() == broken
    (folder / "config.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(CannotConnect, match="cannot be read \\(it is not UTF-8\\)"):
        plan(wanted(tmp_path, Client.CONTINUE))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="who may write everything is refused nothing")
def test_a_folder_nobody_may_write_to_is_told(tmp_path: Path, record: Record) -> None:
    (tmp_path / ".codex").mkdir(mode=0o500)
    with pytest.raises(CannotConnect, match="cannot be written"):
        write("codex", plan(wanted(tmp_path, Client.CODEX)), record)


@pytest.mark.parametrize("content", ["", "[]", '{"aider": [{}]}', '{"aider": 3}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, record: Record, content: str) -> None:
    (tmp_path / "state" / FILE).write_text(content)
    assert record.read() == {}
