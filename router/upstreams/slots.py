"""Slots without an engine of their own, as everyone sees them. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass

from router.config.schema import SlotConfig, SwitchPolicy
from router.config.upstreams import split_target
from router.state import SlotError, SlotState, SlotStatus, UpstreamState, UpstreamStatus


@dataclass(slots=True)
class Bound:
    """A slot that an upstream serves, at run time. `served_by` is who answered its last request, if that was
    another one."""

    config: SlotConfig
    in_flight: int = 0
    served_by: str | None = None
    error: SlotError | None = None

    @property
    def target(self) -> str:
        assert self.config.upstream is not None, "that is what makes it one"
        return self.config.upstream

    def status(self, upstream: UpstreamStatus | None) -> SlotStatus:
        """`upstream`: the one it names, None for one that hal0.yaml does not have."""
        state, problem, context = self._seen(upstream)
        if problem != (self.error.message if self.error else None):
            self.error = SlotError("upstream.failed", problem, self.target, time.time()) if problem else None
        return SlotStatus(
            name=self.config.name,
            kind=self.config.kind,
            state=state,
            model=self.target,
            in_flight=self.in_flight,
            context_length=context,
            last_error=self.error,
            switch=SwitchPolicy.MANUAL,
            upstream=self.target,
            fallback=self.config.fallback,
            served_by=self.served_by,
        )

    def _seen(self, upstream: UpstreamStatus | None) -> tuple[SlotState, str | None, int | None]:
        """(state, what is wrong, context in tokens)."""
        if upstream is None:
            return SlotState.FAILED, f'There is no upstream for "{self.target}" in hal0.yaml.', None
        if upstream.state is not UpstreamState.OK:
            down = upstream.state is UpstreamState.DOWN
            return SlotState.FAILED if down else SlotState.UNLOADED, upstream.error, None
        contexts = dict(zip(upstream.models, upstream.context_lengths, strict=False))
        model = split_target(self.target)[1] or ""
        if model in contexts:
            return SlotState.READY, None, contexts[model]
        has = ", ".join(upstream.models[:5]) or "none"
        problem = (
            f'Upstream "{upstream.name}" has no model "{model}"; it has: {has}. Correct upstream: of the slot.'
        )
        return SlotState.FAILED, problem, None
