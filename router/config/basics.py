"""The sections `server`, `engine`, `limits` and `memory`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from router.config import places
from router.config.fields import Section
from router.config.schema import ActivityConfig, Bodies, EngineConfig, LimitsConfig, MemoryConfig, ServerConfig
from router.config.sizes import size
from router.config.yaml_lines import Value, describe

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DAY: Final = 86_400.0
_MOST_HEADROOM: Final = 1 << 40
_LEAST_HEADROOM: Final = 1 << 20  # less than that is a number whose unit was forgotten


def read_server(section: Section, environment: Mapping[str, str]) -> ServerConfig:
    """`server:`; `env:NAME` keys are read from `environment`."""
    standard = ServerConfig()
    host = section.checked("host", places.host) or standard.host
    port = section.integer("port", standard.port, 1, 65535)
    entries = section.texts("api_keys", secret=True) or []
    keys = [_api_key(entry, section, environment) for entry in entries]
    hosts = _entries(section, "allowed_hosts", places.host_pattern)
    origins = _entries(section, "allowed_origins", places.origin_pattern)
    section.finish()
    # Keys that could not be read are problems of their own; "no key" would send people the wrong way.
    if not places.is_loopback(host) and not entries and section.entry_count("api_keys") == 0:
        message = f"LAN exposure needs a key: with {host} other computers could use your models"
        section.problem("host", f"{message}; add one to server.api_keys, or use 127.0.0.1")
    return ServerConfig(host, port, tuple(key for key in keys if key), hosts, origins)


def _entries(section: Section, name: str, check: Callable[[str], str]) -> tuple[str, ...]:
    """A list of words, each as `check` returns it; a ValueError's sentence becomes that line's problem."""
    found: list[str] = []
    for entry in section.texts(name) or []:
        try:
            found.append(check(entry.text.strip()))
        except places.NotWritten as error:
            section.problems.add(entry.line, section.key(name), str(error), error.suggestion)
    return tuple(dict.fromkeys(found))


def _api_key(entry: Value, section: Section, environment: Mapping[str, str]) -> str | None:
    """The key, or None with a problem. What was written must never reach a message."""

    def refuse(message: str) -> None:
        section.problems.add(entry.line, section.key("api_keys"), message)

    key = entry.text
    if key.startswith("env:"):
        name = key.removeprefix("env:")
        if not _VARIABLE.fullmatch(name):
            refuse("what follows env: is not the name of an environment variable")
            return None
        key = environment.get(name, "")
        if not key:
            refuse(f"the environment variable {name} is not set; set it before hal0 starts")
            return None
    if not (key.isascii() and key.isprintable()) or " " in key:
        refuse("a key may only hold ASCII letters, digits and signs, without spaces")
        return None
    return key


def read_engine(section: Section, folder: Path) -> EngineConfig:
    """`engine:`; paths are relative to `folder`."""
    standard = EngineConfig()

    def server_program(text: str) -> Path | None:
        return None if text == "auto" else places.program(text, folder)

    written = section.checked("llama_server", server_program)
    ports = _ports(section, standard.ports)
    section.finish()
    return EngineConfig(llama_server=written, ports=ports)


def _ports(section: Section, standard: tuple[int, int]) -> tuple[int, int]:
    value = section.value("ports")
    if value is None:
        return standard
    numbers = [item.data for item in value.data] if isinstance(value.data, list) else []
    match numbers:
        case [int(low), int(high)] if not (isinstance(low, bool) or isinstance(high, bool)):
            if 1 <= low <= high <= 65535:
                return low, high
            section.problem("ports", f"[{low}, {high}] is not a range of ports within 1 to 65535")
        case _:
            section.problem("ports", f"must be two port numbers, such as [8101, 8199], not {describe(value)}")
    return standard


def check_ports(server: Section, engine: Section, port: int, ports: tuple[int, int]) -> None:
    """The endpoint's port must not be one that an engine could be given."""
    if not ports[0] <= port <= ports[1]:
        return
    message = f"hal0's own port {port} lies in engine.ports [{ports[0]}, {ports[1]}]: an engine could take it; "
    if engine.has("ports"):
        engine.problem("ports", f"{message}choose a range without {port}")
    else:
        server.problem("port", f"{message}choose another port, or set engine.ports")


def read_limits(section: Section) -> LimitsConfig:
    standard = LimitsConfig()
    limits = LimitsConfig(
        queue=section.integer("queue", standard.queue, 0, 10_000),
        wait=section.seconds("wait", standard.wait, 1.0, _DAY),
    )
    section.finish()
    return limits


def read_memory(section: Section) -> MemoryConfig:
    def headroom(text: str) -> int:
        amount = size(text)
        if amount > _MOST_HEADROOM:
            raise ValueError(f'must be at most 1TiB, not "{text}"')
        if amount < _LEAST_HEADROOM and re.search("[1-9]", text):
            number = text.rstrip("bB ")
            raise ValueError(f'"{text}" is an amount of {amount} bytes; write {number}MiB or {number}GiB')
        return amount

    written = section.checked("headroom", headroom)
    section.finish()
    return MemoryConfig() if written is None else MemoryConfig(headroom=written)


def read_activity(section: Section) -> ActivityConfig:
    standard = ActivityConfig()

    def bytes_from(least: int, least_shown: str, most: int, most_shown: str) -> Callable[[str], int]:
        def check(text: str) -> int:
            amount = size(text)
            if not least <= amount <= most:
                raise ValueError(f'must be from {least_shown} to {most_shown}, not "{text}"')
            return amount

        return check

    file_size = section.checked("size", bytes_from(16 << 20, "16MiB", 1 << 40, "1TiB"))
    body_size = section.checked("body_size", bytes_from(4 << 10, "4KiB", 1 << 20, "1MiB"))
    read = ActivityConfig(
        keep=section.integer("keep", standard.keep, 0, 10_000_000),
        days=section.integer("days", standard.days, 1, 3650),
        size=standard.size if file_size is None else file_size,
        bodies=section.choice("bodies", Bodies) or standard.bodies,
        body_size=standard.body_size if body_size is None else body_size,
    )
    section.finish()
    return read
