"""The environment a llama-server is started with: nothing in it changes what the configuration says."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from router.base.errors import BadModel
from router.catalog.model import Model
from router.config.schema import Config
from router.config.variables import FROM

# What llama-server would obey or leak. Everything else stays: the GPU runtimes (CUDA_*, GGML_*, HIP_*, VK_*),
# PATH, HOME, and on Windows SystemRoot, without which no socket opens.
_DROPPED_PREFIXES: Final = (
    "LLAMA_",  # LLAMA_ARG_* are flags nobody sees; LLAMA_API_KEY and LLAMA_LOG_* are hal0's to set
    "HF_",  # an engine started with --offline needs no token
    "HUGGING",
    "HAL0_",  # for hal0 itself
    "_PYI_",  # PyInstaller's notes to its own children
)
_DROPPED: Final = frozenset(
    {
        # The engine only ever answers this computer; a proxy's address may hold a password.
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY"),
        "MODEL_ENDPOINT",  # where llama.cpp downloads from
        "_MEIPASS2",
    }
)
# PyInstaller points these at its bundle and keeps the person's own value beside it; a foreign program must not
# load the bundle's libraries: https://pyinstaller.org/en/stable/runtime-information.html
_LIBRARY_PATHS: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")

_CONFIG_HOME: Final = "APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME"


def scrubbed(base: Mapping[str, str], *, bundled: bool | None = None) -> dict[str, str]:
    """Return `base` without hidden inputs. `bundled`: hal0 runs from a PyInstaller bundle (None: find out)."""
    kept = {name: value for name, value in base.items() if not _is_dropped(name.upper())}
    if getattr(sys, "frozen", False) if bundled is None else bundled:
        for name in _LIBRARY_PATHS:
            kept.pop(name, None)
            original = kept.pop(f"{name}_ORIG", None)
            if original:
                kept[name] = original
    return kept


def secret_variables(config: Config, base: Mapping[str, str]) -> frozenset[str]:
    """Return the variables of `base` with keys in them that are hal0's alone: those that `upstreams:` names,
    and those that hold a key of `server:`."""
    written = [upstream.api_key or "" for upstream in config.upstreams.values()]
    named = {key.removeprefix("env:").upper() for key in written if key.startswith("env:")}
    keys = config.server.api_keys
    return frozenset(name for name, value in base.items() if name.upper() in named or value in keys)


def _is_dropped(name: str) -> bool:
    return name in _DROPPED or name.startswith(_DROPPED_PREFIXES)


def variables_of(model: Model, base: Mapping[str, str]) -> dict[str, str]:
    """Return what `env:` of hal0.yaml says, with `env:NAME` looked up in `base`. Raises BadModel for what is
    not there."""
    found: dict[str, str] = {}
    for name, written in model.env.items():
        source = written.removeprefix(FROM)
        if not written.startswith(FROM):
            found[name] = written
        elif (value := base.get(source)) is not None:
            found[name] = value
        else:
            raise BadModel(
                f'Model "{model.id}" cannot start: its env: takes {name} from the variable {source}, which '
                "hal0 was not started with; set that, or correct the name."
            )
    return found


def with_variables(environment: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with `more` in the place of what is there by those names; on Windows capitals make
    no difference."""
    if sys.platform == "win32":
        more = {name.upper(): value for name, value in more.items()}
    return {**environment, **more}


def engine_environment(
    base: Mapping[str, str],
    *,
    api_key: str,
    private_config: Path,
    child_mode: bool,
    hidden: Collection[str] = (),
    more: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the environment of one engine, without the variables `hidden` and with `more`.

    `api_key` goes here because argv is visible to every user of the computer. `private_config` is an empty
    folder that hides the person's `llama.cpp/config.ini`, which lies in `~/.config` or `%APPDATA%` (the one in
    `/etc` or `%PROGRAMDATA%` is the computer's).
    `child_mode` makes llama-server report its progress on stdout and end with its stdin.
    """
    environment = scrubbed({name: value for name, value in base.items() if name not in hidden})
    environment = with_variables(environment, more)
    environment["LLAMA_API_KEY"] = api_key
    environment[_CONFIG_HOME] = str(private_config)
    # As the driver's library and nvidia-smi count (router.memory.measure.nvml); CUDA begins with the fastest.
    environment.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    if child_mode:
        environment["LLAMA_SERVER_ROUTER_PORT"] = "1"
    return environment
