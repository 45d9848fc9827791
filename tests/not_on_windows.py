"""The tests that Windows does not run, each with its reason: never that it was hard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SHELL = "its engine or program is a shell script"
_MODES = "Windows has no permission bits; a person's folders are theirs by their access lists"
_SIGNALS = "about POSIX signals, which Windows does not have"
_LINUX = "about a part of hal0 that only Linux has"

_FIRST_LIGHT = "tests/e2e/test_first_light.py"

ROOT: Final = Path(__file__).resolve().parents[1]
NOT_ON_WINDOWS: Final[Mapping[str, str]] = {
    "tests/clients": "real clients in environments of their own, which are Linux's here",
    "tests/cluster": "Ray Serve in an environment of its own, which is Linux's here",
    "tests/desktop": "an X11 and D-Bus session is Linux's",
    "tests/packaging": "the packages of other systems",
    "tests/page": "a Chromium, which is Linux's here",
    "tests/test_surroundings.py": _SIGNALS,
    "tests/router/test_mounts.py": _LINUX,
    "tests/router/test_sock_diag.py": _LINUX,
    "tests/router/engine/test_install_debian.py": _LINUX,
    "tests/router/base/test_files.py::test_a_new_file_and_its_folders_are_private": _MODES,
    "tests/router/base/test_files.py::test_an_old_file_is_replaced_and_becomes_private": _MODES,
    "tests/router/config/test_file.py::test_the_first_edit_makes_a_private_file": _MODES,
    "tests/router/config/test_file.py::test_a_link_and_the_mode_stay": _MODES,
    f"{_FIRST_LIGHT}::test_started_by_nohup_it_outlives_the_terminal_and_still_ends_well": _SIGNALS,
    f"{_FIRST_LIGHT}::test_the_end_of_its_terminal_ends_it_well": _SIGNALS,
    "tests/e2e/test_alive.py": _SHELL,
}
"""A folder, a file or a test as pytest names them, and why it is not for Windows."""


def reason(node: str) -> str | None:
    """Return why the test `node` (`tests/a/test_b.py::Class::test_c[x]`) is left out; None: it runs."""
    return next((why for name, why in NOT_ON_WINDOWS.items() if _holds(name, node)), None)


def _holds(name: str, node: str) -> bool:
    return node == name or node.startswith((f"{name}/", f"{name}::", f"{name}["))
