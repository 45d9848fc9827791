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
    `slots` is empty without contact: nothing is known then."""

    name: str
    url: str
    link: str
    connected: bool
    facts: str
    slots: tuple[HostedSlot, ...]


def groups(snapshot: Snapshot) -> tuple[Group, ...]:
    return tuple(_group(upstream, local_only=snapshot.local_only) for upstream in others(snapshot))


def _group(upstream: UpstreamStatus, *, local_only: bool) -> Group:
    remote = upstream.remote
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
    return Group(upstream.name, upstream.base_url, link, connected, facts, tuple(slots_of(upstream)))
