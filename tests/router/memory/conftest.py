from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.router.memory.stub import TWO, Reader, StubDriver


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> StubDriver:
    return StubDriver.build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def driver(built: StubDriver, tmp_path: Path) -> StubDriver:
    """Two GPUs, nothing on them."""
    made = StubDriver(built.folder, tmp_path / "says")
    made.say(*TWO)
    return made


@pytest.fixture
def reader(driver: StubDriver) -> Iterator[Reader]:
    made = Reader.start(driver)
    yield made
    made.close()
