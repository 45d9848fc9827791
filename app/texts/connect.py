"""Every text about writing clients' settings. Read these through the module: a language reloads it."""

from __future__ import annotations

from collections.abc import Sequence

from app.texts.translate import tr

WRITE = tr("Write this?")
TAKE_BACK = tr("Take this back?")
NOBODY_TO_ASK = tr("Nobody is there to ask: --yes writes what is shown above.")
BY_HAND = tr("typed in the program: `hal0 connect` says what")
CONNECTED, NOT_CONNECTED = tr("connected"), tr("not by hal0")

_AFTER = {
    "hermes": tr("Restart Hermes to use it."),
    "continue": tr("Choose the new model in Continue."),
    "opencode": tr("Restart opencode to use it."),
    "aider": tr("Restart aider to use it."),
    "llm": tr("Use it with `llm -m hal0`."),
    "codex": tr("Restart Codex to use it."),
    "claude-code": tr("Restart Claude Code to use it; /status shows the address."),
}


def no_slot(slot: str, known: Sequence[str]) -> str:
    return tr("There is no slot “{slot}”; there are: {known}.").format(
        slot=slot, known=", ".join(known) or tr("none")
    )


def no_client(name: str, known: Sequence[str]) -> str:
    return tr("hal0 knows no client “{name}”; it knows: {known}.").format(name=name, known=", ".join(known))


def connected_already(client: str) -> str:
    return tr("The settings of {client} are right already; nothing was changed.").format(client=client)


def done(client: str, files: Sequence[str]) -> str:
    return tr("Wrote {files}. {after} `hal0 connect {client} --undo` takes it back.").format(
        files=", ".join(files), after=_AFTER[client], client=client
    )


def never_connected(client: str) -> str:
    return tr("hal0 has written nothing for {client}, so there is nothing to take back.").format(client=client)


def stays(file: str, name: str) -> str:
    return tr("{name} in {file} was changed by somebody else since, and stays.").format(name=name, file=file)


def taken_back(client: str) -> str:
    return tr("The settings of {client} are without hal0 again.").format(client=client)
