"""Which place answers, and a simulation of what staying there is worth."""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import dataclass, field, replace

import pytest

from router.config.schema import Kind, UpstreamKind
from router.resolve import ResolutionPath
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, UpstreamState, UpstreamStatus
from router.upstreams.homes import KEPT_SECONDS, Homes
from router.upstreams.places import HERE, Decision, decide, place_of
from router.wire.conversation_key import conversation_key

BIG, PAID = "bigpc/primary", "paid/model"
READY = SlotStatus("primary", Kind.CHAT, SlotState.READY, "qwen", parallel=2)
SLOT = replace(READY, fallback=(BIG, PAID), move_on=("busy", "loading"))
BUSY = replace(SLOT, in_flight=2)
LOADING = replace(SLOT, state=SlotState.LOADING)
FULL = replace(READY, in_flight=2)
PATIENT = replace(BUSY, move_on=("loading",))
CROWDED, CROWD = replace(BUSY, queued=2), replace(FULL, queued=2)


def upstreams(
    there: SlotStatus | None = READY, state: UpstreamState = UpstreamState.OK
) -> list[UpstreamStatus]:
    remote = Snapshot(slots=(there,)) if there is not None else None
    big = UpstreamStatus("bigpc", UpstreamKind.HAL0, "http://big", state, remote=remote)
    return [big, UpstreamStatus("paid", UpstreamKind.OPENAI, "http://paid", UpstreamState.OK)]


MOVED, WAITED = ResolutionPath.MOVED_BUSY, ResolutionPath.MOVED_LOADING


@pytest.mark.parametrize(
    ("slot", "elsewhere", "home", "wanted"),
    [
        pytest.param(SLOT, upstreams(), None, Decision(HERE), id="free here"),
        pytest.param(BUSY, upstreams(), None, Decision(BIG, MOVED), id="busy here"),
        pytest.param(replace(SLOT, queued=1), upstreams(), None, Decision(BIG, MOVED), id="others wait here"),
        pytest.param(LOADING, upstreams(), None, Decision(BIG, WAITED), id="loading here"),
        pytest.param(BUSY, upstreams(FULL), None, Decision(PAID, MOVED), id="busy there, too"),
        pytest.param(BUSY, upstreams(state=UpstreamState.DOWN), None, Decision(PAID, MOVED), id="unreachable"),
        pytest.param(BUSY, [], None, Decision(HERE), id="nobody else is there"),
        pytest.param(SLOT, upstreams(), BIG, Decision(BIG, ResolutionPath.STICKY), id="its cache is there"),
        pytest.param(BUSY, upstreams(), HERE, Decision(HERE), id="its cache is here: it waits"),
        pytest.param(LOADING, upstreams(), HERE, Decision(BIG, WAITED), id="its cache here is gone"),
        pytest.param(SLOT, upstreams(LOADING), BIG, Decision(HERE), id="its cache there is gone"),
        pytest.param(SLOT, upstreams(state=UpstreamState.DOWN), BIG, Decision(HERE), id="its place is away"),
        pytest.param(SLOT, upstreams(), "former/place", Decision(HERE), id="its place is no more"),
        pytest.param(PATIENT, upstreams(), None, Decision(HERE), id="busy is no reason"),
        pytest.param(replace(BUSY, queued=1), upstreams(), HERE, Decision(HERE), id="one waits: it waits, too"),
        pytest.param(CROWDED, upstreams(), HERE, Decision(BIG, MOVED), id="many wait, and another is free"),
        pytest.param(CROWDED, upstreams(FULL)[:1], HERE, Decision(HERE), id="many wait, and none is free"),
        pytest.param(SLOT, upstreams(CROWD), BIG, Decision(HERE), id="many wait there, and it is free here"),
        pytest.param(BUSY, upstreams(CROWD), BIG, Decision(PAID, MOVED), id="many wait there, one is free"),
        pytest.param(replace(PATIENT, queued=9), upstreams(), HERE, Decision(HERE), id="that is no reason"),
    ],
)  # fmt: skip
def test_the_first_place_where_it_need_not_wait(
    slot: SlotStatus, elsewhere: list[UpstreamStatus], home: str | None, wanted: Decision
) -> None:
    assert decide(slot, elsewhere, home) == wanted


def test_one_that_did_not_answer_this_request_is_not_asked_again() -> None:
    assert decide(BUSY, upstreams(), None, {BIG}) == Decision(PAID, MOVED)
    assert decide(BUSY, upstreams(), None, {BIG, PAID}) == Decision(HERE)
    assert decide(SLOT, upstreams(), BIG, {BIG}) == Decision(HERE), "its home is away, and the slot is free"


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        pytest.param(replace(READY, loaded=("qwen",), choices=("qwen",)), BIG, id="loaded and free"),
        pytest.param(replace(FULL, loaded=("qwen",), choices=("qwen",)), PAID, id="loaded and busy"),
        pytest.param(replace(READY, loaded=("gemma",), choices=("gemma", "qwen")), PAID, id="to be loaded"),
        pytest.param(replace(READY, loaded=("gemma",), choices=("gemma",)), BIG, id="nobody can tell"),
    ],
)
def test_a_place_may_be_a_model_of_another_hal0(there: SlotStatus, wanted: str) -> None:
    """Also by its alias, and in a slot of another name."""
    known = ModelStatus("qwen", "Qwen", Kind.CHAT, aliases=("q3",))
    remote = Snapshot(slots=(replace(there, name="large"),), models=(known,))
    big, paid = upstreams()
    for name in ("qwen", "q3"):
        slot = replace(BUSY, fallback=(f"bigpc/{name}", PAID))
        place = decide(slot, [replace(big, remote=remote), paid], None).place
        assert place == (PAID if wanted == PAID else f"bigpc/{name}")


