"""Fixtures around real models: the llama-server to run, and speaking GGUFs built for the session."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any, Protocol

import pytest

from resources.speaking import build_speaking_model


class SpeakingModel(Protocol):
    """`speaking_model(sentence, name, **kw)`: the path of such a GGUF, built once per session."""

    def __call__(self, sentence: str, name: str = "speaking", **kw: Any) -> Path: ...


@pytest.fixture(scope="session")
def llama_server() -> Path:
    """A real llama-server: $HAL0_LLAMA_SERVER, else the one on PATH. Without one the test fails."""
    named = os.environ.get("HAL0_LLAMA_SERVER")
    program = named or shutil.which("llama-server")
    if program is None or not os.access(program, os.X_OK):
        pytest.fail(
            f"These tests need a real llama-server and {named or 'PATH'} has none: "
            "set HAL0_LLAMA_SERVER to one (CONTRIBUTING.md says how to get it)."
        )
    return Path(program)


@pytest.fixture(scope="session")
def speaking_model(tmp_path_factory: pytest.TempPathFactory) -> SpeakingModel:
    """Build a GGUF that says `sentence`; the keywords are those of `build_speaking_model`."""
    folder = tmp_path_factory.mktemp("speaking")

    def build(sentence: str, name: str = "speaking", **kw: Any) -> Path:
        digest = hashlib.sha256(repr((sentence, sorted(kw.items()))).encode()).hexdigest()[:12]
        path = folder / digest / f"{name}.gguf"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            build_speaking_model(path, sentence, name=name, **kw)
        return path

    return build
