"""What the installed llama-server understands, read from its own `--help` (about 12 ms, 258 options).

Format: `common_arg::to_string` in llama.cpp's common/arg.cpp. Names are followed by one space and the value
hint, then either at least three spaces and the description or nothing; descriptions continue indented.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from router.base.errors import EngineFailed, EngineMissing
from router.config.problems import nearest
from router.engine.environment import scrubbed

TIMEOUT: Final = 10.0
# Without this Windows opens a console window for each run; elsewhere the flag does not exist.
NO_WINDOW: Final[int] = getattr(subprocess, "CREATE_NO_WINDOW", 0)

_HEADER: Final = re.compile(
    r"(?P<names>-[^\s,]+(?:,\s+-[^\s,]+)*)(?: (?P<hint>\S.*?))?(?:\s{2,}(?P<text>\S.*))?\s*"
)
_NUMBER_HINTS: Final = frozenset({"N", "P", "L", "SEED", "INDEX", "SIMILARITY", "SECONDS"})
_LIST: Final = re.compile(r"[\w.+-]+(?:[|,][\w.+-]+)+")
_ALLOWED: Final = re.compile(r"allowed values: ([\w.+-]+(?:, [\w.+-]+)+)")
_BULLET: Final = re.compile(r"^- ([\w.+-]+)(?: \(default\))?:", re.MULTILINE)
_ON_AND_OFF: Final = re.compile(r"(?=.*(?:'on'|- on:))(?=.*(?:'off'|- off:))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        names: spellings that turn it on or precede its value, with dashes, in the engine's order.
        negated: spellings that turn it off (`--no-mmproj`), empty for most.
        value_hint: what `--help` shows for its value (`N`, `[on|off|auto]`), None for a bare flag.
        description: the rest of its help text.
    """

    names: tuple[str, ...]
    negated: tuple[str, ...]
    value_hint: str | None
    description: str

    @property
    def long(self) -> str:
        """The long spelling, as `--help` prefers it (its last)."""
        return next((name for name in reversed(self.names) if name.startswith("--")), self.names[-1])

    @property
    def values(self) -> int:
        """How many arguments follow the name (`--control-vector-layer-range START END` has two)."""
        return 0 if self.value_hint is None else 2 if re.fullmatch(r"[A-Z]+ [A-Z]+", self.value_hint) else 1

    @property
    def number(self) -> bool:
        """Whether its value is one number (its hint does not say whether a fraction may be)."""
        return self.value_hint in _NUMBER_HINTS

    @property
    def on_off(self) -> tuple[str, str] | None:
        """The words for true and false where the value is such a word, else None."""
        words = set(re.findall(r"[^\[\]<>{}|,\s]+", self.value_hint or ""))
        if {"on", "off"} <= words or (self.value_hint and _ON_AND_OFF.search(self.description)):
            return "on", "off"
        return ("1", "0") if words == {"0", "1"} else None

    @property
    def choices(self) -> tuple[str, ...]:
        """The words its value may be, as far as `--help` lists them."""
        hint = (self.value_hint or "").strip("{}[]<>")
        if _LIST.fullmatch(hint):
            return tuple(re.split(r"[|,]", hint))
        if (allowed := _ALLOWED.search(self.description)) is not None:
            return tuple(allowed[1].split(", "))
        return tuple(_BULLET.findall(self.description))

    @property
    def removed(self) -> bool:
        """Still listed, only to say that it is gone."""
        return "argument has been removed" in self.description


class EngineOptions:
    """The options of one llama-server, by every spelling."""

    def __init__(self, options: Iterable[Option]) -> None:
        self.options = tuple(options)
        self._by_name: Mapping[str, Option] = MappingProxyType(
            {name: option for option in self.options for name in (*option.names, *option.negated)}
        )

    def find(self, name: str) -> Option | None:
        """Return the option for a name without dashes (`ctx-size`, `no-mmproj`, `ncmoe`)."""
        return self._by_name.get(f"--{name}") or self._by_name.get(f"-{name}")

    def has(self, name: str) -> bool:
        """Return whether the engine accepts `--name`."""
        option = self.find(name)
        return option is not None and not option.removed

    def nearest(self, name: str) -> str | None:
        """Return the long name (without dashes) most like `name`."""
        usable = (option for option in self.options if not option.removed)
        names = (spelling for option in usable for spelling in (*option.names, *option.negated))
        return nearest(name, [spelling[2:] for spelling in names if spelling.startswith("--")])


def parse_help(text: str) -> EngineOptions:
    """Return the options in the output of `llama-server --help`."""
    entries: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("-") and not line.startswith("-----"):
            entries.append([line])
        elif line.startswith(" ") and entries:
            entries[-1].append(line.strip())
    return EngineOptions(option for entry in entries if (option := _option(entry)) is not None)


def _option(lines: list[str]) -> Option | None:
    header = _HEADER.fullmatch(lines[0])
    if header is None:
        return None
    spellings = re.split(r",\s+", header["names"])
    positive = [i for i, name in enumerate(spellings) if name.startswith("--") and not name.startswith("--no-")]
    negatable = positive and any(name.startswith("--no-") for name in spellings)
    # Negated spellings come last, short ones (-nkvo) included; `--no-host` alone is a flag in its own right.
    split = positive[-1] + 1 if negatable else len(spellings)
    description = "\n".join([header["text"] or "", *lines[1:]]).strip()
    return Option(tuple(spellings[:split]), tuple(spellings[split:]), header["hint"], description)


_known: dict[tuple[Path, int, int], EngineOptions] = {}


async def read_options(path: Path) -> EngineOptions:
    """Ask the llama-server at `path`; the answer is kept until that file changes.

    Raises EngineMissing or EngineFailed.
    """
    try:
        status = await asyncio.to_thread(path.stat)
    except OSError:
        raise EngineMissing(
            f"There is no llama-server at {path}; install it or correct engine.llama_server."
        ) from None
    key = (path, status.st_mtime_ns, status.st_size)
    if key not in _known:
        code, output = await run_briefly([str(path), "--help"], scrubbed(os.environ))
        options = parse_help(output)
        if code != 0 or not options.has("port"):
            raise EngineFailed(
                f"{path} did not list its options as a llama-server does; install llama.cpp's server."
            )
        _known[key] = options
    return _known[key]


async def run_briefly(argv: list[str], env: Mapping[str, str], limit: float = TIMEOUT) -> tuple[int, str]:
    """Run a program that ends by itself: its exit code, and stdout and stderr as one text.

    Raises EngineMissing when it cannot be started, EngineFailed when it takes longer than `limit` seconds; it
    never outlives the call.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            creationflags=NO_WINDOW,
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineMissing(
            f"{argv[0]} cannot be run: {reason}; install llama-server or correct its path."
        ) from None
    try:
        async with asyncio.timeout(limit):
            output, _ = await process.communicate()
    except TimeoutError:
        raise EngineFailed(f"{argv[0]} did not answer within {limit:g} s, so it was stopped.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode("utf-8", "replace")
