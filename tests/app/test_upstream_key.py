"""`hal0 upstream key`: from a prompt or a pipe into the keyring, and never onto a screen or a command line."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from app import cli
from router.upstreams.keys import SERVICE
from tests.fixtures_keyring import KeyringStorage

KEY = "sk-secret-0123456789"
HAL0 = str(Path(sys.executable).parent / "hal0")


def run(monkeypatch: pytest.MonkeyPatch, typed: str, name: str = "openrouter") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return cli.main(["upstream", "key", name])


def test_a_piped_key_is_stored(
    keyring_storage: KeyringStorage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, f"{KEY}\n") == 0
    assert keyring_storage.held == {(SERVICE, "openrouter"): KEY}
    out, err = capsys.readouterr()
    assert "api_key: keyring:openrouter" in out and KEY not in out + err


@pytest.mark.parametrize(
    ("typed", "name", "code", "words"),
    [
        ("", "x", 1, "No key was given"),
        ("  \n", "x", 1, "No key was given"),
        (f"{KEY} {KEY}\n", "x", 1, "holds spaces or signs"),
        (f"{KEY}\n", "x y", 2, "NAME may only hold"),
    ],
)
def test_what_is_no_key_is_not_stored(
    keyring_storage: KeyringStorage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    name: str,
    code: int,
    words: str,
) -> None:
    assert run(monkeypatch, typed, name) == code
    out, err = capsys.readouterr()
    assert words in err and KEY not in out + err and keyring_storage.held == {}


def test_a_typed_key_is_not_shown_and_without_a_keyring_it_says_so() -> None:
    """A real terminal, and keyring's own backend for computers without a keyring."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    argv = [HAL0, "upstream", "key", "openrouter"]
    process = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    try:
        while b"Key for" not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, f"{KEY}\n".encode())
        assert process.wait(20) == 1
        with contextlib.suppress(OSError):  # Linux's way of telling that the other end is closed
            while more := os.read(ours, 1000):
                shown += more
    finally:
        process.kill()
        process.wait(20)
        os.close(ours)
    assert KEY.encode() not in shown
    assert b"no keyring that hal0 can use; use env:NAME" in shown
