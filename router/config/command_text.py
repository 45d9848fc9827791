"""The `command:` of a slot and its `stop:`, split into arguments without a shell; `{port}` and, where the
engine runs already, `{pid}` are the only placeholders."""

from __future__ import annotations

import os
import re
import shlex
from typing import Final

_WINDOWS_WORD: Final = re.compile(
    r"""(?P<before>[^\s"'=]+=)?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')(?=\s|$)"""
    r"""|(?P<plain>(?!["'])\S+)|(?P<open>["'])"""
)
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def split_command(command: str, *, windows: bool = os.name == "nt") -> tuple[str, ...]:
    """Return the arguments, `{port}` still in them. Raises ValueError with a sentence for an unusable command.

    On Windows a backslash separates folders, so there it does not escape, and a quotation mark within a word is
    part of it, but for one behind "=".
    """
    arguments, names = _split(command, windows=windows)
    if unknown := sorted(names - {"port"}):
        raise ValueError(f"{{{unknown[0]}}} is not a placeholder; the only one is {{port}}")
    if "port" not in names:
        raise ValueError("the command must contain {port}, where hal0 puts the port it will connect to")
    _check_program(arguments)
    return tuple(arguments)


def split_stop(command: str) -> tuple[str, ...]:
    """Return the arguments of what ends an engine, `{port}` and `{pid}` still in them. Raises ValueError with a
    sentence."""
    arguments, names = _split(command, windows=os.name == "nt")
    if unknown := sorted(names - {"port", "pid"}):
        raise ValueError(f"{{{unknown[0]}}} is not a placeholder; there are {{port}} and {{pid}}")
    _check_program(arguments)
    return tuple(arguments)


def _split(command: str, *, windows: bool) -> tuple[list[str], set[str]]:
    """Return the arguments, and the names of the placeholders in them."""
    try:
        arguments = _windows_words(command) if windows else shlex.split(command)
    except ValueError as error:
        raise ValueError(f"the command cannot be split into arguments: {str(error).lower()}") from None
    return arguments, {name for argument in arguments for name in _PLACEHOLDER.findall(argument)}


def _check_program(arguments: list[str]) -> None:
    if not arguments or not arguments[0] or _PLACEHOLDER.search(arguments[0]):
        raise ValueError("the command must begin with the program to run")


def _windows_words(command: str) -> list[str]:
    words = list(_WINDOWS_WORD.finditer(command))
    if any(match["open"] for match in words):
        raise ValueError("No closing quotation")
    return [
        (match["before"] or "") + (match["double"] or match["single"] or match["plain"] or "")
        for match in words
    ]
