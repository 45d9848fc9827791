"""The configuration as frozen dataclasses; defaults here are the documented defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any


class Kind(StrEnum):
    """What a slot or model does; requests are only routed within one kind."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    STT = "stt"
    TTS = "tts"
    IMAGE = "image"


class SwitchPolicy(StrEnum):
    """Whether a request that names another model may switch the slot."""

    ON_REQUEST = "on_request"
    MANUAL = "manual"


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`api_keys` are resolved values (an `env:NAME` entry is read at load); never log or print them."""

    host: str = "127.0.0.1"
    port: int = 8080
    api_keys: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`llama_server` None means `auto`; `ports` is an inclusive range for engine processes."""

    llama_server: Path | None = None
    ports: tuple[int, int] = (8101, 8199)


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """`headroom`: bytes of each GPU, or without one of the RAM, that loading a model leaves free."""

    headroom: int = 512 << 20


class UpstreamKind(StrEnum):
    """What answers elsewhere: any OpenAI-compatible server, or another hal0 whose slots can be switched."""

    OPENAI = "openai"
    HAL0 = "hal0"


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """A server elsewhere. `base_url` without a slash at its end; `api_key` is the resolved value: never log or
    print it. `models` None: those it lists. `timeout` is seconds until its answer begins, and between two parts
    of it; `connect_timeout` seconds until it takes the connection."""

    name: str
    base_url: str
    kind: UpstreamKind = UpstreamKind.OPENAI
    api_key: str | None = field(default=None, repr=False)
    models: tuple[str, ...] | None = None
    timeout: float = 120.0
    connect_timeout: float = 5.0


class Updates(StrEnum):
    """Whether hal0 looks for newer versions of itself and of llama-server, and says so."""

    NOTIFY = "notify"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A named model. `file` is as written; `router.catalog` finds it. `flags` have llama-server's
    long names without dashes; a YAML boolean stays a bool until the engine's own option list says whether
    that flag wants `on`/`off` or is a bare flag (router.engine.command)."""

    id: str
    file: str
    display_name: str | None = None
    kind: Kind | None = None
    aliases: tuple[str, ...] = ()
    flags: Mapping[str, str | bool] = field(default_factory=_empty)
    request: Mapping[str, Any] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class SlotConfig:
    """A named seat. `models` None means every model of the slot's kind; `command` replaces llama-server
    (`{port}` is filled in; never run through a shell) and `health` is the path polled for readiness.
    `idle_unload` and `drain_timeout` are seconds; 0 for `idle_unload` means never. `priority`: where memory is
    short, models of slots with a lower one make room first. `fallback`: upstreams ("name" or "name/model") that
    answer, in this order, while the slot cannot. `upstream` ("name/model"): the slot has no engine of its own,
    that model there always answers."""

    name: str
    kind: Kind = Kind.CHAT
    model: str | None = None
    models: tuple[str, ...] | None = None
    autoload: bool = False
    switch: SwitchPolicy = SwitchPolicy.ON_REQUEST
    idle_unload: float = 0.0
    pinned: bool = False
    drain_timeout: float = 30.0
    command: str | None = None
    health: str = "/health"
    priority: int = 0
    fallback: tuple[str, ...] = ()
    upstream: str | None = None


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """`queue`: requests that may wait per slot for another model. `wait`: seconds they wait at most."""

    queue: int = 10
    wait: float = 120.0


@dataclass(frozen=True, slots=True)
class Config:
    """A whole, valid configuration. `source` is the file it came from, None for the defaults. `local_only`:
    nothing a client sends ever leaves this computer; no upstream is asked for anything."""

    server: ServerConfig = ServerConfig()
    engine: EngineConfig = EngineConfig()
    model_dirs: tuple[Path, ...] = ()
    models: Mapping[str, ModelConfig] = field(default_factory=_empty)
    slots: Mapping[str, SlotConfig] = field(default_factory=_empty)
    limits: LimitsConfig = LimitsConfig()
    memory: MemoryConfig = MemoryConfig()
    upstreams: Mapping[str, UpstreamConfig] = field(default_factory=_empty)
    local_only: bool = False
    updates: Updates = Updates.NOTIFY
    source: Path | None = None
