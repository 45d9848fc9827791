"""The configuration as frozen dataclasses. A field made by `key` is a key of hal0.yaml, and everything about it
is said there: type and bounds, default, what it means, and what it may not accompany."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from router.config import keys, places
from router.config.command_text import split_command, split_stop
from router.config.keys import (
    Choice,
    Flags,
    Free,
    Integer,
    Named,
    Part,
    Ports,
    RequestFields,
    Seconds,
    Secret,
    SharedValues,
    Size,
    SlotSets,
    Text,
    Texts,
    Truth,
    Variables,
    key,
    matching,
    required_key,
    secrets_of,
)
from router.config.problems import nearest
from router.config.wake import MAC, mac_address, wake_address

_DAY: Final = 86_400.0
_MONTH: Final = 31 * _DAY
OURS: Final = "hal0"
VARIABLE: Final = r"[A-Za-z_][A-Za-z0-9_]*"
SHARED_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]*"
PLAIN_NAME: Final = r"[A-Za-z0-9._-]+"
_MODEL_NAME: Final = r"\S+"
_NO_ENGINE: Final = ("upstream",)
_PATH: Final = r"/[^ ]*"


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


class MoveOn(StrEnum):
    """Why a slot with `fallback` hands a request on although it could answer, later."""

    BUSY = "busy"
    LOADING = "loading"


def _move_on(text: str) -> str:
    """Return the text if it is a reason. Raises ValueError with a sentence."""
    if text not in list(MoveOn):
        raise ValueError(f'may hold busy and loading, not "{text}"; other reasons need no mention')
    return text


_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


def _command(text: str) -> str:
    split_command(text)
    return text


def _stop(text: str) -> str:
    split_stop(text)
    return text


class Permission(StrEnum):
    """What a named key may do; `manage` includes the others, as who may change hal0.yaml could allow them."""

    INFER = "infer"
    OBSERVE = "observe"
    MANAGE = "manage"


def _permission(text: str) -> Permission:
    if text not in [permission.value for permission in Permission]:
        near = nearest(text, Permission)
        raise places.NotWritten(f'must be infer, observe or manage, not "{text}"', near)
    return Permission(text)


@dataclass(frozen=True, slots=True)
class ApiKeyConfig:
    """A key with a name. `key` is resolved; never log or print it. `slots` None: all of them."""

    name: str = required_key(
        Text(matching(PLAIN_NAME, "may only hold letters, digits and . - _"), f"^{PLAIN_NAME}$"),
        "what the activity, the log and refusals call it",
        "write who uses the key, such as name: phone",
    )
    key: str = required_key(
        Secret({"env": VARIABLE}),
        "the key itself; `env:NAME` reads it from the environment",
        "write the key itself, or env:NAME",
    )
    # `key` is a field here.
    may: tuple[Permission, ...] = keys.key(
        Texts(_permission, "^(infer|observe|manage)$", empty="leave it out to allow everything"),
        (Permission.MANAGE,),
        "`infer`: ask models, and list them; `observe`: read state, activity, metrics and logs; `manage`: "
        "these and every order",
        shown="everything",
    )
    slots: tuple[str, ...] | None = keys.key(
        Texts(empty="leave it out to allow every slot"),
        None,
        "the only slots that it may use and sees",
        shown="all slots",
    )

    def allows(self, needed: Permission) -> bool:
        return needed in self.may or Permission.MANAGE in self.may


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`api_keys` are resolved (an `env:NAME` entry is read at load); never log or print them. `named_keys` are
    those among them that have a name; the others may do everything. `allowed_hosts` and `allowed_origins` are
    in lower case (router.config.places says what they look like)."""

    host: str = key(
        Text(places.host, like=r"^\s*[^\s/]+\s*$"),
        "127.0.0.1",
        "address to listen on; anything but loopback needs an API key",
    )
    port: int = key(Integer(1, 65535), 8080, "the endpoint's port")
    api_keys: tuple[str, ...] = key(
        Secret({"env": VARIABLE}, several=True, entry=ApiKeyConfig),
        (),
        "accepted keys; `env:NAME` reads one from the environment. Empty: no key is asked for. An entry may "
        "also be `{name, key, may, slots}`",
    )
    allowed_hosts: tuple[str, ...] = key(
        Texts(places.host_pattern, like=r"^\s*(\*?\.)?[^*/\s]+\s*$"),
        (),
        "names by which clients may call without a key, besides addresses and this computer's own: "
        "`pc.local`, `*.ts.net` (all below it), `.example.org` (it, too)",
    )
    allowed_origins: tuple[str, ...] = key(
        Texts(places.origin_pattern, like="://"),
        (),
        "web pages and browser extensions that may call without a key, besides those of this computer: "
        "`https://chat.example.org`, `https://*.example.org`",
    )
    named_keys: tuple[ApiKeyConfig, ...] = field(default=(), repr=False)

    @property
    def own_key(self) -> str | None:
        """The key that hal0's own commands and tray send: the first that may do everything, else the first."""
        limited = {k.key for k in self.named_keys if k.slots is not None or not k.allows(Permission.MANAGE)}
        return next((key for key in self.api_keys if key not in limited), next(iter(self.api_keys), None))


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`llama_server` None means `auto`; `ports` is inclusive."""

    llama_server: Path | None = key(
        Text(),
        None,
        "path of a llama-server; `auto` looks at `HAL0_LLAMA_SERVER`, what `hal0 engine use` "
        "chose, PATH, hal0's own folder, the bundle",
        shown="auto",
    )
    ports: tuple[int, int] = key(
        Ports(), (8101, 8199), "first and last port for engines; may not contain `server.port`"
    )


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """`headroom` is bytes."""

    headroom: int = key(
        Size(1 << 20, 1 << 40),  # less than 1 MiB is a number whose unit was forgotten
        512 << 20,
        "memory that a load leaves free, on each GPU or, without one, in RAM: `1GiB`, `700MiB`, bytes",
        shown="512MiB",
    )


@dataclass(frozen=True, slots=True)
class ReadAheadConfig:
    """Which files are read into the page cache before an engine needs them (router.readahead)."""

    on_switch: bool = key(
        Truth(),
        True,
        "read a model's files into free RAM while a switch to it still waits for running requests, or the "
        "pointer rests on it in a menu",
    )
    when_idle: bool = key(
        Truth(),
        True,
        "read the file of the model that a slot is likely to be asked for next, by its habits, while the "
        "computer has nothing to do and is not on battery",
    )


class Bodies(StrEnum):
    """Whose texts are kept beside the record of a request."""

    OFF = "off"
    ERRORS = "errors"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ActivityConfig:
    """`keep` records at most, for `days` and within `size` bytes of file; `body_size` is bytes of each body."""

    keep: int = key(
        Integer(0, 10_000_000),
        10_000,
        "requests that are kept on disk; 0: none, they are only counted and shown as they happen",
    )
    days: int = key(Integer(1, 3650), 30, "days after which one is forgotten")
    size: int = key(
        Size(16 << 20, 1 << 40, zero=False),
        64 << 20,
        "bytes that the file may take, at least `16MiB`; the oldest go first",
        shown="64MiB",
    )
    bodies: Bodies = key(
        Choice(Bodies),
        Bodies.OFF,
        "whose texts are kept, too: `off`, `errors` (of requests that failed), `all`. Who may read the "
        "activity can read them",
    )
    body_size: int = key(
        Size(4 << 10, 1 << 20, zero=False),
        64 << 10,
        "what is kept of a request's body, and of its answer; the rest is cut",
        shown="64KiB",
    )


@dataclass(frozen=True, slots=True)
class ConversationsConfig:
    """What is kept of the conversations of engines that are stopped. `keep` is bytes of disk, 0: nothing is
    kept; times are seconds."""

    keep: int = key(
        Size(1 << 20, 1 << 50),
        4 << 30,
        "disk for what engines have read, so that a conversation goes on after its model was stopped without "
        "being read again: `4GiB`, bytes; 0: nothing is kept",
        shown="4GiB",
    )
    per_model: int = key(Integer(1, 64), 2, "conversations kept of each model in each slot")
    max_age: float = key(
        Seconds(60.0, 3650 * _DAY, units=True),
        7 * _DAY,
        "after this long without being used one is deleted: `7d`, `12h`, seconds",
        shown="7d",
    )
    save_timeout: float = key(
        Seconds(0.1, 600.0, units=True),
        2.0,
        "how long stopping an engine may take longer for this; what is not on the disk by then is not kept: "
        "`2s`, seconds",
        shown="2s",
    )


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
    base_url: str = required_key(
        Text(like="^[hH][tT][tT][pP][sS]?://[^@?# ]+$"),
        "where its API is: `http(s)://host[:port][/path]`. Without a path `/v1` is added; an "
        "endpoint behind it, such as `/chat/completions`, is left out. If nothing answers there, it is "
        "tried with `/v1`, or without",
        "write where it answers, such as base_url: http://10.0.0.2:8080",
    )
    kind: UpstreamKind = key(
        Choice(UpstreamKind),
        UpstreamKind.OPENAI,
        "`openai`: any OpenAI-compatible server; `hal0`: another hal0, whose slots can be switched from here",
    )
    api_key: str | None = key(
        Secret({"env": VARIABLE, "keyring": PLAIN_NAME}),
        None,
        "`env:NAME`, `keyring:NAME` (`hal0 upstream key NAME` stores it in the system's keyring), "
        "or the key itself",
        shown="none",
    )
    models: tuple[str, ...] | None = key(
        Texts(),
        None,
        "the only ones offered; the first of them answers for a slot whose model it does not have. "
        "With them the server needs no list of models",
        shown="those it lists",
    )
    timeout: float = key(
        Seconds(0.1, _DAY), 120.0, "seconds until its answer begins, and between two parts of it"
    )
    connect_timeout: float = key(
        Seconds(0.1, 600.0), 5.0, "seconds for its name, the connection and TLS together"
    )
    wake: str | None = key(
        Text(mac_address, MAC),
        None,
        "the hardware address (MAC) of its network card, `aa:bb:cc:dd:ee:ff`: asked for while it cannot be "
        "reached, it is sent the packet that wakes a sleeping computer (Wake-on-LAN), and waited for",
        shown="it is not woken",
    )
    wake_timeout: float = key(
        Seconds(1.0, 3600.0), 90.0, "seconds to wait for it to wake up, before another one is asked"
    )
    wake_address: str | None = key(
        Text(wake_address, r"^[0-9]+(\.[0-9]+){3}(:[0-9]+)?$"),
        None,
        "where that packet goes, `address[:port]`, UDP",
        shown="the broadcast address of its network, port 9",
    )


class Updates(StrEnum):
    """Whether hal0 looks for newer versions of itself and of llama-server, and says so."""

    NOTIFY = "notify"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A named model. `file` and `env` are as written; `router.catalog` finds it. `flags` have llama-server's
    long names without dashes, `rpc` among them; a YAML boolean stays a bool until the engine's own option list
    says whether that flag wants `on`/`off` or is a bare flag (router.engine.command)."""

    id: str
    file: str = required_key(
        Text(),
        "absolute, `~`, relative to this file, or found in a model folder",
        "write the GGUF file to load, such as file: name.gguf",
    )
    display_name: str | None = key(Text(), None, "what the tray shows", shown="the id")
    kind: Kind | None = key(
        Choice(Kind), None, "`chat`, `embedding`, `rerank`, `stt`, `tts`, `image`", shown="read from the GGUF"
    )
    aliases: tuple[str, ...] = key(
        Texts(matching(_MODEL_NAME, "an alias must not hold spaces"), like=f"^{_MODEL_NAME}$", repeats=False),
        (),
        "other names clients may send",
    )
    flags: Mapping[str, str | bool] = key(
        Flags(),
        _NONE,
        "llama-server's long flags without dashes; underscores and `n_ctx` are understood, and "
        "`on`/`off`/`yes`/`no` become what each flag wants",
    )
    request: Mapping[str, Any] = key(
        RequestFields(),
        _NONE,
        "fields merged into every request that does not set them itself; `strip: [NAME, …]` takes fields out "
        "of every request, `force: {NAME: VALUE}` sets them whatever it says",
    )
    rpc: tuple[str, ...] = key(
        Texts(places.host_and_port, like=":[0-9]+$"),
        (),
        "llama.cpp RPC servers (`host:port`; `--rpc`) that hold parts, for a model too large for one machine",
    )
    limit: int = key(
        Integer(0, 10_000),
        0,
        "requests that each slot has it answer at once; others wait in the slot's queue, as for another model. "
        "0: any number",
    )
    capabilities: tuple[str, ...] = key(
        Texts(
            matching(r"[a-z][a-z0-9_-]*", "is a word in small letters, such as vision"),
            like="^[a-z][a-z0-9_-]*$",
        ),
        (),
        "what clients are told that it can do, in Ollama's words: `completion`, `tools`, `thinking`, `insert`, "
        "`vision`, `audio`, `embedding`, or others",
        shown="read from the GGUF",
    )
    metadata: Mapping[str, Any] = key(
        Free(), _NONE, "anything, told to clients as `metadata` of the model in `/v1/models`"
    )
    listed: bool = key(
        Truth(), True, "`false`: not among the models that clients are told of, but usable by its name"
    )
    env: Mapping[str, str] = key(
        Variables(),
        _NONE,
        "variables of its engine's environment, beside hal0's own; `env:NAME` is what hal0 finds in `NAME`",
    )


