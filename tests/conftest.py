"""Fixtures for everyone."""

import tests.surroundings  # noqa: F401, I001 - first: whatever is imported later may look at the environment

import gc
import os
import sys
from collections.abc import Generator

# `concurrent.futures` imports its executor when it is first asked for, which is on a loop; and PySide's import
# hook, there once pytest-qt is, then looks for the source of whoever imports: blockbuster calls that blocking.
from concurrent.futures import ThreadPoolExecutor  # noqa: F401
from pathlib import Path

import pytest
from _pytest.unraisableexception import collect_unraisable
from hypothesis import HealthCheck, settings

from tests.not_on_windows import ROOT, reason

pytest_plugins = ["tests.fixtures_models", "tests.fixtures_keyring"]

# How long an example takes says how busy the computer is.
settings.register_profile("hal0", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("hal0"), max_examples=10_000)
settings.load_profile("hal0")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Some are about what cannot even be imported on Windows."""
    if sys.platform == "win32" and reason(collection_path.relative_to(ROOT).as_posix()):
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if sys.platform != "win32":
        return
    without_engine = "HAL0_TEST_WITHOUT_ENGINE" in os.environ
    for item in items:
        why = reason(item.nodeid)
        if without_engine and "llama_server" in getattr(item, "fixturenames", ()):
            why = "no llama-server.exe was built for this run"
        if why:
            item.add_marker(pytest.mark.skip(reason=why))
    # A new palette takes Wine minutes where hundreds of tests have left windows behind.
    items.sort(key=lambda item: not item.nodeid.startswith("tests/app/test_tab_pictures.py"))


def pytest_collection_finish() -> None:
    """What is there now stays: it need not be looked at after each test."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """What a test left open is told by it, not by the one during which chance collects it (10 ms each)."""
    yield
    if isinstance(item, pytest.Function):
        item.funcargs.clear()
    gc.collect()
    collect_unraisable(item.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test printed of names that are no text can be sent by a worker: pytest-xdist encodes strictly."""
    report = yield
    report.sections = [(title, printable(text)) for title, text in report.sections]
    return report


def printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


if sys.platform == "win32":
    import asyncio
    from collections.abc import Callable, Mapping

    from PySide6.QtCore import QCoreApplication, Qt

    from router.base.windows_loop import new_event_loop

    # Windows' own dialogs are other programs' windows: no test can press their buttons.
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)

    def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
        """Tests run on the loop that the router has."""
        return {"router": new_event_loop}
