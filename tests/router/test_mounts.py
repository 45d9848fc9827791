"""Which drive a file lies on, and whether that is another computer's."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

import pytest

if sys.platform == "win32":
    pytest.skip("Windows tells itself", allow_module_level=True)

from router.platforms.mounts import file_system, is_remote, is_remote_kind

MOUNTS = [("/", "ext4"), ("/mnt", "ext4"), ("/mnt/nas", "nfs4"), ("/mnt/na", "xfs"), ("/proc", "proc")]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/a/b", "ext4"), ("/mnt/nas/m.gguf", "nfs4"), ("/mnt/nasty/m.gguf", "ext4"), ("/mnt/na/x", "xfs")],
)
def test_the_nearest_mount_above_counts(path: str, kind: str) -> None:
    assert file_system(PurePosixPath(path), MOUNTS) == kind


def test_the_last_of_two_at_one_place_covers_the_first() -> None:
    assert file_system(PurePosixPath("/mnt/x"), [*MOUNTS, ("/mnt", "cifs")]) == "cifs"


def test_where_nothing_is_mounted_nothing_is_known() -> None:
    assert file_system(PurePosixPath("/a"), []) is None


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "SMBFS", "9p", "fuse.sshfs", "fuse.rclone", "fuse"]
)
def test_other_computers_drives(kind: str) -> None:
    assert is_remote_kind(kind)


@pytest.mark.parametrize(
    "kind", ["ext4", "btrfs", "xfs", "overlay", "apfs", "tmpfs", "fuseblk", "fuse.mergerfs"]
)
def test_drives_of_this_computer(kind: str) -> None:
    assert not is_remote_kind(kind)


def test_a_file_here_is_here_also_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert not is_remote(tmp_path / "link" / "file")
