"""Where fetched models lie: whole ones in `<downloads>/org/repo/label/`, what still comes in `.incoming/`.

A model's folder is filled where no scan looks and then renamed, so it is there with all its files or not there.
`.hal0.json` in it says what it is: the only folders hal0 ever removes have one. Blocking.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from router.base.files import file_key, replace, write_atomic
from router.hub.file_download import bytes_present
from router.hub.names import Reference, RepoFile

INCOMING: Final = ".incoming"
MARK: Final = ".hal0.json"
_SET: Final = "set"
_TRASH: Final = "removed-"
_HALF: Final = ".copying"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Download:
    """A model that hal0 fetched, or is to fetch, into `folder`. The first of `files` is the one to load."""

    repo: str
    label: str
    commit: str
    folder: Path
    files: tuple[RepoFile, ...]

    @property
    def reference(self) -> str:
        """What fetches it again: `org/repo:label`."""
        return str(Reference(self.repo, self.label))

    @property
    def path(self) -> Path:
        return self.folder / self.files[0].name

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def done_bytes(self) -> int:
        return sum(bytes_present(self.folder, file) for file in self.files)

    @property
    def is_whole(self) -> bool:
        return all((self.folder / file.name).is_file() for file in self.files)


def final_folder(downloads: Path, repo: str, label: str) -> Path:
    """Return where the model lies once it is whole."""
    return downloads.joinpath(*repo.split("/"), label)


def incoming_folder(downloads: Path, repo: str, label: str) -> Path:
    """Return where it comes, with its lock; its files are in `filling`."""
    return downloads / INCOMING / f"{repo.replace('/', '--')}--{label}"


def filling(incoming: Path) -> Path:
    return incoming / _SET


def incoming(downloads: Path, repo: str, label: str, commit: str, files: tuple[RepoFile, ...]) -> Download:
    """Return the model as it is to be while it comes."""
    return Download(repo, label, commit, filling(incoming_folder(downloads, repo, label)), files)


def whole(downloads: Path, repo: str, label: str, files: tuple[RepoFile, ...]) -> Path | None:
    """Return the model's file if hal0 has fetched these very files before."""
    mark = read_mark(final_folder(downloads, repo, label))
    return mark.path if mark and mark.files == files and mark.is_whole else None


def write_mark(download: Download) -> None:
    """Say what the folder is. Raises OSError."""
    raw = {
        "repo": download.repo,
        "label": download.label,
        "commit": download.commit,
        "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in download.files],
    }
    write_atomic(download.folder / MARK, json.dumps(raw, indent=1).encode())


def read_mark(folder: Path) -> Download | None:
    """Return what hal0 put into `folder`; None if it was not hal0."""
    try:
        raw: Any = json.loads((folder / MARK).read_bytes())
        files = tuple(RepoFile(str(f["path"]), int(f["size"]), f["sha256"]) for f in raw["files"])
        return (
            Download(str(raw["repo"]), str(raw["label"]), str(raw["commit"]), folder, files) if files else None
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def fetched(downloads: Path, reference: str) -> Download | None:
    """Return the whole model that `reference`, as of `Download.reference`, has fetched; None if it is not
    there."""
    repo, _, label = reference.partition(":")
    return read_mark(final_folder(downloads, repo, label))


def unfinished(downloads: Path) -> list[Download]:
    """Return every model that has begun to come and is not whole."""
    found = (read_mark(mark.parent) for mark in sorted((downloads / INCOMING).glob(f"*/{_SET}/{MARK}")))
    return [download for download in found if download is not None]


def owner_of(downloads: Path, file: Path) -> Download | None:
    """Return the download that the model file belongs to; None if it is not one of hal0's."""
    found = read_mark(file.parent)
    return found if found is not None and file.is_relative_to(downloads) else None


def publish(download: Download, downloads: Path) -> Path:
    """Give the filled folder its place, in one step, and return the model's file. Raises OSError."""
    final = final_folder(downloads, download.repo, download.label)
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = {MARK, *(file.name for file in download.files)}
    for left in [path for path in download.folder.iterdir() if path.name not in wanted]:
        left.unlink()  # parts of a version that the repository no longer has
    with _set_aside(final):
        replace(download.folder, final)
    shutil.rmtree(download.folder.parent, ignore_errors=True)
    return final / download.files[0].name


def remove(download: Download, downloads: Path) -> None:
    """Take the model away with all its files, in one step for whoever looks. Raises OSError."""
    folder = download.folder
    trash = _trash(downloads)
    folder.rename(trash / folder.name)
    shutil.rmtree(trash, ignore_errors=True)
    for above in folder.parents:
        if above == downloads or not above.is_relative_to(downloads):
            break
        if any(path.name != ".lock" for path in above.iterdir()):
            break
        shutil.rmtree(above, ignore_errors=True)


@contextmanager
def _set_aside(final: Path) -> Iterator[None]:
    """Move what has the place now out of the way; back if the body fails."""
    if not final.exists():
        yield
        return
    trash = _trash(final.parents[2])
    final.rename(trash / "old")
    try:
        yield
    except BaseException:
        (trash / "old").rename(final)
        raise
    finally:
        shutil.rmtree(trash, ignore_errors=True)


def _trash(downloads: Path) -> Path:
    folder = downloads / INCOMING
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(tempfile.mkdtemp(prefix=_TRASH, dir=folder))


def sweep(downloads: Path) -> None:
    """Remove what a killed removal left."""
    for folder in (downloads / INCOMING).glob(f"{_TRASH}*"):
        shutil.rmtree(folder, ignore_errors=True)


def link(source: Path, target: Path) -> None:
    """Let `target` be the same file without a second copy: a hard link, else a symbolic one. Where there can be
    neither, as on another drive of Windows for a person without the right to make links, it is a copy. Raises
    OSError."""
    real = Path(os.path.realpath(source))
    try:
        os.link(real, target)
    except OSError:  # another volume, or a file system without them
        try:
            target.symlink_to(real)
        except OSError as error:
            log.info("%s cannot be linked (%s), so it is copied", real, error)
            half = target.with_name(f"{target.name}{_HALF}")
            shutil.copyfile(real, half)
            half.replace(target)


def gguf_files(folders: Iterable[Path]) -> Iterator[Path]:
    """Return every GGUF below `folders`, each real file once; links are followed."""
    seen: set[str] = set()
    for top in folders:
        for folder, subfolders, names in os.walk(top, followlinks=True):
            real = file_key(folder)
            subfolders[:] = [] if real in seen else sorted(n for n in subfolders if not n.startswith("."))
            seen.add(real)
            yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(".gguf"))
