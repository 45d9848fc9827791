"""Fetching one model whole: first what it is and whether there is room (`plan`), then doing it (`run`).

Both block, for hours if need be: call them in a thread. `pause` may be called from any other; what has come
stays, and the same pull goes on from there, also after hal0 was ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from router.base.errors import BadModel
from router.catalog.gguf import read_header
from router.catalog.header import GgufHeader, why_not_launchable
from router.hub import store
from router.hub.api import Hub, Repository
from router.hub.copies import find_copies
from router.hub.download_lock import lock_download
from router.hub.file_download import bytes_present, disk_failed, fetch
from router.hub.fit import need_disk, offered_fit
from router.hub.names import FileSet, Reference, RepoFile, choose, file_sets
from router.hub.remote_header import read_remote_header
from router.hub.retry import DELAYS, Paused, Retrier
from router.hub.transfer_rate import TransferRate
from router.wire.hub_offer import OfferedFit

__all__ = ["OnProgress", "Paused", "Plan", "Pull", "PullProgress", "Step"]


class Step(StrEnum):
    """What is being done."""

    CHECKING = "checking"
    DOWNLOADING = "downloading"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """`file`: whose turn it is. Bytes are of the whole model while downloading, of the file while checking.

    `speed`: bytes a second; `seconds_left`: until all is there; None before that can be told.
    """

    step: Step
    file: str
    done_bytes: int
    total_bytes: int
    speed: float | None = None
    seconds_left: float | None = None


OnProgress = Callable[[PullProgress], None]


def _ignore(_progress: PullProgress) -> None:
    """For whom nobody waits."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pull would do.

    Attributes:
        chosen: the files; `label` says which quantisation.
        others: every model the repository has, for a person who wants another.
        here: the model's file if all of it is on this disk and in a model folder: there is nothing to do.
        copies: files that lie elsewhere on this disk, to be linked rather than fetched.
        done_bytes: of the rest, what an earlier try brought.
        fit: whether it would go into memory; None where the header does not tell.
        warning: why llama-server may not be able to run it.
    """

    repository: Repository
    chosen: FileSet
    others: tuple[FileSet, ...]
    here: Path | None = None
    copies: Mapping[RepoFile, Path] = field(default_factory=lambda: MappingProxyType({}))
    done_bytes: int = 0
    fit: OfferedFit | None = None
    warning: str | None = None

    @property
    def to_fetch(self) -> tuple[RepoFile, ...]:
        return tuple(file for file in self.chosen.all_files if file not in self.copies)

    @property
    def fetch_bytes(self) -> int:
        """All that is or was to come over the line."""
        return sum(file.size for file in self.to_fetch)


class Pull:
    """One model on its way to `downloads`, hal0's own model folder."""

    def __init__(
        self,
        reference: Reference,
        downloads: Path,
        *,
        model_dirs: Sequence[Path] = (),
        elsewhere: Iterable[Path] = (),
        endpoint: str | None = None,
        delays: Sequence[float] = DELAYS,
        ask_delays: Sequence[float] | None = None,
        on_wait: Callable[[str, float], None] = lambda _message, _seconds: None,
    ) -> None:
        """`model_dirs`: folders whose files are models already. `elsewhere`: other programs' folders, where the
        files may lie too. `endpoint`: see Hub. `delays`, `on_wait`: see Retrier; `ask_delays`: of `plan`, where
        they differ."""
        self.reference = reference
        self._downloads = downloads
        self._model_dirs = tuple(dict.fromkeys((*model_dirs, downloads)))
        self._elsewhere = tuple(elsewhere)
        self._endpoint = endpoint
        self._stop = threading.Event()
        self._retrier = Retrier(self._stop, delays, on_wait)
        self._asking = Retrier(self._stop, delays if ask_delays is None else ask_delays, on_wait)
        self._hub: Hub | None = None

    def pause(self) -> None:
        """Make `plan` or `run` raise Paused soon. From any thread, any number of times."""
        self._stop.set()

    def again(self) -> None:
        """Let it try as often as at the beginning. From any thread."""
        self._retrier.progressed()

    def plan(self, on_progress: OnProgress = _ignore) -> Plan:
        """Return what there is to do. Raises PullFailed, Paused."""
        hub = self._hub = self._hub or Hub(self._endpoint)
        repository = self._asking.call(lambda: hub.repository(self.reference.repo))
        sets = file_sets(repository.files)
        chosen = choose(self.reference, sets)
        fetched = self._fetched(repository, chosen)
        copies = {} if fetched else self._copies(chosen, on_progress)
        here = fetched or self._here(chosen, copies)
        if here is not None:
            return Plan(repository, chosen, sets, here, copies)
        download = self._download(repository, chosen)
        header, warning = self._header(hub, repository, chosen, copies)
        fit = offered_fit(header, chosen.total_bytes) if header and not warning else None
        plan = Plan(repository, chosen, sets, None, copies, 0, fit, warning)
        done = sum(bytes_present(download.folder, file) for file in plan.to_fetch)
        return Plan(repository, chosen, sets, None, copies, done, fit, warning)

    def run(self, plan: Plan, on_progress: OnProgress = _ignore) -> Path:
        """Do it; returns the model's file. Raises PullFailed and Paused; what has come stays."""
        if plan.here is not None:
            return plan.here
        hub = self._hub = self._hub or Hub(self._endpoint)
        download = self._download(plan.repository, plan.chosen)
        with lock_download(download, self._downloads):
            need_disk(self._downloads, plan.fetch_bytes - plan.done_bytes)
            self._fill(hub, plan, download.folder, on_progress)
            try:
                return store.publish(download, self._downloads)
            except OSError as error:
                raise disk_failed(error, self._downloads) from error

    def _fill(self, hub: Hub, plan: Plan, folder: Path, on_progress: OnProgress) -> None:
        for file, copy in plan.copies.items():
            if not (folder / file.name).exists():
                (folder / file.name).unlink(missing_ok=True)  # a link that leads nowhere
                try:
                    store.link(copy, folder / file.name)
                except OSError as error:
                    raise disk_failed(error, self._downloads) from error
        overall = _OverallProgress(plan, on_progress)
        before = 0
        for file in plan.to_fetch:
            overall.file(file, before)
            fetch(hub, plan.repository, file, folder, self._retrier, overall.came, overall.checked)
            before += file.size

    def _download(self, repository: Repository, chosen: FileSet) -> store.Download:
        return store.incoming(self._downloads, repository.repo, chosen.key, repository.commit, chosen.all_files)

    def _copies(self, chosen: FileSet, on_progress: OnProgress) -> Mapping[RepoFile, Path]:
        total = max(file.size for file in chosen.all_files)

        def checked(done: int) -> None:
            on_progress(PullProgress(Step.CHECKING, chosen.stem, done, total))

        folders = tuple(dict.fromkeys((*self._model_dirs, *self._elsewhere)))
        return find_copies(chosen.all_files, folders, self._retrier, checked)

    def _fetched(self, repository: Repository, chosen: FileSet) -> Path | None:
        """Return the model's file if hal0 has fetched these very files before."""
        return store.whole(self._downloads, repository.repo, chosen.key, chosen.all_files)

    def _here(self, chosen: FileSet, copies: Mapping[RepoFile, Path]) -> Path | None:
        """Return where all of it lies together in a folder that is scanned."""
        if any(file not in copies for file in chosen.all_files):
            return None
        paths = [copies[file] for file in chosen.all_files]
        together = len({path.parent for path in paths}) == 1
        scanned = any(paths[0].is_relative_to(folder) for folder in self._model_dirs)
        return paths[0] if together and scanned else None

    def _header(
        self, hub: Hub, repository: Repository, chosen: FileSet, copies: Mapping[RepoFile, Path]
    ) -> tuple[GgufHeader | None, str | None]:
        """Return the header, and what is wrong with it if something is."""
        first = chosen.files[0]
        try:
            if first in copies:
                header = read_header(copies[first])
            else:
                header = read_remote_header(hub, repository, first, self._asking)
        except BadModel as error:
            return None, error.message
        return header, why_not_launchable(header)


class _OverallProgress:
    """Turns bytes of a file into progress of the whole."""

    def __init__(self, plan: Plan, on_progress: OnProgress) -> None:
        self._total = plan.fetch_bytes
        self._on_progress = on_progress
        self._rate = TransferRate()
        self._file, self._before, self._size = "", 0, 0

    def file(self, file: RepoFile, before: int) -> None:
        """Begin with `file`; the files before it have `before` bytes."""
        self._file, self._before, self._size = file.name, before, file.size

    def came(self, done: int) -> None:
        self._rate.add(time.monotonic(), self._before + done)
        left = self._rate.seconds_left(self._total)
        progress = (self._file, self._before + done, self._total, self._rate.speed, left)
        self._on_progress(PullProgress(Step.DOWNLOADING, *progress))

    def checked(self, done: int) -> None:
        self._on_progress(PullProgress(Step.CHECKING, self._file, done, self._size))
