"""A parsed request, as its dialect hands it to `router.server.request.generate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from router.config.schema import Kind
from router.slots.lease import Lease
from router.wire.encode import JSON, Encoder
from router.wire.inputs import Inputs


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """One request and how it is answered.

    Attributes:
        asked: what its `model` field said, None for nothing.
        path: of the engine, "" to ask it nothing: only the load was wanted.
        body: makes the engine's body once it is known who serves.
        remote_body: the same for a server elsewhere that calls its model so: what the client sent, without
            what hal0.yaml adds for models here.
        content_type: of both.
        loads: whether it may load or switch a model, and be answered by another one; metadata may not.
        remote_encoder: makes the one for an answer from elsewhere, None: `encoder`. There a single answer is
            asked for as such: what hal0 does not know of it could not be put together again.
        inputs: reads those that the engine must take as wholes, once it has refused one for its length.
        cut_body: as `body`, with those inputs instead.
        streams: whether `remote_body` asks for a stream.
        takes_base64: whether embeddings may come in base64.
        conversation: tells by what the requests of one conversation are known, None for nothing.
    """

    kind: Kind
    asked: str | None
    path: str
    body: Callable[[Lease], bytes]
    remote_body: Callable[[str], bytes]
    encoder: Encoder
    content_type: str = JSON
    loads: bool = True
    remote_encoder: Callable[[], Encoder] | None = None
    inputs: Callable[[], Inputs | None] | None = None
    cut_body: Callable[[Lease, Inputs], bytes] | None = None
    streams: bool = False
    takes_base64: bool = True
    conversation: Callable[[], str | None] = lambda: None
