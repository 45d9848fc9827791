"""A launchable model, fully resolved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from router.catalog.context import Division, Flags, number
from router.catalog.launch_files import Look
from router.catalog.placement import Placement, placed_by_flags, placed_by_variables
from router.config.schema import Kind
from router.wire.openai import RequestRules

BATCHES = ("batch-size", "ubatch-size")


@dataclass(frozen=True, slots=True)
class LaunchKey:
    """What needs a new process when it differs. Models with equal keys share one engine.

    `files`: as of `Model`; no part of what is written to the disk, where a digest outlives them.
    """

    file: Path | None
    command: str | None
    kind: Kind
    flags: tuple[tuple[str, str | bool], ...]
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    files: tuple[Look, ...] = field(default=(), repr=False)

    @property
    def digest(self) -> str:
        """What tells it from others on a disk; nothing can be read from it."""
        return hashlib.sha256(repr((self, self.env)).encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Model:
    """A GGUF file with flags and per-request defaults, or another engine's command line.

    Attributes:
        id: what clients may send as `model`; unique in the catalog.
        file: absolute path of the (first shard of the) GGUF; None for a `command`.
        files: a look at each file that an engine reads for it, at the last scan: one that was replaced since
            makes it another model.
        flags: llama-server's long flag names without dashes -> text, or a bool as written in YAML.
        env: variables of its engine's environment, as written (`env:NAME`): never log or print them.
        stop: another engine's command line that ends it; None: it is ended as any other.
        request: fields merged into each request that does not set them itself.
        strip, force: fields of requests that are taken out, and that are set whatever a request says.
        system, opening: a system prompt for chats that bring none, and messages that come before the client's.
        size_bytes: of all shards together.
        quantisation: a label such as "Q4_K_M", from the GGUF.
        context_trained: tokens, from the GGUF, as far as its flags do not change that (YaRN).
        reads_whole: it pools over all of an input, which must therefore fit into one physical batch.
        draft_type: how it drafts with the draft its flags name (`--spec-type`), where they do not say.
        prompt_cache: bytes of RAM it is launched with to keep prompts; None: what its flags or the engine say.
        saves_to: folder its engine saves conversations in; None: it does not.
        capabilities: what it can do, in Ollama's words (router.catalog.capabilities).
        metadata: what hal0.yaml says of it to clients.
        limit: requests that a slot has it answer at once; 0: any number.
        listed: whether clients that ask which models there are hear of it.
        problem: one sentence why it cannot be launched (file missing, damaged), else None.
        note: one sentence that a person should know though it can be launched, else None.
        fetched: what fetches it again where hal0 did, `org/repo:label`, else None.
        made_to_talk: a person named it, or its file says how a chat with it is written and is of a kind that
            llama-server knows: what a slot may hold without being told.
        brought: hal0 brings it, for as long as there is no other.
        rules: what becomes of a request's fields; made once, as every request asks for it.
    """

    id: str
    kind: Kind
    display_name: str
    file: Path | None = None
    command: str | None = None
    health: str = "/health"
    stop: str | None = None
    aliases: tuple[str, ...] = ()
    files: tuple[Look, ...] = ()
    flags: Mapping[str, str | bool] = field(default_factory=lambda: MappingProxyType({}))
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    request: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    strip: tuple[str, ...] = ()
    force: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    system: str = ""
    opening: tuple[Mapping[str, Any], ...] = ()
    size_bytes: int | None = None
    context_trained: int | None = None
    quantisation: str | None = None
    reads_whole: bool = False
    draft_type: str | None = None
    prompt_cache: int | None = None
    saves_to: Path | None = None
    capabilities: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    limit: int = 0
    listed: bool = True
    problem: str | None = None
    note: str | None = None
    fetched: str | None = None
    made_to_talk: bool = True
    brought: bool = False
    rules: RequestRules = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", RequestRules(self.request, self.strip, self.force))

    @property
    def launch_key(self) -> LaunchKey:
        return LaunchKey(
            self.file,
            self.command,
            self.kind,
            tuple(sorted(self.flags.items(), key=lambda item: item[0])),
            tuple(sorted(self.env.items())),
            self.files,
        )

    @property
    def context_length(self) -> int | None:
        """Tokens one request may use: its share of `ctx-size`, else (0 or absent) what it was trained for."""
        share = self._share
        return self.usable(share) if share else None

    def usable(self, context: int) -> int:
        """Return tokens of `context` that one request may use: a batch that a person has set may be smaller."""
        return min(context, *self._batches) if self.reads_whole and self._batches else context

    @property
    def context_most(self) -> int | None:
        """The largest context a request can be given, in tokens; None where nobody knows."""
        limit, trained = Division.of(self.flags).limit, self.context_trained
        return min(limit, trained) if limit and trained else trained

    @property
    def context_open(self) -> bool:
        """Whether its flags leave the context to be chosen, up to what it was trained for."""
        return bool(self.file and self.context_trained) and self.flags.get("ctx-size") in (None, "0")

    @property
    def slots(self) -> int:
        """Requests its engine answers at once."""
        return Division.of(self.flags).slots

    @property
    def engine_flags(self) -> Flags:
        """Its flags, and what follows from them.

        A model that reads inputs as wholes gets batches as long as its context.

        A person who sets one of the two batch sizes has set both: llama-server goes by the smaller.
        """
        length = self.context_length
        if not self.reads_whole or not length:
            return self.flags
        size = str(min(self._batches, default=length))
        return MappingProxyType({**dict.fromkeys(BATCHES, size), **self.flags})

    def with_context(self, tokens: int) -> Model:
        """Return the same with `tokens` for each request, by `ctx-size` in its flags; another launch key."""
        total = str(Division.of(self.flags).total(tokens))
        return replace(self, flags=MappingProxyType({**self.flags, "ctx-size": total}))

    @property
    def placed_by_hand(self) -> bool:
        """Whether its flags or variables say on which GPUs it runs."""
        return placed_by_flags(self.flags) or placed_by_variables(self.env)

    def placed(self, placement: Placement | None) -> Model:
        """Return the same on the GPUs of `placement`; another launch key."""
        if placement is None:
            return self
        return replace(
            self,
            flags=MappingProxyType({**self.flags, **placement.flags}),
            env=MappingProxyType({**self.env, **placement.variables}),
        )

    @property
    def _share(self) -> int | None:
        asked = number(self.flags, "ctx-size") or 0
        if asked <= 0:
            return self.context_most
        share = Division.of(self.flags).per_request(asked)
        return min(share, self.context_trained) if self.context_trained else share

    @property
    def _batches(self) -> list[int]:
        """The batch sizes a person has set."""
        return [size for name in BATCHES if (size := number(self.flags, name)) and size > 0]