def test_who_answered_is_one_of_the_places() -> None:
    assert place_of("bigpc/qwen", SLOT) == BIG and place_of(PAID, SLOT) == PAID
    assert place_of("other/qwen", SLOT) is None


def test_homes_are_bounded_and_forgotten() -> None:
    now = [0.0]
    homes = Homes(lambda: now[0], kept=3)
    for number in range(5):
        homes.note("primary", f"c{number}", BIG)
    assert len(homes) == 3 and homes.of("primary", "c1") is None and homes.of("primary", "c4") == BIG
    assert homes.of("other", "c4") is None and homes.of("primary", None) is None
    now[0] = KEPT_SECONDS + 1
    assert homes.of("primary", "c4") is None
    homes.note("primary", "new", HERE)
    assert len(homes) == 1


def test_a_conversation_is_known_by_what_its_client_says_else_by_how_it_begins() -> None:
    first = {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hello"}]}
    later = {"messages": [*first["messages"], {"role": "assistant", "content": "Hi"}, {"role": "user"}]}
    other = {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Bye"}]}
    assert conversation_key(first) == conversation_key(later) != conversation_key(other)
    assert conversation_key({**first, "prompt_cache_key": "k"}) == conversation_key({"prompt_cache_key": "k"})
    assert conversation_key({**first, "user": "u"}) == conversation_key({**other, "user": "u"})
    assert conversation_key({"input": "Hello"}) == conversation_key(
        {"input": [{"role": "user", "content": "Hello"}]}
    )
    assert conversation_key({"prompt": "Once"}) and conversation_key({"messages": 3}) is None


@dataclass
class Engine:
    """One place: answers `parallel` at once, and keeps the last `kept` conversations in its cache."""

    parallel: int
    kept: int
    until: list[float] = field(default_factory=list)
    cache: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def status(self, now: float) -> SlotStatus:
        self.until = [end for end in self.until if end > now]
        served = min(self.parallel, len(self.until))
        return replace(SLOT, in_flight=served, queued=len(self.until) - served, parallel=self.parallel)

    def answer(self, conversation: int, now: float, seconds: float) -> tuple[bool, float]:
        """Whether what was read of it was still there, and the seconds it waited for its turn."""
        hit = conversation in self.cache
        self.cache[conversation] = None
        self.cache.move_to_end(conversation)
        while len(self.cache) > self.kept:
            self.cache.popitem(last=False)
        free = now if len(self.until) < self.parallel else sorted(self.until)[-self.parallel]
        self.until.append(free + seconds)
        return hit, free - now


READING, SPEAKING = 4.0, 2.0
"""Seconds to read a conversation that is not in the cache, and to answer."""


@dataclass(frozen=True)
class Simulated:
    """`hits`: the share of turns after a conversation's first that found their cache. `seconds`: from a request
    to the end of its answer, by conversation, on average."""

    hits: float
    seconds: list[float]

    @property
    def mean(self) -> float:
        return sum(self.seconds) / len(self.seconds)


def simulate(*, sticky: bool, conversations: int = 16, turns: int = 4000, quiet: bool = False) -> Simulated:
    """Two places, each for two requests at once and with a cache for eight conversations. `quiet`: they begin
    one by one, when nobody else is there."""
    dice = random.Random(7)
    slot = replace(SLOT, fallback=(BIG,))
    here, there = Engine(2, 8), Engine(2, 8)
    now, hits, later = 0.0, 0, 0
    seconds: dict[int, list[float]] = {}
    homes = Homes(lambda: now)
    for turn in range(turns):
        begins = quiet and turn < conversations
        now += 10.0 if begins else dice.expovariate(1 / 1.5)
        conversation = turn if begins else dice.randrange(conversations)
        home = homes.of("primary", str(conversation)) if sticky else None
        found = here.status(now)
        own = replace(slot, in_flight=found.in_flight, queued=found.queued)
        place = decide(own, upstreams(there.status(now))[:1], home).place
        engine = here if place == HERE else there
        takes = SPEAKING + (0.0 if conversation in engine.cache else READING)
        hit, waited = engine.answer(conversation, now, takes)
        homes.note("primary", str(conversation), place)
        later += conversation in seconds
        hits += hit and conversation in seconds
        seconds.setdefault(conversation, []).append(waited + takes)
    return Simulated(hits / later, [sum(found) / len(found) for found in seconds.values()])


def test_conversations_that_stay_find_their_cache_more_often_and_are_answered_sooner() -> None:
    staying, not_staying = simulate(sticky=True), simulate(sticky=False)
    assert staying.hits > not_staying.hits + 0.2, f"{staying.hits:.3f}, without {not_staying.hits:.3f}"
    assert staying.mean < not_staying.mean


@pytest.mark.parametrize("conversations", [8, 16, 40])
def test_conversations_that_began_one_by_one_do_not_all_queue_at_one_place(conversations: int) -> None:
    quiet, at_once = (simulate(sticky=True, conversations=conversations, quiet=q) for q in (True, False))
    assert quiet.mean < 1.2 * at_once.mean, "hours, as long as all stayed where they had begun"
    assert quiet.hits > at_once.hits - 0.1
    assert max(quiet.seconds) < 2 * quiet.mean, "none is answered much later than the others"
