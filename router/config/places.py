"""Paths and addresses as they are written in the configuration."""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def expand(text: str, folder: Path) -> Path:
    """An absolute path: `~` is the home folder, a relative one starts at `folder`. May raise ValueError."""
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f'the home folder in "{text}" is not known; write the whole path') from None


def find(text: str, folders: Iterable[Path]) -> Path:
    """The first of `folders` that has `text`, else where it would be in the first. May raise ValueError."""
    candidates = [expand(text, folder) for folder in folders]
    return next((path for path in candidates if _exists(path)), candidates[0])


def program(text: str, folder: Path) -> Path:
    """A program's path; a bare name (`llama-server`) is looked up as a shell would. May raise ValueError."""
    bare = Path(text).name == text and not text.startswith("~")
    found = shutil.which(text) if bare else None
    return Path(found).absolute() if found else expand(text, folder)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a name longer than the file system allows
        return False


def host(text: str) -> str:
    """An IP address or host name to listen on. Raises ValueError for anything else, such as a URL."""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        if _HOST_NAME.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text):
            return text
    raise ValueError(f'"{text}" is no IP address or host name; write 127.0.0.1, or 0.0.0.0 for the network')


def is_loopback(text: str) -> bool:
    """Whether only this computer can reach `text` (from `host`)."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return text.lower() == "localhost"
