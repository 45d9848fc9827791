"""`--json`: every command that shows something has it, and says the same as for people."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import cli
from tests.app.stub_hal0 import StubHal0

DOES = {
    *("tray", "serve", "switch", "unload", "cancel", "cut", "wait", "wake", "reload", "forget", "completion"),
    *("engine install", "engine use", "engine rollback", "engine remove", "model rm", "upstream key"),
    *("service install", "service remove"),
}
"""What does something and says that in a line."""


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        yield name, parser
    for group in groups:
        for word, inner in group.choices.items():
            yield from commands(inner, f"{name} {word}".strip())


def test_every_command_that_shows_something_can_be_read_by_programs() -> None:
    readable = {name for name, parser in commands(cli._parser()) if "--json" in parser._option_string_actions}
    every = {name for name, _ in commands(cli._parser())}
    assert every >= DOES and readable == every - DOES


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    out, err = capsys.readouterr()
    assert err == "" and out.count("\n") == 1
    return json.loads(out)


def test_status_is_the_state_as_the_api_has_it(
    home: Path, stub: StubHal0, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["status", "--json", "--url", stub.url]) == 0
    state = told(capsys)
    assert (state["server"]["state"], state["slots"][0]["model"]) == ("running", "alpha")


def test_the_clients_and_which_are_connected(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["connect", "--json"]) == 0
    clients = {row["client"]: row for row in told(capsys)["clients"]}
    assert clients["cline"] == {"client": "cline", "connected": False, "settings": None}
    assert clients["aider"]["settings"].endswith(".aider.conf.yml")


def test_logs_are_lines(home: Path, stub: StubHal0, capsys: pytest.CaptureFixture[str]) -> None:
    stub.answers["/api/slots/primary/logs"] = (200, {"lines": ["one", "two"]})
    assert cli.main(["logs", "primary", "--json", "--url", stub.url]) == 0
    assert told(capsys) == {"slot": "primary", "lines": ["one", "two"]}


def test_the_engines_and_the_one_in_use(
    home: Path, llama_server: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAL0_LLAMA_SERVER", str(llama_server))
    assert cli.main(["engine", "list", "--json"]) == 0
    first, *_ = told(capsys)
    assert first["in_use"] and first["path"] == str(llama_server)
    assert cli.main(["engine", "path", "--json"]) == 0
    assert told(capsys) == {name: first[name] for name in ("path", "source", "version", "build")}


def test_check_tells_each_problem_with_its_line(
    home: Path, llama_server: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAL0_LLAMA_SERVER", str(llama_server))
    assert cli.main(["check", "--json"]) == 0
    fine = told(capsys)
    assert (fine["exists"], fine["usable"], fine["slots"], fine["problems"]) == (True, True, 1, [])
    (home / "hal0.yaml").write_text("model_dirs: []\nslots:\n  primary: {kindd: chat}\n")
    assert cli.main(["check", "--json"]) == 1
    broken = told(capsys)
    (problem,) = broken["problems"]
    assert (broken["usable"], problem["line"], problem["suggestion"]) == (False, 3, "kind")


def test_a_service_that_does_not_run_is_1(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("app.commands.service.unavailable", lambda: None)
    monkeypatch.setattr("app.commands.service._systemctl", lambda *_arguments: "inactive")
    assert cli.main(["service", "status", "--json"]) == 1
    assert told(capsys) == {"running": False, "at_login": False}
