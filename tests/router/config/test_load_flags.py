"""Flags for one load, as an order carries them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.load_flags import flag_text, read_load_flags


def test_they_are_read_by_their_long_names_in_one_order() -> None:
    read = read_load_flags(["-t=4", "n_ctx=8k", "no-mmap", "fa=on", "cpu-moe=true"])
    assert read == (
        ("cpu-moe", "true"),
        ("ctx-size", "8192"),
        ("flash-attn", "on"),
        ("no-mmap", True),
        ("threads", "4"),
    )
    assert read_load_flags([flag_text(*flag) for flag in read]) == read
    assert read_load_flags([]) == ()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (["=4"], "is no flag"),
        (["port=8080"], "hal0's to set"),
        (["api-key=x"], "hal0's to set"),
        (["embeddings"], "hal0's to set"),
        (["ctx-size=1", "c=2"], "given twice"),
        (["threads=many"], "must be"),
    ],
)
def test_what_no_load_can_have_is_one_sentence(written: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_load_flags(written)


@given(st.lists(st.text(max_size=12), max_size=3))
def test_anything_is_read_or_refused(written: list[str]) -> None:
    try:
        read = read_load_flags(written)
    except ValueError:
        return
    assert read_load_flags([flag_text(*flag) for flag in read]) == read
