"""CPU time of several trees of hal0, by turns: what a change costs, also on a computer that is at work.

    python -m benchmarks.trees before=/path/to/a/worktree after=. [--rounds 15]

Each tree is a working tree of this repository that runs with this environment's packages. Linux only: the CPU
time is the scheduler's own (/proc/PID/task/*/schedstat, in nanoseconds), as ticks of 10 ms would not do.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.lab import Hal0, Lab
from benchmarks.latency import CHAT, STUB_CONFIG
from benchmarks.load import Job
from benchmarks.processes import BIN
from benchmarks.report import median

STREAM = {**CHAT, "stream": True, "max_tokens": 400}
PACED = {**STREAM, "max_tokens": 60, "pace": 60.0}
JOBS = {
    "embeddings ×16": Job(0, "/v1/embeddings", {"model": "embed", "input": "x"}, 1000, 16),
    "embeddings ×1": Job(0, "/v1/embeddings", {"model": "embed", "input": "x"}, 300, 1),
    "completions ×16": Job(0, "/v1/chat/completions", CHAT, 500, 16),
    "stream ×16": Job(0, "/v1/chat/completions", STREAM, 48, 16),
    "stream ×16 at 60/s": Job(0, "/v1/chat/completions", PACED, 16, 16),
}


def cpu_nanoseconds(pid: int) -> int:
    return sum(int(f.read_text().split()[0]) for f in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def compare(lab: Lab, hal0s: dict[str, Hal0], title: str, job: Job, rounds: int) -> None:
    """Print microseconds a request (of streams: a chunk), the least and the median, and the median of each
    round's ratio to the first tree's."""
    costs: dict[str, list[float]] = {name: [] for name in hal0s}
    order = list(hal0s)
    for number in range(rounds + 1):
        for name in order:
            before = cpu_nanoseconds(hal0s[name].pid)
            result = lab.load(Job(hal0s[name].port, job.path, job.body, job.count, job.clients))
            cost = (cpu_nanoseconds(hal0s[name].pid) - before) / (result.chunks or job.count) / 1000
            if number:  # the first round warms up
                costs[name].append(cost)
        order = [*order[1:], order[0]]
    first = costs[next(iter(hal0s))]
    for name, found in costs.items():
        ratio = median([cost / other for cost, other in zip(found, first, strict=True)])
        print(f"{title:20} {name:12} {min(found):7.1f} {median(found):7.1f} µs  {ratio:.3f} ×", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    trees = {name: Path(folder).resolve() for name, _, folder in (t.partition("=") for t in arguments.trees)}
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), Path("none"), quick=False) as lab:
        hal0s = {
            name: lab.hal0(name, STUB_CONFIG, ["env", f"PYTHONPATH={tree}", str(BIN / "hal0"), "serve"])
            for name, tree in trees.items()
        }
        for hal0 in hal0s.values():
            hal0.until_ready()
            hal0.until_ready("embed")
        for title, job in JOBS.items():
            compare(lab, hal0s, title, job, arguments.rounds)


if __name__ == "__main__":
    main()
