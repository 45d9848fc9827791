"""A launchable model, fully resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from router.config.schema import Kind


@dataclass(frozen=True, slots=True)
class LaunchKey:
    """What needs a new process when it differs. Models with equal keys share one engine."""

    file: Path | None
    command: str | None
    kind: Kind
    flags: tuple[tuple[str, str | bool], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A GGUF file with flags and per-request defaults, or another engine's command line.

    Attributes:
        id: what clients may send as `model`; unique in the catalog.
        file: absolute path of the (first shard of the) GGUF; None for a `command`.
        flags: llama-server's long flag names without dashes -> text, or a bool as written in YAML.
        request: fields merged into each request that does not set them itself.
        size_bytes: of all shards together.
        quantisation: a label such as "Q4_K_M", from the GGUF.
        context_trained: tokens, from the GGUF's `{arch}.context_length`.
        problem: one sentence why it cannot be launched (file missing, damaged), else None.
        note: one sentence that a person should know though it can be launched, else None.
        made_to_talk: a person named it, or its file says how a chat with it is written and is of a kind that
            llama-server knows: what a slot may hold without being told.
    """

    id: str
    kind: Kind
    display_name: str
    file: Path | None = None
    command: str | None = None
    health: str = "/health"
    aliases: tuple[str, ...] = ()
    flags: Mapping[str, str | bool] = field(default_factory=lambda: MappingProxyType({}))
    request: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    size_bytes: int | None = None
    context_trained: int | None = None
    quantisation: str | None = None
    problem: str | None = None
    note: str | None = None
    made_to_talk: bool = True

    @property
    def launch_key(self) -> LaunchKey:
        return LaunchKey(
            self.file, self.command, self.kind, tuple(sorted(self.flags.items(), key=lambda item: item[0]))
        )

    @property
    def context_length(self) -> int | None:
        """Tokens its flags ask for: `ctx-size`, else (0 or absent) what it was trained for."""
        text = self.flags.get("ctx-size")
        asked = int(text) if isinstance(text, str) and text.isdigit() else 0
        return asked or self.context_trained

    @property
    def context_open(self) -> bool:
        """Whether its flags leave the context to be chosen, up to what it was trained for."""
        return bool(self.file and self.context_trained) and self.flags.get("ctx-size") in (None, "0")

    def with_context(self, tokens: int) -> Model:
        """The same with `ctx-size` in its flags; another launch key."""
        return replace(self, flags=MappingProxyType({**self.flags, "ctx-size": str(tokens)}))
