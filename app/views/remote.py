"""Pure: the other hal0s of a snapshot, as tray and window show them."""

from __future__ import annotations

from dataclasses import dataclass

from app.texts import common as text
from app.texts import remote as texts_remote
from router.remote.names import HostedSlot, others, slots_of
from router.state import Snapshot, UpstreamState, UpstreamStatus


@dataclass(frozen=True, slots=True)
class Group:
    """Another hal0. `link` is the state of the contact with it in words, `facts` its memory or what is wrong.
    `slots` is empty without contact: nothing is known then. `wake`: waking it is offered, `wakes`: it can
    be at all."""

    name: str
    url: str
    link: str
    connected: bool
    facts: str
    slots: tuple[HostedSlot, ...]
    wakes: bool = False
    wake: bool = False


def groups(snapshot: Snapshot) -> tuple[Group, ...]:
    return tuple(_group(upstream, snapshot) for upstream in others(snapshot))


def _group(upstream: UpstreamStatus, snapshot: Snapshot) -> Group:
    remote, local_only = upstream.remote, snapshot.local_only
    if remote is not None:
        link, facts = texts_remote.CONNECTED, text.memory_short(remote.memory)
    elif local_only:
        link, facts = texts_remote.NOT_ASKED, texts_remote.LOCAL_ONLY
    elif upstream.state is UpstreamState.WAKING:
        link, facts = texts_remote.WAKING, ""
    elif upstream.error is not None:
        link, facts = texts_remote.NO_CONTACT, upstream.error
    else:
        link, facts = texts_remote.CONNECTING, ""
    connected = remote is not None
    slots, wake = tuple(slots_of(upstream)), may_wake(upstream, local_only=local_only)
    return Group(upstream.name, upstream.base_url, link, connected, facts, slots, upstream.wakes, wake)


def may_wake(upstream: UpstreamStatus, *, local_only: bool) -> bool:
    """Return whether waking that computer may help: it can be, and is out of reach."""
    return upstream.wakes and upstream.state is UpstreamState.DOWN and not local_only
