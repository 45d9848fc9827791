"""Row 33: whatever comes from outside ends in the log as one line that any encoding can write."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bootstrap import start_logging, stop_logging
from app.system.journal import OneLine
from router.base.paths import Paths
from tests.e2e.harness import private_env
from tests.router.catalog.files import write_gguf

HOSTILE = ["\ud800", "a\x00b", "two\nlines", "\x1b[2J\x1b]0;x\x07", "\r", "\u2028", "\x9b31m", "x" * 1_000_000]


def told(message: object, *arguments: object) -> str:
    return OneLine().format(logging.LogRecord("x", logging.INFO, "", 1, message, arguments, None))


@given(st.text(st.characters(), max_size=50), st.sampled_from(["%s", "%r", "%(a)s", "%s and %d"]))
def test_any_text_is_one_line(text: str, form: str) -> None:
    arguments = {"%(a)s": ({"a": text},), "%s and %d": (text, 3)}.get(form, (text,))
    line = told(f"it says {form}", *arguments)
    assert len(line.splitlines()) == 1 and line.startswith("it says ") and line.encode()


def test_values_that_are_no_text_are_told_as_ever() -> None:
    assert told("%d of %s took %.1f s: %r", 3, Path("a"), 0.25, "b") == "3 of a took 0.2 s: 'b'"
    assert told("100% sure") == "100% sure"
    assert told("two\nlines of ours") == "two\nlines of ours"


def test_a_traceback_cannot_forge_a_line() -> None:
    try:
        raise ValueError("bad\n2026-01-01 INFO router.x: forged \ud800\x1b[31m")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "bug", None, sys.exc_info())
    first, *rest = OneLine().format(record).split("\n")
    assert first == "bug" and all(line.startswith("  ") for line in rest)
    assert "\x1b" not in "".join(rest) and "".join(rest).encode()


def test_hal0s_own_log_takes_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Paths(tmp_path / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    listener = start_logging(paths, to_stderr=True)
    try:
        for text in HOSTILE:
            logging.getLogger("test").info("asked=%s", text)
            logging.getLogger("test").info("asked=%s", ValueError(text))
    finally:
        stop_logging(listener)
        root.handlers, root.level = before, level
    lines = (paths.logs / "hal0.log").read_text(encoding="utf-8").split("\n")
    assert len(lines) == 2 * len(HOSTILE) + 1 and max(map(len, lines)) < 5000
    assert all(" INFO test: asked=" in line for line in lines[:-1])
    assert "Logging error" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
)
def test_a_terminal_that_knows_few_letters_is_written_to(tmp_path: Path, settings: dict[str, str]) -> None:
    """Also with names on the disk that are no text."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("caf\u00e9", "\u6a21\u578b", "bad\udcff"):
        write_gguf(tmp_path / "m.gguf").rename(folder / f"{name}.gguf")
    (tmp_path / "hal0.yaml").write_text("model_dirs: [models]\n")
    env = private_env(tmp_path, Path("/none")) | settings | {"HAL0_CONFIG": str(tmp_path / "hal0.yaml")}
    for command in (["model", "ls"], ["model", "ls", "--json"], ["check"], ["switch", "caf\u00e9", "\udcff"]):
        argv = [sys.executable, "-m", "app.cli", *command]
        done = subprocess.run(argv, env=env, capture_output=True, timeout=60, check=False)
        assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
        assert done.returncode in (0, 1)
    listed = subprocess.run(
        [sys.executable, "-m", "app.cli", "model", "ls"], env=env, capture_output=True, timeout=60, check=True
    ).stdout
    assert b"rename it" in listed
