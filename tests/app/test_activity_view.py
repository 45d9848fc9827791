from __future__ import annotations

import time

import pytest

from app.views.activity import cells, facts, merged, moment, says, spans, status, who
from app.views.slot_history import STEP, STEPS, SlotHistory
from router.activity.listing import Listing, listing_json, parse_listing
from router.state import Snapshot
from tests.app import scenes
from tests.app.fake_service import first_snapshot
from tests.app.scenes import replace
from tests.router.activity.records import record


def test_a_row_says_what_the_page_says() -> None:
    asked = record(at=time.mktime((2026, 11, 28, 14, 2, 7, 0, 0, -1)), waited_s=0.0003, total_s=6.31)
    assert cells(asked, asked.at + 60) == (
        "14:02:07", "primary", "alpha", "openai-python", "200", "0.3 ms", "250 ms", "6.3 s", "30", "24.0",
    )  # fmt: skip
    assert moment(asked.at, asked.at + 86_400).endswith(" 14:02")


def test_what_is_not_known_is_a_dash() -> None:
    asked = record(slot="", model="", asked="", client="", agent="", waited_s=None, first_byte_s=None)
    asked = asked._replace(tokens_completion=None, tokens_per_second=None)
    assert [cells(asked, asked.at)[column] for column in (1, 2, 3, 5, 6, 8, 9)] == ["–"] * 7


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"agent": "Mozilla/5.0 (X11)"}, "browser"),
        ({"agent": "OpenAI/Python 2.8"}, "OpenAI"),
        ({"agent": "curl/8", "key": "phone"}, "phone"),
        ({"client": "10.0.0.7", "agent": "curl/8"}, "10.0.0.7"),
    ],
)
def test_who_asked_is_told_in_a_word(about: dict[str, str], expected: str) -> None:
    assert who(record(**about)) == expected


def test_the_outcome_stands_with_the_status_unless_it_was_answered() -> None:
    assert status(record()) == "200"
    assert status(record(outcome="left", status=499)) == "499 left"


def test_a_search_looks_at_what_is_known_whatever_the_case() -> None:
    asked = record(model="Qwen3-30B", error="It does not fit.", outcome="refused", status=507)
    assert all(says(asked, wanted) for wanted in ("", "qwen3", "507", "does not", "openai-python", "refused"))
    assert not says(asked, "gemma")


def test_the_time_of_a_streamed_answer_goes_into_four_parts() -> None:
    asked = record(stream=1, decided_s=0.001, waited_s=1.0, first_byte_s=1.5, total_s=2.0, switch="caused")
    found = spans(asked)
    assert [part.name for part in found] == ["read", "waited for a switch", "first token", "generation"]
    assert [round(part.seconds, 3) for part in found] == [0.001, 1.0, 0.499, 0.5]
    assert sum(part.share for part in found) == pytest.approx(1.0)


def test_the_last_part_is_what_it_was_about_when_it_ended() -> None:
    refused = record(outcome="refused", waited_s=None, first_byte_s=None, decided_s=0.5, total_s=2.0)
    assert [(part.name, part.share) for part in spans(refused)] == [("read", 0.25), ("waited", 0.75)]
    unread = record(decided_s=None, waited_s=None, first_byte_s=None, total_s=0.0)
    assert [(part.name, part.share) for part in spans(unread)] == [("read", 0.0)]


def test_the_facts_name_key_switch_and_tokens() -> None:
    known = dict(facts(record(key="phone", switch="joined", switched_from="beta")))
    assert known["Client"] == "127.0.0.1 · openai-python · phone"
    assert known["Switch"] == "joined, beta made room"
    assert known["Tokens"] == "12 in (4 cached), 30 out"
    assert "Switch" not in dict(facts(record()))


def test_two_lists_become_one_without_repetition() -> None:
    one, two, three = record(id=1), record(id=2), record(id=3)
    assert merged([three, two], [two, one]) == [three, two, one]


