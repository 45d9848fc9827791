"""What Windows itself does to a program: a console that is closed, a session that ends."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    CTRL_BREAK, CTRL_CLOSE = 1, 2
    _ALL_OF_A_PROCESS = 0x1FFFFF
    _QUERY_END_SESSION, _END_SESSION = 0x11, 0x16
    _ABORT_IF_HUNG, _PATIENCE_MS = 0x2, 20_000

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _user32 = ctypes.WinDLL("user32", use_last_error=True)
    _kernel32.GetModuleHandleW.restype = ctypes.c_void_p
    _kernel32.GetProcAddress.restype = ctypes.c_void_p
    _kernel32.GetProcAddress.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    _kernel32.OpenProcess.restype = wintypes.HANDLE
    _kernel32.CreateRemoteThread.restype = wintypes.HANDLE
    _kernel32.CreateRemoteThread.argtypes = [
        *(wintypes.HANDLE, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p),
        *(wintypes.DWORD, ctypes.c_void_p),
    ]
    _Visit = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)

    def console_event(pid: int, event: int) -> None:
        """Do as a console does that is closed: run the process's CtrlRoutine in a new thread of it."""
        routine = _kernel32.GetProcAddress(_kernel32.GetModuleHandleW("kernelbase.dll"), b"CtrlRoutine")
        process = _kernel32.OpenProcess(_ALL_OF_A_PROCESS, False, pid)
        thread = _kernel32.CreateRemoteThread(process, None, 0, routine, event, 0, None)
        if not (routine and process and thread):
            raise ctypes.WinError(ctypes.get_last_error())

    def windows_of(pid: int) -> list[int]:
        """Its top-level windows, hidden ones too."""
        found: list[int] = []

        def look(window: int, _more: int) -> bool:
            owner = wintypes.DWORD()
            _user32.GetWindowThreadProcessId(window, ctypes.byref(owner))
            if owner.value == pid:
                found.append(window)
            return True

        _user32.EnumWindows(_Visit(look), 0)
        return found

    def end_session(pid: int) -> list[int]:
        """Do as Windows does that logs off: ask each window, tell each window, wait for both; what they
        answered when asked."""
        answers = []
        for message, end in ((_QUERY_END_SESSION, 0), (_END_SESSION, 1)):
            for window in windows_of(pid):
                answer = ctypes.c_size_t()
                _user32.SendMessageTimeoutW(
                    window, message, end, 0, _ABORT_IF_HUNG, _PATIENCE_MS, ctypes.byref(answer)
                )
                answers += [answer.value] if message == _QUERY_END_SESSION else []
        return answers
