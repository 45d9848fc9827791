"""Tiny real executables that answer `--version` as llama-server does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from router.base.paths import Paths

needs_posix = pytest.mark.skipif(os.name == "nt", reason="the fake engines are shell scripts")


def script(version: str = "0.7.0 (build 11669, commit Debian)", *, code: int = 0) -> bytes:
    """llama-server prints its version on stdout or stderr, depending on the build; this one uses stderr."""
    refuse = '[ -z "$LLAMA_ARG_PORT" ] || exit 9'
    return f"#!/bin/sh\n{refuse}\necho 'version: {version}' >&2\nexit {code}\n".encode()


def make_engine(path: Path, version: str = "0.7.0 (build 11669, commit Debian)", *, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(script(version, code=code))
    path.chmod(0o755)
    return path


def installed(paths: Paths, name: str, build: int, *, age: int, code: int = 0) -> Path:
    """An engine in the data folder that was installed `age` seconds after the epoch's start."""
    folder = paths.data / "engines" / name
    server = make_engine(folder / "bin" / "llama-server", f"0.7.0 (build {build}, commit x)", code=code)
    os.utime(folder, (age, age))
    return server


def paths_in(folder: Path) -> Paths:
    return Paths(folder / "hal0.yaml", folder / "data", folder / "state", folder / "logs", folder / "cache")


def partials(paths: Paths) -> list[Path]:
    return list((paths.data / "engines").glob(".partial-*"))
