"""Pure: the files in which clients keep their settings, and what is to stand there for them to use hal0.

Sources, read in November 2026: hermes-agent 0.19 (hermes_cli/config.py, runtime_provider.py), docs.continue.dev
(config.yaml), opencode.ai/docs (providers, config), aider.chat/docs/config, llm.datasette.io (other models),
developers.openai.com/codex (config reference), code.claude.com/docs (settings, LLM gateways).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from app.views.client_key import ClientKey
from app.views.clients import Client


class Format(StrEnum):
    YAML = "yaml"
    JSON = "json"
    TOML = "toml"


@dataclass(frozen=True, slots=True)
class Locations:
    """Where programs keep their files: `home`, the environment, and `system` as sys.platform says it."""

    home: Path
    environment: Mapping[str, str]
    system: str

    def folder(self, variable: str, *otherwise: str) -> Path:
        """Return what the variable names, else this folder of the home."""
        named = self.environment.get(variable)
        return Path(named).expanduser() if named else self.home.joinpath(*otherwise)


@dataclass(frozen=True, slots=True)
class Setting:
    """`value` at `path`. `by`: `path` is a list of mappings instead, and `value` the one of them that is told
    by this key, such as "name"."""

    path: tuple[str, ...]
    value: Any
    by: str = ""


@dataclass(frozen=True, slots=True)
class ClientFile:
    """One file of a client. `names`: what it may be called, the first one where none is there. `head`: what a
    new file must say besides. `rival`: a file that the client reads no more once this one is there."""

    folder: Path
    names: tuple[str, ...]
    format: Format
    wanted: tuple[Setting, ...]
    head: tuple[Setting, ...] = ()
    rival: str = ""


WRITTEN = (
    Client.HERMES,
    Client.CONTINUE,
    Client.OPENCODE,
    Client.AIDER,
    Client.LLM,
    Client.CODEX,
    Client.CLAUDE_CODE,
)
"""The clients whose settings are in files that hal0 can write; the others are told what to type."""


def files_of(client: Client, base: str, model: str, key: ClientKey, place: Locations) -> tuple[ClientFile, ...]:
    """Return what is to stand where; () for a client without such files. `base`: hal0's address without /v1."""
    url = f"{base}/v1"
    match client:
        case Client.HERMES:
            return (_hermes(url, model, key.value, place),)
        case Client.CONTINUE:
            return (_continue(url, model, key.value, place),)
        case Client.OPENCODE:
            return (_opencode(url, model, key.value, place),)
        case Client.AIDER:
            return (_aider(url, model, key.value, place),)
        case Client.LLM:
            return _llm(url, model, key, place)
        case Client.CODEX:
            return (_codex(url, model, key, place),)
        case Client.CLAUDE_CODE:
            return (_claude_code(base, model, key.value, place),)
    return ()


def snippet(files: Sequence[ClientFile]) -> str:
    """Return what a person adds by hand, each file's after the other."""
    return "\n".join(_text(file) for file in files)


def _text(file: ClientFile) -> str:
    data: Any = {}
    for setting in file.wanted:
        if setting.by:
            data = _put(data, setting.path, [setting.value])
        else:
            data = _put(data, setting.path, setting.value)
    match file.format:
        case Format.YAML:
            return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=200)
        case Format.JSON:
            return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
        case Format.TOML:
            return _toml(data)


