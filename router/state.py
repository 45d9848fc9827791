"""The one state object: an immutable `Snapshot`, and the `StateStore` that replaces it.

Readers (resolver, /v1/models, /api/state, tray, window) read snapshots; only the router's loop writes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from router.config.schema import Kind, SwitchPolicy, UpstreamKind

log = logging.getLogger(__name__)


class SlotState(StrEnum):
    """The states of a slot; the six in the middle are the phases of a switch, in order."""

    UNLOADED = "unloaded"
    QUEUED = "queued"
    DRAINING = "draining"
    STOPPING = "stopping"
    STARTING = "starting"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"

    @property
    def switching(self) -> bool:
        return self not in (SlotState.UNLOADED, SlotState.READY, SlotState.FAILED)


class ServerState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a switch is. `fraction` 0..1 only where it is really known; `began_at` is Unix seconds."""

    phase: SlotState
    fraction: float | None
    began_at: float

    def elapsed(self, now: float) -> float:
        """Return seconds since the switch began, at Unix time `now`."""
        return max(0.0, now - self.began_at)


@dataclass(frozen=True, slots=True)
class SlotError:
    """What a person is shown: `message` is one sentence, `at` Unix seconds, `model` the one that failed.
    `remedy`: flags of that model, as "name=value", with which it would have loaded. `past`: the engine that
    died was started again; gone with the model's first answer."""

    code: str
    message: str
    model: str | None
    at: float
    remedy: tuple[str, ...] = ()
    past: bool = False


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One slot as everyone sees it.

    `model` is what the slot holds or will load next; `target` is what it is turning into while switching.
    `loaded` lists every model id the running engine answers for (models that differ only in per-request
    fields share a process). `choices` are the ids it may hold. `memory` is bytes in use over all devices,
    `memory_by_device` over each of `Snapshot.memory`; `memory_estimated`: the driver does not tell, so a guess.
    `idle_since` is Unix seconds of the last request's end (or the load's), None while it works or holds
    nothing. `tokens_per_second` is what the engine said of its last answer, or what is seen of one that
    streams. `evicting` names the slots whose models make room for `target`; `apart` those that `together:` in
    hal0.yaml does not let be loaded beside it: unless in `evicting`, they are in use and waited for.
    `draining` requests are still being answered by the `leaving` models, whose engines go after that; at
    `drain_deadline`, Unix seconds, they are cut, None: they end in their own time.
    `upstream` ("name/model") answers instead of an engine, always; `fallback` are those that may, for the
    reasons `move_on` also before the slot itself, and `served_by` the one that did for the last request, None
    when the slot itself did.
    `context_length` is tokens one request may use, of `parallel` at once; `capabilities` are its model's.
    `load_flags` ("name=value") are what it was loaded with beside hal0.yaml's flags, for this load only.
    """

    name: str
    kind: Kind
    state: SlotState = SlotState.UNLOADED
    model: str | None = None
    target: str | None = None
    loaded: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    progress: Progress | None = None
    in_flight: int = 0
    queued: int = 0
    context_length: int | None = None
    pid: int | None = None
    port: int | None = None
    memory: int | None = None
    memory_by_device: tuple[int, ...] = ()
    memory_estimated: bool = False
    idle_since: float | None = None
    tokens_per_second: float | None = None
    last_error: SlotError | None = None
    switch: SwitchPolicy = SwitchPolicy.ON_REQUEST
    pinned: bool = False
    priority: int = 0
    evicting: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    draining: int = 0
    drain_deadline: float | None = None
    upstream: str | None = None
    fallback: tuple[str, ...] = ()
    move_on: tuple[str, ...] = ()
    served_by: str | None = None
    parallel: int | None = None
    capabilities: tuple[str, ...] = ()
    load_flags: tuple[str, ...] = ()

    @property
    def serving(self) -> str | None:
        """The id a request for this slot is answered by, or will be once the switch ends."""
        return self.target or self.model

    @property
    def answers(self) -> tuple[str, ...]:
        """The ids that a request may name to be answered at once, also while another model loads beside."""
        return () if self.state in (SlotState.DRAINING, SlotState.STOPPING) else self.loaded


@dataclass(frozen=True, slots=True)
class Measured:
    """How fast a model was measured to be with the flags it has: tokens a second that it reads and writes; `at`
    in Unix seconds."""

    reads: float
    writes: float
    at: float


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model as everyone sees it. `context_length` is what one request may use once it is loaded, in
    tokens, of the `context_trained` it could, and `parallel` how many are answered at once;
    `capabilities` are Ollama's words for what it can do (router.catalog.capabilities), empty where that
    is not known; `quantisation` is a label such as "Q4_K_M"; `file` a path, or None for another
    engine's command. `problem` is one sentence why it cannot be launched, `note` one to know though it
    can. `needs` is the forecast of what it takes, in bytes of GPU memory if any of it goes there, else
    of RAM; `needs_source` says how good that is: "formula" (an estimate), "engine" or "learnt"
    (router.memory.forecast.needs). `needs_by_device` is the same for each of `Snapshot.memory`; `gpu_auto`:
    it goes whole on one of several GPUs, which hal0 chooses at the load. `context_auto`: hal0 chose
    `context_length` as the largest that fits. `prompt_cache`: bytes of RAM its engine may come to fill
    with prompts besides, less where RAM is short; None for no limit, or where that is not known. `fetched` is
    what fetches it again where hal0 did, `org/repo:label`: only then may it be deleted. `listed`: whether
    clients that ask which models there are hear of it; `metadata`: what hal0.yaml says of it to them.
    `measured`: by the last `hal0 bench` or `hal0 tune`, None where that was with other flags."""

    id: str
    display_name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    size_bytes: int | None = None
    context_length: int | None = None
    context_trained: int | None = None
    quantisation: str | None = None
    file: str | None = None
    problem: str | None = None
    needs: int | None = None
    needs_source: str | None = None
    needs_by_device: tuple[int, ...] = ()
    gpu_auto: bool = False
    context_auto: bool = False
    prompt_cache: int | None = None
    parallel: int | None = None
    capabilities: tuple[str, ...] = ()
    note: str | None = None
    fetched: str | None = None
    listed: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    measured: Measured | None = None


