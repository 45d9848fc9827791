"""A switch to a 900 MB model that is not in the page cache, while the old one answers on for two seconds."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.lab import Hal0, Lab
from benchmarks.processes import stop
from benchmarks.report import Figure, median
from resources.speaking import build_speaking_model

BIG = 900_000_000
SMALL = 120_000_000
DRAIN = 2.0
COUNTING = " ".join(str(number) for number in range(3000))
"""Takes longer to say than DRAIN: the switch waits that long, then cuts it."""


def readahead(lab: Lab) -> list[Figure]:
    """The disk is that of $TMPDIR. Where it is as fast as RAM there is nothing to win: name a slow one's there.

    Both models would fit into RAM together; the configuration makes hal0 think otherwise.
    """
    models = _models(lab)
    began = time.perf_counter()
    _drop(models / "big.gguf")
    disk = _read(models / "big.gguf") / (time.perf_counter() - began)
    hal0s = {name: _hal0(lab, models, name) for name in ("with", "without")}
    figures = [Figure("read ahead: this disk", disk / 1e6, "MB/s")]
    for title, drain in ((f"a drain of {DRAIN:g} s", True), ("no drain", False)):
        times = _switches(lab, hal0s, models, drain=drain)
        figures += [Figure(f"read ahead, {title}: {name}", median(s) * 1000, "ms") for name, s in times.items()]
        figures += [
            Figure(f"read ahead, {title}: {name}, least", min(s) * 1000, "ms") for name, s in times.items()
        ]
        cold, ahead, warm = (times[name] for name in ("cold", "cold, read ahead", "warm"))
        saved = median([a / c for a, c in zip(ahead, cold, strict=True)])
        short = median([a / w for a, w in zip(ahead, warm, strict=True)])
        cost = median([a / w for a, w in zip(times["warm, read ahead"], warm, strict=True)])
        if drain:
            after = median([(a - DRAIN) / (c - DRAIN) for a, c in zip(ahead, cold, strict=True)])
            figures.append(Figure(f"read ahead, {title}: with/without, after it", after, "×"))
        figures += [
            Figure(f"read ahead, {title}: with/without", saved, "×", 0.7 if drain else None),
            Figure(f"read ahead, {title}: with/warm", short, "×", 1.1 if drain else None),
            Figure(f"read ahead, {title}: cached, with/without", cost, "×"),
        ]
    for hal0 in hal0s.values():
        stop(hal0.process)
    return figures


def _models(lab: Lab) -> Path:
    folder = lab.folder / "models-ahead"
    folder.mkdir()
    build_speaking_model(folder / "big.gguf", "These few words.", name="big", pad_bytes=BIG)
    build_speaking_model(folder / "counting.gguf", COUNTING, name="counting", pad_bytes=SMALL)
    for file in folder.iterdir():
        _write_out(file)
    return folder


def _hal0(lab: Lab, models: Path, name: str) -> Hal0:
    switch = "true" if name == "with" else "false"
    config = f"""
model_dirs: [{models}]
memory: {{headroom: 1TiB}}
read_ahead: {{on_switch: {switch}}}
slots:
  primary: {{model: counting, drain_timeout: {DRAIN:g}}}
"""
    return lab.hal0(f"ahead-{name}", config)


def _switches(lab: Lab, hal0s: dict[str, Hal0], models: Path, *, drain: bool) -> dict[str, list[float]]:
    """Seconds from the order until the model is ready."""
    kinds = {
        "cold": ("without", True),
        "cold, read ahead": ("with", True),
        "warm": ("without", False),
        "warm, read ahead": ("with", False),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(lab.rounds(6, 2) + 1):
        first = number % len(kinds)
        for kind in [*kinds][first:] + [*kinds][:first]:
            which, cold = kinds[kind]
            seconds = _switch(hal0s[which], models / "big.gguf", cold=cold, drain=drain)
            if number:  # the first fills what the checks remember
                times[kind].append(seconds)
    return times


def _switch(hal0: Hal0, big: Path, *, cold: bool, drain: bool) -> float:
    _load(hal0, "counting")
    if cold:
        _drop(big)
    else:
        _read(big)
    with _answering(hal0) if drain else _nothing():
        began = time.perf_counter()
        _load(hal0, "big")
        seconds = time.perf_counter() - began
    _post(hal0, "/api/slots/primary/unload", {})
    return seconds


def _load(hal0: Hal0, model: str) -> None:
    """By force: the memory that it is said not to have is there."""
    _post(hal0, "/api/slots/primary/load", {"model": model, "force": True})


@contextmanager
def _answering(hal0: Hal0) -> Iterator[None]:
    """While an answer has begun that goes on until it is cut."""
    body = {"model": "counting", "stream": True, "messages": [{"role": "user", "content": "Count"}]}
    request = _request(hal0, "/v1/chat/completions", body)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
        answer.readline()
        yield


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _post(hal0: Hal0, path: str, body: dict[str, object]) -> None:
    with urllib.request.urlopen(_request(hal0, path, body), timeout=120) as answer:  # noqa: S310 - our own
        answer.read()


def _request(hal0: Hal0, path: str, body: dict[str, object]) -> urllib.request.Request:
    headers = {"Content-Type": "application/json"}
    url = f"http://127.0.0.1:{hal0.port}{path}"
    return urllib.request.Request(url, json.dumps(body).encode(), headers)


def _read(file: Path) -> int:
    """Fill the page cache; returns how many bytes there are."""
    count = 0
    with file.open("rb", buffering=0) as whole:
        while block := whole.read(1 << 20):
            count += len(block)
    return count


def _write_out(file: Path) -> None:
    """Pages that are not on the disk yet cannot be dropped."""
    with file.open("rb") as whole:
        os.fsync(whole.fileno())


def _drop(file: Path) -> None:
    """Take the file out of the page cache; nothing else is touched."""
    with file.open("rb") as whole:
        os.posix_fadvise(whole.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
