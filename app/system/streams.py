"""stdin, stdout and stderr as they were left to hal0: closed, full, a pipe that nobody reads, not UTF-8."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Final

_OUTPUT: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def open_streams() -> None:
    """Give closed ones a place to go, and let no character stop the output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if _closed(number):
            # The lowest free number is this one; else the next file that is opened would be written to.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
