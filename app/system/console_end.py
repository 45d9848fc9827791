"""Windows: a console that is closed, Ctrl+Break in it, and logging off while a program has one.

Windows ends a program as soon as the routine that it asks about such an event returns, and in any case after
five seconds (Microsoft's "HandlerRoutine callback function"): so the routine waits for the end that it asked
for. Python knows of Ctrl+C and Ctrl+Break only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

if sys.platform == "win32":
    import contextlib
    import ctypes
    import threading
    from ctypes import wintypes

    _BREAK, _CLOSE, _LOGOFF, _SHUTDOWN = 1, 2, 5, 6
    _ENDS = frozenset({_CLOSE, _LOGOFF, _SHUTDOWN})
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _Routine = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
    _kept: list[object] = []  # Windows calls them, and Python does not know that

    def on_console_end(stop: Callable[[], object]) -> None:
        """Call `stop` for each of these events, on a thread of Windows'; the process then has until Windows
        loses patience to end by itself."""

        def routine(event: int) -> bool:
            if event != _BREAK and event not in _ENDS:
                return False
            with contextlib.suppress(RuntimeError):  # the loop is closed: it is ending already
                stop()
            if event in _ENDS:
                threading.Event().wait()
            return True

        asked = _Routine(routine)
        _kept.append(asked)
        _kernel32.SetConsoleCtrlHandler(asked, True)

else:

    def on_console_end(stop: Callable[[], object]) -> None:
        """Elsewhere the end of a terminal is a signal (app.system.signals)."""
