"""macOS: a power assertion of IOKit, which `pmset -g assertions` lists, and which ends with hal0.

Not run in CI: untested here. Source: IOKit/pwr_mgt/IOPMLib.h.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any, Final

from router.power.awake import WHY

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


def _library(name: str) -> Any:
    path = ctypes.util.find_library(name)
    if path is None:
        raise OSError(f"there is no {name}")
    return ctypes.CDLL(path)