def _toml(data: Mapping[str, Any]) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in data.items() if not isinstance(value, dict)]
    for name, tables in data.items():
        for inner, table in tables.items() if isinstance(tables, dict) else ():
            lines += ["", f"[{name}.{inner}]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _put(data: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    return {**data, path[0]: _put(data.get(path[0], {}), path[1:], value)}


def _hermes(url: str, model: str, key: str, place: Locations) -> ClientFile:
    local = Path(place.environment.get("LOCALAPPDATA") or place.home / "AppData" / "Local")
    usual = local / "hermes" if place.system == "win32" else place.home / ".hermes"
    folder = Path(place.environment.get("HERMES_HOME") or usual)
    values = {"provider": "custom", "base_url": url, "api_key": key, "default": model}
    return ClientFile(
        folder,
        ("config.yaml",),
        Format.YAML,
        tuple(Setting(("model", name), value) for name, value in values.items()),
    )


def _continue(url: str, model: str, key: str, place: Locations) -> ClientFile:
    entry = {
        **{"name": f"hal0 {model}", "provider": "openai", "model": model},
        **{"apiBase": url, "apiKey": key, "roles": ["chat", "edit", "apply"]},
    }
    head = {"name": "Local Config", "version": "1.0.0", "schema": "v1"}
    return ClientFile(
        place.folder("CONTINUE_GLOBAL_DIR", ".continue"),
        ("config.yaml",),
        Format.YAML,
        (Setting(("models",), entry, "name"),),
        tuple(Setting((name,), value) for name, value in head.items()),
        rival="config.json",
    )


def _opencode(url: str, model: str, key: str, place: Locations) -> ClientFile:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "hal0",
        "options": {"baseURL": url, "apiKey": key},
        "models": {model: {"name": f"hal0 {model}"}},
    }
    return ClientFile(
        place.folder("XDG_CONFIG_HOME", ".config") / "opencode",
        ("opencode.json", "opencode.jsonc"),
        Format.JSON,
        (Setting(("provider", "hal0"), provider), Setting(("model",), f"hal0/{model}")),
        (Setting(("$schema",), "https://opencode.ai/config.json"),),
    )


def _aider(url: str, model: str, key: str, place: Locations) -> ClientFile:
    values = {"model": f"openai/{model}", "openai-api-base": url, "openai-api-key": key}
    return ClientFile(
        place.home,
        (".aider.conf.yml",),
        Format.YAML,
        tuple(Setting((name,), value) for name, value in values.items()),
    )


def _llm(url: str, model: str, key: ClientKey, place: Locations) -> tuple[ClientFile, ...]:
    usual = {
        "win32": Path(place.environment.get("APPDATA") or place.home / "AppData" / "Roaming"),
        "darwin": place.home / "Library" / "Application Support",
    }.get(place.system, place.folder("XDG_CONFIG_HOME", ".config"))
    folder = Path(place.environment.get("LLM_USER_PATH") or usual / "io.datasette.llm")
    entry = {"model_id": "hal0", "model_name": model, "api_base": url, "can_stream": True}
    if not key.needed:
        return (_extra_models(folder, entry),)
    keys = ClientFile(folder, ("keys.json",), Format.JSON, (Setting(("hal0",), key.value),))
    return _extra_models(folder, {**entry, "api_key_name": "hal0"}), keys


def _extra_models(folder: Path, entry: Mapping[str, Any]) -> ClientFile:
    return ClientFile(
        folder, ("extra-openai-models.yaml",), Format.YAML, (Setting((), dict(entry), "model_id"),)
    )


def _codex(url: str, model: str, key: ClientKey, place: Locations) -> ClientFile:
    provider = {"name": "hal0", "base_url": url, "wire_api": "responses"}
    if key.variable:
        provider["env_key"] = key.variable
    elif key.needed:
        provider["experimental_bearer_token"] = key.value
    return ClientFile(
        place.folder("CODEX_HOME", ".codex"),
        ("config.toml",),
        Format.TOML,
        (
            Setting(("model",), model),
            Setting(("model_provider",), "hal0"),
            Setting(("model_providers", "hal0"), provider),
        ),
    )


def _claude_code(base: str, model: str, key: str, place: Locations) -> ClientFile:
    roles = ("", "_DEFAULT_OPUS", "_DEFAULT_SONNET", "_DEFAULT_HAIKU")
    values = {
        "ANTHROPIC_BASE_URL": base,
        "ANTHROPIC_AUTH_TOKEN": key,
        **{f"ANTHROPIC{role}_MODEL": model for role in roles},
    }
    return ClientFile(
        place.folder("CLAUDE_CONFIG_DIR", ".claude"),
        ("settings.json",),
        Format.JSON,
        tuple(Setting(("env", name), value) for name, value in values.items()),
    )
