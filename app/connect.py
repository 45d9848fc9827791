"""Pure: the exact text to paste into each client, so that it talks to a slot of this hal0.

Sources, read in November 2026: docs.continue.dev (config.yaml, provider openai), docs.cline.bot (OpenAI
Compatible), docs.openwebui.com (Connections), hermes-agent 0.19 and descriptions of Hermes Desktop's
Settings > Providers > Custom Endpoints.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from app import text, text_window
from router.config.schema import Kind
from router.state import ServerStatus, SlotStatus, Snapshot

HERMES_MINIMUM = 64_000
"""Tokens of context below which Hermes refuses to start (agent/model_metadata.py)."""

KEY_PLACEHOLDER = "YOUR-HAL0-KEY"
ANY_KEY = "hal0"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Client(StrEnum):
    URL = "url"
    CURL = "curl"
    PYTHON = "python"
    HERMES = "hermes"
    OPEN_WEBUI = "open-webui"
    CONTINUE = "continue"
    CLINE = "cline"


DIRECT = (Client.URL, Client.CURL, Client.PYTHON)
"""Copied at once; the others have steps to read first."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to connect one client: `steps` to read, `paste` to copy, `warning` where it will not work well."""

    client: Client
    steps: str
    paste: str
    warning: str = ""


def is_local(server: ServerStatus) -> bool:
    """Whether only this computer reaches the endpoint."""
    return server.host in LOOPBACK


def chat_slots(snapshot: Snapshot) -> tuple[SlotStatus, ...]:
    """The slots a chat client can use."""
    return tuple(slot for slot in snapshot.slots if slot.kind is Kind.CHAT)


def recipe(client: Client, snapshot: Snapshot, slot_name: str = "") -> Recipe:
    """How to connect `client` to the slot of that name, or else to the first one for chats."""
    slots = chat_slots(snapshot)
    slot = next((slot for slot in slots if slot.name == slot_name), slots[0] if slots else None)
    url, model = text.endpoint(snapshot.server), slot.name if slot else "primary"
    key = ANY_KEY if is_local(snapshot.server) else KEY_PLACEHOLDER
    return Recipe(client, _steps(client), _paste(client, url, model, key), _warning(client, snapshot, slot))


def _paste(client: Client, url: str, model: str, key: str) -> str:
    match client:
        case Client.URL:
            return url
        case Client.CURL:
            return _curl(url, model, key)
        case Client.PYTHON:
            return _python(url, model, key)
        case Client.HERMES:
            return _fields(
                ("Name", "hal0"),
                ("Provider ID", "hal0"),
                ("Endpoint URL", url),
                ("Default Model", model),
                ("API Key", key),
            )
        case Client.OPEN_WEBUI:
            return _fields(("URL", url), ("API Key", key))
        case Client.CONTINUE:
            return _continue(url, model, key)
        case Client.CLINE:
            return _fields(
                ("API Provider", "OpenAI Compatible"), ("Base URL", url), ("API Key", key), ("Model ID", model)
            )


def _curl(url: str, model: str, key: str) -> str:
    # JSON's own escapes stand between single quotes; a slot's name cannot hold one (router.config).
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]})
    lines = [f"curl {url}/chat/completions", "-H 'Content-Type: application/json'"]
    if key == KEY_PLACEHOLDER:
        lines.append(f"-H 'Authorization: Bearer {key}'")
    return " \\\n  ".join([*lines, f"-d '{body}'"])


def _python(url: str, model: str, key: str) -> str:
    return (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={json.dumps(url)}, api_key={json.dumps(key)})\n"
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
        f"    apiKey: {key}\n"
        "    roles: [chat, edit, apply]\n"
    )


def _fields(*pairs: tuple[str, str]) -> str:
    width = max(len(name) for name, _value in pairs) + 2
    return "".join(f"{name + ':':<{width}}{value}\n" for name, value in pairs)


def _steps(client: Client) -> str:
    return text_window.CONNECT_STEPS.get(client.value, "")


def _warning(client: Client, snapshot: Snapshot, slot: SlotStatus | None) -> str:
    if slot is None:
        return text_window.CONNECT_NO_CHAT
    warnings = []
    tokens = context_of(snapshot, slot)
    if client is Client.HERMES and tokens is not None and tokens < HERMES_MINIMUM:
        warnings.append(text_window.hermes_context(slot.name, tokens, HERMES_MINIMUM))
    if client is not Client.URL and not is_local(snapshot.server):
        warnings.append(text_window.CONNECT_KEY.format(key=KEY_PLACEHOLDER))
    return " ".join(warnings)


def context_of(snapshot: Snapshot, slot: SlotStatus) -> int | None:
    """Tokens the slot has, or will have once it has loaded what it holds."""
    if slot.context_length is not None:
        return slot.context_length
    model = snapshot.model(slot.serving) if slot.serving else None
    return model.context_length if model else None
