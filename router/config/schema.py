"""The configuration as frozen dataclasses. Defaults here are the documented ones; what each key means says
router.config.meanings."""

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
    """`api_keys` are resolved (an `env:NAME` entry is read at load); never log or print them. `allowed_hosts`
    and `allowed_origins` are in lower case (router.config.places says what they look like)."""

    host: str = "127.0.0.1"
    port: int = 8080
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`llama_server` None means `auto`; `ports` is inclusive."""

    llama_server: Path | None = None
    ports: tuple[int, int] = (
        8101,
        8199,
    )


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """`headroom` is bytes."""

    headroom: int = 512 << 20


class Bodies(StrEnum):
    """Whose texts are kept beside the record of a request."""

    OFF = "off"
    ERRORS = "errors"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ActivityConfig:
    """`keep` records at most, for `days` and within `size` bytes of file; `body_size` is bytes of each body."""

    keep: int = 10_000
    days: int = 30
    size: int = 64 << 20
    bodies: Bodies = Bodies.OFF
    body_size: int = 64 << 10


class UpstreamKind(StrEnum):
    """What answers elsewhere: any OpenAI-compatible server, or another hal0 whose slots can be switched."""

    OPENAI = "openai"
    HAL0 = "hal0"


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """A server elsewhere. `base_url` has no slash at its end; the API's paths follow it, for `openai` without
    their `/v1`. `api_key` is as written (`env:NAME`, `keyring:NAME` or the key, looked up by
    router.upstreams.keys): never log or print it. `models` None: those it lists."""

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
    """A named seat. `models` None means every model of its kind; `command` replaces llama-server, `upstream` an
    engine of its own. Times are seconds."""

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
    activity: ActivityConfig = ActivityConfig()
    upstreams: Mapping[str, UpstreamConfig] = field(default_factory=_empty)
    local_only: bool = False
    updates: Updates = Updates.NOTIFY
    source: Path | None = None
