"""A disk that writes slowly: a FUSE file system over a folder, in a process of its own. Linux, as root.

Run as `slow_disk.py MOUNTPOINT FOLDER BYTES_PER_SECOND`; it says "mounted" and ends with its mount. The
protocol is that of Linux's include/uapi/linux/fuse.h, 7.31, as far as one flat folder needs it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_PAGE = 4096
_DIRECT_IO = 1
_ROOT = 1


class SlowDisk:
    """Answers the kernel's requests one after the other, as a disk does."""

    def __init__(self, device: int, folder: Path, speed: float) -> None:
        self._device, self._folder, self._speed = device, folder, speed
        self._names: dict[int, str] = {_ROOT: "."}
        self._handlers: dict[int, Callable[[int, bytes], bytes]] = {
            **{1: self._lookup, 3: self._getattr, 4: self._setattr, 10: self._unlink, 12: self._rename},
            **{14: self._open, 15: self._read, 16: self._write, 17: self._statfs, 18: self._release},
            **{20: self._fsync, 25: self._nothing, 26: self._init, 27: self._opendir, 28: self._readdir},
            **{29: self._nothing, 34: self._nothing, 35: self._create, 45: self._rename2},
        }

    def serve(self) -> None:
        while True:
            try:
                raw = os.read(self._device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.ENODEV, errno.ENOTCONN):
                    return  # unmounted
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                raise
            _length, opcode, unique, node, *_ = _IN.unpack_from(raw)
            if opcode in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET have no answer
                continue
            self._answer(unique, opcode, node, raw[_IN.size :])

    def _answer(self, unique: int, opcode: int, node: int, body: bytes) -> None:
        failed, out = 0, b""
        try:
            handler = self._handlers.get(opcode)
            if handler is None:
                failed = errno.ENOSYS
            else:
                out = handler(node, body)
        except OSError as error:
            failed = error.errno or errno.EIO
        try:
            os.write(self._device, _OUT.pack(_OUT.size + len(out), -failed, unique) + out)
        except OSError as error:
            if error.errno != errno.ENOENT:  # whoever asked has been killed
                raise

    # -- names -----------------------------------------------------------------------------------------

    def _path(self, node: int) -> Path:
        return self._folder / self._names[node]

    def _entry(self, name: str) -> bytes:
        status = (self._folder / name).lstat()
        self._names[status.st_ino] = name
        return struct.pack("<QQQQII", status.st_ino, 0, 0, 0, 0, 0) + _attributes(status)

    def _lookup(self, _node: int, body: bytes) -> bytes:
        return self._entry(_text(body))

    def _getattr(self, node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + _attributes(self._path(node).lstat())

    def _setattr(self, node: int, body: bytes) -> bytes:
        valid, _pad, _handle, size = struct.unpack_from("<IIQQ", body)
        (mode,) = struct.unpack_from("<I", body, 68)
        if valid & 1:
            self._path(node).chmod(mode & 0o7777)
        if valid & 8:
            os.truncate(self._path(node), size)
        return self._getattr(node, body)

    def _unlink(self, _node: int, body: bytes) -> bytes:
        (self._folder / _text(body)).unlink()
        return b""

    def _rename(self, _node: int, body: bytes) -> bytes:
        return self._renamed(body[8:])

    def _rename2(self, _node: int, body: bytes) -> bytes:
        return self._renamed(body[16:])

    def _renamed(self, names: bytes) -> bytes:
        old, new = names.split(b"\0")[:2]
        (self._folder / os.fsdecode(old)).replace(self._folder / os.fsdecode(new))
        self._entry(os.fsdecode(new))
        return b""

    # -- files -----------------------------------------------------------------------------------------

    def _open(self, node: int, body: bytes) -> bytes:
        (flags,) = struct.unpack_from("<I", body)
        return struct.pack("<QII", os.open(self._path(node), flags & ~os.O_EXCL & ~os.O_CREAT), _DIRECT_IO, 0)

    def _create(self, _node: int, body: bytes) -> bytes:
        flags, mode, _umask, _more = struct.unpack_from("<IIII", body)
        name = _text(body[16:])
        handle = os.open(self._folder / name, flags | os.O_CREAT, mode & 0o7777)
        return self._entry(name) + struct.pack("<QII", handle, _DIRECT_IO, 0)

    def _read(self, _node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(handle, size, offset)

    def _write(self, _node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        time.sleep(size / self._speed)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)

    def _release(self, _node: int, body: bytes) -> bytes:
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def _fsync(self, _node: int, _body: bytes) -> bytes:
        return b""

    def _nothing(self, _node: int, _body: bytes) -> bytes:
        return b""

    # -- the whole -------------------------------------------------------------------------------------

    def _init(self, _node: int, body: bytes) -> bytes:
        _major, _minor, ahead, _flags = struct.unpack_from("<IIII", body)
        return struct.pack("<IIIIHHIIHHI7I", 7, 31, ahead, 0, 8, 6, _PAGE, 1, 1, 0, 0, *[0] * 7)

    def _statfs(self, _node: int, _body: bytes) -> bytes:
        told = os.statvfs(self._folder)
        sizes = (told.f_blocks, told.f_bfree, told.f_bavail, told.f_files, told.f_ffree)
        return struct.pack("<5QIII7I", *sizes, told.f_bsize, 255, told.f_frsize, *[0] * 7)

    def _opendir(self, _node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0)

    def _readdir(self, _node: int, body: bytes) -> bytes:
        _handle, offset, size = struct.unpack_from("<QQI", body)
        out = b""
        for number, path in enumerate(sorted(self._folder.iterdir())[offset:], offset + 1):
            raw = os.fsencode(path.name)
            row = struct.pack("<QQII", path.lstat().st_ino, number, len(raw), 8) + raw
            row += bytes(-len(row) % 8)
            if len(out) + len(row) > size:
                break
            out += row
        return out


def _attributes(status: os.stat_result) -> bytes:
    times = [time_ns // 10**9 for time_ns in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)]
    parts = [time_ns % 10**9 for time_ns in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)]
    more = (status.st_mode, status.st_nlink, status.st_uid, status.st_gid, 0, _PAGE, 0)
    return struct.pack("<6Q10I", status.st_ino, status.st_size, status.st_blocks, *times, *parts, *more)


def _text(body: bytes) -> str:
    return os.fsdecode(body.partition(b"\0")[0])


def main(mountpoint: str, folder: str, speed: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    if libc.mount(b"slow", os.fsencode(mountpoint), b"fuse", 6, options.encode()) != 0:
        raise SystemExit(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    sys.stdout.write("mounted\n")
    sys.stdout.flush()
    SlowDisk(device, Path(folder), float(speed)).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
