"""A request that is under way: what becomes known of it, until it is a `Record`."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

from router.activity.record import Body, Outcome, Record, SwitchPart
from router.activity.usage import Heard, Usage
from router.base.errors import RouterError
from router.base.names import speakable
from router.state import SlotStatus

LONGEST: Final = 200
"""Characters kept of what a client wrote: its name, the model it asked for, a path that does not exist."""

_CUT: Final = LONGEST + 1  # what is cached of it is cut, too
_SENTENCE: Final = 500
_NOTHING: Final = Usage()
_SHORTEST: Final = 0.02  # seconds a stream must last for its speed to be known


class Recording:
    """Created when a request comes; whoever learns more about it notes it here. Times are `time.perf_counter`.

    What is done here is on each request's path, where the same code costs four times what it does in a
    loop: so things are only noted, and `done` makes sense of them later, for many requests together.

    Attributes:
        heard: what is seen of the answer; None before `hears`.
        late: the answer had begun when it failed.
        status, ended: what was sent, and when that ended.
        broke: how it ended, if the client could not be told.
    """

    # What most requests leave as it is costs nothing here.
    asked = resolution_path = slot = upstream = model = ""
    code = error = switch = switched_from = key = ""
    stream = late = False
    bytes_in = bytes_out = status = 0
    broke: Outcome | None = None
    body_read: float | None = None
    decided: float | None = None
    taken: float | None = None
    heard: Heard | None = None
    _usage: Usage | None = None
    _body = b""

    def __init__(
        self, request: str, client: str, agent: str, path: str, dialect: str, body_size: int = 0
    ) -> None:
        """Keep `body_size` bytes of each body."""
        self.at = time.time()
        self.began = self.ended = time.perf_counter()
        self.request = request
        self.client = client
        self.agent = agent
        self.path = path
        self.dialect = dialect
        self._body_size = body_size

    def read(self, body: bytes, length: int) -> None:
        """Note that the body has come; `length`: bytes of it as it came."""
        self.body_read = time.perf_counter()
        self.bytes_in = length
        if self._body_size:
            self._body = body[: self._body_size]

    def routed(self, slot: str) -> None:
        """Note which slot is to answer; a server elsewhere that was named has none."""
        self.slot = slot
        self.decided = time.perf_counter()

    def waits(self, slot: SlotStatus | None, model: str | None) -> None:
        """Note that it waits for a load; `slot` is as it was before, `model` the one that is named."""
        wanted = model or (slot.serving if slot is not None else None)
        if slot is None or wanted in slot.answers:
            return
        coming = slot.state.switching and slot.target == wanted
        self.switch = str(SwitchPart.JOINED if coming else SwitchPart.CAUSED)
        self.switched_from = slot.loaded[0] if slot.loaded else ""

    def served(self, served: str, resolution_path: str, *, elsewhere: bool = False) -> None:
        """Note that somebody answers now: a model of that id, or `upstream/model`."""
        self.taken = time.perf_counter()
        self.resolution_path = resolution_path
        if elsewhere:
            self.upstream, _slash, self.model = served.partition("/")
        else:
            self.model = served

    def hears(self) -> Heard:
        """Start to follow the answer to come; return the object that is to be given its bytes."""
        self.heard = heard = Heard()
        if self._body_size:
            heard.keep = self._body_size
        return heard

    def failed(self, error: RouterError, *, late: bool = False) -> None:
        self.code = error.code
        self.error = error.message
        self.late = self.late or late

    def speed(self) -> float | None:
        """Return the tokens a second of an answer that is complete, at the price of looking for nothing
        else."""
        if self.heard is None:
            return None
        told = self.heard.speed
        return told if told is not None or not self.stream else self.tokens().per_second

    def tokens(self) -> Usage:
        """Return the usage, once the answer is complete. The speed is what the engine said; for a stream whose
        engine says nothing, what was seen."""
        if self._usage is None:
            self._usage = self._counted(self.heard) if self.heard is not None else _NOTHING
        return self._usage

    def _counted(self, heard: Heard) -> Usage:
        usage, first = heard.usage, heard.first_at
        if usage.per_second is None and self.stream and first is not None:
            seconds = (self.ended if self.status else time.perf_counter()) - first
            if usage.completion and usage.completion > 1 and seconds >= _SHORTEST:
                return usage._replace(per_second=round((usage.completion - 1) / seconds, 2))
        return usage

    def body(self) -> Body:
        return Body(self._body, self.heard.head[: self._body_size] if self.heard is not None else b"")

    @property
    def outcome(self) -> Outcome:
        if self.broke is not None:
            return self.broke
        if self.late:
            return Outcome.BROKEN
        return Outcome.REFUSED if self.code or self.status >= 400 else Outcome.ANSWERED

    def done(self, after: int) -> Record:
        """Return the record, once the request has ended; its id is greater than `after`."""
        began, read, decided, taken = self.began, self.body_read, self.decided, self.taken
        first = self.heard.first_at if self.heard is not None else None
        row = (
            max(after + 1, int((self.at + self.ended - began) * 1e6)),
            self.at,
            self.request,
            self.client,
            plain(self.agent[:_CUT]),
            self.key,
            plain(self.path[:_CUT]),
            self.dialect,
            plain(self.asked[:_CUT]),
            str(self.resolution_path),  # it may be an enum
            self.slot,
            self.upstream,
            self.model,
            1 if self.stream else 0,
            self.status,
            str(self.outcome),
            self.code,
            self.error[:_SENTENCE],
            None if read is None else read - began,
            None if decided is None else decided - began,
            None if taken is None else taken - (decided or began),
            None if first is None else first - began,
            self.ended - began,
            self.switch,
            self.switched_from,
            *self.tokens(),
            self.bytes_in,
            self.bytes_out,
        )
        return tuple.__new__(Record, row)  # Record(...) takes four times as long for so many fields


@lru_cache(maxsize=256)  # clients repeat themselves
def plain(text: str) -> str:
    """Return what a client wrote, cut, and without what could not be stored or shown."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST:
        return text
    return speakable(text[:LONGEST])