@dataclass(frozen=True, slots=True)
class SlotConfig:
    """A named seat. `models` None means every model of its kind; `command` replaces llama-server, `upstream` an
    engine of its own. Times are seconds."""

    name: str
    kind: Kind = key(Choice(Kind), Kind.CHAT, "what the slot serves")
    model: str | None = key(
        Text(), None, "what it holds first", shown="the first that can run", apart=("command", *_NO_ENGINE)
    )
    models: tuple[str, ...] | None = key(
        Texts(empty="leave it out to allow every model of the slot's kind"),
        None,
        "the models it may load",
        shown="all models of its kind",
        apart=("command", *_NO_ENGINE),
    )
    autoload: bool = key(
        Truth(),
        False,
        "load when hal0 starts, instead of with the first request; of several slots one after another, by "
        "`priority` and then in the file's order; none makes room for a later one",
        apart=_NO_ENGINE,
    )
    switch: SwitchPolicy = key(
        Choice(SwitchPolicy),
        SwitchPolicy.ON_REQUEST,
        "`manual`: a request that names another model is refused instead of switching",
        apart=_NO_ENGINE,
    )
    idle_unload: float = key(
        Seconds(0.0, _MONTH),
        0.0,
        "seconds after the last request until it is unloaded; 0: never",
        apart=_NO_ENGINE,
    )
    pinned: bool = key(
        Truth(),
        False,
        "never switched by a request, never unloaded for being idle or to make room",
        apart=_NO_ENGINE,
    )
    drain_timeout: float = key(
        Seconds(0.0, _DAY),
        30.0,
        "seconds that running requests have to finish before a switch that needs their memory cuts them off",
        apart=_NO_ENGINE,
    )
    command: str | None = key(
        Text(_command, like=r"\{port\}"),
        None,
        "another engine's command line, with `{port}`; never run through a shell",
        apart=_NO_ENGINE,
        alone="which says what the slot runs",
    )
    stop: str | None = key(
        Text(_stop),
        None,
        "a command that ends that engine, with `{pid}` and `{port}`, such as `docker stop whisper`; one that "
        "still runs 15 s later is ended as any other",
        shown="none",
        apart=_NO_ENGINE,
        needs="command",
    )
    health: str = key(
        Text(matching(_PATH, 'must be a path that begins with "/", such as /health'), like=f"^{_PATH}$"),
        "/health",
        "path that answers 200 when that engine is ready",
        apart=_NO_ENGINE,
    )
    env: Mapping[str, str] = key(
        Variables(),
        _NONE,
        "variables of that engine's environment, as of a model",
        apart=_NO_ENGINE,
        needs="command",
    )
    priority: int = key(
        Integer(-1000, 1000),
        0,
        "where memory is short, models of slots with a lower one make room first",
        apart=_NO_ENGINE,
    )
    fallback: tuple[str, ...] = key(
        Texts(), (), "upstreams (`name` or `name/model`) that answer, in this order, while the slot cannot"
    )
    move_on: tuple[str, ...] = key(
        Texts(_move_on, like="^(busy|loading)$"),
        (),
        "why `fallback` is asked although the slot could answer later: `busy`, `loading`; a conversation stays "
        "where it was answered last",
        apart=_NO_ENGINE,
    )
    upstream: str | None = key(
        Text(like="/."),
        None,
        "`name/model`: that model there always answers, the slot has no engine of its own",
        alone="for the slot has no engine then",
    )


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    queue: int = key(Integer(0, 10_000), 10, "requests that may wait per slot for another model")
    wait: float = key(
        Seconds(1.0, _DAY),
        120.0,
        "seconds a request waits for its turn at most; a load that has begun is always waited for",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """A whole, valid configuration. `source` is the file it came from, None for the defaults. `local_only`:
    nothing a client sends ever leaves this computer; no upstream is asked for anything."""

    vars: Mapping[str, str | int | float | bool] = key(
        SharedValues(),
        _NONE,
        "small values with names of your own, `{big: 131072}`, each put in where a value says `${big}`",
    )
    server: ServerConfig = key(Part(ServerConfig), ServerConfig(), "the endpoint that clients use")
    engine: EngineConfig = key(Part(EngineConfig), EngineConfig(), "llama-server")
    model_dirs: tuple[Path, ...] = key(
        Texts(),
        (),
        "folders whose `*.gguf` files are models; `default` stands for the usual ones",
        shown="the usual folders",
    )
    models: Mapping[str, ModelConfig] = key(
        Named(ModelConfig, _MODEL_NAME, "a model's id must not hold spaces"),
        _NONE,
        "named models: a file, its launch flags, and defaults for each request",
    )
    slots: Mapping[str, SlotConfig] = key(
        Named(
            SlotConfig,
            PLAIN_NAME,
            "a slot's name may only hold letters, digits, dot, hyphen and underscore",
        ),
        _NONE,
        "what clients address, each with a model in it",
        shown="one chat slot, `primary`",
    )
    together: tuple[tuple[str, ...], ...] = key(
        SlotSets(),
        (),
        "sets of slots, `[[primary, embed], [coder]]`: what is loaded at the same time is always within one of "
        "them. A slot in none of them is free to be loaded beside all",
        shown="all, as memory allows",
    )
    limits: LimitsConfig = key(Part(LimitsConfig), LimitsConfig(), "how long requests wait")
    memory: MemoryConfig = key(Part(MemoryConfig), MemoryConfig(), "what loads leave free")
    activity: ActivityConfig = key(Part(ActivityConfig), ActivityConfig(), "what is remembered of requests")
    conversations: ConversationsConfig = key(
        Part(ConversationsConfig), ConversationsConfig(), "what is kept of conversations"
    )
    read_ahead: ReadAheadConfig = key(
        Part(ReadAheadConfig), ReadAheadConfig(), "model files read before they are needed"
    )
    upstreams: Mapping[str, UpstreamConfig] = key(
        Named(
            UpstreamConfig,
            PLAIN_NAME,
            "an upstream's name may only hold letters, digits, dot, hyphen and underscore",
            taken=(OURS,),
        ),
        _NONE,
        "servers elsewhere, each under a name of its own",
    )
    keep_awake: bool = key(
        Truth(),
        True,
        "hold off this computer's sleep while requests are served or a model loads or downloads, never longer",
    )
    local_only: bool = key(Truth(), False, "nothing a client sends leaves this computer")
    updates: Updates = key(
        Choice(Updates),
        Updates.NOTIFY,
        "`notify`: hal0 looks for newer versions of itself and of llama-server and says so; `off`: it does "
        "not look",
    )
    source: Path | None = None


def _spellings(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield both spellings of a secret's path, for `api_keys` is secret, too, where `api_key` is, and the other
    way round."""
    *above, name = path
    if name == "*":
        yield path
        return
    yield from ((*above, name.removesuffix("s")), (*above, f"{name.removesuffix('s')}s"))


SECRETS: Final = tuple(spelling for path in secrets_of(Config) for spelling in _spellings(path))
"""Where keys are that nobody may see, as paths; `*` is any name."""

_SECRET: Final = re.compile("|".join(r"\.".join(path).replace("*", ".+") + r"(\[\d+\])?" for path in SECRETS))


def is_secret(dotted: str) -> bool:
    """Return whether what is at `upstreams.x.api_key`, say, is secret; so is the name of everything in it."""
    return _SECRET.fullmatch(dotted) is not None
