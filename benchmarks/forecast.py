"""The memory forecast against what the engine says it took once the model is loaded.

    HAL0_LLAMA_SERVER=/path/to/llama-server .venv/bin/python -m benchmarks.forecast

Each model is generated, forecast (the dry run, and the formula beside it), and then really loaded with a log
that names every buffer it allocates. The forecast is the dry run's total against the sum of those buffers; "KV"
is the formula's key-value cache against the cache's buffers; "formula" is its total, work buffers by allowance.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.processes import find_llama_server
from benchmarks.shapes import Shape, build
from router.catalog.gguf import read_header
from router.catalog.model import Model
from router.config.schema import Kind
from router.engine.command import build_command
from router.engine.environment import engine_environment
from router.engine.options import read_options
from router.memory.forecast.dryrun import DryRunner
from router.memory.forecast.formula import cache_bytes, formula, setup_of
from router.memory.forecast.needs import MIB

LOAD_SECONDS = 60.0
_BUFFER = re.compile(r"(\S+) (model|KV|RS|compute|output) buffer size = +([\d.]+) MiB")

CASES: Mapping[str, tuple[Shape, Mapping[str, str | bool]]] = {
    "plain": (Shape(), {"ctx-size": "16384"}),
    "gqa": (Shape(heads_kv=2, layers=8), {"ctx-size": "32768"}),
    "mqa-wide-heads": (Shape(arch="qwen3", heads_kv=1, head_width=128, layers=8), {"ctx-size": "65536"}),
    "odd-context": (Shape(arch="qwen3", heads_kv=4), {"ctx-size": "30001"}),
    "q8-cache": (
        Shape(heads_kv=4, layers=8),
        {"ctx-size": "32768", "flash-attn": "on", "cache-type-k": "q8_0", "cache-type-v": "q8_0"},
    ),
    "q4-cache": (
        Shape(arch="qwen3", layers=8),
        {"ctx-size": "32768", "flash-attn": "on", "cache-type-k": "q4_0", "cache-type-v": "q4_0"},
    ),
    "q8-keys-only": (Shape(layers=8), {"ctx-size": "16384", "cache-type-k": "q8_0"}),
    "two-slots": (Shape(heads_kv=4, layers=8), {"ctx-size": "32768", "parallel": "2"}),
    "three-slots-odd": (Shape(layers=8), {"ctx-size": "20000", "parallel": "3"}),
    "three-slots-unified": (Shape(layers=8), {"ctx-size": "20000", "parallel": "3", "kv-unified": True}),
    "gemma2-window": (
        Shape(arch="gemma2", heads_kv=4, layers=8, window=4096),
        {"ctx-size": "32768", "parallel": "1"},
    ),
    "gemma3-window": (Shape(arch="gemma3", heads_kv=4, layers=12, window=1024), {"ctx-size": "65536"}),
    "gemma3-window-slots": (
        Shape(arch="gemma3", heads_kv=4, layers=12, window=512),
        {"ctx-size": "49152", "parallel": "3"},
    ),
    "gemma3-full-window": (
        Shape(arch="gemma3", heads_kv=4, layers=12, window=512),
        {"ctx-size": "16384", "swa-full": True},
    ),
    "no-flash-attention": (Shape(heads_kv=4, layers=8), {"ctx-size": "16384", "flash-attn": "off"}),
    "small-batch": (Shape(layers=8), {"ctx-size": "16384", "ubatch-size": "128"}),
    "trained-context": (Shape(heads_kv=2, layers=8, context=40_960), {}),
}


@dataclass(frozen=True, slots=True)
class Row:
    """Bytes: forecast by the dry run and by the formula, its key-value part, and both as allocated."""

    name: str
    forecast: int
    computed: int
    computed_cache: int
    taken: int
    taken_cache: int
    asked_seconds: float

    @property
    def error(self) -> float:
        return self.forecast / self.taken - 1

    @property
    def cache_error(self) -> float:
        return self.computed_cache / self.taken_cache - 1

    @property
    def formula_error(self) -> float:
        return self.computed / self.taken - 1


async def measure(name: str, folder: Path, llama_server: Path) -> Row:
    """Forecast one case, then load it."""
    shape, flags = CASES[name]
    model = Model(name, Kind.CHAT, name, file=build(folder / f"{name}.gguf", shape), flags=flags)
    assert model.file is not None
    argv = build_command(model, await read_options(llama_server), llama_server, 0, log_jsonl=True)
    environment = engine_environment({}, api_key="", private_config=folder / "config", child_mode=False)
    began = time.perf_counter()
    answer = await DryRunner().ask(argv, environment)
    asked = time.perf_counter() - began
    assert answer is not None, f"{llama_server} does not tell what {name} takes"
    header = read_header(model.file)
    computed = formula(header, flags, header.file_size).total
    buffers = await asyncio.to_thread(load, argv, environment)
    model.file.unlink()
    return Row(
        name,
        forecast=sum(need.total for needs in answer.contexts for need in needs),
        computed=computed,
        computed_cache=cache_bytes(header, setup_of(header, flags)),
        taken=round(sum(size for _kind, size in buffers) * MIB),
        taken_cache=round(sum(size for kind, size in buffers if kind == "KV") * MIB),
        asked_seconds=asked,
    )


def load(argv: list[str], environment: Mapping[str, str]) -> list[tuple[str, float]]:
    """(kind, MiB) of every buffer the engine allocates until it serves."""
    process = subprocess.Popen(
        [*argv, "--verbosity", "4"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    buffers: list[tuple[str, float]] = []
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := _BUFFER.search(line):
                buffers.append((found[2], float(found[3])))
            if "model loaded" in line:
                return buffers
    finally:
        with suppress(psutil.Error):
            psutil.Process(process.pid).kill()
        process.wait(LOAD_SECONDS)
        process.stdout.close()
    raise RuntimeError(f"{' '.join(argv)} did not load")


def table(rows: list[Row]) -> str:
    """One line per case, and the worst."""
    lines = [f"{'model':22}{'forecast':>12}{'taken':>12}{'error':>9}{'KV':>10}{'formula':>9}{'asked':>9}"]
    lines += [
        f"{r.name:22}{r.forecast / MIB:8.1f} MiB{r.taken / MIB:8.1f} MiB{r.error:+9.2%}{r.cache_error:+10.3%}"
        f"{r.formula_error:+9.1%}{r.asked_seconds * 1000:6.0f} ms"
        for r in rows
    ]
    worst = max(abs(row.error) for row in rows), max(abs(row.cache_error) for row in rows)
    lines.append(f"worst: forecast {worst[0]:.2%} (target at most 2%), the formula's cache {worst[1]:.3%}")
    return "\n".join(lines)


def main() -> None:
    llama_server = find_llama_server()
    with tempfile.TemporaryDirectory(prefix="hal0-forecast-") as folder:
        rows = [asyncio.run(measure(name, Path(folder), llama_server)) for name in CASES]
    sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main()
