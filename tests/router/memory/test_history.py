"""The last hour of the memory, as the page draws it."""

from __future__ import annotations

import json

from router.memory.measure.history import SPAN, STEP, MemoryHistory, parse_held
from router.state import DeviceMemory

GIB = 1 << 30
START = 1_800_000_000.0


def device(used: float, slots: float = 0.0, name: str = "RAM") -> DeviceMemory:
    return DeviceMemory(name, False, 24 * GIB, int(used * GIB), int(slots * GIB))


def test_a_sample_is_the_most_of_its_step() -> None:
    history = MemoryHistory()
    for second, used in ((0, 3.0), (2, 9.0), (4, 1.0), (11, 2.0)):
        history.note([device(used, used / 2)], START + second)
    told = history.told()
    assert told["at"] == [START, START + STEP]
    [ram] = told["devices"]
    assert ram["used"] == [9 * GIB, 2 * GIB] and ram["used_by_slots"] == [int(4.5 * GIB), GIB]
    assert (ram["name"], ram["is_gpu"], ram["total"]) == ("RAM", False, 24 * GIB)


def test_it_is_one_hour_and_knows_what_was_at_its_beginning() -> None:
    history = MemoryHistory()
    for second in range(0, 3 * int(SPAN), 7):
        history.note([device(1)], START + second)
    told = history.told()
    now = told["at"][-1]
    assert told["at"][0] <= now - SPAN < told["at"][1]
    assert len(told["at"]) <= SPAN / STEP + 2


def test_what_did_not_change_for_long_is_still_there() -> None:
    history = MemoryHistory()
    history.note([device(5)], START)
    history.note([device(6)], START + 5 * SPAN)
    assert history.told()["at"] == [START, START + 5 * SPAN]


def test_other_devices_begin_anew_and_none_is_nothing() -> None:
    history = MemoryHistory()
    assert history.told()["devices"] == []
    history.note([device(5)], START)
    history.note([], START + 10)
    assert history.told()["at"] == []
    history.note([device(1, name="GPU"), device(2)], START + 20)
    assert [found["used"] for found in history.told()["devices"]] == [[GIB], [2 * GIB]]


def test_a_clock_that_was_set_back_does_no_harm() -> None:
    history = MemoryHistory()
    for at in (START, START - 500, START + 20):
        history.note([device(1)], at)
    assert history.told()["at"] == [START, START + 20]


def test_what_each_slot_held_is_told_and_read_again() -> None:
    history = MemoryHistory()
    for second, sizes in (
        (0, {"primary": 0, "coder": 5}),
        (11, {"primary": 7, "coder": 5}),
        (12, {"primary": 8, "coder": 5}),
        (25, {"primary": 8, "coder": 0}),
    ):
        history.note([device(1)], START + second, sizes)
    held = history.held()
    assert held["primary"] == ((START, 0), (START + STEP, 8))
    assert held["coder"] == ((START, 5), (START + 2 * STEP, 0))
    assert parse_held(json.loads(json.dumps(history.told()))) == held
    assert parse_held(history.told(["coder"])) == {"coder": held["coder"]}
    history.note([device(1)], START + 30, {"primary": 8})
    assert list(history.held()) == ["primary"], "one that is gone is forgotten"
    assert parse_held({"step": STEP}) == {}, "an older hal0"


def test_of_a_slot_an_hour_is_kept_and_what_it_began_with() -> None:
    history = MemoryHistory()
    for second in range(0, 3 * int(SPAN), 7):
        history.note([device(1)], START + second, {"primary": second})
    times = [at for at, _size in history.held()["primary"]]
    assert times[0] <= times[-1] - SPAN < times[1] and len(times) <= SPAN / STEP + 2
