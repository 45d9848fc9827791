"""Who is served, whose turn is next, and who is refused. Pure; the rules are `router.slots.scheduler`'s."""

from __future__ import annotations

from router.base.errors import RouterError
from router.config.schema import SwitchPolicy
from router.slots import waiting
from router.slots.effects import Done, Effect, Grant, Refuse
from router.slots.switching import RESTING, REVERSIBLE, Switching
from router.slots.waiting import Waiter
from router.state import SlotState


class Turns(Switching):
    """What `SlotScheduler`'s events have in common."""

    def _advance(self, now: float) -> list[Effect]:
        """Do whatever the present state allows, until nothing follows without a new event."""
        if self._closed:
            return []
        effects: list[Effect] = []
        if self.waiters:
            effects = self._obey() + self._grant_served()
            if self.phase in RESTING:
                effects += self._next_turn(now)
        if self.phase is SlotState.QUEUED:
            effects += self._ask()
        elif self.phase is SlotState.DRAINING:
            effects += self._drain(now)
        return effects + self._let_go(now) if self.leaving is not None else effects

    def _obey(self) -> list[Effect]:
        """Turn a switch under way to the command at the queue's head, if it wants something else."""
        order, switch = self.waiters.command, self.switch
        if order is None or switch is None:
            return []
        if order.model != switch.target:
            return self._turn_to(order.model, force=order.force)
        if order.force and not switch.force:
            switch.force = True
            if self.phase is SlotState.QUEUED:
                switch.check = None  # it was asked for without force: ask again
        return []

    def _serves(self, model: str | None) -> bool:
        """Whether a request is granted at once. While another model is checked, or loads beside the running
        one, only if it names the running one: those for the slot follow the switch."""
        if self.running is None or self.phase in (SlotState.DRAINING, SlotState.STOPPING):
            return False
        if model is None:
            model = self.switch.target if self.switch is not None else self.running
        return self._shares_process(model, self.running)

    def _is_served(self, waiter: Waiter) -> bool:
        if waiter.command and (waiter.model is None or self.running_generation <= waiter.newer_than):
            return False
        order = self.waiters.command
        # Who asks for the slot follows the order that is about to turn it.
        return self._serves(order.model if order and waiter.model is None else waiter.model)

    def _grant_served(self) -> list[Effect]:
        """Serve everyone who waits for the running process."""
        if self.running is None:
            return []
        return [self._serve(w) for w in self.waiters.take(self._is_served)]

    def _serve(self, waiter: Waiter) -> Effect:
        if waiter.command:
            self.selected, self.last_error = waiter.model, None
            return Done(waiter.ticket)
        return self._grant(waiter.ticket, waiter.model)

    def _grant(self, ticket: int, model: str | None) -> Grant:
        generation = self.running_generation
        model = model or self.selected
        assert model is not None, "a running engine has a model"
        self.leases[ticket] = generation
        self._busy[generation] = self._busy.get(generation, 0) + 1
        return Grant(ticket, model, generation)

    def _next_turn(self, now: float) -> list[Effect]:
        """Begin what the first waiter needs; refuse those whose turn may not come."""
        effects: list[Effect] = []
        while self.waiters and self.phase in RESTING:
            head = self.waiters.head()
            target = head.model or self.selected
            if head.command and head.model is None:
                effects += self._begin_unload(now)
            elif not head.command and (error := self._turn_refusal(target, now)) is not None:
                effects.append(Refuse(self.waiters.pop().ticket, error))
            elif self._may_come_back(head, target):
                self._come_back(now)
                effects += self._grant_served()
            else:
                assert target is not None
                self._begin(target, now, for_request=not head.command, force=head.force)
        return effects

    def _command(self, order: Waiter, now: float) -> list[Effect]:
        """Put a command first in the queue; it replaces an earlier one. At the slot's end it is refused."""
        if (error := self._ended()) is not None:
            return [Refuse(order.ticket, error)]
        later = waiting.replaced(self.slot)
        effects: list[Effect] = [Refuse(w.ticket, later) for w in self.waiters.put_first(order)]
        return effects + self._advance(now)

    def _drop_unwanted_switch(self) -> list[Effect]:
        """Nobody waits any more for a switch that a request wanted and that has touched nothing yet."""
        switch = self.switch
        if switch is None or not switch.for_request or self.phase not in REVERSIBLE:
            return []
        if any(self._shares_process(w.model or self.selected, switch.target) for w in self.waiters):
            return []
        return self._give_up()

    # -- refusals ------------------------------------------------------------------------------------

    def _ended(self) -> RouterError | None:
        return waiting.shutting_down() if self._closed else self._retired

    def _refuse_for(self, model: str | None, error: RouterError) -> list[Effect]:
        """Refuse all who wait for `model`, by name or because the slot means it."""

        def is_for(waiter: Waiter) -> bool:
            unload = waiter.command and waiter.model is None
            return not unload and self._shares_process(waiter.model or self.selected, model)

        return [Refuse(w.ticket, error) for w in self.waiters.take(is_for)]

    def _refusal(self, waiter: Waiter, now: float) -> RouterError | None:
        """Why a new request may not even wait."""
        if self._is_joined(waiter):
            return None
        if (error := self._turn_refusal(waiter.model or self.selected, now)) is not None:
            return error
        before = sum(1 for w in self.waiters if not w.command and not self._is_joined(w))
        return waiting.queue_full(self.slot, before) if before >= self.limits.queue else None

    def _turn_refusal(self, target: str | None, now: float) -> RouterError | None:
        """Why a request may not turn the slot to `target`."""
        if target is None:
            return waiting.no_model(self.slot)
        may_switch = self.slot.switch is SwitchPolicy.ON_REQUEST and not self.slot.pinned
        if target != self.selected and not may_switch:
            return waiting.no_switch(self.slot, target)
        return self._failures.refusal(target, now)

    # -- small facts ---------------------------------------------------------------------------------

    def _may_time_out(self, waiter: Waiter) -> bool:
        """A load that has begun is waited for, however long; only waiting for a turn is limited."""
        return not waiter.command and (self.phase in REVERSIBLE or not self._is_joined(waiter))

    def _idle_deadline(self) -> float | None:
        idle = self.phase is SlotState.READY and not self._is_busy(self.running_generation)
        if not idle or self.leaving is not None or self.slot.pinned:
            return None
        return self._idle_since + self.slot.idle_unload if self.slot.idle_unload else None

    def _restart_at(self) -> float | None:
        if self.phase is not SlotState.FAILED or not self._crashed or self.selected is None:
            return None
        return self._failures.restart_at(self.selected)

    def _note_failure(
        self,
        model: str | None,
        error: RouterError,
        now: float,
        *,
        keep_first: bool = False,
        counts: bool = True,
    ) -> None:
        """`keep_first`: the restore of a failed switch failed too; the first error is the one that explains.
        `counts`: towards the model's back-off."""
        if model is None:
            return
        if counts:
            self._failures.failed(model, error, now)
        if not (keep_first and self.last_error):
            self.last_error, self._over = (model, error), None
