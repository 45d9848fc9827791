"""hal0.yaml's text for showing: API keys in it are replaced by `…`; `env:NAME` and `keyring:NAME` stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from router.config.keys import keys_of
from router.config.problems import ProblemList
from router.config.schema import SECRETS, ApiKeyConfig
from router.config.yaml_lines import Value, read_yaml
from router.config.yaml_spans import read_spans, scalars

HIDDEN: Final = "…"

_UNREADABLE: Final = re.compile(r"(api_keys?\b)[^\n]*(\n(?=[ \t-])[^\n]*)*", re.IGNORECASE)
_NAMED: Final = ("env:", "keyring:")
_VARIABLES: Final = "env"
# What tells nothing of a variable: `0,1`, `10.3.0`, `on`.
_HARMLESS: Final = re.compile(r"(\d{1,4}([.,]\d{1,4})*)?|on|off|yes|no|true|false", re.IGNORECASE)
_LONG: Final = 8
"""A text of at least this many characters that equals a key is hidden wherever it is: in a comment, say."""


def hide_keys(text: str) -> str:
    problems = ProblemList(Path("hal0.yaml"))
    root = read_yaml(text, problems)
    if root is None:
        return _UNREADABLE.sub(rf"\1: {HIDDEN}", text)
    secrets = set(_secrets(root))
    spans = read_spans(text)
    found = [node for node in scalars(spans) if node.scalar in secrets] if spans else []
    for node in reversed(found):
        text = text[: node.start] + HIDDEN + text[node.end :]
    for secret in secrets:
        text = text.replace(secret, HIDDEN) if len(secret) >= _LONG else text
    return text


def _secrets(root: Value) -> Iterator[str]:
    """Yield whatever is where a secret belongs, in the right form or not, and addresses that hold a
    password."""
    for path in SECRETS:
        for key in _all(root, *path):
            texts = (text for text in _texts(key) if text and not text.startswith(_NAMED))
            yield from (t for t in texts if path[-2] != _VARIABLES or not _HARMLESS.fullmatch(t))
    yield from (url.text for url in _all(root, "upstreams", "*", "base_url") if "@" in url.text)


def _all(value: Value, *path: str) -> Iterator[Value]:
    """Yield what is at `path`, in which `*` is any name."""
    if not path:
        yield value
    elif isinstance(value.data, dict):
        named = value.data.values() if path[0] == "*" else [value.data[n] for n in path[:1] if n in value.data]
        for inner in named:
            yield from _all(inner, *path[1:])


def _texts(value: Value, *, listed: bool = False) -> Iterator[str]:
    """Yield all texts in `value`; of one that is `listed` and a named key (ApiKeyConfig) the secret."""
    if isinstance(value.data, dict):
        for name, item in value.data.items():
            if listed and name in keys_of(ApiKeyConfig):
                if name == "key":
                    yield from _texts(item)
                continue
            yield name
            yield from _texts(item)
    elif isinstance(value.data, list):
        for item in value.data:
            yield from _texts(item, listed=True)
    elif value.data is not None:
        yield value.text
