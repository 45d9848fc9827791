"""The plan: by hand where an order matters, by properties where nothing may ever go wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.memory.admit.plan import Amounts, Go, Holder, Short, missing, plan, total

POOLS = 2
AMOUNT = st.integers(0, 40)


def amounts(least: int = 0) -> st.SearchStrategy[Amounts]:
    return st.tuples(*[st.integers(least, 40)] * POOLS)


@st.composite
def holders(draw: st.DrawFn) -> list[Holder]:
    count = draw(st.integers(0, 6))
    return [
        Holder(f"s{n}", draw(amounts()), draw(st.booleans()), draw(st.integers(-1, 1)), draw(st.floats(0, 9)))
        for n in range(count)
    ]


def gone(found: list[Holder], names: tuple[str, ...]) -> list[Amounts]:
    return [holder.gives for holder in found if holder.slot in names]


@pytest.mark.parametrize(
    ("room", "outgoing", "expected"),
    [
        (13, 0, Go(beside=True)),
        (12, 9, Go(beside=True)),
        (11, 9, Go(beside=False)),
        (11, 1, Go(beside=False)),
        (11, 0, Go(beside=False, evict=("idle",))),
        (0, 0, Short((7,))),
    ],
)
def test_beside_before_instead_before_evicting(room: int, outgoing: int, expected: Go | Short) -> None:
    others = [Holder("idle", (5,)), Holder("busy", (90,), evictable=False)]
    assert plan((10,), (room,), 2, (outgoing,), others) == expected


def test_low_priority_goes_first_then_who_idled_longest() -> None:
    others = [
        Holder("new", (5,), idle_since=90.0),
        Holder("old", (5,), idle_since=10.0),
        Holder("dear", (5,), priority=1, idle_since=1.0),
        Holder("cheap", (5,), priority=-1, idle_since=99.0),
    ]
    evicted = [plan((need,), (0,), 0, (0,), others) for need in (5, 10, 15, 20)]
    assert evicted == [
        Go(False, ("cheap",)),
        Go(False, ("cheap", "old")),
        Go(False, ("cheap", "old", "new")),
        Go(False, ("cheap", "old", "new", "dear")),
    ]


def test_who_turns_out_not_to_be_needed_stays_the_last_used_first() -> None:
    small, smaller, large = (
        Holder("small", (2,), idle_since=2.0),
        Holder("smaller", (1,), idle_since=1.0),
        Holder("large", (9,), idle_since=3.0),
    )
    assert plan((9,), (0,), 0, (0,), [small, smaller, large]) == Go(False, ("large",))
    assert plan((10,), (0,), 0, (0,), [small, smaller, large]) == Go(False, ("smaller", "large"))


def test_a_pool_the_model_does_not_need_does_not_matter() -> None:
    on_the_other = Holder("other", (0, 9))
    assert plan((5, 0), (7, -3), 2, (0, 0)) == Go(beside=True)
    assert plan((5, 0), (6, -3), 2, (0, 0), [on_the_other]) == Short((1, 0))


def test_force_evicts_what_helps_and_goes() -> None:
    others = [Holder("a", (3, 0)), Holder("b", (0, 3)), Holder("pinned", (90, 90), evictable=False)]
    assert plan((50, 0), (1, 1), 2, (0, 0), others, force=True) == Go(False, ("a",))
    assert plan((4, 0), (1, 1), 0, (0, 0), others, force=True) == Go(False, ("a",))
    assert plan((50,), (1,), 2, (0,), force=True) == Go(beside=False)


@given(amounts(), amounts(-40), AMOUNT, amounts(), holders())
def test_nothing_is_admitted_beyond_what_there_is(
    need: Amounts, room: Amounts, headroom: int, outgoing: Amounts, others: list[Holder]
) -> None:
    outcome = plan(need, room, headroom, outgoing, others)
    if isinstance(outcome, Short):
        helpful = [holder.gives for holder in others if holder.evictable]
        assert outcome.missing == missing(need, total(room, outgoing, *helpful), headroom)
        assert any(outcome.missing)
        return
    leaves = () if outcome.beside else (outgoing,)
    after = total(room, *leaves, *gone(others, outcome.evict))
    for wanted, there in zip(need, after, strict=True):
        assert not wanted or there - wanted >= headroom
    assert not (outcome.beside and outcome.evict)


@given(amounts(), amounts(-40), AMOUNT, amounts(), holders(), st.booleans())
def test_only_what_may_be_evicted_is_and_no_more_than_needed(
    need: Amounts, room: Amounts, headroom: int, outgoing: Amounts, others: list[Holder], force: bool
) -> None:
    outcome = plan(need, room, headroom, outgoing, others, force=force)
    if isinstance(outcome, Short):
        return
    by_name = {holder.slot: holder for holder in others}
    assert all(by_name[name].evictable for name in outcome.evict)
    free = total(room, outgoing)
    least = missing(need, total(free, *gone(others, outcome.evict)), headroom)
    for fewer in range(len(outcome.evict)):
        for names in combinations(outcome.evict, fewer):
            assert missing(need, total(free, *gone(others, names)), headroom) != least


@given(amounts(), amounts(-40), AMOUNT, amounts(), holders())
def test_nobody_is_evicted_for_whom_a_lesser_one_would_do(
    need: Amounts, room: Amounts, headroom: int, outgoing: Amounts, others: list[Holder]
) -> None:
    outcome = plan(need, room, headroom, outgoing, others)
    if isinstance(outcome, Short) or not outcome.evict:
        return
    free = total(room, outgoing)
    rank = {holder.slot: (holder.priority, holder.idle_since) for holder in others}
    dearest = max(rank[name] for name in outcome.evict)
    below = [holder.gives for holder in others if holder.evictable and rank[holder.slot] < dearest]
    assert any(missing(need, total(free, *below), headroom)), "all below together would not have done"


@given(amounts(), amounts(-40), AMOUNT, amounts(), holders(), amounts())
def test_more_room_never_turns_a_yes_into_a_no(
    need: Amounts, room: Amounts, headroom: int, outgoing: Amounts, others: list[Holder], more: Amounts
) -> None:
    before = plan(need, room, headroom, outgoing, others)
    after = plan(need, total(room, more), headroom, outgoing, others)
    if isinstance(before, Go):
        assert isinstance(after, Go) and after.beside >= before.beside
        assert bool(after.evict) <= bool(before.evict)
    else:
        assert isinstance(after, Go) or all(a <= b for a, b in zip(after.missing, before.missing, strict=True))


@given(amounts(), amounts(-40), AMOUNT, amounts(), holders())
def test_without_anyone_to_evict_force_only_overrides_the_no(
    need: Amounts, room: Amounts, headroom: int, outgoing: Amounts, others: list[Holder]
) -> None:
    willing = plan(need, room, headroom, outgoing, others)
    forced = plan(need, room, headroom, outgoing, others, force=True)
    assert forced == willing or (isinstance(willing, Short) and isinstance(forced, Go) and not forced.beside)
    pinned = [replace(holder, evictable=False) for holder in others]
    assert plan(need, room, headroom, outgoing, pinned, force=True) in (Go(True), Go(False))
