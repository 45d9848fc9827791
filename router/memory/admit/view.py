"""One look at the memory as it concerns a slot: what there is, who holds it, who may make room. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from router.memory.admit.gate import Occupant
from router.memory.admit.ledger import Claim, room, spread
from router.memory.admit.plan import Amounts, Go, Holder, Outcome, plan, total
from router.memory.forecast.needs import Forecast
from router.memory.measure.pools import Measured


@dataclass(frozen=True, slots=True)
class View:
    """`charged` are the occupants with what each is charged; those of `slot` itself are what is replaced."""

    slot: str
    measured: Measured
    headroom: int
    charged: Sequence[tuple[Occupant, Claim]] = ()

    @property
    def room(self) -> Amounts:
        return room(self.measured, (claim for _occupant, claim in self.charged))

    @property
    def outgoing(self) -> Amounts:
        return self._sum(claim.gives for occupant, claim in self.charged if occupant.slot == self.slot)

    @property
    def free(self) -> Amounts:
        """The room there is without emptying another slot."""
        return total(self.room, self.outgoing)

    @property
    def holders(self) -> list[Holder]:
        """The other slots; one with two engines makes room with both or not at all, unless one leaves."""
        found = []
        others = dict.fromkeys((o.slot, o.leaving) for o, _claim in self.charged if o.slot != self.slot)
        for name, leaving in others:
            theirs = [(o, claim) for o, claim in self.charged if (o.slot, o.leaving) == (name, leaving)]
            occupants = [o for o, _claim in theirs]
            found.append(
                Holder(
                    name,
                    self._sum(claim.gives for _o, claim in theirs),
                    all(o.evictable for o in occupants),
                    max(o.priority for o in occupants),
                    max(o.idle_since for o in occupants),
                    leaving,
                    any(o.apart for o in occupants),
                    all(o.evictable or o.spared for o in occupants) and any(o.spared for o in occupants),
                )
            )
        return found

    @property
    def capacity(self) -> Amounts:
        """The room there is once all that may give some has done so."""
        return total(self.room, self.outgoing, *(h.gives for h in self.holders if h.evictable or h.apart))

    def name(self, index: int) -> str:
        """Return what a person calls a pool; of GPUs that are of one make its number, too."""
        pool = self.measured.pools[index]
        alike = [other for other in self.measured.pools if other.is_gpu and other.name == pool.name]
        return gpu_name(index, pool.name) if pool.is_gpu and len(alike) > 1 else pool.name

    def need(self, forecast: Forecast | None) -> Amounts | None:
        """Return a forecast over the pools there are."""
        return spread(forecast, self.measured.pools) if forecast else None

    def plan(self, need: Amounts | None, *, force: bool = False) -> Outcome:
        """Plan a load; `need` None: nobody can tell, so it goes, but not beside what runs."""
        if need is None:
            return Go(beside=False, evict=tuple(dict.fromkeys(h.slot for h in self.holders if h.apart)))
        return plan(need, self.room, self.headroom, self.outgoing, self.holders, force=force)

    def _sum(self, amounts: Iterable[Amounts]) -> Amounts:
        return total((0,) * len(self.measured.pools), *amounts)


def gpu_name(index: int, name: str) -> str:
    return f"GPU {index} ({name})"
