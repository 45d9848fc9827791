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


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """llama-server's `options`; `wrapper`: what stood before it. `volumes`: folders of a container and here."""

    options: tuple[str, ...]
    wrapper: tuple[str, ...] = ()
    volumes: tuple[tuple[str, str], ...] = ()

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


def server_command(words: Sequence[str]) -> ServerCommand | None:
    """Return llama-server's part of a command; None of one that runs something else."""
    if not words:
        return None
    if _name(words[0]) in _RUNTIMES:
        return _in_container(words)
    for number, word in enumerate(words):
        if _SERVER.fullmatch(_name(word)):
            return ServerCommand(tuple(words[number + 1 :]), tuple(words[:number]))
        if word.startswith("-") and number == 0:
            break
    return None


def _in_container(words: Sequence[str]) -> ServerCommand | None:
    image = next((number for number, word in enumerate(words) if _IMAGE.search(word)), None)
    if image is None:
        return None
    before = words[:image]
    pairs = [before[i + 1] for i, word in enumerate(before[:-1]) if word in _VOLUMES]
    pairs += [word.partition("=")[2] for word in before if word.startswith("--volume=")]
    volumes = []
    for pair in pairs:
        outside, inside = [*pair.split(":"), ""][:2]
        if outside.startswith(("/", "~", ".")) and inside:
            volumes.append((inside, outside))
    options = words[image + 1 :]
    if options and _SERVER.fullmatch(_name(options[0])):
        options = options[1:]
    return ServerCommand(tuple(options), tuple(words[: image + 1]), tuple(volumes))


def _name(word: str) -> str:
    name = re.split(r"[/\\]", word)[-1]
    return name[:-4] if name.lower().endswith(".exe") else name
