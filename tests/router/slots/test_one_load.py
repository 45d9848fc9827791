"""Flags for one load: which models have them, and when they are forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from router.catalog.model import Model
from router.config.schema import Kind
from router.slots.one_load import OneLoad, texts

FLAGS = (("no-mmap", True), ("threads", "4"))
A = Model("a", Kind.CHAT, "a", Path("/a.gguf"), flags=MappingProxyType({"ctx-size": "512"}))
A_HOT = replace(A, id="a-hot", request=MappingProxyType({"temperature": 1}))
B = Model("b", Kind.CHAT, "b", Path("/b.gguf"))


def test_models_that_share_an_engine_share_them() -> None:
    once = OneLoad()
    assert once.on(A) is A
    once.give(A, FLAGS)
    assert once.on(A).flags == {"ctx-size": "512", "no-mmap": True, "threads": "4"}
    assert once.on(A).launch_key == once.on(A_HOT).launch_key != A.launch_key
    assert (once.on(B), once.of(B)) == (B, ())
    assert texts(once.of(A_HOT)) == ("no-mmap", "threads=4")


def test_a_model_that_is_launched_otherwise_by_now_has_none() -> None:
    once = OneLoad()
    once.give(A, FLAGS)
    changed = replace(A, flags=MappingProxyType({"ctx-size": "1024"}))
    assert once.on(changed) is changed


def test_two_may_have_some_until_it_is_known_which_engine_stays() -> None:
    once = OneLoad()
    once.give(A, FLAGS)
    once.give(B, (("threads", "1"),))
    assert once.of(A) == FLAGS and once.of(B) == (("threads", "1"),)
    once.keep(A.launch_key, FLAGS)
    assert once.of(A) == FLAGS and once.of(B) == ()
    once.give(A, ())
    assert once.on(A) is A
    once.give(A, FLAGS)
    once.keep(None, ())
    assert once.on(A) is A
