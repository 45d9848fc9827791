"""Wrong keys are tried slower and slower, by each address alone."""

from __future__ import annotations

from router.server.request.guesses import FREE, LONGEST, Guesses


def test_a_slip_costs_nothing_and_a_search_takes_for_ever() -> None:
    guesses, now, tried = Guesses(), 0.0, 0
    while now < 24 * 3600:
        now += guesses.wait("10.0.0.7", now)
        guesses.wrong("10.0.0.7", now)
        tried += 1
        if tried < FREE:
            assert guesses.wait("10.0.0.7", now) == 0
    assert tried < 24 * 3600 / LONGEST + 20


def test_others_need_not_wait_and_the_right_key_ends_it() -> None:
    guesses = Guesses()
    for _ in range(10):
        guesses.wrong("10.0.0.7", 0.0)
    assert guesses.wait("10.0.0.7", 0.0) == LONGEST and guesses.wait("10.0.0.8", 0.0) == 0
    assert guesses.wait("10.0.0.7", 30.0) == LONGEST - 30
    guesses.right("10.0.0.7")
    assert guesses.wait("10.0.0.7", 0.0) == 0


def test_who_has_one_address_of_a_network_has_all() -> None:
    guesses = Guesses()
    for last in range(FREE):
        guesses.wrong(f"2001:db8:1:2::{last}", 0.0)
    assert guesses.wait("2001:db8:1:2:ffff::9", 0.0) > 0
    assert guesses.wait("2001:db8:1:3::1", 0.0) == 0


def test_many_addresses_take_no_more_memory() -> None:
    guesses = Guesses()
    for number in range(5000):
        guesses.wrong(f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(guesses._failed) <= 1024
    guesses.wrong(None, 0.0)
    assert guesses.wait(None, 0.0) == 0
