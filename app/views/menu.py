"""Pure: `Snapshot` → what the tray shows, each label at its entry (sentences: `app.texts.common`).

No Qt, no clock, no I/O.

For a given set of slots, choices and newer versions the rows never come or go, only their texts and flags
change: hosts of a StatusNotifier menu rebuild (and close) an open menu when a row is inserted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.link.link import Attached
from app.texts import common as text
from app.texts import discover as texts_discover
from app.texts import pull as texts_pull
from app.texts import remote as texts_remote
from app.texts import window as texts_window
from app.texts.translate import tr
from app.views.clients import Client
from app.views.first_run import without_demo_speed
from app.views.fit import FitWords
from app.views.remote import groups, may_wake
from router.config.change import ConfigChange
from router.config.schema import Kind
from router.orders.kinds import (
    Cancel,
    Cut,
    DeleteModel,
    Download,
    EditConfig,
    Forget,
    Load,
    Restart,
    Unload,
    UnloadAll,
    WaitForRequests,
    Wake,
    Warm,
)
from router.orders.order import Order
from router.remote.names import all_slots
from router.state import DownloadOrder, ServerState, SlotState, SlotStatus, Snapshot

ENGINE = "llama-server"
LINE_LIMIT = 34
HEADER_LIMIT = 120
MESSAGE_LIMIT = 90
TOOLTIP_LIMIT = 127


class Action(StrEnum):
    """What a person can ask for, from the tray or the window."""

    OPEN = "open"
    COPY_URL = "copy-url"
    TRY = "try"
    LOAD = "load"
    WARM = "warm"
    WAKE = "wake"
    CANCEL = "cancel"
    CUT = "cut"
    WAIT = "wait"
    UNLOAD = "unload"
    RESTART = "restart"
    COPY_MODEL = "copy-model"
    SHOW_LOG = "show-log"
    SHOW_FILE = "show-file"
    UNLOAD_ALL = "unload-all"
    FORGET = "forget"
    LOGS = "logs"
    LOG_FOLDER = "log-folder"
    SETTINGS = "settings"
    GET_MODELS = "get-models"
    CONNECT = "connect"
    COPY_TEXT = "copy-text"
    LOCAL_ONLY = "local-only"
    START_HERE = "start-here"
    USE_PORT = "use-port"
    DOWNLOAD = "download"
    DELETE_MODEL = "delete-model"
    UPDATE = "update"
    APPEARANCE = "appearance"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Command:
    """An action with the slot and the model id it is about, where it is about one, or the text to copy.

    TRY: open the page's chat with `slot` in the browser. CONNECT: `value` is the client.
    SHOW_FILE: `value` is its path. USE_PORT: `value` is the endpoint's new port. APPEARANCE: `value` is an
    Appearance. WAKE: `value` is the upstream's name.
    WARM: the pointer came to rest on the entry that would load `model`.

    DOWNLOAD: `model` is the download's reference, `value` the DownloadOrder, `slot` where it is loaded.
    UPDATE: `value` is what is newer.

    `force`: load whatever the memory's arithmetic says. `flags`: "name=value" to give the model first, in
    hal0.yaml or, with `once`, for this load only.
    """

    action: Action
    slot: str = ""
    model: str = ""
    value: str = ""
    force: bool = False
    flags: tuple[str, ...] = ()
    once: bool = False


def order_of(command: Command) -> Order[Any]:
    """Return what the router is asked for. Only for actions that are the router's."""
    slot = command.slot
    match command.action:
        case Action.LOAD:
            return Load(slot, command.model, force=command.force, flags=command.flags if command.once else ())
        case Action.WARM:
            return Warm(slot, command.model)
        case Action.WAKE:
            return Wake(command.value)
        case Action.CANCEL:
            return Cancel(slot)
        case Action.CUT:
            return Cut(slot)
        case Action.WAIT:
            return WaitForRequests(slot)
        case Action.UNLOAD:
            return Unload(slot)
        case Action.UNLOAD_ALL:
            return UnloadAll()
        case Action.FORGET:
            return Forget(command.model)
        case Action.RESTART:
            return Restart(slot)
        case Action.DOWNLOAD:
            return Download(DownloadOrder(command.value), command.model, slot)
        case Action.DELETE_MODEL:
            return DeleteModel(command.model)
        case Action.LOCAL_ONLY:
            return EditConfig((ConfigChange(("local_only",), bool(command.value)),))
        case Action.USE_PORT:
            return EditConfig((ConfigChange(("server", "port"), int(command.value)),))
    raise AssertionError(f"not an order for the router: {command.action}")


