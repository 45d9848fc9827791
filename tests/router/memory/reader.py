"""Run by `stub.Reader`: one JSON question per line on stdin, one answer per line on stdout."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict

from router.memory.measure.nvml import NvmlSource
from router.memory.measure.ram import RamSource
from router.memory.measure.sources import SystemSource


class _Kept(logging.Handler):
    lines: list[str] = []  # noqa: RUF012 - one for the process

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


def main() -> None:
    now = [0.0]
    logging.basicConfig(level=logging.INFO, handlers=[_Kept()])
    nvml = NvmlSource(clock=lambda: now[0])
    system = SystemSource((nvml,), RamSource())
    for line in sys.stdin:
        asked = json.loads(line)
        now[0] = asked["at"]
        pools = (nvml if asked["gpus_only"] else system).read(asked["pids"])
        sys.stdout.write(json.dumps({"pools": [asdict(p) for p in pools], "log": _Kept.lines}) + "\n")
        sys.stdout.flush()
        _Kept.lines.clear()


if __name__ == "__main__":
    main()
