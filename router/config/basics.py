"""The sections `server` and `engine`, where a key's row does not say all of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from router.config import places
from router.config.api_keys import read_api_keys
from router.config.fields import Section
from router.config.reader import read_keys
from router.config.schema import EngineConfig, ServerConfig


def read_server(section: Section, environment: Mapping[str, str], slots: Collection[str]) -> ServerConfig:
    """Read `server:`; `env:NAME` keys are read from `environment`, `slots` are those that a key may name."""
    keys, named = read_api_keys(section, environment, slots)
    server = read_keys(section, ServerConfig, api_keys=keys, named_keys=named)
    # Keys that could not be read are problems of their own; "no key" would send people the wrong way.
    if not places.is_loopback(server.host) and section.entry_count("api_keys") == 0:
        message = f"LAN exposure needs a key: with {server.host} other computers could use your models"
        section.problem("host", f"{message}; add one to server.api_keys, or use 127.0.0.1")
    return server


def read_engine(section: Section, folder: Path) -> EngineConfig:
    """Read `engine:`; paths are relative to `folder`."""

    def server_program(text: str) -> Path | None:
        return None if text == "auto" else places.program(text, folder)

    return read_keys(section, EngineConfig, llama_server=section.checked("llama_server", server_program))


def check_ports(server: Section, engine: Section, port: int, ports: tuple[int, int]) -> None:
    """Report a problem where the endpoint's port is one that an engine could be given."""
    if not ports[0] <= port <= ports[1]:
        return
    message = f"hal0's own port {port} lies in engine.ports [{ports[0]}, {ports[1]}]: an engine could take it; "
    if engine.has("ports"):
        engine.problem("ports", f"{message}choose a range without {port}")
    else:
        server.problem("port", f"{message}choose another port, or set engine.ports")
