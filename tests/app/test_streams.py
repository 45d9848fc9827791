"""Programs without a console: Windows' hal0.exe, and pythonw.exe, which is the same kind of program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from router.base.version import __version__

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="every program has a console elsewhere")
WINDOWED = str(Path(sys.executable).with_name("pythonw.exe"))
DETACHED = 0x8
"""DETACHED_PROCESS: a program that is started so has no console and no streams, as from the Start menu."""


def test_what_it_says_goes_where_it_was_sent(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("wb") as file:
        done = subprocess.run([WINDOWED, "-m", "app", "--version"], stdout=file, timeout=60)
    assert (done.returncode, said.read_text().split()) == (0, ["hal0", __version__])


LOOK = """
import os, sys
from pathlib import Path
from app.system.streams import open_streams
streams = [sys.stdin, sys.stdout, sys.stderr]
open_streams()
print("to nobody", file=sys.stderr, flush=True)
print("to nobody", flush=True)
os.write(1, b"to nobody")
Path(sys.argv[1]).write_text(f"{[stream is None for stream in streams]} {sys.stdin.read()!r}")
"""


def test_from_the_start_menu_it_has_streams_that_lead_nowhere(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    argv = [WINDOWED, "-c", LOOK, str(seen)]
    assert subprocess.Popen(argv, creationflags=DETACHED, close_fds=True).wait(60) == 0
    assert seen.read_text() == "[True, True, True] ''"


ATTACH = """
import ctypes, msvcrt, sys
from ctypes import wintypes
from pathlib import Path
from app.system.streams import open_streams
open_streams(for_a_command=sys.argv[2] == "command")
print("seen", flush=True)
handle, mode = wintypes.HANDLE(msvcrt.get_osfhandle(1)), wintypes.DWORD()
Path(sys.argv[1]).write_text(str(bool(ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(mode)))))
"""


@pytest.mark.parametrize(("what", "in_the_terminal"), [("command", "True"), ("tray", "False")])
def test_a_command_speaks_in_the_terminal_that_it_was_started_in(
    tmp_path: Path, what: str, in_the_terminal: str
) -> None:
    """The tray does not: closing the terminal would end it."""
    seen = tmp_path / "seen"
    start = subprocess.STARTUPINFO(dwFlags=subprocess.STARTF_USESTDHANDLES)
    start.hStdInput = start.hStdOutput = start.hStdError = None
    argv = [WINDOWED, "-c", ATTACH, str(seen), what]
    assert subprocess.Popen(argv, startupinfo=start, close_fds=True).wait(60) == 0
    assert seen.read_text() == in_the_terminal


def test_in_a_pipe_and_a_file_it_is_utf_8() -> None:
    """Not the code page of this Windows, which has no ≈."""
    code = "from app.system.streams import open_streams; open_streams(); print('≈ größe')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.stdout.decode().strip() == "≈ größe", done.stderr
