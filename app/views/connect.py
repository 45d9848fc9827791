"""Pure: the exact text to paste into each client, so that it talks to a slot of this hal0.

Sources, read in November 2026: docs.continue.dev (config.yaml, provider openai), docs.cline.bot (OpenAI
Compatible), docs.openwebui.com (Connections), hermes-agent 0.19 and descriptions of Hermes Desktop's
Settings > Providers > Custom Endpoints.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from app.texts import common as text
from app.texts import window as text_window
from app.texts.models import masked
from app.views.client_files import WRITTEN, Locations, files_of, snippet
from app.views.client_key import NO_KEY, UNKNOWN, ClientKey
from app.views.clients import DIRECT as DIRECT
from app.views.clients import Client as Client
from router.config.places import is_loopback
from router.config.schema import Kind
from router.state import ServerStatus, SlotStatus, Snapshot

HERMES_MINIMUM = 64_000
"""Tokens of context below which Hermes refuses to start (agent/model_metadata.py)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to connect one client: `steps` to read, `paste` to copy, `shown` the same with the key masked,
    `warning` where something is left to do or will not work well."""

    client: Client
    steps: str
    paste: str
    warning: str = ""
    shown: str = ""


def is_local(server: ServerStatus) -> bool:
    """Return whether only this computer reaches the endpoint."""
    return is_loopback(server.host)


def chat_slots(snapshot: Snapshot) -> tuple[SlotStatus, ...]:
    """Return the slots a chat client can use."""
    return tuple(slot for slot in snapshot.slots if slot.kind is Kind.CHAT)


def recipe(
    client: Client,
    snapshot: Snapshot,
    slot_name: str = "",
    key: ClientKey | None = None,
    *,
    windows: bool = sys.platform == "win32",
) -> Recipe:
    """Return how to connect `client` to the slot of that name, or else to the first one for chats.

    `key` None: nobody could be asked for it; an endpoint that others reach always needs one. `windows`: the
    text is for that system's shell.
    """
    slots = chat_slots(snapshot)
    slot = next((slot for slot in slots if slot.name == slot_name), slots[0] if slots else None)
    url, model = text.endpoint(snapshot.server), slot.name if slot else "primary"
    if key is None:
        key = NO_KEY if is_local(snapshot.server) else UNKNOWN
    paste = _paste(client, url, model, key, windows)
    hidden = replace(key, value=masked(key.value)) if key.secret else key
    shown = _paste(client, url, model, hidden, windows)
    return Recipe(client, _steps(client), paste, _warning(client, snapshot, slot, key), shown)


def _paste(client: Client, url: str, model: str, key: ClientKey, windows: bool) -> str:
    if client in WRITTEN and client not in (Client.HERMES, Client.CONTINUE):
        base = url.removesuffix("/v1")
        return snippet(files_of(client, base, model, key, Locations(Path("~"), {}, "")))
    match client:
        case Client.URL:
            return url
        case Client.CURL:
            return _curl(url, model, key, windows)
        case Client.PYTHON:
            return _python(url, model, key)
        case Client.HERMES:
            return _fields(
                ("Name", "hal0"),
                ("Provider ID", "hal0"),
                ("Endpoint URL", url),
                ("Default Model", model),
                ("API Key", key.value),
            )
        case Client.OPEN_WEBUI:
            return _fields(("URL", url), ("API Key", key.value))
        case Client.CONTINUE:
            return _continue(url, model, key.value)
        case Client.CLINE:
            return _fields(
                ("API Provider", "OpenAI Compatible"),
                ("Base URL", url),
                ("API Key", key.value),
                ("Model ID", model),
            )
    raise AssertionError(f"nothing to paste into {client}")


def _curl(url: str, model: str, key: ClientKey, windows: bool) -> str:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]})
    quote = _windows_word if windows else shlex.quote
    lines = [f"curl {quote(f'{url}/chat/completions')}", f"-H {quote('Content-Type: application/json')}"]
    if key.variable:
        value = f"%{key.variable}%" if windows else f"${key.variable}"
        lines.append(f'-H "Authorization: Bearer {value}"')
    elif key.needed:
        lines.append(f"-H {quote(f'Authorization: Bearer {key.value}')}")
    # Windows' two shells continue a line with different signs.
    return (" " if windows else " \\\n  ").join([*lines, f"-d {quote(body)}"])


def _windows_word(word: str) -> str:
    return subprocess.list2cmdline([word])


def _python(url: str, model: str, key: ClientKey) -> str:
    value = (
        f"os.environ[{json.dumps(key.variable)}]" if key.variable else json.dumps(key.value, ensure_ascii=False)
    )
    return (
        ("import os\n\n" if key.variable else "") + "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={json.dumps(url)}, api_key={value})\n"
        "answer = client.chat.completions.create(\n"
        f"    model={json.dumps(model)},\n"
        '    messages=[{"role": "user", "content": "Hello!"}],\n'
        ")\n"
        "print(answer.choices[0].message.content)\n"
    )


def _continue(url: str, model: str, key: str) -> str:
    return (
        "models:\n"
        f"  - name: {json.dumps('hal0 ' + model)}\n"
        "    provider: openai\n"
        f"    model: {json.dumps(model)}\n"
        f"    apiBase: {url}\n"
        f"    apiKey: {json.dumps(key, ensure_ascii=False)}\n"
        "    roles: [chat, edit, apply]\n"
    )


def _fields(*pairs: tuple[str, str]) -> str:
    width = max(len(name) for name, _value in pairs) + 2
    return "".join(f"{name + ':':<{width}}{value}\n" for name, value in pairs)


def _steps(client: Client) -> str:
    return text_window.CONNECT_STEPS.get(client.value, "")


def _warning(client: Client, snapshot: Snapshot, slot: SlotStatus | None, key: ClientKey) -> str:
    if slot is None:
        return text_window.CONNECT_NO_CHAT
    warnings = []
    tokens = context_of(snapshot, slot)
    if client is Client.HERMES and tokens is not None and tokens < HERMES_MINIMUM:
        warnings.append(text_window.hermes_context(slot.name, tokens, HERMES_MINIMUM))
    if client is not Client.URL and key.needed and not key.secret:
        warnings.append(_where(client, key))
    return " ".join(warnings)


def _where(client: Client, key: ClientKey) -> str:
    """Return what is left to do about the key."""
    if not key.variable:
        return text_window.CONNECT_KEY.format(key=key.value)
    if client in DIRECT:
        return text_window.CONNECT_VARIABLE.format(variable=key.variable)
    return text_window.CONNECT_KEY_VARIABLE.format(key=key.value, variable=key.variable)


def context_of(snapshot: Snapshot, slot: SlotStatus) -> int | None:
    """Return tokens the slot has, or will have once it has loaded what it holds."""
    if slot.context_length is not None:
        return slot.context_length
    model = snapshot.model(slot.serving) if slot.serving else None
    return model.context_length if model else None
