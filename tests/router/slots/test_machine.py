"""The state diagram is what a slot does: each of its transitions is taken, and no other can be."""

from __future__ import annotations

import pytest

from router.base.errors import BadModel, EngineFailed
from router.slots.effects import CheckModel, Effect, StartEngine, StopEngine
from router.slots.failures import Failures
from router.slots.machine import FOLLOWING, StateMachine
from router.slots.scheduler import SlotScheduler
from router.state import SlotState
from tests.router.slots.test_scheduler import make

WALKS = [
    # how it goes well: at once, drained, beside; then emptied
    "load a, passes, loading, warming, ready, load b, passes, stopped, ready, unload, stopped",
    "load a, passes, warming, ready, request, load b, passes, released, stopped, loading, ready",
    "load a, passes, ready, load b, beside, ready",
    # it fails, in each phase, with and without a model before
    "load a, fails, load b, passes, starts badly, load c, passes, loading, starts badly, unload",
    "load a, passes, warming, starts badly",
    "load a, passes, ready, load b, passes, stopped, loading, starts badly, ready",
    "load a, passes, ready, load b, passes, stopped, warming, starts badly, ready",
    "load a, passes, ready, load b, passes, lives on",
    # what runs dies, while it answers and while it drains
    "load a, passes, ready, dies",
    "load a, passes, ready, request, load b, passes, dies, ready",
    "load a, passes, ready, request, unload, dies",
    # cancelled, or replaced, in each phase
    "load a, cancel",
    "load a, passes, ready, load b, cancel",
    "load a, passes, cancel, stopped, load a, passes, loading, cancel, stopped",
    "load a, passes, warming, cancel",
    "load a, passes, ready, request, load b, passes, cancel",
    "load a, passes, ready, load b, passes, stopped, cancel, stopped, ready",
    "load a, passes, ready, load b, passes, load c, stopped, passes, ready",
    # emptied, or hal0 quits, while an engine leaves
    "load a, passes, ready, load b, close",
    "load a, passes, ready, close",
    "load a, passes, ready, request, load b, beside, ready, dies, close",
]


class Walk:
    """Plays the supervisor, a word for each event."""

    def __init__(self) -> None:
        self.s: SlotScheduler = make(selected=None)
        self.number = 0
        self.check = self.start = self.stop = 0

    def position(self) -> tuple[SlotState, str | None, int]:
        return self.s.phase, self.s.target, self.s.in_flight

    def go(self, word: str) -> None:
        for effect in self.tell(word):
            match effect:
                case CheckModel(check, _):
                    self.check = check
                case StartEngine(generation, _):
                    self.start = generation
                case StopEngine(generation):
                    self.stop = generation

    def tell(self, word: str) -> list[Effect]:
        s, error = self.s, EngineFailed(word)
        self.number += 1
        match word.split():
            case ["load", model]:
                return s.load(self.number, model, 0.0)
            case ["unload"]:
                return s.unload(self.number, 0.0)
            case ["request"]:
                return s.acquire(0, None, 0.0)
            case ["released"]:
                return s.release(0, 0.0)
            case ["passes" | "beside"]:
                return s.checked(self.check, 0.0, beside=word == "beside")
            case ["fails"]:
                return s.check_failed(self.check, BadModel(word), 0.0)
            case ["loading" | "warming"]:
                return s.engine_progress(self.start, SlotState(word), None)
            case ["ready"]:
                return s.engine_ready(self.start, 0.0)
            case ["starts", "badly"]:
                return s.engine_failed(self.start, error, 0.0)
            case ["dies"]:
                assert s.engines.running is not None
                return s.engine_exited(s.engines.running.generation, error, 0.0)
            case ["stopped"]:
                return s.engine_stopped(self.stop, 0.0)
            case ["lives", "on"]:
                return s.engine_stopped(self.stop, 0.0, error)
            case ["cancel"]:
                return s.cancel(0.0)
            case ["close"]:
                return s.close(0.0)
        raise ValueError(word)


def test_every_transition_of_the_diagram_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = set()
    enter = StateMachine._enter

    def note(machine: StateMachine, phase: SlotState) -> None:
        if phase is not machine.phase:
            taken.add((machine.phase, phase))
        enter(machine, phase)

    monkeypatch.setattr(StateMachine, "_enter", note)
    for words in WALKS:
        walk = Walk()
        for word in words.split(", "):
            before = walk.position()
            walk.go(word)
            assert walk.position() != before, f"{word} came to nothing in: {words}"
    assert taken == {(phase, after) for phase, following in FOLLOWING.items() for after in following}


def test_another_transition_is_a_bug_that_shows() -> None:
    machine = StateMachine(Failures())
    with pytest.raises(AssertionError, match="ready does not follow unloaded"):
        machine._enter(SlotState.READY)
    assert machine.phase is SlotState.UNLOADED
