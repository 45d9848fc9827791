"""Unpacking an archive from the network: nothing may be written outside the folder it is unpacked to."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from router.base.errors import InstallFailed
from router.engine.store import SERVER_NAME


def unpack(archive: Path, target: Path) -> None:
    """Unpack a .zip or .tar.gz into the new folder `target`. Blocks. Raises InstallFailed."""
    target.mkdir(mode=0o700)
    try:
        if archive.name.endswith(".zip"):
            _unpack_zip(archive, target)
        else:
            _unpack_tar(archive, target)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise InstallFailed(f"{archive.name} could not be unpacked: {error}.") from error


def arrange(unpacked: list[Path], partial: Path) -> None:
    """Bring llama-server's folder from the first archive, and every file of the others, into `bin/`.

    Linux and macOS archives hold one folder `llama-<tag>/`, Windows ones are flat. Raises InstallFailed.
    """
    server = next(unpacked[0].rglob(SERVER_NAME), None)
    if server is None:
        raise InstallFailed(f"The release's archive has no {SERVER_NAME} in it.")
    beside = partial / "bin"
    server.parent.rename(beside)
    for folder in unpacked[1:]:
        for file in [f for f in folder.rglob("*") if f.is_symlink() or f.is_file()]:
            file.replace(beside / file.name)
    for folder in unpacked:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack_tar(archive: Path, target: Path) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise InstallFailed("This Python cannot unpack archives safely; Python 3.11.4 or newer is needed.")
    with tarfile.open(archive, "r:gz") as tar:
        # The filter refuses names, links and special files that lead out of `target`.
        tar.extractall(target, filter="data")


def _unpack_zip(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        entries = zipped.infolist()
        for entry in entries:
            _check_entry(entry)
        for entry in entries:
            path = Path(zipped.extract(entry, target))
            mode = (entry.external_attr >> 16) & 0o755
            if mode and path.is_file():
                path.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or "\\" in name
    if outside or ".." in PurePosixPath(name).parts or stat.S_ISLNK(entry.external_attr >> 16):
        raise zipfile.BadZipFile(f"its entry {name!r} leads out of the folder")
