"""hal0.yaml's text for showing: API keys that stand in it are replaced by `…`; `env:NAME` stays."""

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
    """Whatever stands at server.api_keys, in the right form or not."""
    server = root.data.get("server") if isinstance(root.data, dict) else None
    keys = server.data.get("api_keys") if server is not None and isinstance(server.data, dict) else None
    return (text for text in _texts(keys) if text and not text.startswith("env:")) if keys else iter(())


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
