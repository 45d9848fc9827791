"""What tests of the desktop and the command line share: `home`, `stub`; and no window stays."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from tests.app.stub_hal0 import StubHal0
from tests.homes import home_variables


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Delete the test's windows: each has 12 MB. Those that `qtbot` has closed Qt deletes once an event loop
    runs, which few tests have; others are kept by what is connected to their signals."""
    yield
    if isinstance(QCoreApplication.instance(), QApplication):
        for window in QApplication.topLevelWidgets():
            window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this computer's user is seen; the configured port is one nobody listens on."""
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name, value in home_variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HAL0_CONFIG", str(tmp_path / "hal0.yaml"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        (tmp_path / "hal0.yaml").write_text(f"server: {{port: {probe.getsockname()[1]}}}\nmodel_dirs: []\n")
    return tmp_path


@pytest.fixture
def stub() -> Iterator[StubHal0]:
    """The answers of a hal0 that runs."""
    running = StubHal0()
    yield running
    running.close()
