"""The stub driver (stub_nvml.c): compiled by the tests, told by a file what to say, loaded by pynvml itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.homes import BUILT, system_variables

SOURCE = Path(__file__).with_name("stub_nvml.c")
ROOT = Path(__file__).resolve().parents[3]
TWO = ("gpu 24576 1024 37 NVIDIA GeForce RTX 3090", "gpu 16384 512 0 NVIDIA RTX A4000")


@dataclass(frozen=True)
class StubDriver:
    """`folder` holds the library; `says` is the file it reads with each call."""

    folder: Path
    says: Path

    @classmethod
    def build(cls, folder: Path, *, processes: str = "_v3") -> StubDriver:
        if sys.platform == "win32":
            target = folder / "System32" / "nvml.dll"
            target.parent.mkdir(parents=True)
            shutil.copy(BUILT / f"nvml{processes}.dll", target)
            return cls(folder, folder / "says")
        target = folder / "libnvidia-ml.so.1"
        options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-DVERSION={processes}"]
        subprocess.run(["gcc", *options, "-o", target, SOURCE], check=True, timeout=60)
        return cls(folder, folder / "says")

    def say(self, *lines: str) -> None:
        """Replace what it says, all at once."""
        fresh = self.says.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.replace(self.says)

    def env(self) -> dict[str, str]:
        """Return the variables by which pynvml finds it."""
        name = "WINDIR" if sys.platform == "win32" else "LD_LIBRARY_PATH"
        return {name: str(self.folder), "HAL0_STUB_NVML": str(self.says)}


@dataclass
class Reader:
    """A process that reads the stub through hal0's own source; its clock stands still until it is moved.

    `log` is what hal0 logged at the last look.
    """

    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, driver: StubDriver) -> Reader:
        argv = [sys.executable, "-m", "tests.router.memory.reader"]
        env = {**system_variables(), **driver.env()}
        pipe = subprocess.PIPE
        return cls(subprocess.Popen(argv, env=env, cwd=ROOT, text=True, stdin=pipe, stdout=pipe))

    def look(self, *pids: int, at: float = 0.0, gpus_only: bool = True) -> list[dict[str, Any]]:
        """The pools at second `at`; `held` as {pid: bytes}."""
        assert self.process.stdin and self.process.stdout
        print(json.dumps({"pids": pids, "at": at, "gpus_only": gpus_only}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        self.log = answer["log"]
        return [pool | {"held": _by_pid(pool["held"].items())} for pool in answer["pools"]]

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


def _by_pid(items: Iterable[tuple[str, int | None]]) -> dict[int, int | None]:
    return {int(pid): amount for pid, amount in items}
