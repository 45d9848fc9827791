"""Tiny real executables that answer `--version` as llama-server does: shell scripts, and on Windows
stand_in.c, compiled beforehand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from router.base.paths import Paths
from router.engine.store import SERVER_NAME
from tests.homes import BUILT

needs_posix = pytest.mark.skipif(os.name == "nt", reason="its engine or program is a shell script")

if sys.platform == "win32":

    def script(version: str = "0.7.0 (build 11669, commit Debian)", *, code: int = 0) -> bytes:
        """A program that says this version and ends so."""
        return BUILT.joinpath("stand-in.exe").read_bytes() + f"#!fake {code} {version}\0".encode()

else:

    def script(version: str = "0.7.0 (build 11669, commit Debian)", *, code: int = 0) -> bytes:
        """llama-server prints its version on stdout or stderr, depending on the build; this one uses stderr."""
        refuse = '[ -z "$LLAMA_ARG_PORT" ] || exit 9'
        return f"#!/bin/sh\n{refuse}\necho 'version: {version}' >&2\nexit {code}\n".encode()


def make_engine(path: Path, version: str = "0.7.0 (build 11669, commit Debian)", *, code: int = 0) -> Path:
    """Return where it is: on Windows a program's name has an ending."""
    if sys.platform == "win32":
        path = path.with_name(f"{path.name.removesuffix('.exe')}.exe")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(script(version, code=code))
    path.chmod(0o755)
    return path


def installed(paths: Paths, name: str, build: int, *, age: int, code: int = 0) -> Path:
    """An engine in the data folder that was installed `age` seconds after the epoch's start."""
    folder = paths.data / "engines" / name
    server = make_engine(folder / "bin" / SERVER_NAME, f"0.7.0 (build {build}, commit x)", code=code)
    os.utime(folder, (age, age))
    return server


def paths_in(folder: Path) -> Paths:
    return Paths(folder / "hal0.yaml", folder / "data", folder / "state", folder / "logs", folder / "cache")


def partials(paths: Paths) -> list[Path]:
    return list((paths.data / "engines").glob(".partial-*"))
