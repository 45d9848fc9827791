"""A lease's request to its engine and the answer back, and what is said when the engine does not finish."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext

from aiohttp import web

from router.activity.recording import Recording
from router.base.errors import EngineFailed, EngineRefused, RouterError, SlotAborted
from router.config.schema import Kind
from router.server.request.client import Client, Waiting
from router.server.request.connection import ConnectionBroken
from router.server.request.context import Context
from router.server.request.decisions import FromKept
from router.server.request.engines import Answer
from router.server.request.inputs import shortened
from router.server.request.live_speed import LiveSpeed
from router.server.request.parsed_request import ParsedRequest
from router.server.request.relay import Relay
from router.slots.lease import Lease
from router.wire.rename import Rename


async def proxy(
    context: Context, lease: Lease, parsed: ParsedRequest, client: Client, recording: Recording
) -> web.StreamResponse:
    """Serve it. Raises RouterError; another one may answer then, unless `client.answered`."""
    task = asyncio.current_task()
    assert task is not None, "a handler runs in a task"
    lease.on_abort = task.cancel
    try:
        response = await _answered(context, lease, parsed, client, recording)
        lease.answered = True
        return response
    except asyncio.CancelledError:
        if not lease.aborted:
            raise  # the client left, or hal0 is quitting
        task.uncancel()
        raise aborted(lease) from None
    except (ConnectionBroken, TimeoutError, OSError) as error:
        lease.on_abort = None  # it has ended already; a cancellation here would end it in silence
        if client.left:
            raise
        raise await _lost(lease, error) from None
    finally:
        lease.on_abort = None


def aborted(lease: Lease) -> RouterError:
    """Return why a request ends whose lease was taken back."""
    return SlotAborted(
        f'Slot "{lease.slot}" was switched or unloaded while this request ran, and its time to end '
        "(drain_timeout) was over; send it again."
    )


async def _answered(
    context: Context, lease: Lease, parsed: ParsedRequest, client: Client, recording: Recording
) -> web.StreamResponse:
    """Ask the engine, and once more where it refused an input that may be cut."""
    relay = _relay(context, lease, parsed, client, recording)
    try:
        async with await _ask(context, lease, parsed, client, parsed.body(lease)) as answer:
            with _watched(context, lease, recording):
                return await relay.run(answer)
    except EngineRefused as error:
        inputs = parsed.inputs() if parsed.inputs is not None else None
        if inputs is None or parsed.cut_body is None:
            raise
        body = parsed.cut_body(lease, await shortened(context, lease, inputs, error))
    async with await _ask(context, lease, parsed, client, body) as answer:
        return await relay.run(answer)


def _watched(context: Context, lease: Lease, recording: Recording) -> AbstractContextManager[None]:
    """Tell the speed of a chat's answer while it streams."""
    if not recording.stream or recording.heard is None or lease.model.kind is not Kind.CHAT:
        return nullcontext()
    return LiveSpeed(recording.heard, lambda speed: context.seats.note_speed(lease.slot, speed, publish=True))


async def _ask(context: Context, lease: Lease, parsed: ParsedRequest, client: Client, body: bytes) -> Answer:
    """Send the request. A client that has been sent signs of life goes on getting them meanwhile."""
    launch = lease.process.launch
    headers = {"Content-Type": parsed.content_type}
    if launch.api_key:
        headers["Authorization"] = f"Bearer {launch.api_key}"
    asking = context.engines.request("127.0.0.1", launch.port, "POST", parsed.path, headers, body)
    if client.response is None:
        return await asking
    with client.kept_alive(lambda: Waiting("answering", None, lease.model.id)):
        return await asking


def _relay(
    context: Context, lease: Lease, parsed: ParsedRequest, client: Client, recording: Recording
) -> Relay:
    served, named = lease.model.id, lease.engine_model
    rename = Rename(named, served) if named != served else None

    def complete() -> None:
        lease.on_abort, lease.answered = None, True
        if lease.model.kind is Kind.CHAT and (speed := recording.speed()) is not None:
            context.seats.note_speed(lease.slot, speed)
        if context.conversations is not None:
            context.conversations.answered(lease.process, lambda: recording.tokens().cached or 0, tell_kept)

    def tell_kept(tokens: int) -> None:
        context.decisions.add(FromKept(time.time(), recording.request, lease.slot, served, tokens))

    return Relay(client, parsed.encoder, rename, recording.hears(), complete)


async def _lost(lease: Lease, error: Exception) -> RouterError:
    """Return why the engine stopped answering: in its own words, if it has died."""
    exited = lease.process.exited
    await asyncio.wait([exited], timeout=1.0)
    if exited.done():
        return lease.process.failure()
    return EngineFailed(
        f'The engine of slot "{lease.slot}" ({lease.model.id}) stopped answering '
        f"({error or type(error).__name__}); see `hal0 logs {lease.slot}`, then send the request again."
    )