@dataclass(frozen=True, slots=True)
class Row:
    """One menu entry. `key` is stable over time and unique in its menu; a row without text is a separator.

    `radio` rows of one submenu form a group of which at most one is `checked`; each `tick` row is on or off by
    itself; `rows` makes it a submenu.
    """

    key: str
    text: str = ""
    enabled: bool = True
    checked: bool = False
    radio: bool = False
    tick: bool = False
    command: Command | None = None
    rows: tuple[Row, ...] = ()

    @property
    def separator(self) -> bool:
        return not self.text


@dataclass(frozen=True, slots=True)
class MenuSpec:
    rows: tuple[Row, ...]


class IconState(StrEnum):
    """What the tray icon says by its shape."""

    IDLE = "idle"
    READY = "ready"
    BUSY = "busy"
    SWITCHING = "switching"
    ERROR = "error"


def menu_spec(snapshot: Snapshot, now: float, attached: Attached | None = None) -> MenuSpec:
    """Return the whole tray menu at Unix time `now`. `attached`: the router is another process's."""
    running = [s for s in snapshot.slots if has_engine(s)]
    fits = FitWords(snapshot)
    return MenuSpec(
        (
            Row("header", text.elide(text.reason(_header(snapshot, attached)), HEADER_LIMIT), enabled=False),
            *_start_here_row(attached),
            *_use_port_row(snapshot, attached),
            *_update_rows(snapshot),
            _action(Action.OPEN, text.OPEN),
            _action(Action.COPY_URL, text.COPY_URL),
            _try_row(snapshot),
            Row("separator-slots"),
            *(_slot_row(snapshot, slot, now, fits) for slot in snapshot.slots),
            *_remote_rows(snapshot, now),
            *_wake_rows(snapshot),
            Row("memory", text.memory_each(snapshot.memory, HEADER_LIMIT), enabled=False),
            _action(Action.UNLOAD_ALL, tr("Unload all"), enabled=bool(running)),
            Row("separator-logs"),
            _action(Action.GET_MODELS, texts_discover.GET_MODELS),
            _connect_row(),
            _local_only_row(snapshot),
            _action(Action.LOGS, tr("Logs…")),
            _action(Action.SETTINGS, tr("Settings…")),
            Row("separator-quit"),
            _action(Action.QUIT, texts_remote.CLOSE_TRAY if attached else text.quit_entry(len(running))),
        )
    )


def has_engine(slot: SlotStatus) -> bool:
    """Return whether quitting would stop a process of this slot."""
    if slot.upstream is not None:
        return False
    return slot.pid is not None or slot.state not in (SlotState.UNLOADED, SlotState.QUEUED, SlotState.FAILED)


def may_unload(slot: SlotStatus) -> bool:
    return has_engine(slot) and not slot.state.switching


def may_restart(slot: SlotStatus) -> bool:
    if slot.upstream is not None:
        return False
    return slot.serving is not None and slot.state in (SlotState.READY, SlotState.FAILED)


def icon_state(snapshot: Snapshot) -> IconState:
    """Choose the state: a dead endpoint outweighs a switch, a switch an older failure of another slot."""
    states = {slot.state for slot in snapshot.slots}
    if snapshot.server.state is ServerState.FAILED:
        return IconState.ERROR
    if any(hosted.slot.state.switching for hosted in all_slots(snapshot)):
        return IconState.SWITCHING
    if SlotState.FAILED in states:
        return IconState.ERROR
    if SlotState.READY not in states:
        return IconState.IDLE
    busy = any(slot.state is SlotState.READY and slot.in_flight for slot in snapshot.slots)
    return IconState.BUSY if busy else IconState.READY


