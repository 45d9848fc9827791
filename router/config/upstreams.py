"""The section `upstreams`, and that slots name upstreams which exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

from router.config import places
from router.config.fields import Section
from router.config.keys import keys_of
from router.config.models_and_slots import SlotEntry
from router.config.problems import nearest
from router.config.reader import read_keys
from router.config.schema import OURS, PLAIN_NAME, VARIABLE, ServerConfig, UpstreamConfig, UpstreamKind

_ENDPOINTS: Final = ("/chat/completions", "/completions", "/models", "/embeddings", "/messages", "/responses")


def read_upstreams(
    sections: Mapping[str, Section], slots: Mapping[str, Section], server: ServerConfig
) -> Mapping[str, UpstreamConfig]:
    """Read every entry of `upstreams:`, even one with problems: slots may name it."""
    for name, section in sections.items():
        if name == OURS or name in slots:
            owner = "hal0 itself" if name == OURS else f"a slot (line {slots[name].line})"
            message = f'"{name}" already means {owner}; a name must mean one thing, so rename the upstream'
            section.problems.add(section.line, section.path, message)
    return MappingProxyType({name: _read(name, section, server) for name, section in sections.items()})


def _read(name: str, section: Section, server: ServerConfig) -> UpstreamConfig:
    kind = section.member("kind", UpstreamKind) or keys_of(UpstreamConfig)["kind"].default
    url = section.checked("base_url", lambda text: base_url(text, kind)) or ""
    if url and _is_this_hal0(url, server):
        section.problem("base_url", "is this hal0's own address: requests would go round in a circle")
    return read_keys(section, UpstreamConfig, name=name, base_url=url, api_key=_api_key(section))


def base_url(text: str, kind: UpstreamKind) -> str:
    """Return the address below which the API's paths lie, without a slash or an endpoint at its end: for
    OpenAI's API with its `/v1` (added where no path is written), for another hal0 without. Raises ValueError
    with a sentence, which quotes what was written only where that cannot hold a password."""
    parts = _split(text)
    path = parts.path.rstrip("/")
    # Pasted from a program that wants the whole address.
    path = path.removesuffix(next((end for end in _ENDPOINTS if path.endswith(end)), "")).rstrip("/")
    if kind is UpstreamKind.HAL0:
        path = path.removesuffix("/v1")
    elif not path:
        path = "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not an address; write something like http://10.0.0.2:8080/v1") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; write the key as api_key")
    if parts.scheme not in ("http", "https") or not host or any(letter.isspace() for letter in text):
        raise ValueError(f'must be http:// or https:// with a host, not "{text}"')
    if parts.query or parts.fragment:
        raise ValueError("must end with its path, without ? or #")
    return parts


def _is_this_hal0(url: str, server: ServerConfig) -> bool:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    host = parts.hostname or ""
    return port == server.port and (places.is_loopback(host) or host == server.host)


def _api_key(section: Section) -> str | None:
    """Return the key as written; it is looked up when needed (router.upstreams.keys), and never part of a
    message."""
    value = section.value("api_key")
    if value is None:
        return None
    key = "" if isinstance(value.data, dict | list) else value.text
    scheme, colon, name = key.partition(":")
    if not key:
        section.problem("api_key", "must be env:NAME, keyring:NAME or the key itself")
    elif colon and scheme == "env" and not re.fullmatch(VARIABLE, name):
        section.problem("api_key", "what follows env: is not the name of an environment variable")
    elif colon and scheme == "keyring" and not re.fullmatch(PLAIN_NAME, name):
        section.problem("api_key", "what follows keyring: is no name; `hal0 upstream key NAME` stores one")
    elif not (key.isascii() and key.isprintable()) or " " in key:
        section.problem("api_key", "may only hold ASCII letters, digits and signs, without spaces")
    else:
        return key
    return None


def split_target(text: str) -> tuple[str, str | None]:
    """Return `name/model` or `name` as (upstream, model); a model's id may hold slashes of its own."""
    name, _slash, model = text.partition("/")
    return name, model or None


def check_slots(slots: list[SlotEntry], upstreams: Mapping[str, UpstreamConfig]) -> None:
    """Report slots that name an upstream that does not exist, or have one of their own but no model."""
    for entry in slots:
        slot, section = entry.config, entry.section
        for target in slot.fallback:
            _check_target("fallback", target, section, upstreams)
        if slot.upstream is None:
            continue
        _check_target("upstream", slot.upstream, section, upstreams)
        if split_target(slot.upstream)[1] is None:
            section.problem("upstream", f'must name a model, too, such as "{slot.upstream}/MODEL"')


def _check_target(field: str, target: str, section: Section, upstreams: Mapping[str, UpstreamConfig]) -> None:
    name, model = split_target(target)
    if name not in upstreams:
        message = f'no upstream is called "{name}": add it under upstreams:'
        section.problem(field, message, nearest(name, upstreams))
        return
    listed = upstreams[name].models
    if model is not None and listed is not None and model not in listed:
        section.problem(
            field, f'"{model}" is not in models: of that upstream; add it there', nearest(model, listed)
        )
