"""What Windows itself does to a program: a console that is closed, a session that ends, clicks and keys."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    CTRL_BREAK, CTRL_CLOSE = 1, 2
    _ALL_OF_A_PROCESS = 0x1FFFFF
    _QUERY_END_SESSION, _END_SESSION = 0x11, 0x16
    _ABORT_IF_HUNG, _PATIENCE_MS = 0x2, 20_000

    _CLICKED_IN_TRAY, _CONTEXT_MENU = 0x8000 + 101, 0x7B  # Qt's own message (qwindowssystemtrayicon.cpp)
    _KEY_DOWN, _KEY_UP, _EXTENDED_KEY = 0x100, 0x101, 0x1000001
    RETURN, DOWN = 0x0D, 0x28

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _user32 = ctypes.WinDLL("user32", use_last_error=True)
    _kernel32.GetModuleHandleW.restype = ctypes.c_void_p
    _kernel32.GetProcAddress.restype = ctypes.c_void_p
    _kernel32.GetProcAddress.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    _kernel32.OpenProcess.restype = wintypes.HANDLE
    _user32.PostMessageW.argtypes = [wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM]
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

    def _class_of(window: int) -> str:
        name = ctypes.create_unicode_buffer(256)
        _user32.GetClassNameW(window, name, len(name))
        return name.value

    def click_in_tray(pid: int) -> None:
        """Tell its icon, as the taskbar does, that somebody wants its menu."""
        (window,) = (w for w in windows_of(pid) if "TrayIconMessageWindow" in _class_of(w))
        place = 100 << 16 | 100
        _user32.PostMessageW(window, _CLICKED_IN_TRAY, place, _CONTEXT_MENU)

    def menus_of(pid: int) -> list[int]:
        """The windows of its menus that are open."""
        return [w for w in windows_of(pid) if "Popup" in _class_of(w) and _user32.IsWindowVisible(w)]

    def press(window: int, *keys: int) -> None:
        for key in keys:
            _user32.PostMessageW(window, _KEY_DOWN, key, _EXTENDED_KEY)
            _user32.PostMessageW(window, _KEY_UP, key, _EXTENDED_KEY | 0xC0000000)

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
