"""A command of llama-swap's: llama-server's own, one in a container, or another program's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SERVER: Final = re.compile(r"llama-server(?:[-_.].*)?", re.IGNORECASE)
_IMAGE: Final = re.compile(r"(?:^|[/_-])llama[._-]?cpp(?:[-_/][\w./-]*)?:[\w.-]*server[\w.-]*")
_RUNTIMES: Final = frozenset({"docker", "podman", "nerdctl"})
_DRIVE: Final = re.compile(r"(?:^|\s|[\"'])[A-Za-z]:\\")
_VOLUMES: Final = ("-v", "--volume")
_VARIABLES: Final = ("-e", "--env")
_ENTRY: Final = "--entrypoint"
_ASSIGNED: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_FROM_VARIABLE: Final = re.compile(r"([A-Za-z_]\w*)=\$\{env\.[A-Za-z_]\w*\}")
_SWITCHES: Final = frozenset({"-d", "-i", "-t", "-it", "--rm", "--init", "--privileged", "--detach"})
"""Options of `docker run` that take no value."""


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """llama-server's `options`; `wrapper`: what stood before it. `volumes`: folders of a container and here.
    `environment`: what it was given as `NAME=value`."""

    options: tuple[str, ...]
    wrapper: tuple[str, ...] = ()
    volumes: tuple[tuple[str, str], ...] = ()
    environment: tuple[str, ...] = ()

    def here(self, path: str) -> str:
        """Return where a file that the container sees lies on this computer."""
        for inside, outside in self.volumes:
            if path == inside or path.startswith(f"{inside.rstrip('/')}/"):
                return outside.rstrip("/") + path[len(inside.rstrip("/")) :]
        return path


def without_comments(command: str) -> str:
    """Return a command without its lines that begin with #."""
    return "\n".join(line for line in command.splitlines() if not line.lstrip().startswith("#"))


def words_of(command: str) -> list[str]:
    """Split a command as llama-swap does: a backslash at its end joins a line with the next."""
    text = re.sub(r"\\\s*\n", " ", without_comments(command)).strip()
    windows = _DRIVE.search(text) is not None
    try:
        words = shlex.split(text, posix=not windows)
    except ValueError:  # a quotation mark that is not closed
        words = text.split()
    return [word.strip("\"'") if windows else word for word in words]


def taken_variables(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words, and each `NAME=${env.OTHER}` that a container or a program is given: what the variable
    holds stays out of hal0.yaml, and a container is told its name only."""
    left: list[str] = []
    taken: list[str] = []
    for number, word in enumerate(words):
        found = _FROM_VARIABLE.fullmatch(word)
        if found and number and words[number - 1] in _VARIABLES:
            left.append(found[1])
        elif not (found and all(before == "env" or _ASSIGNED.fullmatch(before) for before in words[:number])):
            left.append(word)
            continue
        taken.append(word)
    return left, taken


def server_command(words: Sequence[str]) -> ServerCommand | None:
    """Return llama-server's part of a command; None of one that runs something else."""
    if not words:
        return None
    if _name(words[0]) in _RUNTIMES:
        return _in_container(words)
    for number, word in enumerate(words):
        if _SERVER.fullmatch(_name(word)):
            before = words[:number]
            assigned = tuple(w for w in before if _ASSIGNED.fullmatch(w))
            wrapper = tuple(w for w in before if w not in assigned and w != "env")
            return ServerCommand(tuple(words[number + 1 :]), wrapper, environment=assigned)
        if word.startswith("-") and number == 0:
            break
    return None


def _in_container(words: Sequence[str]) -> ServerCommand | None:
    entry = next(iter(_values(words, (_ENTRY,))), "")
    image = _image(words, runs_server=_SERVER.fullmatch(_name(entry)) is not None)
    if image is None:
        return None
    before = words[:image]
    volumes = []
    for pair in _values(before, _VOLUMES):
        outside, inside = [*pair.split(":"), ""][:2]
        if outside.startswith(("/", "~", ".")) and inside:
            volumes.append((inside, outside))
    options = words[image + 1 :]
    if options and _SERVER.fullmatch(_name(options[0])):
        options = options[1:]
    return ServerCommand(
        tuple(options),
        tuple(words[: image + 1]),
        tuple(volumes),
        tuple(value for value in _values(before, _VARIABLES) if "=" in value),
    )


def _image(words: Sequence[str], *, runs_server: bool) -> int | None:
    """Return where a container's image stands: one of llama.cpp's or, where llama-server is to be run in it,
    any."""
    known = next((number for number, word in enumerate(words) if _IMAGE.search(word)), None)
    if known is not None or not runs_server:
        return known
    number = words.index("run") + 1 if "run" in words else 1
    while number < len(words) and words[number].startswith("-"):
        alone = words[number] in _SWITCHES or "=" in words[number]
        number += 1 if alone else 2
    return number if number < len(words) else None


def _values(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return what is given to an option, as `-v VALUE` or `--volume=VALUE`."""
    found = []
    for word, after in zip(words, [*words[1:], ""], strict=True):
        name, is_pair, value = word.partition("=")
        if word in options:
            found.append(after)
        elif is_pair and name.startswith("--") and name in options:
            found.append(value)
    return found


def _name(word: str) -> str:
    name = re.split(r"[/\\]", word)[-1]
    return name[:-4] if name.lower().endswith(".exe") else name