@dataclass(frozen=True, slots=True)
class LeftOutFile:
    """A file in a model folder that is no model; `reason` is one sentence what it is instead."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of one memory pool: a GPU ("NVIDIA GeForce RTX 3090") or, without one, the computer's RAM.

    `utilisation` is 0..100, None where unknown. `estimated`: the driver does not tell what processes hold.
    `display`: a screen is connected. `bandwidth`: bytes it reads a second, 0 where unknown.
    """

    name: str
    is_gpu: bool
    total: int
    used: int
    used_by_slots: int = 0
    utilisation: int | None = None
    estimated: bool = False
    display: bool = False
    bandwidth: int = 0

    @property
    def free(self) -> int:
        return max(0, self.total - self.used)


@dataclass(frozen=True, slots=True)
class SlotMemory:
    """Bytes a slot's engine holds of each device, in the order of `Snapshot.memory`."""

    by_device: tuple[int, ...]
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """`url` is what clients paste, without a path; `error` says why the endpoint is not running, and
    `free_port`, where its port is taken, which one could be used instead.

    `config_error`: why the hal0.yaml that lies there now is not in effect; what was before goes on.
    """

    state: ServerState = ServerState.STARTING
    host: str = "127.0.0.1"
    port: int = 8080
    version: str = ""
    error: str | None = None
    config_error: str | None = None
    free_port: int | None = None

    @property
    def url(self) -> str:
        # A socket on "::" takes no IPv4 (asyncio sets IPV6_V6ONLY).
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class UpstreamState(StrEnum):
    UNKNOWN = "unknown"
    OK = "ok"
    DOWN = "down"
    WAKING = "waking"


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """A server elsewhere as last seen. `models` are the ids it serves, without its name before them, and
    `context_lengths` their contexts in tokens, None where it does not tell; `error` is one sentence why it is
    down. `remote` is what another hal0 says of itself, None while the link is lost; `error` then says why.
    `wakes`: it can be woken from here, and is WAKING while that is tried."""

    name: str
    kind: UpstreamKind
    base_url: str
    state: UpstreamState = UpstreamState.UNKNOWN
    models: tuple[str, ...] = ()
    error: str | None = None
    remote: Snapshot | None = None
    context_lengths: tuple[int | None, ...] = ()
    wakes: bool = False


class DownloadState(StrEnum):
    """QUEUED waits for others to end; PAUSED and FAILED keep what has come; DONE is a model like any other."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    DONE = "done"


class DownloadOrder(StrEnum):
    """What a person may want of a download; REMOVE takes away what has come, but never a model that is DONE."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class DownloadStatus:
    """One model on its way from Hugging Face; `reference` ("org/repo:Q4_K_M") names it in every command.

    While RUNNING, `step` is "checking" (bytes are those of `file`) or "downloading" (those of the whole model).
    `speed` is bytes a second, `seconds_left` until all is there, both None before that can be told. `error` is
    one sentence why it FAILED, or was not loaded. `slot`: where it is to be loaded once it is DONE ("":
    nowhere), and `model` the id it then has, None before that.
    """

    reference: str
    state: DownloadState = DownloadState.QUEUED
    step: str | None = None
    file: str | None = None
    done_bytes: int = 0
    total_bytes: int = 0
    speed: float | None = None
    seconds_left: float | None = None
    error: str | None = None
    slot: str = ""
    model: str | None = None


