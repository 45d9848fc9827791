"""A hub, hal0's folders, and models to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import home_variables
from tests.hub_server import HubServer, hub_server
from tests.router.hub import models
from tests.router.hub.file_server import Files, file_server


@pytest.fixture
def hub(private_home: Path) -> Iterator[HubServer]:
    with hub_server() as running:
        yield running


@pytest.fixture
def files(private_home: Path) -> Iterator[Files]:
    with file_server(models.model(1, 3 << 20)) as running:
        yield running


@pytest.fixture
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this computer's user is seen: no token, no caches, no proxy."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in home_variables(home).items():
        monkeypatch.setenv(name, value)
    for name in ("XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "HF_TOKEN", "LLAMA_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # huggingface_hub reads its folders when it is imported, which an earlier test may have done.
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(home / "token"))
    return home
