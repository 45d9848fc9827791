"""What is worth keeping and what leaves for it, by its properties."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from router.config.schema import ConversationsConfig
from router.conversations.keeping import (
    DISK_LEFT,
    LEAST_TOKENS,
    Kept,
    Used,
    expected_bytes,
    has_room,
    is_continued,
    must_leave,
    worth,
)

used = st.lists(
    st.builds(Used, st.integers(0, 15), st.integers(0, 100_000), st.integers(0, 50)),
    max_size=8,
    unique_by=(lambda u: u.slot, lambda u: u.task),
)
kept = st.lists(
    st.builds(
        Kept,
        id=st.uuids().map(str),
        owner=st.sampled_from("xyz"),
        key=st.sampled_from("kl"),
        model=st.just("m"),
        slot=st.integers(0, 3),
        tokens=st.integers(1, 10_000),
        bytes=st.integers(1, 1000),
        used_at=st.floats(0, 1000),
        sample=st.just(""),
    ),
    max_size=12,
    unique_by=lambda k: k.id,
)
policies = st.builds(
    ConversationsConfig, st.integers(0, 3000), st.integers(1, 4), st.floats(1, 2000), st.just(2.0)
)


@given(used, st.integers(1, 6))
def test_the_longest_are_saved_and_the_newest_always(sequences: list[Used], per_model: int) -> None:
    chosen = worth(sequences, per_model)
    able = [u for u in sequences if u.tokens >= LEAST_TOKENS]
    assert len(chosen) == min(per_model, len(able)) and set(chosen) <= set(able)
    if able:
        newest = max(able, key=lambda u: u.task)
        assert newest in chosen or per_model == 1
        left_out = [u.tokens for u in able if u not in chosen]
        sure = () if per_model == 1 else (newest,)
        assert all(u.tokens >= max(left_out, default=0) for u in chosen if u not in sure)
    assert [u.tokens for u in chosen] == sorted((u.tokens for u in chosen), reverse=True)


def test_what_is_on_the_disk_and_longer_keeps_its_place() -> None:
    title, agent = Used(1, 300, task=9), Used(2, 40_000, task=3)
    assert worth([title, agent], 2) == [agent, title]
    assert worth([title, Used(2, 500, task=3)], 2, known=[60_000]) == [title]
    assert worth([title, agent], 2, known=[600]) == [agent, title]
    assert worth([title, agent], 1) == [agent] and worth([title], 1, known=[60_000]) == []


@given(kept, st.floats(0, 3000), policies, st.integers(0, 3000))
def test_nothing_stays_that_is_too_much_too_old_or_too_many(
    all_kept: list[Kept], now: float, policy: ConversationsConfig, coming: int
) -> None:
    leaving = must_leave(all_kept, now, policy, coming)
    staying = [k for k in all_kept if k not in leaving]
    assert sum(k.bytes for k in staying) <= max(0, policy.keep - coming)
    assert all(now - k.used_at <= policy.max_age for k in staying)
    assert max(Counter(k.owner for k in staying).values(), default=0) <= policy.per_model
    # Nothing leaves without need: the newest of those that leave for want of room would not have fitted.
    fresh = [k for k in leaving if now - k.used_at <= policy.max_age]
    if fresh and policy.keep > 0:
        newest = max(fresh, key=lambda k: (k.used_at, k.id))
        newer = [k for k in staying if (k.used_at, k.id) > (newest.used_at, newest.id)]
        same_owner = sum(1 for k in newer if k.owner == newest.owner)
        full = sum(k.bytes for k in newer) + newest.bytes > policy.keep - coming
        assert full or same_owner >= policy.per_model


@given(kept, st.floats(0, 3000))
def test_nothing_is_kept_where_it_is_turned_off(all_kept: list[Kept], now: float) -> None:
    off = ConversationsConfig(keep=0)
    assert set(must_leave(all_kept, now, off)) == set(all_kept)
    assert not has_room(0, 1 << 50, off)


def test_the_disk_keeps_some_of_itself() -> None:
    policy = ConversationsConfig(keep=1 << 30)
    assert has_room(1000, DISK_LEFT + 1000, policy) and not has_room(1001, DISK_LEFT + 1000, policy)
    assert not has_room((1 << 30) + 1, 1 << 50, policy)


@given(kept, st.integers(1, 10_000))
def test_what_it_will_take_is_told_by_others_of_the_same_engine(all_kept: list[Kept], tokens: int) -> None:
    same = [k for k in all_kept if k.key == "k"]
    expected = expected_bytes(tokens, all_kept, "k")
    assert expected == max((k.bytes * tokens // k.tokens for k in same), default=0)


def test_a_conversation_goes_on_although_its_last_turn_was_rewritten() -> None:
    old, other = bytes(range(200)), bytes(range(1, 201))
    assert is_continued(old, old + b"more") and is_continued(old, old[:185] + b"rewritten" + b"more")
    assert not is_continued(old, other + b"more") and not is_continued(old, old[:20] + other)
    assert is_continued(b"", b"any")
