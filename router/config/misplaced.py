"""Keys that are right elsewhere: at another depth, as a flag of llama-server, or in another program's file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from router.config.flag_values import LISTS, NUMBER_LISTS, NUMBERS
from router.config.flags import LONG_NAMES, PATH_FLAGS, flag_name
from router.config.keys import Named, Part, keys_of
from router.config.schema import Config, ModelConfig, SlotConfig

_SECTIONS: Final[Mapping[type, str]] = MappingProxyType(
    {
        row.key.type.of: f"{name}.NAME" if isinstance(row.key.type, Named) else name
        for name, row in keys_of(Config).items()
        if isinstance(row.key.type, Named | Part)
    }
)
_FLAGS: Final = frozenset(
    {*NUMBERS, *NUMBER_LISTS, *LISTS, *PATH_FLAGS, *LONG_NAMES.values()}
    | {"jinja", "no-mmap", "mmap", "mlock", "chat-template", "chat-template-kwargs", "pooling", "rope-scaling"}
)
# Of llama-swap, Ollama and docker-compose, in lower case, and what says the same here.
_ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cmd": "write the GGUF file as file: of a model and its options as flags:, or command: of a slot",
        "ttl": "write idle_unload: of the slot, in seconds",
        "keep_alive": "write idle_unload: of the slot, in seconds",
        **dict.fromkeys(
            ("idle_timeout", "idletimeout", "unload_timeout", "unload_after", "unloadafter"),
            "write idle_unload: of the slot, in seconds",
        ),
        "proxy": "write command: of the slot with {port}; hal0 knows where that engine answers",
        "checkendpoint": "write health: of the slot",
        "healthchecktimeout": "take it out: hal0 waits as long as an engine shows signs of life",
        "usemodelname": "write the name the server elsewhere knows as upstream: NAME/MODEL of a slot",
        **dict.fromkeys(("url", "api_base", "endpoint"), "write base_url: of the upstream"),
        "startport": "write ports: [first, last] under engine:",
        "listen": "write host: and port: under server:",
        "groups": "take it out: models of different slots run beside each other as memory and together: allow",
        "macros": "write vars: and refer to each as ${name}; YAML's own &name and *name repeat larger ones",
        "from": "write file: of a model",
        "parameter": "write what a request may say under request:, and what a launch needs under flags:",
        "ollama_host": "write host: and port: under server:",
        "ollama_models": "write the folder under model_dirs:",
        "services": "this is a docker-compose file; hal0.yaml has server:, models: and slots:",
    }
)
# Fields of a request that are no flags; others are both.
_OF_REQUESTS: Final = frozenset(
    {"stop", "max-tokens", "max-completion-tokens", "response-format", "parallel-tool-calls", "n-probs"}
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def misplaced(path: str, name: str, valid: Collection[str]) -> str | None:
    """Return what to do with the key `name` in the section at `path`, whose keys are `valid`; None where it
    belongs nowhere, or is merely misspelt."""
    if respelt(name, valid):
        return None
    if places := _places(_snake(name), path):
        return f"it belongs under {' or '.join(places)}"
    if said := _ELSEWHERE.get(name.lower()):
        return said
    flag = flag_name(name)
    if flag in _FLAGS:
        here = "flags:" if path.startswith("models.") else "flags: of a model"
        return f"it is a flag of llama-server: write {flag} under {here}"
    return None


def not_a_flag(name: str) -> str | None:
    """Return where a key under `flags:` that belongs to a model or a slot should go; None for what may be a
    flag."""
    if flag_name(name) in _FLAGS:
        return None
    if flag_name(name) in _OF_REQUESTS:
        return f"is no flag of llama-server; write {_snake(name)} under request: of the model"
    key = _snake(name)
    kind = next((kind for kind in (ModelConfig, SlotConfig) if key in keys_of(kind)), None)
    return None if kind is None else f"is no flag of llama-server; it belongs under {_SECTIONS[kind]}:"


def respelt(name: str, valid: Collection[str]) -> str | None:
    """Return the key that `name` is with other capitals, hyphens or underscores."""
    return _snake(name) if _snake(name) in valid else None


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower().replace("-", "_")


def _places(key: str, path: str) -> list[str]:
    """Return the sections that have `key`, except those like the one at `path`."""
    first, dot, _ = path.partition(".")
    here = f"{first}.NAME" if dot else first
    found = [f"{place}:" for kind, place in _SECTIONS.items() if key in keys_of(kind) and place != here]
    return ["no other key, at the margin", *found] if path and key in keys_of(Config) else found
