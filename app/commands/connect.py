"""`hal0 connect`: another program's settings are written so that it uses hal0, after showing what changes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from app.bootstrap import read_config
from app.commands.asking import asked
from app.commands.tables import table
from app.connect.change import CannotConnect
from app.connect.files import FileChange, plan, plan_undo, undo, write
from app.connect.record import Record
from app.link.client import Client as Hal0
from app.link.client import NotRunning, Refused
from app.system.streams import stdin_is_terminal
from app.texts import connect as words
from app.texts.models import masked
from app.views.client_files import WRITTEN, Locations, files_of
from app.views.client_key import NO_KEY, ClientKey
from app.views.connect import DIRECT, Client, chat_slots, recipe
from router.base.paths import Paths
from router.config.schema import Config
from router.state import ServerStatus, SlotStatus, Snapshot
from router.wire.json_dataclass import SchemaMismatch
from router.wire.snapshot_read import parse_snapshot


def connect(
    config_file: Path | None,
    url: str | None,
    name: str,
    slot: str,
    *,
    yes: bool,
    back: bool,
    as_json: bool = False,
) -> int:
    """Show what changes, ask, and write it; `back`: the other way round. Without a name list the clients,
    perhaps `as_json`."""
    config, paths = read_config(config_file)
    paths.create()
    record = Record(paths.state)
    if not name:
        clients = _clients(record)
        print(json.dumps({"clients": clients}) if as_json else _listing(clients))
        return 0
    try:
        client = _client(name)
        if back:
            return _undo(client, record, _key(config), yes=yes)
        return _connect(client, config, _snapshot(config, paths, url), slot, record, yes=yes)
    except CannotConnect as error:
        print(f"hal0: {error}", file=sys.stderr)
        return 1


def _connect(
    client: Client, config: Config, snapshot: Snapshot, slot: str, record: Record, *, yes: bool
) -> int:
    chats = [item.name for item in chat_slots(snapshot)]
    if slot and slot not in chats:
        raise CannotConnect(words.no_slot(slot, chats))
    key = _key(config)
    shown = recipe(client, snapshot, slot, key)
    if client not in WRITTEN:
        print(shown.steps + "\n" if shown.steps else "", shown.paste, sep="\n")
        return 0
    base = snapshot.server.url
    planned = plan(files_of(client, base, slot or next(iter(chats), "primary"), key, _place()))
    if shown.warning:
        print(shown.warning, file=sys.stderr)
    if not planned:
        print(words.connected_already(client.value))
        return 0
    _show(planned, key)
    if not yes and not _agreed(words.WRITE):
        return 1
    write(client.value, planned, record)
    print(words.done(client.value, [str(change.file) for change in planned]))
    return 0


def _undo(client: Client, record: Record, key: ClientKey, *, yes: bool) -> int:
    planned = plan_undo(client.value, record)
    if not planned:
        raise CannotConnect(words.never_connected(client.value))
    _show(planned, key)
    for change in planned:
        for name in change.stays:
            print(words.stays(str(change.file), name))
    if not yes and not _agreed(words.TAKE_BACK):
        return 1
    undo(client.value, planned, record)
    print(words.taken_back(client.value))
    return 0


def _show(planned: tuple[FileChange, ...], key: ClientKey) -> None:
    for change in planned:
        print(change.diff(key.value if key.secret else "", masked(key.value)))


def _agreed(question: str) -> bool:
    if not stdin_is_terminal():
        raise CannotConnect(words.NOBODY_TO_ASK)
    return asked(question)


def _client(name: str) -> Client:
    from router.config.problems import did_you_mean

    known = [client.value for client in Client if client not in DIRECT]
    if name not in known:
        raise CannotConnect(words.no_client(name, known) + did_you_mean(name, known))
    return Client(name)


def _key(config: Config) -> ClientKey:
    own = config.server.own_key
    return ClientKey(own, needed=True, secret=True) if own else NO_KEY


def _snapshot(config: Config, paths: Paths, url: str | None) -> Snapshot:
    """Return the state of the hal0 that runs, else what hal0.yaml says of it."""
    try:
        return parse_snapshot(Hal0.find(config.server, paths, url).state())
    except (NotRunning, Refused, SchemaMismatch):
        slots = tuple(SlotStatus(name, slot.kind) for name, slot in config.slots.items())
        return Snapshot(server=ServerStatus(host=config.server.host, port=config.server.port), slots=slots)


def _place() -> Locations:
    return Locations(Path.home(), os.environ, sys.platform)


def _clients(record: Record) -> list[dict[str, object]]:
    """Return each client's name, whether it is connected, and the file of its settings; None: it has none."""
    written = record.read()
    found: list[dict[str, object]] = []
    for client in Client:
        if client not in DIRECT:
            files = files_of(client, "", "", NO_KEY, _place())
            where = str(files[0].folder / files[0].names[0]) if files else None
            found.append({"client": client.value, "connected": client.value in written, "settings": where})
    return found


def _listing(clients: list[dict[str, object]]) -> str:
    rows = []
    for row in clients:
        state = words.CONNECTED if row["connected"] else words.NOT_CONNECTED if row["settings"] else ""
        rows.append((str(row["client"]), state, str(row["settings"] or words.BY_HAND)))
    return table([("CLIENT", "STATE", "SETTINGS"), *rows])
