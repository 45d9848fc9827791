"""`together:` of hal0.yaml: what it allows, and what is told of one that is wrong."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from router.config.together import may_be_together, outside
from tests.router.config.reading import config, only_problem

SLOTS = """\
slots:
  primary: {}
  embed: {kind: embedding}
  coder: {}
  far: {upstream: big/x}
upstreams: {big: {base_url: http://10.0.0.2:8080}}
"""
HEAD = len(SLOTS.splitlines())


def test_it_is_read_as_written() -> None:
    assert config(SLOTS).together == ()
    read = config(f"{SLOTS}together: [[primary, embed], [coder]]").together
    assert read == (("primary", "embed"), ("coder",))


@pytest.mark.parametrize(
    ("written", "line", "told", "near"),
    [
        ("together: primary", 1, "must be a list of sets of slots, such as [[primary, embed], [coder]]", None),
        ("together: [[primary], embed]", 1, "each entry must be a list of slots", None),
        ("together:\n- [primary]\n- []", 3, "an empty set means nothing; take it out", None),
        ("together:\n- [primary]\n- [codr]", 3, 'there is no slot "codr"', "coder"),
        ("together: [[{a: 1}, coder]]", 1, "there is no slot a mapping", None),
        ("together:\n- [primary]\n- [far, coder]", 3, '"far" has no engine on this computer (upstream:)', None),
        ("together: [[coder, coder]]", 1, '"coder" is in this set twice; take one out', None),
        (
            "together:\n- [primary, coder]\n- [coder]",
            3,
            f"says nothing new: the set on line {HEAD + 2} allows the same",
            None,
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(written: str, line: int, told: str, near: str | None) -> None:
    found = only_problem(SLOTS + written)
    assert found.key == "together" and found.line == HEAD + line and told in found.message
    assert found.suggestion == near


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("autoload", "both are loaded when hal0 starts"),
        ("pinned", "neither would ever make room for the other"),
    ],
)
def test_slots_that_exclude_each_other_are_not_both_kept(key: str, why: str) -> None:
    slots = SLOTS.replace("primary: {}", f"primary: {{{key}: true}}").replace(
        "coder: {}", f"coder: {{{key}: true}}"
    )
    found = only_problem(f"{slots}together: [[primary, embed], [coder]]")
    assert (found.line, found.key) == (4, f"slots.coder.{key}")
    assert f"cannot be true beside {key}: true of primary, for {why}" in found.message
    config(f"{slots}together: [[primary, embed], [coder, primary]]")
    config(slots)


def test_a_third_one_may_be_too_much_where_each_two_are_not() -> None:
    sets = [("a", "b"), ("b", "c"), ("a", "c")]
    assert may_be_together(["a", "c"], sets) and not may_be_together(["a", "b", "c"], sets)
    assert outside("c", ["a", "b", "free"], sets) == [("a",), ("b",)]
    assert outside("free", ["a", "b"], sets) == [()]


NAMES = st.sampled_from("abcde")


@given(loaded=st.frozensets(NAMES), slot=NAMES, sets=st.lists(st.frozensets(NAMES, min_size=1), max_size=4))
def test_what_is_left_when_others_leave_may_be_together(
    loaded: frozenset[str], slot: str, sets: list[frozenset[str]]
) -> None:
    for leave in outside(slot, loaded, sets):
        left = {slot, *loaded} - set(leave)
        assert slot in left and (not any(slot in one for one in sets) or may_be_together(left, sets))
    if may_be_together({slot, *loaded}, sets):
        assert () in outside(slot, loaded, sets), "nobody need leave"
