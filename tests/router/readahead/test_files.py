"""Which files belong to a model, by its flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.catalog.model import Model
from router.config.schema import Kind
from router.readahead.files import weight_files


def model(file: str | None = "/m/a.gguf", **more: Any) -> Model:
    return Model("a", Kind.CHAT, "A", file=Path(file) if file else None, **more)


def names(model: Model) -> list[str]:
    return [path.name for path in weight_files(model)]


def test_all_shards_come_in_order() -> None:
    assert weight_files(model("/m/a-00001-of-00003.gguf")) == tuple(
        Path(f"/m/a-0000{number}-of-00003.gguf") for number in (1, 2, 3)
    )
    assert names(model("/m/a-00001-of.gguf")) == ["a-00001-of.gguf"], "no shard's name"


def test_companions_follow_the_model_in_the_order_of_their_loading() -> None:
    flags = {
        "mmproj": "/m/eyes.gguf",
        "spec-draft-model": "/m/draft-00001-of-00002.gguf",
        "control-vector-scaled": "/m/cv.gguf:0.5",
        "lora": '/m/one.gguf,"/m/t,wo.gguf"',
        "chat-template-file": "/m/template.jinja",
        "ctx-size": "4096",
    }
    assert names(model(flags=flags)) == [
        *(
            "a.gguf",
            "one.gguf",
            "t,wo.gguf",
            "cv.gguf",
            "draft-00001-of-00002.gguf",
            "draft-00002-of-00002.gguf",
        ),
        "eyes.gguf",
    ]


def test_a_file_that_is_named_twice_is_read_once() -> None:
    assert names(model(flags={"spec-draft-model": "/m/a.gguf"})) == ["a.gguf"]


@pytest.mark.parametrize("flags", [{"load-mode": "dio"}, {"direct-io": True}, {"dio": "on"}])
def test_who_goes_past_the_page_cache_gets_nothing(flags: dict[str, str | bool]) -> None:
    assert weight_files(model(flags=flags)) == ()


@pytest.mark.parametrize("flags", [{"load-mode": "mmap"}, {"load-mode": "none"}, {"direct-io": False}])
def test_all_others_get_theirs(flags: dict[str, str | bool]) -> None:
    assert names(model(flags=flags)) == ["a.gguf"]


def test_of_another_engine_nobody_knows_what_it_reads() -> None:
    assert weight_files(model(None, command="whisper-server -m x.bin --port {port}")) == ()
