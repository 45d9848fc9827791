"""What follows when an engine refuses an input for its length: it is cut, or the error names it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from router.base.errors import EngineFailed, RouterError
from router.server.request.context import Context
from router.slots.lease import Lease
from router.wire.inputs import Input, Inputs, cut, refusal, too_long

AT_ONCE = 4
"""Inputs whose tokens are counted at a time."""


async def shortened(context: Context, lease: Lease, inputs: Inputs, error: RouterError) -> Inputs:
    """Return the inputs with the long ones cut. Raises BadRequest naming them where they may not be cut, and
    `error` itself if it is about something else."""
    counted = too_long(error)
    slot = context.store.snapshot.slot(lease.slot)
    context_length = slot.context_length if slot is not None else None
    if counted is None or context_length is None:
        raise error
    # What is read in parts must leave room for one token more, which is never generated.
    limit = context_length if lease.model.reads_whole else context_length - 1
    places = asyncio.Semaphore(AT_ONCE)

    async def tokens(text: Input, *, marked: bool) -> list[int]:
        if isinstance(text, list):
            return text
        async with places:
            return await _tokens(context, lease, text, marked=marked)

    found = await asyncio.gather(*(tokens(item, marked=True) for item in inputs.items))
    beside = len(await tokens(inputs.beside, marked=True)) if inputs.beside else 0
    if not inputs.cuts:
        raise refusal(inputs, [len(item) + beside for item in found], limit, counted) from error
    kept: list[Input] = []
    for item, marked in zip(inputs.items, found, strict=True):
        if len(marked) > limit:
            kept.append(cut(marked, await tokens(item, marked=False), limit))
        else:
            kept.append(item)
    return replace(inputs, items=tuple(kept))


async def _tokens(context: Context, lease: Lease, text: str, *, marked: bool) -> list[int]:
    body = json.dumps({"content": text, "add_special": marked}).encode()
    launch = lease.process.launch
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {launch.api_key}"}
    asking = context.engines.request("127.0.0.1", launch.port, "POST", "/tokenize", headers, body)
    async with await asking as answer:
        raw = await answer.read()
        try:
            found: list[int] = json.loads(raw)["tokens"]
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed(
                f'The engine of slot "{lease.slot}" could not count tokens ({error!r}); see its log.'
            ) from error
        return found
