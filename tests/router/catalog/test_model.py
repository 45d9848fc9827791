"""Who says how large a model's context is: its flags, or hal0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from router.catalog.model import Model
from router.config.schema import Kind
from router.engine.command import build_command
from router.engine.options import read_options

MODEL = Model("m", Kind.CHAT, "m", file=Path("/m.gguf"), context_trained=8192)


@pytest.mark.parametrize(
    ("flags", "is_open", "length"),
    [
        ({}, True, 8192),
        ({"ctx-size": "0"}, True, 8192),
        ({"ctx-size": "4096"}, False, 4096),
        ({"ctx-size": True}, False, 8192),
    ],
)
def test_without_a_size_or_with_none_it_is_left_open(
    flags: dict[str, str | bool], is_open: bool, length: int
) -> None:
    model = replace(MODEL, flags=flags)
    assert (model.context_open, model.context_length) == (is_open, length)


def test_only_a_file_that_says_what_it_was_trained_for_can_be_left_open() -> None:
    assert not replace(MODEL, context_trained=None).context_open
    assert not replace(MODEL, file=None, command="x").context_open


async def test_a_chosen_context_is_on_the_command_line_once(llama_server: Path) -> None:
    chosen = replace(MODEL, flags={"ctx-size": "0", "parallel": "1"}).with_context(6144)
    argv = build_command(chosen, await read_options(llama_server), llama_server, 8101)
    assert argv.count("--ctx-size") == 1 and argv[argv.index("--ctx-size") + 1] == "6144"
    assert "--parallel" in argv and chosen.launch_key != MODEL.launch_key
