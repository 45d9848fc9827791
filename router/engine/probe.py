"""What a llama-server says about itself: the cheapest proof that it runs at all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from router.engine.environment import scrubbed

_TIMEOUT = 10.0  # seconds; a working one answers in ten milliseconds
if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0
_VERSION = re.compile(r"^version: *(\S+)(?: \((.*)\))?", re.MULTILINE)
_BUILD = re.compile(r"\bbuild (\d+)")


class EngineSource(StrEnum):
    """Where a llama-server was found, in the order they are preferred."""

    CONFIG = "config"
    ENV = "env"
    PATH = "path"
    DATA = "data"
    BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """`text` is for people ("0.7.0 (build 11669)"); `build` is llama.cpp's own counter, if it told."""

    text: str
    build: int | None


@dataclass(frozen=True, slots=True)
class EngineBuild:
    """A llama-server that ran when it was looked at."""

    path: Path
    source: EngineSource
    version: str
    build: int | None


class NotAnEngine(Exception):
    """The command did not run, or is not llama-server; the message completes "because ..."."""


def probe(command: Sequence[str | Path]) -> EngineVersion:
    """Run `command --version`. Blocks for up to ten seconds. Raises NotAnEngine."""
    try:
        done = subprocess.run(
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
            env=scrubbed(os.environ),  # one bad LLAMA_ARG_* stops even --version
            check=False,
            creationflags=_FLAGS,
        )
    except OSError as error:
        raise NotAnEngine(error.strerror or str(error)) from error
    except subprocess.TimeoutExpired:
        raise NotAnEngine(f"`--version` gave no answer in {_TIMEOUT:.0f} s") from None
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise NotAnEngine(f"`--version` ended with code {done.returncode}{_first_line(output)}")
    version = parse_version(output)
    if version is None:
        raise NotAnEngine("`--version` printed no version")
    return version


def parse_version(output: str) -> EngineVersion | None:
    """Read `version: 0.7.0 (build 11669, commit x)` and, from before 0.1, `version: 6150 (a0f7016d)`."""
    match = _VERSION.search(output)
    if match is None:
        return None
    number, extra = match.group(1), match.group(2) or ""
    if build := _BUILD.search(extra):
        return EngineVersion(f"{number} (build {build.group(1)})", int(build.group(1)))
    if number.isdecimal():
        return EngineVersion(f"build {number}", int(number))
    return EngineVersion(number, None)


def _first_line(output: str) -> str:
    line = next((line.strip() for line in output.splitlines() if line.strip()), "")
    return f": {line[:200]}" if line else ""