def tooltip(snapshot: Snapshot) -> str:
    """`hal0 · primary: Qwen3-30B ready · coder: Gemma-27B loading 45% · VRAM 19/24 GiB used`.

    At most 127 UTF-16 units; what does not fit is shortened in this order: model names, then whole slots
    (`+3 more`).
    """
    if snapshot.server.error:
        return _fit(text.elide(text.header(snapshot.server), TOOLTIP_LIMIT))
    memory = text.memory_short(snapshot.memory)
    for name_limit in (28, 20, 14, 10):
        line = _tooltip_line([_slot_tip(snapshot, s, name_limit) for s in snapshot.slots], 0, memory)
        if text.utf16_length(line) <= TOOLTIP_LIMIT:
            return line
    tips = [_slot_tip(snapshot, s, 10) for s in snapshot.slots]
    for shown in range(len(tips) - 1, -1, -1):
        line = _tooltip_line(tips[:shown], len(tips) - shown, memory)
        if text.utf16_length(line) <= TOOLTIP_LIMIT:
            return line
    return text.APP


def _fit(line: str) -> str:
    while text.utf16_length(line) > TOOLTIP_LIMIT:
        line = line[:-2].rstrip() + text.ELLIPSIS
    return line


def _tooltip_line(tips: list[str], hidden: int, memory: str) -> str:
    more = text.more(hidden) if hidden else ""
    return text.SEPARATOR.join(part for part in (text.APP, *tips, more, memory) if part)


def _slot_tip(snapshot: Snapshot, slot: SlotStatus, limit: int) -> str:
    name = text.elide_middle(slot.name, 16)
    word = text.state(slot).lower()
    if slot.serving is None:
        return f"{name}: {word}"
    return f"{name}: {text.elide_middle(text.model_name(snapshot, slot.serving), limit)} {word}"


def _action(action: Action, label: str, *, enabled: bool = True, slot: str = "", model: str = "") -> Row:
    return Row(action.value, label, enabled=enabled, command=Command(action, slot, model))


def slot_to_try(snapshot: Snapshot) -> str:
    """Return the slot that the page's chat asks first; "" where there is none."""
    return next((slot.name for slot in snapshot.slots if slot.kind is Kind.CHAT), "")


def _try_row(snapshot: Snapshot) -> Row:
    slot = slot_to_try(snapshot)
    possible = bool(slot) and snapshot.server.state is ServerState.RUNNING
    return _action(Action.TRY, text.try_slot(slot) if slot else text.TRY, enabled=possible, slot=slot)


def _connect_row() -> Row:
    rows = (
        Row(
            client.value,
            texts_window.CLIENTS[client.value],
            command=Command(Action.CONNECT, value=client.value),
        )
        for client in Client
    )
    return Row("connect", texts_window.CONNECT, rows=tuple(rows))


def _local_only_row(snapshot: Snapshot) -> Row:
    wanted = "" if snapshot.local_only else "on"
    command = Command(Action.LOCAL_ONLY, value=wanted)
    return Row("local-only", tr("Local only"), checked=snapshot.local_only, tick=True, command=command)


def _header(snapshot: Snapshot, attached: Attached | None) -> str:
    header = text.header(snapshot.server)
    if attached is None or attached.lost:
        return header
    return text.SEPARATOR.join((header, texts_remote.attached_to(attached)))


def _start_here_row(attached: Attached | None) -> tuple[Row, ...]:
    if attached is None:
        return ()
    return (_action(Action.START_HERE, texts_remote.START_HERE, enabled=attached.lost),)


def free_port(snapshot: Snapshot, attached: Attached | None) -> int | None:
    """Return the port to offer in place of the one that is taken; None: it is not, or not ours to change."""
    down = snapshot.server.state is ServerState.FAILED and attached is None
    return snapshot.server.free_port if down else None


