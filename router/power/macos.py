"""macOS: a power assertion of IOKit, which `pmset -g assertions` lists, and which ends with hal0.

IOKit also tells of sleep, on a queue of the system's. Unlike NSWorkspace's notifications it takes no run loop,
so that `hal0 serve` hears it as the tray does. Not run in CI: untested here.

Source: IOKit/pwr_mgt/IOPMLib.h, IOKit/IOMessage.h, and Apple's QA1340 (Registering and unregistering for sleep
and wake notifications).
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any, Final

from router.power.awake import WHY
from router.power.sleep import Tell

_UTF8: Final = 0x08000100  # kCFStringEncodingUTF8
_ON: Final = 255  # kIOPMAssertionLevelOn
_TYPE: Final = "PreventUserIdleSystemSleep"


class PowerAssertion:
    """An Inhibitor."""

    def __init__(self) -> None:
        self._held: ctypes.c_uint32 | None = None

    def _load(self) -> None:
        self._iokit, self._foundation = _library("IOKit"), _library("CoreFoundation")
        self._foundation.CFStringCreateWithCString.restype = ctypes.c_void_p
        self._foundation.CFStringCreateWithCString.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_uint32,
        ]
        self._foundation.CFRelease.argtypes = [ctypes.c_void_p]
        self._iokit.IOPMAssertionCreateWithName.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_uint32),
        ]

    def hold(self) -> None:
        """See Inhibitor."""
        self._load()
        number = ctypes.c_uint32(0)
        kind, why = self._string(_TYPE), self._string(WHY)
        try:
            failed = self._iokit.IOPMAssertionCreateWithName(kind, _ON, why, ctypes.byref(number))
        finally:
            for made in (kind, why):
                self._foundation.CFRelease(made)
        if failed:
            raise OSError(f"IOKit refuses (0x{failed & 0xFFFFFFFF:08x})")
        self._held = number

    def release(self) -> None:
        """See Inhibitor."""
        if self._held is not None:
            self._iokit.IOPMAssertionRelease(self._held)
            self._held = None

    def _string(self, text: str) -> Any:
        made = self._foundation.CFStringCreateWithCString(None, text.encode(), _UTF8)
        if not made:
            raise OSError("CoreFoundation makes no string")
        return made


_CAN_SLEEP, _WILL_SLEEP, _POWERED_ON = 0xE0000270, 0xE0000280, 0xE0000300  # kIOMessageCanSystemSleep, ...
_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p)


class SleepNotification:
    """A Subscription, which begins when it is made. Raises OSError where there is none."""

    def __init__(self, tell: Tell) -> None:
        def called(_context: int, _service: int, message: int, argument: int) -> None:
            if message in (_CAN_SLEEP, _WILL_SLEEP):
                if message == _WILL_SLEEP:
                    tell(True)
                # Without an answer the system would wait for half a minute.
                self._iokit.IOAllowPowerChange(self._root, argument)
            elif message == _POWERED_ON:
                tell(False)

        self._iokit = _library("IOKit")
        self._iokit.IORegisterForSystemPower.restype = ctypes.c_uint32
        self._iokit.IOAllowPowerChange.argtypes = [ctypes.c_uint32, ctypes.c_ssize_t]
        self._iokit.IONotificationPortSetDispatchQueue.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._iokit.IONotificationPortDestroy.argtypes = [ctypes.c_void_p]
        self._callback = _Callback(called)
        self._port, self._notifier = ctypes.c_void_p(), ctypes.c_uint32()
        self._root = self._iokit.IORegisterForSystemPower(
            None, ctypes.byref(self._port), self._callback, ctypes.byref(self._notifier)
        )
        if not self._root:
            raise OSError("IOKit does not tell of sleep")
        system = ctypes.CDLL(None)
        system.dispatch_get_global_queue.restype = ctypes.c_void_p
        system.dispatch_get_global_queue.argtypes = [ctypes.c_ssize_t, ctypes.c_size_t]
        self._iokit.IONotificationPortSetDispatchQueue(self._port, system.dispatch_get_global_queue(0, 0))

    def close(self) -> None:
        """See Subscription."""
        self._iokit.IODeregisterForSystemPower(ctypes.byref(self._notifier))
        self._iokit.IOServiceClose(self._root)
        self._iokit.IONotificationPortDestroy(self._port)


def _library(name: str) -> Any:
    path = ctypes.util.find_library(name)
    if path is None:
        raise OSError(f"there is no {name}")
    return ctypes.CDLL(path)
