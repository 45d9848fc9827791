"""Orders that need nothing special on the command line: one function each, listed by `app.cli` as they stand.

Imported at every start: a function imports what it needs when it runs.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.link.client import Client
    from router.orders.kinds import SlotOrder

Run = Callable[..., str]


@dataclass(frozen=True, slots=True)
class OrderCommand:
    """`hal0 NAME WORDS…`. `run` takes the running hal0 and the words, and returns what to print; "" for
    nothing. `shows`: it can also return that `as_json`."""

    name: str
    help: str
    words: tuple[str, ...]
    run: Run
    shows: bool = False


ORDER_COMMANDS: list[OrderCommand] = []


def _command(help_: str) -> Callable[[Run], Run]:
    """Make a command of a function, with the function's name and the names of its parameters."""

    def add(run: Run) -> Run:
        _hal0, *names = inspect.signature(run).parameters
        words = tuple(name for name in names if name != "as_json")
        ORDER_COMMANDS.append(OrderCommand(run.__name__, help_, words, run, shows="as_json" in names))
        return run

    return add


@_command("empty a slot")
def unload(hal0: Client, slot: str) -> str:
    from router.orders.kinds import Unload

    hal0.carry_out(Unload(slot))
    return f"{slot} is empty."


@_command("give up a slot's switch and keep the model it has")
def cancel(hal0: Client, slot: str) -> str:
    from router.orders.kinds import Cancel

    before = _carry_out(hal0, Cancel(slot))
    idle = before is not None and not (before.get("draining") or before["target"])
    return f"{slot} has no switch under way." if idle else ""


@_command("end the requests that a slot's switch still waits for")
def cut(hal0: Client, slot: str) -> str:
    from router.orders.kinds import Cut

    return _nothing_draining(slot, _carry_out(hal0, Cut(slot)))


@_command("let the requests that a slot's switch waits for end in their own time")
def wait(hal0: Client, slot: str) -> str:
    from router.orders.kinds import WaitForRequests

    return _nothing_draining(slot, _carry_out(hal0, WaitForRequests(slot)))


@_command("wake a sleeping computer, named under upstreams:, and wait until it answers")
def wake(hal0: Client, upstream: str) -> str:
    from router.orders.kinds import Wake

    hal0.carry_out(Wake(upstream))
    return f"{upstream} is awake."


@_command("print a slot's engine log")
def logs(hal0: Client, slot: str, *, as_json: bool = False) -> str:
    from router.orders.kinds import ReadEngineLog

    lines = hal0.carry_out(ReadEngineLog(slot))
    if as_json:
        return json.dumps({"slot": slot, "lines": list(lines)})
    return "\n".join(lines) if lines else f"{slot} has no log yet."


@_command("apply hal0.yaml now; it is also picked up by itself")
def reload(hal0: Client) -> str:
    from router.orders.kinds import Reload

    hal0.carry_out(Reload())
    return "hal0.yaml is in effect."


def _carry_out(hal0: Client, order: SlotOrder[None]) -> dict[str, Any] | None:
    """Return the slot's state from before; None where it was not in it."""
    from app.commands.remote import slots_of

    before = next((slot for slot in slots_of(hal0.state()) if slot["name"] == order.slot), None)
    hal0.carry_out(order)
    return before


def _nothing_draining(slot: str, before: dict[str, Any] | None) -> str:
    idle = before is not None and not before.get("draining")
    return f"{slot} has no request that is waited for." if idle else ""
