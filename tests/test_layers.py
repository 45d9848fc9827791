"""What may import what, shown by really importing it (the contracts are in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys
import router
for module in pkgutil.walk_packages(router.__path__, "router."):
    if module.name != "router.platforms.windows" or sys.platform == "win32":
        importlib.import_module(module.name)
"""


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        (IMPORT_ALL, ("PySide6", "qasync", "app")),
        ("import app.cli", ("PySide6", "qasync", "aiohttp", "yaml")),
        ("import app.run, app.serve, app.bootstrap, app.commands.remote", ("PySide6", "qasync")),
    ],
)
def test_imports_bring_nothing_heavy(code: str, forbidden: tuple[str, ...]) -> None:
    check = f"\nimport sys\nprint(*(m for m in sys.modules if m.split('.')[0] in {forbidden!r}))"
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
