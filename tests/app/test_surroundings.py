"""Row 26: whatever hal0 is started in, every command ends with a sentence and a code, never a traceback.

One table of all commands, taken from the parser itself; the surroundings are real ones of a real process, but
for an account without an entry in the system's list, which only another user could be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import _parser

WORDS = {
    **{"slot": "primary", "model": "m", "version": "nope", "reference": "org/repo", "name": "key"},
    **{"client": "aider", "words": "qwen", "files": "nothing.yaml", "shell": "bash"},
}
NEEDS_NO_HOME = ("service", "upstream", "completion")
_FOLDERS = ("DATA", "STATE", "CACHE", "CONFIG")
ROOT = Path(__file__).resolve().parents[2]
NOBODY = """
import os, pwd, sys
def gone(*_): raise KeyError("getpwuid(): uid not found")
pwd.getpwuid = gone
os.environ.pop("HOME", None)
from app.cli import main
sys.exit(main(sys.argv[1:]))
"""


def every_command(parser: argparse.ArgumentParser, *before: str) -> Iterator[tuple[str, ...]]:
    """Each with words for what it needs."""
    actions = parser._actions
    below = next((a for a in actions if isinstance(a, argparse._SubParsersAction)), None)
    if below is None:
        yield *before, *(WORDS.get(action.dest, "m") for action in actions if not action.option_strings)
        return
    for name, child in below.choices.items():
        yield from every_command(child, *before, name)


# What runs until it is told to stop, or changes the person's own systemd or keyring, or asks the network.
ENDLESS = {("tray",), ("serve",)}
OUTSIDE = {
    ("model", "pull"),
    ("model", "search"),
    ("engine", "install"),
    ("service", "install"),
    ("service", "remove"),
}
COMMANDS = list(every_command(_parser()))
SAFE = [words for words in COMMANDS if words not in ENDLESS and words[:2] not in OUTSIDE]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HAL0_LLAMA_SERVER") if name in os.environ}
    (tmp_path / "hal0.yaml").write_text("server: {port: 1}\nmodel_dirs: []\n")
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in _FOLDERS}
    return {**kept, **folders, "HOME": str(tmp_path), "HAL0_CONFIG": str(tmp_path / "hal0.yaml")}


def run(words: tuple[str, ...], env: dict[str, str], shell: str = '"$@"', program: str = "") -> str:
    """What it wrote; `shell` wraps the command as a person would."""
    hal0 = [sys.executable, "-c", program] if program else [sys.executable, "-m", "app"]
    done = subprocess.run(
        ["bash", "-c", f"{shell}; echo rc=$?", "-", *hal0, *words],
        env=env, cwd=ROOT, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def test_every_command_is_in_the_table() -> None:
    assert len(COMMANDS) >= 21 and ("status",) in SAFE and ("engine", "use", "nope") in SAFE


@pytest.mark.parametrize("words", [w for w in COMMANDS if w[0] not in NEEDS_NO_HOME], ids=" ".join)
def test_without_a_home_it_says_so(words: tuple[str, ...], environment: dict[str, str]) -> None:
    for name in [name for name in environment if name.startswith("XDG_") or name == "HAL0_CONFIG"]:
        del environment[name]
    said = run(words, environment, program=NOBODY)
    assert "rc=1" in said and "has no home folder" in said and "Traceback" not in said, said


@pytest.mark.parametrize("words", SAFE, ids=" ".join)
def test_however_its_streams_are_left_to_it(words: tuple[str, ...], environment: dict[str, str]) -> None:
    """Closed, full, a pipe whose reader has gone, an encoding without hal0's characters, no folder to write."""
    for shell in ('"$@" >&-', '"$@" <&- >&- 2>&-', '"$@" | true', '"$@" >/dev/full'):
        said = run(words, environment, shell)
        assert "Traceback" not in said and "Exception ignored" not in said and "rc=" in said, (shell, said)
    ascii_only = {**environment, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    assert "Traceback" not in run(words, ascii_only)


@pytest.mark.parametrize("words", SAFE, ids=" ".join)
def test_wherever_its_folders_are(words: tuple[str, ...], environment: dict[str, str], tmp_path: Path) -> None:
    """A file in their place, folders that nobody may make, a relative one."""
    (tmp_path / "file").touch()
    for where in (str(tmp_path / "file"), "/proc/none", "relative")[: 3 if words == ("check",) else 2]:
        odd = {name: where if name.startswith("XDG_") else value for name, value in environment.items()}
        said = run(words, {**odd, "HOME": where or str(tmp_path)})
        assert "Traceback" not in said and "rc=" in said, (where, said)
    assert not (ROOT / "relative").exists() and not (ROOT / "~").exists()


def test_serve_without_a_folder_is_a_sentence(environment: dict[str, str]) -> None:
    odd = {name: "/proc/none" if name.startswith("XDG_") else value for name, value in environment.items()}
    said = run(("serve",), {**odd, "TMPDIR": "/nowhere"})
    assert "rc=1" in said and "cannot be used" in said and "Traceback" not in said, said
