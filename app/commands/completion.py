"""`hal0 completion SHELL`: for bash, zsh and fish. The shell asks `hal0 __complete LINE` for each word.

Slots and models are those of the hal0 that runs; where none does, or for a path, the shell offers files.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.link.client import Client, NotRunning, Refused, noted_url
from router.base.errors import RouterError
from router.base.paths import Paths
from router.config.load import load_config

_STATE_SECONDS: Final = 0.7
_BASH: Final = """\
# hal0's completion for bash: in ~/.bashrc
#   source <(hal0 completion bash)
_hal0() {
    local line="${COMP_LINE:0:COMP_POINT}" current word
    current="${line##*[[:space:]]}"
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" __complete "$line" 2>/dev/null)
    # Readline takes a colon for the end of a word, and replaces only what comes after it.
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
    fi
}
complete -o default -o bashdefault -F _hal0 hal0
"""
_ZSH: Final = """\
#compdef hal0
# hal0's completion for zsh: in ~/.zshrc, after compinit
#   source <(hal0 completion zsh)
_hal0() {
    local -a found
    found=(${(f)"$("${words[1]}" __complete "${(j: :)words[1,CURRENT]}" 2>/dev/null)"})
    if (( ${#found} )); then compadd -- "${found[@]}"; else _files; fi
}
compdef _hal0 hal0
"""
_FISH: Final = """\
# hal0's completion for fish: in ~/.config/fish/config.fish
#   hal0 completion fish | source
complete -c hal0 -a '(hal0 __complete (commandline -cp | string collect) 2>/dev/null)'
"""
SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def print_script(shell: str) -> int:
    print(SCRIPTS[shell], end="")
    return 0


def print_candidates(parser: argparse.ArgumentParser, line: str) -> int:
    """Print what the last word of `line` may be, one a line."""
    for word in candidates(parser, line, _LiveNames()):
        print(word)
    return 0


class KnownNames:
    """KnownNames that only a running hal0 knows; without one there are none."""

    def slots(self) -> list[str]:
        return []

    def models(self, _slot: str | None) -> list[str]:
        """Return those that a slot may hold; None: all of them."""
        return []


@dataclass(slots=True)
class _Position:
    """How far a line goes: the command's parser, its words so far, the option whose value comes next."""

    parser: argparse.ArgumentParser
    words: list[str] = field(default_factory=list)
    option: argparse.Action | None = None


def candidates(parser: argparse.ArgumentParser, line: str, names: KnownNames) -> list[str]:
    """Return what the last word of `line` may be; none where that is a file, or anything."""
    words = line.split()[1:]
    current = "" if not words or line[-1:].isspace() else words.pop()
    place = _Position(parser)
    for word in words:
        _step(place, word)
    return sorted(word for word in _possible(place, current, names) if word.startswith(current))


def _step(place: _Position, word: str) -> None:
    if place.option is not None:
        place.option = None
    elif word.startswith("-"):
        action = place.parser._option_string_actions.get(word)
        place.option = action if action is not None and action.nargs is None else None
    elif (commands := _commands(place.parser)) is not None and word in commands:
        place.parser, place.words = commands[word], []
    else:
        place.words.append(word)


def _possible(place: _Position, current: str, names: KnownNames) -> Iterator[str]:
    if place.option is not None:
        yield from _values(place.option, place.words, names)
    elif current.startswith("-"):
        yield from (option for option in place.parser._option_string_actions if option.startswith("--"))
    elif (commands := _commands(place.parser)) is not None:
        yield from commands if not place.words else ()
    else:
        positional = [action for action in place.parser._actions if not action.option_strings]
        if len(place.words) < len(positional):
            yield from _values(positional[len(place.words)], place.words, names)


def _values(action: argparse.Action, words: Sequence[str], names: KnownNames) -> list[str]:
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if action.dest == "slot":
        return names.slots()
    if action.dest == "model":
        return names.models(words[0] if words else None)
    return []


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser] | None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return None


class _LiveNames(KnownNames):
    """Those of the hal0 that runs, asked once and not for long."""

    def __init__(self) -> None:
        self._state: dict[str, Any] | None = None

    def slots(self) -> list[str]:
        return [str(slot["name"]) for slot in self._asked().get("slots", ())]

    def models(self, _slot: str | None) -> list[str]:
        state = self._asked()
        held = [found["choices"] for found in state.get("slots", ()) if _slot in (None, found["name"])]
        return list(dict.fromkeys(str(model) for choices in held for model in choices))

    def _asked(self) -> dict[str, Any]:
        if self._state is None:
            self._state = _running_state()
        return self._state


def _running_state() -> dict[str, Any]:
    try:
        paths = Paths.for_user()
        url = noted_url(paths)
        key = load_config(paths.config_file, paths).server.own_key if url else None
        return Client(url, key).state(_STATE_SECONDS) if url else {}
    except (NotRunning, Refused, RouterError):
        return {}
