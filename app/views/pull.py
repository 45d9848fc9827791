"""What is said about a pull, before and while it runs: in the terminal and in the window. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.texts.translate import tr
from app.views.quantisations import fit_words
from router.config.sizes import file_size
from router.hub.pull import Plan, Step
from router.memory.forecast.needs import Fit


@dataclass(frozen=True, slots=True)
class PlanWords:
    """`lines` for people; `doubtful`: there is a reason to ask before fetching."""

    lines: tuple[str, ...]
    doubtful: bool


def plan_words(plan: Plan, *, named: bool) -> PlanWords:
    """`named`: the person said which quantisation."""
    if plan.here is not None:
        return PlanWords(
            (tr("{model} is already here: {path}").format(model=_name(plan), path=plan.here),), False
        )
    lines = [f"{_name(plan)} · {_files(plan)} · {_bytes(plan)}"]
    if not named:
        lines.append("  " + _choice(plan))
    for file, copy in plan.copies.items():
        lines.append("  " + tr("{file} is already here: {path}").format(file=file.name, path=copy))
    doubtful = plan.warning is not None
    if plan.warning is not None:
        lines.append("  " + plan.warning)
    if plan.fit is not None:
        lines.append("  " + fit_words(plan.fit))
        doubtful = plan.fit.fits == Fit.SHORT
    return PlanWords(tuple(lines), doubtful)


class Progressing(Protocol):
    """How far something is: PullProgress here, a snapshot's DownloadStatus in the window."""

    @property
    def step(self) -> str | None: ...
    @property
    def file(self) -> str | None: ...
    @property
    def done_bytes(self) -> int: ...
    @property
    def total_bytes(self) -> int: ...
    @property
    def speed(self) -> float | None: ...
    @property
    def seconds_left(self) -> float | None: ...


def progress_fraction(progress: Progressing) -> float:
    """0 to 1."""
    return progress.done_bytes / progress.total_bytes if progress.total_bytes else 1.0


def progress_words(progress: Progressing) -> str:
    """`1.2 GB of 4.9 GB · 45 MB/s · 1 min 22 s left`."""
    if progress.step == Step.CHECKING:
        return tr("Checking {file}").format(file=progress.file)
    parts = [
        tr("{done} of {total}").format(
            done=file_size(progress.done_bytes), total=file_size(progress.total_bytes)
        )
    ]
    if progress.speed is not None:
        parts.append(f"{file_size(round(progress.speed))}/s")
    if progress.seconds_left is not None:
        parts.append(tr("{time} left").format(time=duration(progress.seconds_left)))
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """`4 s`, `3 min 20 s`, `2 h 5 min`: two figures are enough."""
    whole = max(0, round(seconds))
    if whole < 60:
        return tr("{seconds} s").format(seconds=whole)
    if whole < 3600:
        return tr("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return tr("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


def _name(plan: Plan) -> str:
    return f"{plan.repository.repo}:{plan.chosen.key}"


def _files(plan: Plan) -> str:
    count = len(plan.chosen.files)
    files = tr("{count} files").format(count=count) if count > 1 else plan.chosen.files[0].name
    return files if plan.chosen.projector is None else tr("{files} and its mmproj").format(files=files)


def _bytes(plan: Plan) -> str:
    total = file_size(plan.fetch_bytes)
    if plan.done_bytes:
        return tr("{done} of {total} already here").format(done=file_size(plan.done_bytes), total=total)
    return tr("{total} to fetch").format(total=total)


def _choice(plan: Plan) -> str:
    others = [found.key for found in plan.others if found.key != plan.chosen.key]
    if not others:
        return tr("the only one there is")
    listed = ", ".join(others[:12]) + (", …" if len(others) > 12 else "")
    return tr("chosen by hal0; there are also: {others}").format(others=listed)
