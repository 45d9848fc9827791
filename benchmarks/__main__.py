"""Everything in one run on this computer.

python -m benchmarks [--quick] [--only NAME]... [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.conversations import conversations
from benchmarks.idle import idle
from benchmarks.lab import Lab
from benchmarks.latency import real, stub
from benchmarks.predict import predict
from benchmarks.processes import find_llama_server
from benchmarks.readahead import readahead
from benchmarks.records import records
from benchmarks.report import Figure, machine
from benchmarks.streams import streams
from benchmarks.switch import profiles, switch
from benchmarks.ui import stalling

ALL: dict[str, Callable[[Lab], list[Figure]]] = {
    "stub": stub,
    "real": real,
    "streams": streams,
    "switch": switch,
    "profiles": profiles,
    "readahead": readahead,
    "predict": predict,
    "conversations": conversations,
    "ui": stalling,
    "idle": idle,
    "records": records,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute and a half; small models only")
    parser.add_argument("--only", action="append", choices=ALL, help="just this one (may be repeated)")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    arguments = parser.parse_args()
    llama_server = find_llama_server()
    about = machine(llama_server)
    print("\n".join(f"{name:14}{text}" for name, text in about.items()))
    figures: list[Figure] = []
    for name in arguments.only or ALL:
        figures += _run(name, llama_server, quick=arguments.quick)
    missed = [figure for figure in figures if figure.met is False]
    limited = [figure for figure in figures if figure.limit is not None]
    print(f"\n{len(limited) - len(missed)} of {len(limited)} targets met")
    print("\n".join(figure.line() for figure in missed))
    if arguments.json:
        rows = [{**asdict(figure), "met": figure.met} for figure in figures]
        arguments.json.write_text(json.dumps({"machine": about, "figures": rows}, indent=1) + "\n")


def _run(name: str, llama_server: Path, *, quick: bool) -> list[Figure]:
    """One benchmark in a folder of its own; what it started is gone afterwards."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="hal0-bench-", ignore_cleanup_errors=True) as folder,
        Lab(Path(folder), llama_server, quick=quick) as lab,
    ):
        figures = ALL[name](lab)
    print(f"\n{name} ({time.monotonic() - began:.0f} s)")
    print("\n".join(figure.line() for figure in figures), flush=True)
    return figures


if __name__ == "__main__":
    main()
