"""Inputs that a model reads each as a whole, texts or tokens, and what is done with too long ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router.base.errors import BadRequest, RouterError
from router.wire.documented import passages

Input = str | list[int]

# llama-server's words for it (tools/server/server-context.cpp): not of one mind about the status.
_TOO_LONG: Final = re.compile(
    r"(?:input|request) \((?P<tokens>\d+) tokens\) "
    r"(?:is too large to process|is larger than the max context size|exceeds the available context size)"
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one request gives to read.

    Attributes:
        field: of the body, as the client knows it: `input`, `prompt`, `documents`.
        items: in the client's order; `alone`: it gave one, and no list.
        beside: what is read along with each of them, such as a query.
        cuts: whether those that are too long are cut; else they are an error.
    """

    field: str
    items: tuple[Input, ...]
    alone: bool = False
    beside: str = ""
    cuts: bool = False

    @property
    def value(self) -> Input | list[Input]:
        """As the field of a body."""
        return self.items[0] if self.alone else list(self.items)


def read_inputs(body: Mapping[str, Any], field: str, *, cuts: bool = False) -> Inputs | None:
    """Read OpenAI's `input`: a text, texts, tokens, or lists of tokens; None for what the engine will
    refuse."""
    given = body.get(field)
    if (one := _input(given)) is not None:
        return Inputs(field, (one,), alone=True, cuts=cuts)
    items = [_input(item) for item in given] if isinstance(given, list) else []
    found = tuple(item for item in items if item is not None)
    return Inputs(field, found, cuts=cuts) if found and len(found) == len(items) else None


def read_documents(body: Mapping[str, Any]) -> Inputs | None:
    """Read a rerank request: `documents` (or `texts`), read with its `query`."""
    field = "documents" if "documents" in body else "texts"
    body = {**body, **passages(body)}
    given, query = body.get(field), body.get("query")
    if not isinstance(given, list) or not given or not isinstance(query, str):
        return None
    return Inputs(field, tuple(given), beside=query) if all(isinstance(text, str) for text in given) else None


def too_long(error: RouterError) -> int | None:
    """Return the tokens of the input that an engine refused for its length; None for any other refusal."""
    found = _TOO_LONG.search(error.message)
    return int(found["tokens"]) if found else None


def refusal(inputs: Inputs, lengths: Sequence[int], limit: int, counted: int) -> BadRequest:
    """Return the error that names them. `lengths`: tokens of each; `counted`: what the engine said of one of
    them."""
    over = [index for index, length in enumerate(lengths) if length > limit]
    first = over[0] if over else lengths.index(max(lengths))
    tokens = lengths[first] if over and not inputs.beside else counted
    name = inputs.field if inputs.alone else f"{inputs.field}[{first}]"
    more = f" (and {len(over) - 1} others are too long, too)" if len(over) > 1 else ""
    query = " with the query" if inputs.beside else ""
    return BadRequest(
        f"`{name}`{query} has {tokens} tokens, but the model takes {limit} at once{more}: shorten or split it.",
        param=name,
        details={"n_prompt_tokens": tokens, "n_ctx": limit, "too_long": over or [first]},
    )


def cut(marked: list[int], plain: list[int], limit: int) -> list[int]:
    """Return the first of a text's tokens, `limit` in all, within the marks that the model wants around them.

    `marked`: with those marks; `plain`: without."""
    at = next((i for i in range(3) if marked[i : i + len(plain)] == plain), None)
    if at is None:
        return marked[:limit]
    before, behind = marked[:at], marked[at + len(plain) :]
    return [*before, *plain[: max(0, limit - len(before) - len(behind))], *behind]


def _input(given: object) -> Input | None:
    if isinstance(given, list):
        return given if given and all(type(token) is int for token in given) else None
    return given if isinstance(given, str) else None