def _use_port_row(snapshot: Snapshot, attached: Attached | None) -> tuple[Row, ...]:
    port = free_port(snapshot, attached)
    if port is None:
        return ()
    command = Command(Action.USE_PORT, value=str(port))
    return (Row(Action.USE_PORT.value, text.use_port(port), command=command),)


def _update_rows(snapshot: Snapshot) -> tuple[Row, ...]:
    """Return a line for each thing that is newer: of llama-server hal0 can install it, beside the one there
    is."""
    found = []
    for update in snapshot.updates:
        key = f"update:{update.name}"
        if update.name == ENGINE:
            command = Command(Action.UPDATE, value=update.name)
            found.append(Row(key, texts_pull.update_entry(update.name, update.newest), command=command))
        else:
            line = texts_pull.update_line(update)
            found.append(Row(key, text.elide(line, HEADER_LIMIT), enabled=False))
    return tuple(found)


def _remote_rows(snapshot: Snapshot, now: float) -> Iterator[Row]:
    """Return a section for each other hal0: the contact with it, then its slots."""
    found = groups(snapshot)
    for group in found:
        line = texts_remote.group_line(group.name, group.link, group.facts)
        yield Row(f"separator-remote:{group.name}")
        yield Row(f"remote:{group.name}", text.elide(text.reason(line), MESSAGE_LIMIT), enabled=False)
        for hosted in group.slots:
            yield _slot_row(hosted.snapshot, hosted.slot, now, FitWords(hosted.snapshot))
    if found:
        yield Row("separator-memory")


def _wake_rows(snapshot: Snapshot) -> Iterator[Row]:
    """Return an entry for each computer that can be woken, usable while it cannot be reached."""
    for upstream in snapshot.upstreams:
        if upstream.wakes:
            label = text.wake(text.elide_middle(upstream.name, LINE_LIMIT))
            command = Command(Action.WAKE, value=upstream.name)
            asleep = may_wake(upstream, local_only=snapshot.local_only)
            yield Row(f"wake:{upstream.name}", label, enabled=asleep, command=command)


def _slot_row(snapshot: Snapshot, slot: SlotStatus, now: float, fits: FitWords) -> Row:
    name, serving = slot.name, slot.serving
    said = text.reason(text.slot_detail(without_demo_speed(slot), now))
    detail = Row("detail", text.elide(said, MESSAGE_LIMIT), enabled=False)
    choices = [_choice_row(snapshot, slot, model_id, fits) for model_id in slot.choices]
    if not choices and slot.upstream is not None:
        choices = [Row("no-models", text.elide_middle(slot.upstream, LINE_LIMIT), enabled=False)]
    elif not choices:
        choices = [Row("no-models", texts_discover.NO_MODELS_ENTRY, command=Command(Action.GET_MODELS))]
    rows = (
        detail,
        Row("separator-choices"),
        *choices,
        Row("separator-actions"),
        _action(Action.CANCEL, tr("Cancel switch"), enabled=slot.state.switching, slot=name),
        _action(Action.UNLOAD, text.unload(slot), enabled=may_unload(slot), slot=name),
        _action(Action.RESTART, tr("Restart"), enabled=may_restart(slot), slot=name),
        _action(Action.COPY_MODEL, tr("Copy model id"), enabled=bool(serving), slot=name, model=serving or ""),
        _action(Action.SHOW_LOG, tr("Show log"), slot=name),
    )
    return Row(f"slot:{name}", text.slot_line(snapshot, slot, LINE_LIMIT), rows=rows)


def _choice_row(snapshot: Snapshot, slot: SlotStatus, model_id: str, fits: FitWords) -> Row:
    model = snapshot.model(model_id)
    return Row(
        f"model:{model_id}",
        fits.entry(slot, model_id, LINE_LIMIT),
        enabled=model is not None and model.problem is None,
        checked=slot.serving == model_id,
        radio=True,
        command=Command(Action.LOAD, slot.name, model_id),
    )
