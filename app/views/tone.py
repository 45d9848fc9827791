"""Which meaning a state's colour has. Pure."""

from __future__ import annotations

from enum import StrEnum

from router.state import ServerState, SlotState, SlotStatus


class Tone(StrEnum):
    """The meaning of a colour; never the only bearer of that meaning."""

    QUIET = "quiet"
    GOOD = "good"
    BUSY = "busy"
    BAD = "bad"


def server_tone(state: ServerState) -> Tone:
    return {ServerState.RUNNING: Tone.GOOD, ServerState.FAILED: Tone.BAD}.get(state, Tone.BUSY)


def slot_tone(slot: SlotStatus, server: ServerState = ServerState.RUNNING) -> Tone:
    """Return the meaning of its state where the endpoint is in `server`: nobody can ask one that is down."""
    if slot.state is SlotState.READY and server is ServerState.FAILED:
        return Tone.QUIET
    if slot.state.switching:
        return Tone.BUSY
    return {SlotState.READY: Tone.GOOD, SlotState.FAILED: Tone.BAD}.get(slot.state, Tone.QUIET)
