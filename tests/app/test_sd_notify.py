"""What systemd is told, through a socket as systemd opens one."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.system.journal import JournalFormatter, is_journal
from app.system.sd_notify import Notifier, tell_status
from router.state import Kind, SlotState, SlotStatus, StateStore


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The listening socket, and NOTIFY_SOCKET's value for it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@hal0-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.setblocking(False)
        yield listening, name


def test_what_is_sent(systemd: tuple[socket.socket, str]) -> None:
    listening, name = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready()
    notifier.status("two\nlines")
    notifier.stopping(1.5)
    heard = [listening.recv(1000) for _ in range(3)]
    assert heard[:2] == [b"READY=1", b"STATUS=two lines"]
    assert heard[2].split(b"\n") == [b"STOPPING=1", b"STATUS=Stopping", b"EXTEND_TIMEOUT_USEC=1500000"]


def test_the_status_is_told_once_per_change(systemd: tuple[socket.socket, str]) -> None:
    listening, name = systemd
    store = StateStore()
    forget = tell_status(Notifier({"NOTIFY_SOCKET": name}), store)
    slot = SlotStatus(name="primary", kind=Kind.CHAT, state=SlotState.LOADING, model="a", target="b")
    store.update(slots=(slot,))
    store.update(local_only=not store.snapshot.local_only)
    heard = [listening.recv(1000).decode(), listening.recv(1000).decode()]
    assert heard[1] == "STATUS=http://127.0.0.1:8080/v1 · primary: b loading"
    forget()
    store.update(slots=())
    with pytest.raises(BlockingIOError):
        listening.recv(1000)


@pytest.mark.parametrize("value", ["", "vsock:2:1234"])
def test_where_nobody_listens_nothing_is_said(value: str, caplog: pytest.LogCaptureFixture) -> None:
    Notifier({"NOTIFY_SOCKET": value} if value else {}).ready()
    assert caplog.records == []


def test_a_socket_that_is_gone_is_logged_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    assert "systemd cannot be told" in caplog.text


def test_lines_for_the_journal_carry_their_priority() -> None:
    record = logging.LogRecord("router.x", logging.ERROR, "x.py", 1, "it %s", ("failed",), None)
    assert JournalFormatter().format(record) == "<3>router.x: it failed"
    record.levelno, record.exc_text = logging.INFO, "Traceback\n  line"
    assert JournalFormatter().format(record) == "<6>router.x: it failed\n<6>Traceback\n<6>  line"


def test_the_journal_is_told_from_a_file(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as file:
        status = os.fstat(file.fileno())
        assert is_journal(file.fileno(), {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not is_journal(file.fileno(), {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert not is_journal(file.fileno(), {})
    assert not is_journal(999_999, {"JOURNAL_STREAM": "1:2"})
