"""`env:` on the way to an engine."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest

from router.base.errors import BadModel
from router.catalog.model import Model
from router.config.schema import Kind
from router.engine.environment import engine_environment, variables_of


def model(**env: str) -> Model:
    return Model("m", Kind.CHAT, "m", file=Path("/m.gguf"), env=MappingProxyType(env))


def test_named_ones_are_looked_up_when_the_engine_starts() -> None:
    found = variables_of(model(GPU="1", TOKEN="env:MINE", EMPTY="env:NOTHING"), {"MINE": "x", "NOTHING": ""})
    assert found == {"GPU": "1", "TOKEN": "x", "EMPTY": ""}


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(BadModel, match=r"takes TOKEN from the variable MINE, which"):
        variables_of(model(TOKEN="env:MINE"), {})


def test_they_win_over_what_hal0_was_started_with_but_not_over_the_key() -> None:
    more = {"CUDA_VISIBLE_DEVICES": "1", "HF_TOKEN": "x", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    base = {"CUDA_VISIBLE_DEVICES": "0", "HF_TOKEN": "leak", "PATH": "/bin"}
    environment = engine_environment(
        base, api_key="key", private_config=Path("/p"), child_mode=False, more=more
    )
    assert more.items() <= environment.items()
    assert environment["LLAMA_API_KEY"] == "key" and environment["PATH"] == "/bin"


def test_another_environment_is_another_launch() -> None:
    one, other = model(GPU="0").launch_key, model(GPU="1").launch_key
    assert one != other and model(GPU="0").launch_key == one
    assert "GPU" not in repr(one) and "GPU" not in repr(model(GPU="0"))
