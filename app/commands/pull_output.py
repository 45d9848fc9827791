"""What `hal0 model pull` prints: for people, or for programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from app.commands.progress import ProgressLine
from app.views.pull import PlanWords, plan_words, progress_fraction, progress_words
from router.base.errors import RouterError
from router.config.sizes import file_size
from router.hub.pull import Plan, PullProgress


class Output:
    """For people: what it is on stdout, how far it is on stderr."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line = ProgressLine()
        self._last: PullProgress | None = None

    def asking(self, repo: str) -> None:
        """Say what is waited for; only where the line makes room for the next."""
        if self._line.redraws:
            self._line.show(f"Asking for {repo}…")

    def waiting(self, message: str, seconds: float) -> None:
        self._line.show(f"{message} Trying again in {seconds:.0f} s.")

    def plan(self, plan: Plan, *, named: bool) -> None:
        self._line.clear()
        words: PlanWords = plan_words(plan, named=named)
        print("\n".join(words.lines), flush=True)

    def progress(self, progress: PullProgress) -> None:
        self._last = progress
        fraction = progress_fraction(progress)
        words = progress_words(progress)
        # Without a terminal each new text is a line: one for every tenth is enough.
        brief = f"{progress.file}: {progress.step} {fraction * 100 // 10 * 10:.0f}%"
        self._line.show(words if self._line.redraws else brief, fraction)

    def done(self, path: Path) -> None:
        self._line.clear()
        print(f"Ready: {path}")

    def failed(self, error: RouterError) -> int:
        self._line.clear()
        print(f"hal0: {error.message}", file=sys.stderr)
        return 1

    def paused(self) -> None:
        self._line.clear()
        last = self._last
        came = f" after {file_size(last.done_bytes)} of {file_size(last.total_bytes)}" if last else ""
        print(f"Paused{came}; `hal0 model pull {self._text}` goes on from there.", file=sys.stderr)


class JsonOutput(Output):
    """For programs: one object a line on stdout. `event` is waiting, plan, progress, done, paused or error."""

    def __init__(self) -> None:
        super().__init__("")
        self._last_percent = -1

    def asking(self, repo: str) -> None:
        """Say nothing: the next event comes by itself."""

    def waiting(self, message: str, seconds: float) -> None:
        self._print("waiting", message=message, seconds=seconds)

    def _print(self, event: str, **what: object) -> None:
        print(json.dumps({"event": event, **what}), flush=True)

    def plan(self, plan: Plan, *, named: bool) -> None:
        fit = plan.fit
        self._print(
            "plan",
            repo=plan.repository.repo,
            commit=plan.repository.commit,
            label=plan.chosen.label,
            files=[file.name for file in plan.chosen.all_files],
            total_bytes=plan.chosen.total_bytes,
            fetch_bytes=plan.fetch_bytes,
            done_bytes=plan.done_bytes,
            path=str(plan.here) if plan.here else None,
            needs=fit.needs if fit else None,
            context=fit.context if fit else None,
            fit=fit.fits if fit else None,
            margin=fit.margin if fit else None,
            warning=plan.warning,
        )

    def progress(self, progress: PullProgress) -> None:
        percent = int(100 * progress_fraction(progress))
        if percent != self._last_percent:
            self._last_percent = percent
            self._print(
                "progress",
                step=progress.step,
                file=progress.file,
                done_bytes=progress.done_bytes,
                total_bytes=progress.total_bytes,
                speed=progress.speed,
                seconds_left=progress.seconds_left,
            )

    def done(self, path: Path) -> None:
        self._print("done", path=str(path))

    def failed(self, error: RouterError) -> int:
        self._print("error", message=error.message)
        return 1

    def paused(self) -> None:
        self._print("paused")
