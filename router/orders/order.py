"""An order: what a person wants done, as one value that every road carries unchanged.

The class of an order is its row of the control API. Whoever takes it there
(`router.server.routes.orders`) and whoever sends it (`router.remote`, the command line) read the same row, so
they cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from string import Formatter
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import quote, urlencode

from router.base.errors import BadRequest

R = TypeVar("R")
O = TypeVar("O", bound="Order[Any]")  # noqa: E741 - an order

READ_SECONDS = 10.0
"""For an answer that waits for nothing."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the control API takes an order.

    Fields that `path` names in braces stand there, the others in the query of a GET or the JSON body of a POST.
    `seconds`: how long the answer may take; None: as long as it takes.
    """

    method: str
    path: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """How the API's JSON tells what an order returned. `read` raises SchemaMismatch, KeyError or TypeError."""

    tell: Callable[[R], dict[str, Any]]
    read: Callable[[Any], R]


class Order(Generic[R]):
    """Carrying it out returns an R. Subclasses are frozen dataclasses.

    `outcome` None: it returns nothing, and the API answers with the state it led to.
    """

    __slots__ = ()
    endpoint: ClassVar[Endpoint]
    outcome: ClassVar[Outcome[Any] | None] = None


class TakesOrders(Protocol):
    """Whoever orders can be given to: the router, here or elsewhere."""

    async def carry_out(self, order: Order[R]) -> R:
        """Return when it is done. Raises `router.base.errors.RouterError`."""
        ...


@dataclass(frozen=True, slots=True)
class _Said:
    """How a field stands in JSON: its name there (None: as here), how it is read, how it is written."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] = lambda value: value
    name: str | None = None


def text(ask: str, name: str | None = None) -> Any:
    """Make a field of text that must be there; `ask` is the sentence for a caller who left it out."""

    def read(value: Any, where: str) -> str:
        if not isinstance(value, str) or not value:
            raise BadRequest(ask, param=where)
        return value

    return field(metadata={"said": _Said(read, name=name)})


def flag() -> Any:
    """Make a field that is false where nothing is said."""

    def read(value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            raise BadRequest(f"`{where}` must be true or false.", param=where)
        return value

    return field(default=False, kw_only=True, metadata={"said": _Said(read)})


def perhaps(name: str | None = None) -> Any:
    """Make a field of text that is "" where nothing is said."""

    def read(value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise BadRequest(f"`{where}` must be text.", param=where)
        return value

    return field(default="", metadata={"said": _Said(read, name=name)})


def number() -> Any:
    """Make a field of a whole number that is None where nothing is said."""

    def read(value: Any, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadRequest(f"`{where}` must be a whole number.", param=where)
        return value

    return field(default=None, metadata={"said": _Said(read)})


def listed() -> Any:
    """Make a field of several texts that is () where nothing is said."""

    def read(value: Any, where: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise BadRequest(f"`{where}` must be a list of texts.", param=where)
        return tuple(value)

    return field(default=(), kw_only=True, metadata={"said": _Said(read, list)})


def speed() -> Any:
    """Make a field that must be there: a number above 0."""

    def read(value: Any, where: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
            raise BadRequest(f"`{where}` must be a number above 0.", param=where)
        return float(value)

    return field(metadata={"said": _Said(read)})


def plain(read: Callable[[Any, str], Any], write: Callable[[Any], Any]) -> Any:
    """Make a field that must be there, read and written by functions of its own."""
    return field(metadata={"said": _Said(read, write)})


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the control API. `target`: path and query, escaped. `body` None: it has none."""

    method: str
    target: str
    body: dict[str, Any] | None
    seconds: float | None


def encode(order: Order[Any]) -> Call:
    """`order` as a request. What has its default is left out."""
    endpoint = order.endpoint
    in_path = _names_in(endpoint.path)
    parameters: dict[str, Any] = {}
    for item in fields(order):  # type: ignore[arg-type]  # every order is a dataclass
        said = item.metadata.get("said")
        value = getattr(order, item.name)
        if said is not None and item.name not in in_path and value != item.default:
            parameters[said.name or item.name] = said.write(value)
    target = endpoint.path.format(**{name: quote(str(getattr(order, name)), safe="") for name in in_path})
    if endpoint.method == "GET":
        query = urlencode({name: "true" if value is True else value for name, value in parameters.items()})
        return Call("GET", f"{target}?{query}" if query else target, None, endpoint.seconds)
    return Call(endpoint.method, target, parameters, endpoint.seconds)


def decode(kind: type[O], path: Mapping[str, str], parameters: Mapping[str, Any]) -> O:
    """Return the order a request is: `path` has the parts of the path by name, `parameters` the query or the
    body.

    Raises BadRequest; keys it does not know are left out.
    """
    in_path = _names_in(kind.endpoint.path)
    found: dict[str, Any] = {name: path[name] for name in in_path}
    for item in fields(kind):  # type: ignore[arg-type]
        said = item.metadata.get("said")
        if said is None or item.name in in_path:
            continue
        where = said.name or item.name
        if where in parameters or item.default is MISSING:
            found[item.name] = said.read(parameters.get(where), where)
    return kind(**found)


def _names_in(path: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(path) if name)
