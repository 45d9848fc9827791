"""Windows: a power request, which `powercfg /requests` lists with hal0's reason, and which ends with hal0.

A callback tells of sleep: it needs no window, so that `hal0 serve` hears it as the tray does (WM_POWERBROADCAST
without one). Written with care, and run by nobody yet. Source: Microsoft's "PowerCreateRequest",
"PowerRegisterSuspendResumeNotification" and "DeviceNotifyCallbackRoutine".
"""

from __future__ import annotations

import sys

from router.power.awake import WHY
from router.power.sleep import Tell

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _SIMPLE_STRING = 1  # POWER_REQUEST_CONTEXT_SIMPLE_STRING
    _SYSTEM_REQUIRED = 1  # PowerRequestSystemRequired
    _INVALID = ctypes.c_void_p(-1).value

    class _Detailed(ctypes.Structure):
        _fields_ = [
            ("LocalizedReasonModule", wintypes.HMODULE),
            ("LocalizedReasonId", wintypes.ULONG),
            ("ReasonStringCount", wintypes.ULONG),
            ("ReasonStrings", ctypes.c_void_p),
        ]

    class _Reason(ctypes.Union):
        _fields_ = [("Detailed", _Detailed), ("SimpleReasonString", wintypes.LPWSTR)]

    class _ReasonContext(ctypes.Structure):
        _fields_ = [("Version", wintypes.ULONG), ("Flags", wintypes.DWORD), ("Reason", _Reason)]

    class PowerRequest:
        """An Inhibitor."""

        def __init__(self) -> None:
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel.PowerCreateRequest.restype = wintypes.HANDLE
            self._handle: wintypes.HANDLE | None = None

        def hold(self) -> None:
            """See Inhibitor."""
            context = _ReasonContext(0, _SIMPLE_STRING, _Reason(SimpleReasonString=WHY))
            handle = self._kernel.PowerCreateRequest(ctypes.byref(context))
            if handle in (None, _INVALID):
                raise ctypes.WinError(ctypes.get_last_error())
            self._handle = wintypes.HANDLE(handle)
            if not self._kernel.PowerSetRequest(self._handle, _SYSTEM_REQUIRED):
                error = ctypes.WinError(ctypes.get_last_error())
                self.release()
                raise error

        def release(self) -> None:
            """See Inhibitor."""
            if self._handle is not None:
                self._kernel.PowerClearRequest(self._handle, _SYSTEM_REQUIRED)
                self._kernel.CloseHandle(self._handle)
                self._handle = None

    _CALLBACK = 2  # DEVICE_NOTIFY_CALLBACK
    _SUSPENDS, _RESUMED = 0x4, 0x12  # PBT_APMSUSPEND, PBT_APMRESUMEAUTOMATIC: sent after every sleep
    _Callback = ctypes.WINFUNCTYPE(wintypes.ULONG, ctypes.c_void_p, wintypes.ULONG, ctypes.c_void_p)

    class _Parameters(ctypes.Structure):
        _fields_ = [("Callback", _Callback), ("Context", ctypes.c_void_p)]

    class SleepNotification:
        """A Subscription that begins as it is made. Raises OSError where there is none (before Windows 8)."""

        def __init__(self, tell: Tell) -> None:
            def called(_context: int, kind: int, _setting: int) -> int:
                if kind in (_SUSPENDS, _RESUMED):
                    tell(kind == _SUSPENDS)
                return 0

            self._library = ctypes.WinDLL("powrprof")
            self._parameters = _Parameters(_Callback(called), None)  # Windows keeps no copy
            self._handle = wintypes.HANDLE()
            failed = self._library.PowerRegisterSuspendResumeNotification(
                wintypes.DWORD(_CALLBACK), ctypes.byref(self._parameters), ctypes.byref(self._handle)
            )
            if failed:
                raise ctypes.WinError(failed)

        def close(self) -> None:
            """See Subscription."""
            self._library.PowerUnregisterSuspendResumeNotification(self._handle)
