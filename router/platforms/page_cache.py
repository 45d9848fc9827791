"""Which parts of a file are in the page cache, asked of the kernel (mincore(2)), on Linux and macOS."""

from __future__ import annotations

import ctypes
import os
import random
import sys

if sys.platform != "win32":
    import mmap
    import resource

    _PAGE = resource.getpagesize()
    _libc = ctypes.CDLL(None, use_errno=True)
    # By hand: Python's mmap does not reveal the address of a read-only map.
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = (
        *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_longlong),
    )
    _libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    _libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
    _MAP_FAILED = ctypes.c_void_p(-1).value

    def missing_blocks(fd: int, size: int, block: int) -> list[bool]:
        """Return for each `block` bytes of the file whether a page in its middle is not in the page cache.

        All are said to be missing where nobody tells. Nothing of the map is touched, so that a file which
        shrinks meanwhile does no harm. Raises OSError.
        """
        if size == 0:
            return []
        places = [min(start + block // 2, size - 1) for start in range(0, size, block)]
        if not _may_ask(fd):
            return _missing_by_reading(fd, places, block)
        address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
        if address == _MAP_FAILED:
            raise OSError(ctypes.get_errno(), "the file cannot be mapped")
        page = ctypes.create_string_buffer(1)
        try:
            return [_is_missing(address + place // _PAGE * _PAGE, page) for place in places]
        finally:
            _libc.munmap(address, size)

    def _is_missing(address: int, page: ctypes.Array[ctypes.c_char]) -> bool:
        if _libc.mincore(address, 1, page):
            return True
        return not page.raw[0] & 1

    def _may_ask(fd: int) -> bool:
        """Return whether the answer can be trusted: since 5.2, Linux calls everything cached for anyone who
        neither owns the file nor may write to it."""
        return os.geteuid() in (0, os.fstat(fd).st_uid) or os.access(fd, os.W_OK)

    def _missing_by_reading(fd: int, places: list[int], block: int) -> list[bool]:
        """Try a read that must not wait: it fails where it would have to. It lets the kernel fetch that one
        page, so it is another page the next time."""
        if sys.platform != "linux":
            return [True] * len(places)
        aside = random.randrange(-block // 2, block // 2)  # noqa: S311 - nothing secret
        return [_would_wait(fd, max(0, place + aside)) for place in places]

    def _would_wait(fd: int, place: int) -> bool:
        if sys.platform != "linux":
            return True
        try:
            return os.preadv(fd, [bytearray(1)], place, os.RWF_NOWAIT) < 0
        except OSError:  # BlockingIOError, or a file system without it
            return True
