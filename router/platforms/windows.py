"""Windows: Job Objects with kill-on-close end every engine with hal0, however hal0 ends.

Each engine has one of its own, so that what it started ends with it even when it has gone before.

Run under Wine by `make test-windows`. Facts from Microsoft's "Job Objects" and
JOBOBJECT_EXTENDED_LIMIT_INFORMATION.
"""

from __future__ import annotations

import sys
from typing import Any

if sys.platform == "win32":
    import contextlib
    import ctypes
    import logging
    import signal
    import subprocess
    from ctypes import wintypes
    from pathlib import Path

    import psutil

    log = logging.getLogger(__name__)

    _KILL_ON_JOB_CLOSE = 0x2000
    _EXTENDED_LIMIT_INFORMATION = 9
    _SET_QUOTA_AND_TERMINATE = 0x0101
    _THREAD_MODE_BACKGROUND_BEGIN = 0x10000
    _DRIVE_UNKNOWN, _DRIVE_REMOTE = 0, 4
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)

    class _BasicLimits(ctypes.Structure):
        _fields_ = [
            ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
            ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        ]

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = [
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_ulonglong * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        ]

    def _make_job() -> int:
        _kernel32.CreateJobObjectW.restype = wintypes.HANDLE
        job = _kernel32.CreateJobObjectW(None, None)
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        ok = _kernel32.SetInformationJobObject(
            wintypes.HANDLE(job), _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
        )
        if not job or not ok:
            raise ctypes.WinError(ctypes.get_last_error())
        return int(job)

    # By the engine's pid. Closing a job's handle, which the end of hal0 does, ends all processes in it.
    _jobs: dict[int, int] = {}
    _KILLED = 15  # what psutil and Python give a process that they end, for want of signals

    def spawn_options() -> dict[str, Any]:
        """Return keyword arguments for the subprocess call."""
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}

    def adopt(pid: int) -> None:
        """Put the started engine into a job. One that has ended already cannot be; its exit tells why."""
        _kernel32.OpenProcess.restype = wintypes.HANDLE
        handle = _kernel32.OpenProcess(_SET_QUOTA_AND_TERMINATE, False, pid)
        job = _make_job()
        if handle and _kernel32.AssignProcessToJobObject(wintypes.HANDLE(job), wintypes.HANDLE(handle)):
            _jobs[pid] = job
        else:
            log.warning("engine %d: not in a job (%s)", pid, ctypes.WinError(ctypes.get_last_error()))
            _kernel32.CloseHandle(wintypes.HANDLE(job))
        if handle:
            _kernel32.CloseHandle(wintypes.HANDLE(handle))

    def terminate(pid: int) -> None:
        """Ask the engine to end (Ctrl+Break reaches its process group).

        Only a process of the same console hears it, and a windowed hal0 has none: then `kill` is what is left.
        """
        try:
            psutil.Process(pid).send_signal(signal.CTRL_BREAK_EVENT)
        except (OSError, psutil.Error) as error:
            log.info("engine %d cannot be asked to end: %s", pid, error)

    def kill(pid: int) -> None:
        """End the engine and every process it started, also where it has ended before them."""
        if (job := _jobs.pop(pid, None)) is not None:
            _kernel32.TerminateJobObject(wintypes.HANDLE(job), _KILLED)
            _kernel32.CloseHandle(wintypes.HANDLE(job))
        try:
            engine = psutil.Process(pid)
            family = [*engine.children(recursive=True), engine]
        except psutil.NoSuchProcess:
            return
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it is ending already
                process.kill()

    def lower_priority(*, idle: bool) -> None:
        """Lower the calling thread's priority, for disk and CPU, below everybody who is at work, but only if it
        is to be `idle`: there is nothing between that and the ordinary."""
        if idle:
            _kernel32.GetCurrentThread.restype = wintypes.HANDLE
            thread = wintypes.HANDLE(_kernel32.GetCurrentThread())
            _kernel32.SetThreadPriority(thread, _THREAD_MODE_BACKGROUND_BEGIN)

    def is_remote(path: Path) -> bool:
        """Return whether `path`, links resolved, is on a network drive, or nobody can tell. Touches the
        disk."""
        root = path.resolve().anchor
        return _kernel32.GetDriveTypeW(ctypes.c_wchar_p(root)) in (_DRIVE_UNKNOWN, _DRIVE_REMOTE)

    def missing_blocks(_fd: int, size: int, block: int) -> list[bool]:
        """Report all as missing: Windows does not tell what of a file is cached, so all has to be read to be
        sure."""
        return [True] * -(-size // block)
