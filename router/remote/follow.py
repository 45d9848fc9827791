"""Every other hal0 of the configuration, followed; what each says of itself is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from router.base.errors import LocalOnly, SlotNotFound
from router.base.tasks import spawn
from router.config.schema import Config, UpstreamConfig, UpstreamKind
from router.remote.hal0 import RemoteHal0
from router.remote.link import FindKey
from router.state import Snapshot

Says = Callable[[str, Snapshot | None, str | None], None]


@dataclass(slots=True)
class _Followed:
    """`said`: what was passed on last, by the fields that count."""

    config: UpstreamConfig
    remote: RemoteHal0
    said: tuple[Snapshot | None, str | None] = (None, None)


class Remotes:
    """The upstreams of kind `hal0`. Lives on the router's loop."""

    def __init__(self, says: Says, find_key: FindKey | None = None) -> None:
        """`says(name, snapshot, error)` is called after each change of one: the snapshot without what that hal0
        says of others, None without contact; then one sentence why, if it is known. `find_key`: see EventLink.
        """
        self._says = says
        self._find_key = find_key
        self._followed: dict[str, _Followed] = {}
        self._local_only = False

    def use(self, config: Config) -> None:
        """Follow those of this configuration and no others; the unchanged ones go on."""
        self._local_only = config.local_only
        upstreams = {} if config.local_only else config.upstreams
        wanted = {name: upstream for name, upstream in upstreams.items() if upstream.kind is UpstreamKind.HAL0}
        for name, followed in list(self._followed.items()):
            if wanted.get(name) != followed.config:
                del self._followed[name]
                spawn(followed.remote.close(), name=f"leave {name}")
                self._says(name, None, None)
        for name, upstream in wanted.items():
            if name not in self._followed:
                remote = RemoteHal0(
                    upstream.base_url, upstream.api_key, partial(self._changed, name), find_key=self._find_key
                )
                self._followed[name] = _Followed(upstream, remote)

    def find(self, slot: str) -> tuple[RemoteHal0, str] | None:
        """Return the hal0 of `bigpc/primary` and its own name of the slot; None for a slot of this computer.

        Raises SlotNotFound if no other hal0 is called so; LocalOnly.
        """
        name, slash, rest = slot.partition("/")
        if not slash:
            return None
        if self._local_only:
            raise LocalOnly(f'"{slot}" is on another computer, and local_only in hal0.yaml keeps all here.')
        if name not in self._followed:
            others = ", ".join(self._followed) or "none"
            raise SlotNotFound(f'There is no other hal0 "{name}" under upstreams:; there are: {others}.')
        return self._followed[name].remote, rest

    def resumed(self) -> None:
        """Ask all anew: this computer slept, and what they said is from before."""
        for followed in list(self._followed.values()):
            followed.remote.again()

    async def close(self) -> None:
        remotes = [followed.remote for followed in self._followed.values()]
        self._followed.clear()
        await asyncio.gather(*(remote.close() for remote in remotes))

    def _changed(self, name: str) -> None:
        followed = self._followed.get(name)
        if followed is None:
            return  # it said something while it was being left
        remote = followed.remote
        # What it sees of others is not passed on: this hal0 may be one of them, and two that follow each other
        # would tell each other of their telling, for ever.
        seen = replace(remote.snapshot, upstreams=()) if remote.connected else None
        said = (replace(seen, revision=0) if seen else None, remote.error)
        if said != followed.said:
            followed.said = said
            self._says(name, seen, remote.error)
