"""A memory gate that says what the test tells it to."""

from __future__ import annotations

from collections.abc import Callable

from router.base.errors import RouterError
from router.catalog.model import Model
from router.memory.admit.gate import Occupant, Occupants, Verdict
from tests.router.fake_launcher import Step

Answer = Verdict | RouterError


class FakeGate:
    """A Gate.

    Attributes:
        answers: what the next judgements are, in order; then `otherwise`.
        judged: (slot, model, force) of every judgement, and the occupants it was told.
        waited: (slot, model, context, force) of every wait for room, and the occupants it was told.
        step: holds each judgement, or each wait, until it is finished.
        refusal: what waiting for room ends with.
        on_judge: called before each judgement's answer.
    """

    def __init__(self, *answers: Answer, otherwise: Answer | None = None) -> None:
        self.answers = list(answers)
        self.otherwise: Answer = otherwise or Verdict()
        self.judged: list[tuple[str, str, bool]] = []
        self.waited: list[tuple[str, str, int | None, bool]] = []
        self.told: list[list[Occupant]] = []
        self.told_while_waiting: list[list[Occupant]] = []
        self.judging: Step | None = None
        self.waiting: Step | None = None
        self.refusal: RouterError | None = None
        self.on_judge: Callable[[], None] = lambda: None

    async def judge(self, slot: str, model: Model, occupants: Occupants, *, force: bool = False) -> Verdict:
        if self.judging is not None:
            await self.judging.pass_through()
        self.judged.append((slot, model.id, force))
        self.told.append(list(occupants()))
        self.on_judge()
        answer = self.answers.pop(0) if self.answers else self.otherwise
        if isinstance(answer, RouterError):
            raise answer
        return answer

    async def wait_for_room(
        self, slot: str, model: Model, context: int | None, occupants: Occupants, *, force: bool = False
    ) -> None:
        self.waited.append((slot, model.id, context, force))
        self.told_while_waiting.append(list(occupants()))
        if self.waiting is not None:
            await self.waiting.pass_through()
        if self.refusal is not None and not force:
            raise self.refusal

    async def prompt_cache(self, slot: str, model: Model, occupants: Occupants) -> int | None:
        return None
