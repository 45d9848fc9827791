"""hal0.yaml's text for showing: API keys in it are replaced by `…`; `env:NAME` and `keyring:NAME` stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from router.config.problems import ProblemList
from router.config.yaml_lines import Value, read_yaml
from router.config.yaml_spans import read_spans, scalars

HIDDEN: Final = "…"

_UNREADABLE: Final = re.compile(r"(api_keys?\b)[^\n]*(\n(?=[ \t-])[^\n]*)*", re.IGNORECASE)
_NAMED: Final = ("env:", "keyring:")
_LONG: Final = 8
"""A text of this length that equals a key is that key, wherever it stands: in a comment, say."""


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
    """Whatever stands at server.api_keys and upstreams.*.api_key, in the right form or not; and addresses that
    hold a password."""
    keys = [_at(root, "server", "api_keys")]
    upstreams = _at(root, "upstreams")
    for upstream in upstreams.data.values() if upstreams and isinstance(upstreams.data, dict) else ():
        keys += [_at(upstream, "api_key"), _at(upstream, "api_keys")]
        if (url := _at(upstream, "base_url")) is not None and "@" in url.text:
            yield url.text
    for key in keys:
        yield from (text for text in _texts(key) if text and not text.startswith(_NAMED)) if key else ()


def _at(value: Value, *path: str) -> Value | None:
    for name in path:
        if not isinstance(value.data, dict) or name not in value.data:
            return None
        value = value.data[name]
    return value


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value.data, dict):
        for name, item in value.data.items():
            yield name
            yield from _texts(item)
    elif isinstance(value.data, list):
        for item in value.data:
            yield from _texts(item)
    elif value.data is not None:
        yield value.text
