"""The line that explains, the ring, and the files."""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path

import pytest

from router.engine import log as log_module
from router.engine.explain import error_text
from router.engine.log import EngineLog, LogFiles


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("0.00.011.271 E gguf_init_from_file: failed to open GGUF file 'x'", "failed to open GGUF file 'x'"),
        ("0.00.1 E srv    load_model: failed to load model", "failed to load model"),
        ("E couldn't bind HTTP server socket", "couldn't bind HTTP server socket"),
        ("error: invalid argument: --ctx-sise", "error: invalid argument: --ctx-sise"),
        ("0.00.1 E error: invalid argument: --x", "error: invalid argument: --x"),
        ("0.00.1 W load: control token", None),
        ("0.00.1 I srv main: E is a letter", None),
        ("Every line that begins with an E", None),
        ("", None),
    ],
)
def test_error_lines(line: str, text: str | None) -> None:
    assert error_text(line) == text


def test_the_first_error_explains_and_colours_are_left_out() -> None:
    log = EngineLog()
    for line in ("starting", "\x1b[31m0.1 E load: it is cracked\x1b[0m", "0.2 E main: it failed", "bye", "  "):
        log.add(line)
    assert log.explanation() == "it is cracked"
    assert list(log.ring) == ["starting", "0.1 E load: it is cracked", "0.2 E main: it failed", "bye"]


def test_a_program_without_error_lines_is_quoted_with_its_last() -> None:
    log = EngineLog()
    assert log.explanation() is None
    for line in ("Traceback:", "ModuleNotFoundError: No module named 'vllm'\r"):
        log.add(line)
    assert log.explanation() == "ModuleNotFoundError: No module named 'vllm'"


def test_errors_of_the_start_do_not_explain_a_later_end() -> None:
    log = EngineLog()
    log.add("0.1 E load: no GPU, using the CPU")
    log.is_ready()
    assert log.explanation() is None
    log.add("0.2 E update_slots: out of memory")
    assert log.explanation() == "out of memory"


def test_a_ring_is_shared_by_successive_engines_and_bounded() -> None:
    ring: deque[str] = deque(maxlen=3)
    EngineLog(ring).add("of the first")
    second = EngineLog(ring)
    for number in range(3):
        second.add(f"line {number}")
    assert list(ring) == ["line 0", "line 1", "line 2"]


def test_each_name_has_its_file(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    EngineLog(None, files, "engine-primary").add("100 % of α")
    EngineLog(None, files, "engine-embed").add("other")
    files.close()
    assert files.path("engine-primary").read_text(encoding="utf-8") == "100 % of α\n"
    assert files.path("engine-embed").read_text() == "other\n"


def test_files_rotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "FILE_BYTES", 1000)
    files = LogFiles(tmp_path)
    for number in range(300):
        files.write("engine", f"line {number:04}")
    files.close()
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(sizes) == {"engine.log", "engine.log.1", "engine.log.2"}
    assert max(sizes.values()) <= 1000
    assert files.path("engine").read_text().endswith("line 0299\n")


def test_a_file_that_cannot_be_written_is_told_once_and_stops_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad.log").mkdir()
    files = LogFiles(tmp_path)
    for _ in range(3):
        files.write("bad", "lost")
    files.write("good", "kept")
    files.close()
    assert files.path("good").read_text() == "kept\n"
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 1 and "bad" in warnings[0]


def test_more_than_the_disk_takes_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "QUEUE_LINES", 0)
    files = LogFiles(tmp_path)
    for _ in range(5):
        files.write("engine", "too much")
    monkeypatch.setattr(log_module, "QUEUE_LINES", 10)
    files.write("engine", "calm again")
    files.close()
    assert files.path("engine").read_text() == "[hal0: 5 lines left out here]\ncalm again\n"


def test_an_engines_words_move_no_cursor() -> None:
    """Row 33: an engine may print what a client sent."""
    log = EngineLog()
    log.add("gone\r\x1b[31mred\x1b[0m and \x1b[2J\x07\ttab \ud800")
    assert list(log.ring) == ["red and \\x07\ttab \\ud800"], "of a line that was redrawn, what stood there last"
