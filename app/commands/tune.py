"""`hal0 tune MODEL`: tries the few flags that matter for speed, measured as `hal0 bench` does, keeps the best.

All is tried by flags for one load (`Load.flags`): hal0.yaml is written at the end or never, and the slot holds
afterwards what it held before, however this ends.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from app.commands.asking import asked
from app.commands.bench import Asked, measure, note, place_for
from app.commands.progress import ProgressLine
from app.commands.remote import show_load
from app.commands.tables import table
from app.commands.tuning import AGAIN, Machine, Outcome, Setting, Trial, alternatives, search
from app.link.client import Client, NotRunning, Refused
from app.system.streams import stdin_is_terminal
from app.views.remedy import remedy_changes
from router.base.paths import Paths
from router.config.load import load_config
from router.orders.kinds import EditConfig, ReadConfig, Unload

SETTLED = ("ready", "unloaded", "failed")
OVER_SECONDS = 2.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for beside the model. `write`: the best goes into hal0.yaml; `yes`: nobody is asked."""

    slot: str = ""
    asked: Asked = field(default_factory=Asked)
    cache: bool = False
    write: bool = False
    yes: bool = False
    as_json: bool = False


class InUse(Exception):
    """Somebody else uses the slot, or came to."""


def tune(config_file: Path | None, url: str | None, model: str, wanted: Wanted) -> int:
    """Print what was measured and what is best; 1 if that could not be done. Ctrl+C leaves all as it was."""
    paths = Paths.for_user(config_file)
    client = Client.find(load_config(paths.config_file, paths).server, paths, url)
    try:
        slot, name = place_for(client, model, wanted.slot)
        return _tell(client, slot, name, _Tuning(client, slot, name, wanted).run(), wanted)
    except (NotRunning, Refused, InUse) as error:
        print(f"hal0: {error}", file=sys.stderr)
        return 1


class _Tuning:
    """One search in one slot."""

    def __init__(self, client: Client, slot: str, model: str, wanted: Wanted) -> None:
        self._client = client
        self._slot = slot
        self._model = model
        self._wanted = wanted
        self._line = ProgressLine()
        self._measured = 0
        self._total = 1

    def run(self) -> Outcome:
        """Search; whatever happens, put back what the slot held. Raises NotRunning, Refused, InUse."""
        before = self._state()
        if before["in_flight"] or before["queued"] or before["state"] not in SETTLED:
            raise InUse(f"{self._slot} is in use; tune {self._model} when nobody waits for it.")
        own = self._client.carry_out(ReadConfig()).config.models.get(self._model)
        machine = self._machine()
        groups = alternatives(machine, own.flags if own else {}, cache=self._wanted.cache)
        self._total = 1 + sum(map(len, groups)) + 2 * AGAIN
        try:
            return search(self._try, groups, machine)
        finally:
            self._line.clear()
            self._put_back(before)

    def _machine(self) -> Machine:
        memory = self._client.state()["memory"]
        threads = psutil.cpu_count() or 1
        return Machine(
            psutil.cpu_count(logical=False) or threads,
            threads,
            any(device["is_gpu"] for device in memory),
            self._wanted.asked.prompt,
            self._wanted.asked.generate,
        )

    def _try(self, setting: Setting) -> Trial:
        """Load the model so and measure it; one that does not load so is told in the table."""
        self._measured += 1
        shown = f"{' '.join(setting) or 'as it is'} ({self._measured} of {self._total} at most)"
        self._unused()
        try:
            show_load(self._client, self._slot, self._model, flags=setting)
            runs = measure(self._client, self._model, self._wanted.asked, self._line, shown, self._unused)
        except Refused as error:  # it does not load so, or dies of it
            if not setting:
                raise
            return Trial(setting, error=str(error))
        if list(self._state()["load_flags"]) != sorted(setting):
            raise InUse(f"{self._slot} was loaded otherwise meanwhile; nothing is changed.")
        return Trial(setting, tuple(runs))

    def _unused(self) -> None:
        """Raise InUse where anybody else has requests in the slot: they would be measured, too. The last one of
        its own may be over for a moment before that is told."""
        deadline = time.monotonic() + OVER_SECONDS
        while (state := self._state())["in_flight"] or state["queued"]:
            if time.monotonic() >= deadline:
                raise InUse(f"{self._slot} came to be used by others; tune {self._model} later.")
            time.sleep(_POLL_SECONDS)

    def _state(self) -> dict[str, Any]:
        slots: list[dict[str, Any]] = self._client.state()["slots"]
        return next(slot for slot in slots if slot["name"] == self._slot)

    def _put_back(self, before: Mapping[str, Any]) -> None:
        """Load what the slot held, with what it had; empty it where it was empty."""
        if before["state"] == "ready" and before["model"]:
            show_load(self._client, self._slot, before["model"], flags=tuple(before["load_flags"]))
        elif self._state()["state"] != "unloaded":
            self._client.carry_out(Unload(self._slot))


def _tell(client: Client, slot: str, model: str, found: Outcome, wanted: Wanted) -> int:
    note(
        client, model, (found.before or found.trials[0]).runs
    )  # as it is; what is better is not hal0.yaml's yet
    if wanted.as_json:
        print(json.dumps(_document(slot, model, found)))
    else:
        print("\n".join(_lines(slot, model, found)))
    if not found.best or found.after is None or not wanted.write:
        return 0
    if not wanted.yes and not _agreed(model, found.best):
        return 1
    status = client.snapshot().model(model)
    assert status is not None, "it was measured just now"
    changes = remedy_changes(client.carry_out(ReadConfig()), status, found.best)
    client.carry_out(EditConfig(tuple(changes)))
    note(client, model, found.after.runs)
    if not wanted.as_json:
        print(f"hal0.yaml has {' '.join(found.best)} for {model} now, and so does the next load.")
    return 0


def _agreed(model: str, best: Setting) -> bool:
    if not stdin_is_terminal():
        print("hal0: Nothing is written: nobody is there to ask; `--yes` writes it.", file=sys.stderr)
        return False
    return asked(f"Write {' '.join(best)} for {model} into hal0.yaml?")


def _lines(slot: str, model: str, found: Outcome) -> Iterator[str]:
    rows = [(" ".join(trial.setting) or "as it is", *_speeds(trial)) for trial in found.trials]
    yield table([("FLAGS", "READS", "WRITES"), *rows])
    for trial in found.trials:
        if trial.error:
            yield f"  {' '.join(trial.setting)}: {trial.error}"
    if not found.best or found.before is None or found.after is None:
        yield f"{model} in {slot}: nothing was faster beyond what runs differ by; it stays as it is."
        return
    reads = found.after.reads() / found.before.reads()
    writes = found.after.writes() / found.before.writes()
    won = " ".join(found.best)
    yield f"{model} in {slot}: best with {won}: reads {reads:.2f}, writes {writes:.2f} times as fast."
    yield f"`hal0 tune {model} --write` puts it into hal0.yaml."


def _speeds(trial: Trial) -> tuple[str, str]:
    if not trial.runs:
        return "does not load", ""
    return f"{trial.reads():,.1f} tokens/s", f"{trial.writes():,.1f} tokens/s"


def _document(slot: str, model: str, found: Outcome) -> dict[str, Any]:
    return {
        "model": model,
        "slot": slot,
        "best": list(found.best),
        "trials": [
            {"flags": list(t.setting), "error": t.error or None, "runs": [asdict(run) for run in t.runs]}
            for t in found.trials
        ],
    }