@dataclass(frozen=True, slots=True)
class KeptStatus:
    """What is kept on the disk of conversations with `model`: how many, and their bytes."""

    model: str
    conversations: int
    bytes: int


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """Something newer that could be installed: `name` is "hal0" or "llama-server", `current` and `newest` are
    versions as people write them. `how`: the command that installs it, "" where there is none."""

    name: str
    current: str
    newest: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment; `revision` grows by one with each change. `headroom` is bytes that loading a
    model leaves free of each pool; `local_only`: no upstream is asked; `together`: which slots may be loaded at
    the same time (router.config.together); `awake`: this computer's sleep is held off."""

    revision: int = 0
    server: ServerStatus = ServerStatus()
    slots: tuple[SlotStatus, ...] = ()
    models: tuple[ModelStatus, ...] = ()
    memory: tuple[DeviceMemory, ...] = ()
    headroom: int = 512 << 20
    upstreams: tuple[UpstreamStatus, ...] = ()
    local_only: bool = False
    downloads: tuple[DownloadStatus, ...] = ()
    updates: tuple[UpdateStatus, ...] = ()
    left_out: tuple[LeftOutFile, ...] = ()
    kept: tuple[KeptStatus, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    awake: bool = False

    def slot(self, name: str) -> SlotStatus | None:
        return next((s for s in self.slots if s.name == name), None)

    def model(self, id_or_alias: str) -> ModelStatus | None:
        by_id = next((m for m in self.models if m.id == id_or_alias), None)
        return by_id or next((m for m in self.models if id_or_alias in m.aliases), None)


Observer = Callable[[Snapshot], None]


class Observers:
    """The observers of a store. Any thread may add and remove them, even while they are being called."""

    def __init__(self) -> None:
        self._all: list[Observer] = []

    def __iter__(self) -> Iterator[Observer]:
        return iter(self._all)

    def add(self, observer: Observer) -> Callable[[], None]:
        """Tell `observer`, after those before it, until the returned function is called."""
        self._all = [*self._all, observer]

        def remove() -> None:
            self._all = [o for o in self._all if o is not observer]

        return remove


class StateStore:
    """Holds the current snapshot. One thread writes; any thread may read `snapshot`.

    Observers run on the writer's thread, in subscription order, and must not block.
    """

    def __init__(self, initial: Snapshot | None = None) -> None:
        self._snapshot = initial or Snapshot()
        self._observers = Observers()
        self._writer: int | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after every change until the returned function is called."""
        return self._observers.add(observer)

    def update(self, **changes: Any) -> Snapshot:
        """Replace fields of the snapshot; an update that changes nothing makes no revision."""
        self._check_writer()
        old = self._snapshot
        if all(getattr(old, name) == value for name, value in changes.items()):
            return old
        self._snapshot = replace(old, revision=old.revision + 1, **changes)
        for observer in self._observers:
            self._notify(observer)
        return self._snapshot

    def update_slot(self, status: SlotStatus) -> Snapshot:
        """Put `status` in the place of the slot of the same name."""
        slots = tuple(status if s.name == status.name else s for s in self._snapshot.slots)
        return self.update(slots=slots)

    def update_slots(self, statuses: Sequence[SlotStatus], **changes: Any) -> Snapshot:
        """Replace the slots that have engines; those that a server elsewhere serves keep their places."""
        rest = list(statuses)
        ours = {status.name for status in statuses}
        slots: list[SlotStatus] = []
        for shown in self._snapshot.slots:
            if shown.upstream is not None and shown.name not in ours:
                slots.append(shown)
            elif rest:
                slots.append(rest.pop(0))
        return self.update(slots=(*slots, *rest), **changes)

    def _notify(self, observer: Observer) -> None:
        try:
            observer(self._snapshot)
        except Exception:
            # An observer's bug must not stop the router from routing.
            log.exception("state observer failed")

    def _check_writer(self) -> None:
        me = threading.get_ident()
        if self._writer is None:
            self._writer = me
        elif self._writer != me:
            raise RuntimeError("StateStore has one writer: the thread that updated it first")
