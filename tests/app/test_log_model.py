from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.views.log import fresh, matching

lines = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12)


@given(lines, lines, st.integers(1, 12))
def test_old_and_fresh_lines_together_end_like_the_log(before: list[str], more: list[str], ring: int) -> None:
    old, new = before[-ring:], (before + more)[-ring:]
    added = fresh(old, new)
    if added is not None:
        assert (old + added)[-len(new) :] == new if new else added == []


def test_growth_and_a_full_ring_add_only_what_is_new() -> None:
    assert fresh([], ["a", "b"]) == ["a", "b"]
    assert fresh(["a", "b"], ["a", "b", "c"]) == ["c"]
    assert fresh(["a", "b", "c"], ["c", "d", "e"]) == ["d", "e"]
    assert fresh(["a", "b"], ["a", "b"]) == []


def test_a_log_that_began_again_continues_nothing() -> None:
    assert fresh(["a", "b"], ["x", "y"]) is None
    assert fresh(["a", "b"], []) is None


def test_filter_ignores_case_and_surrounding_blanks() -> None:
    assert matching(["Loading", "ready", "reloading"], " LOAD ") == ["Loading", "reloading"]
    assert matching(["a", "b"], "  ") == ["a", "b"]
