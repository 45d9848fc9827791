"""stdin, stdout and stderr as they were left to hal0: closed, full, a pipe that nobody reads, not UTF-8."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Final

_OUTPUT: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def open_streams(*, for_a_command: bool = False) -> None:
    """Give closed ones a place to go, and let no character stop the output: in a pipe or a file it is UTF-8 on
    Windows, too, where Python would take an old code page. `for_a_command`: somebody waits for what it says, so
    a program without a console (Windows' hal0.exe) uses that of who started it."""
    streams = ((0, "stdin", "r", "CONIN$"), (1, "stdout", "w", "CONOUT$"), (2, "stderr", "w", "CONOUT$"))
    closed = [stream for stream in streams if _closed(stream[0])]
    attached = bool(closed) and for_a_command and _use_console_of_parent()
    for number, name, mode, console in closed:
        _open_at(number, console if attached else os.devnull)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    by_code_page = sys.platform == "win32" and "PYTHONIOENCODING" not in os.environ
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if by_code_page else None, errors="backslashreplace")


def _open_at(number: int, path: str) -> None:
    """Open `path` under that number: left free, the next file that is opened would be written to."""
    opened = os.open(path, os.O_RDWR)
    if opened != number:  # Windows: a program without a console has all three, and can use none
        os.dup2(opened, number)
        os.close(opened)


if sys.platform == "win32":

    def _use_console_of_parent() -> bool:
        import ctypes

        parent = ctypes.c_uint32(-1)  # ATTACH_PARENT_PROCESS
        return bool(ctypes.WinDLL("kernel32").AttachConsole(parent))

    def stdin_is_terminal() -> bool:
        """Return whether a person can answer; `isatty` says so of NUL, too."""
        import ctypes
        import msvcrt
        from ctypes import wintypes

        if not sys.stdin.isatty():
            return False
        handle, mode = wintypes.HANDLE(msvcrt.get_osfhandle(sys.stdin.fileno())), wintypes.DWORD()
        return bool(ctypes.WinDLL("kernel32").GetConsoleMode(handle, ctypes.byref(mode)))

else:

    def stdin_is_terminal() -> bool:
        """Return whether a person can answer."""
        return sys.stdin.isatty()

    def _use_console_of_parent() -> bool:
        return False


def _closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def give_up_stdout() -> None:
    """Give up stdout, which nobody reads: what is buffered must not fail a second time when Python ends."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output_failure(error: OSError) -> str | None:
    """Return a sentence for an error of writing the output; None for one of anything else."""
    if error.filename is not None or error.errno not in _OUTPUT:
        return None
    return f"hal0: The output cannot be written ({error.strerror}); send it somewhere else."
