"""What tests of widgets share."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Delete what `qtbot` has closed. Qt does so once an event loop runs, which few tests have: all windows
    would stay, each with 12 MB."""
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
