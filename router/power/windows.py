"""Windows: a power request, which `powercfg /requests` lists with hal0's reason, and which ends with hal0.

Written with care; under Wine, which has the calls, nothing sleeps. Source: Microsoft's "PowerCreateRequest".
"""

from __future__ import annotations

import sys

from router.power.awake import WHY

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
