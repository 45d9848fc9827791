"""`hal0 bench`: how fast a model reads and writes here, with its own flags, through the hal0 that runs."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from app.commands.progress import ProgressLine
from app.commands.remote import show_load
from app.commands.tables import table
from app.commands.tuning import Run
from app.link.client import Client, NotRunning, Refused
from router.base.paths import Paths
from router.config.load import load_config
from router.orders.kinds import NoteSpeed

WORDS: Final = ("the", "model", "reads", "a", "long", "text", "of", "plain", "words", "and", "counts", "them")
SECONDS: Final = 600.0
"""For one answer: a large model on a small processor."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`prompt` and `generate`: tokens, about; `runs`: how many count, after one that does not."""

    prompt: int = 512
    generate: int = 128
    runs: int = 3


def bench(
    config_file: Path | None, url: str | None, model: str, slot: str, asked: Asked, *, as_json: bool
) -> int:
    """Load the model if it is not loaded, ask it several times, and print the speeds and their median."""
    paths = Paths.for_user(config_file)
    client = Client.find(load_config(paths.config_file, paths).server, paths, url)
    try:
        place, name = place_for(client, model, slot)
        if loaded_in(client, name) != place:
            show_load(client, place, name)
        found = measure(client, name, asked)
        flags = next(slot.get("load_flags") for slot in client.state()["slots"] if slot["name"] == place)
        if not flags:  # else it is no measure of what hal0.yaml says
            note(client, name, found)
    except (NotRunning, Refused) as error:
        print(f"hal0: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"model": name, "slot": place, "runs": [asdict(run) for run in found]}))
        return 0
    print("\n".join(_lines(name, place, found)))
    return 0


def speeds(answer: dict[str, Any]) -> Run:
    """Read the timings of an answer of /completion. Raises Refused where there are none."""
    timings = answer.get("timings")
    try:
        assert isinstance(timings, dict)
        return Run(
            int(timings["prompt_n"]),
            float(timings["prompt_per_second"]),
            int(timings["predicted_n"]),
            float(timings["predicted_per_second"]),
        )
    except (AssertionError, KeyError, TypeError, ValueError):
        raise Refused(
            "The engine does not tell how long it took: only llama-server's models can be measured."
        ) from None


def measure(
    client: Client,
    model: str,
    asked: Asked,
    line: ProgressLine | None = None,
    before: str = "",
    check: Callable[[], None] = lambda: None,
) -> list[Run]:
    """Ask a model that is loaded several times. `before`: what the progress begins with; `check` is called
    before each time. Raises Refused, NotRunning."""
    line, found = line or ProgressLine(), []
    for number in range(asked.runs + 1):
        check()
        step = f"Run {number} of {asked.runs}…" if number else "Warming up…"
        line.show(f"{before}: {step}" if before else step, number / (asked.runs + 1))
        answer = client.post("/completion", _request(model, asked, number), SECONDS)
        if number:  # the first one may still load pages of the model
            found.append(speeds(answer))
    line.clear()
    return found


def _request(model: str, asked: Asked, number: int) -> dict[str, Any]:
    """Ask for another text each time, as one that was read before would not be read again."""
    words = [WORDS[(place * (number + 1) + number) % len(WORDS)] for place in range(asked.prompt)]
    return {
        "model": model,
        "prompt": f"{number} " + " ".join(words),
        "n_predict": asked.generate,
        "ignore_eos": True,
        "cache_prompt": False,
        "stream": False,
    }


def note(client: Client, model: str, found: Sequence[Run]) -> None:
    """Have hal0 show what was measured; an older one does not know how."""
    reads = statistics.median(run.prompt_per_second for run in found)
    writes = statistics.median(run.generated_per_second for run in found)
    with suppress(NotRunning, Refused):
        client.carry_out(NoteSpeed(model, reads, writes))


def place_for(client: Client, model: str, wanted: str) -> tuple[str, str]:
    """Return the slot that holds a model, else `wanted` or one that may hold it, best an empty one; and the
    model's id. Raises Refused."""
    known = {alias: m["id"] for m in client.models()["models"] for alias in (m["id"], *m.get("aliases", ()))}
    name = known.get(model, model)
    if (slot := loaded_in(client, name)) is not None:
        return slot, name
    slots = [slot for slot in client.state()["slots"] if name in slot["choices"]]
    slots.sort(key=lambda slot: bool(slot.get("loaded")))
    place = wanted or (slots[0]["name"] if slots else "")
    if not place:
        raise Refused(f'No slot may hold "{model}"; `hal0 models` lists the models, --slot names a slot.')
    return place, name


def loaded_in(client: Client, model: str) -> str | None:
    """Return the slot that holds a model, by its id."""
    slots = client.state()["slots"]
    return next((slot["name"] for slot in slots if model in (slot.get("loaded") or ())), None)


def _lines(model: str, slot: str, found: Sequence[Run]) -> list[str]:
    rows = [
        (
            str(number),
            _speed(run.prompt, run.prompt_per_second),
            _speed(run.generated, run.generated_per_second),
        )
        for number, run in enumerate(found, 1)
    ]
    reads = statistics.median(run.prompt_per_second for run in found)
    writes = statistics.median(run.generated_per_second for run in found)
    return [
        table([("RUN", "READS", "WRITES"), *rows]),
        f"{model} in {slot}: reads {reads:,.0f} tokens/s, writes {writes:,.1f} tokens/s (median).",
    ]


def _speed(tokens: int, per_second: float) -> str:
    return f"{per_second:,.1f} tokens/s ({tokens:,})"
