"""Where a file is: on a disk of this computer, or on another one. Not for Windows, which says so itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Final

import psutil

_REMOTE: Final = frozenset(
    {
        *(
            "nfs",
            "nfs3",
            "nfs4",
            "cifs",
            "smb",
            "smb2",
            "smb3",
            "smbfs",
            "ncpfs",
            "afs",
            "afpfs",
            "webdav",
            "davfs",
        ),
        *("9p", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "orangefs", "coda", "ocfs2", "gfs2", "ftp"),
    }
)
# Of FUSE mounts, only those known to be on this computer: there are many like sshfs and rclone.
_LOCAL_FUSE: Final = frozenset(
    {
        *(
            "fuseblk",
            "fuse.mergerfs",
            "fuse.gocryptfs",
            "fuse.encfs",
            "fuse.cryfs",
            "fuse.bindfs",
            "fuse.unionfs",
        ),
        *(
            "fuse.ntfs-3g",
            "fuse.exfat",
            "fuse.lxcfs",
            "fuse.portal",
            "fuse.zfs",
            "fuse.dwarfs",
            "fuse.squashfuse",
        ),
        *("fuse.fuse-overlayfs", "fuse.fuse2fs", "fuse.apfs-fuse"),
    }
)


def is_remote(path: Path) -> bool:
    """Return whether `path`, links resolved, is on a network drive, or nobody can tell. Touches the disk."""
    mounts = [(found.mountpoint, found.fstype) for found in psutil.disk_partitions(all=True)]
    kind = file_system(path.resolve(), mounts)
    return kind is None or is_remote_kind(kind)


def file_system(path: PurePath, mounts: Iterable[Sequence[str]]) -> str | None:
    """Return the type of what is mounted nearest above `path`, of pairs of mount point and type; None where
    nothing is. The last of two at one place covers the first."""
    above = {str(parent) for parent in (path, *path.parents)}
    found = [(len(point), number, kind) for number, (point, kind) in enumerate(mounts) if point in above]
    return max(found)[2] if found else None


def is_remote_kind(kind: str) -> bool:
    kind = kind.lower()
    return kind in _REMOTE or (kind.startswith(("fuse", "macfuse", "osxfuse")) and kind not in _LOCAL_FUSE)