def test_a_listing_is_read_as_it_was_told() -> None:
    listing = Listing((record(waited_s=None, slot=""), record(stream=1)), 7, 10, 2, 1, "No disk.", "all", 5)
    told = listing_json(listing)
    assert told["requests"][0]["slot"] is None and told["requests"][1]["stream"] is True
    told["requests"][0]["newer"] = told["newer"] = 1
    assert parse_listing(told) == listing
    with pytest.raises(KeyError):
        parse_listing({"requests": []})


# -- the last hour -----------------------------------------------------------------------------------------


def seen(speed: float | None, memory: int | None) -> Snapshot:
    found = first_snapshot()
    slot = replace(found.slots[0], tokens_per_second=speed, memory=memory)
    return replace(found, slots=(slot,))


def test_speeds_stand_where_they_were_measured_and_memory_holds() -> None:
    history = SlotHistory()
    history.note(seen(None, 100), 0)
    history.note(seen(40.0, 100), 10 * STEP)
    history.note(seen(42.0, 100), 10 * STEP + 1)
    history.note(seen(42.0, 300), 20 * STEP)  # the same answer as before
    curves = history.of("primary", (STEPS - 1) * STEP)
    assert [place for place, speed in enumerate(curves.speeds) if speed is not None] == [10]
    assert curves.speeds[10] == 42.0
    assert curves.memory == (100,) * 20 + (300,) * (STEPS - 20)
    assert curves.tells


def test_what_is_older_than_an_hour_leaves_but_the_memory_it_left_behind() -> None:
    history = SlotHistory()
    for step in range(5 * STEPS):
        history.note(seen(float(step + 1), step + 1), step * STEP)
    held = history._slots["primary"]
    assert len(held.speeds) <= STEPS and len(held.memory) <= STEPS + 1
    curves = history.of("primary", (6 * STEPS + 1) * STEP)
    assert set(curves.speeds) == {None} and set(curves.memory) == {5 * STEPS}
    assert not curves.tells


def test_what_was_answered_before_it_was_watched_comes_from_the_records() -> None:
    """Of a window that attaches, or starts anew."""
    history, began = SlotHistory(), 50 * STEP
    history.note(seen(20.0, 100), began)
    assert set(history.of("primary", began).speeds) == {None}, "when that was is not known"
    earlier = [
        record(at=began - 10 * STEP, total_s=2 * STEP, tokens_per_second=20.0),
        record(at=began - 8 * STEP, total_s=1.0, tokens_per_second=31.0),
        record(at=began - 8 * STEP, total_s=1.0, tokens_per_second=12.0),
        record(at=began - 200 * STEP, total_s=1.0),
        record(at=began - 5 * STEP, total_s=1.0, slot="coder", upstream="", tokens_per_second=7.0),
        record(at=began - 5 * STEP, total_s=1.0, upstream="cloud"),
        record(at=began - 5 * STEP, total_s=1.0, tokens_per_second=None),
    ]
    history.recall(earlier)
    history.note(seen(44.0, 100), began + STEP)
    speeds = history.of("primary", began + STEP).speeds
    assert {place - STEPS: speed for place, speed in enumerate(speeds) if speed is not None} == {
        -10: 31.0,
        -1: 44.0,
    }
    assert 7.0 in history.of("coder", began).speeds


def test_what_a_slot_held_before_it_was_watched_is_the_router_s_to_tell() -> None:
    history, began = SlotHistory(), 50 * STEP
    history.note(seen(None, 100), began)
    assert history.of("primary", began).memory[:-1] == (None,) * (STEPS - 1)
    past = {
        "primary": ((began - 9 * STEP, 0), (began - 4 * STEP, 300), (began, 100), (began + STEP, 7)),
        "coder": ((began - STEP, 1),),
    }
    history.recall_memory(past)
    assert history.of("primary", began).memory[-11:] == (None, *[0] * 5, *[300] * 4, 100)
    history.recall_memory(past)  # as after a lost link
    history.note(seen(None, 200), began + STEP)
    assert history.of("primary", began + STEP).memory[-7:] == (0, *[300] * 4, 100, 200)
    assert history.of("coder", began + STEP).memory[-4:] == (None, 1, 1, 1), "before its first snapshot"


def test_a_slot_that_was_not_watched_has_no_curve() -> None:
    assert not SlotHistory().of("primary", scenes.NOW).tells
