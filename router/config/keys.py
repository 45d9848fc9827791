"""What a key of hal0.yaml is: its type with its bounds, what it means, and what it may not accompany.

A key is declared once, as a field of a dataclass in router.config.schema:

    queue: int = key(Integer(0, 10_000), 10, "requests that may wait per slot")

Reading it (`reader`), where a misplaced one belongs (`misplaced`), its row in the manual, its field in the
settings and its place in the JSON Schema (`json_schema`) follow from that.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar, cast

T = TypeVar("T")
_DECLARED: Final = "key"


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in low..high."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Seconds:
    """A number of seconds in low..high; with `units` also as a time such as `12h` or `7d`."""

    low: float
    high: float
    units: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes in low..high, with `zero` also 0, also as an amount such as `512MiB`."""

    low: int
    high: int
    zero: bool = True

    @property
    def unit(self) -> tuple[int, str]:
        """What people count it in: bytes, and their name."""
        return (1 << 20, "MiB") if self.low >= 1 << 20 else (1 << 10, "KiB")


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of an enumeration's values."""

    of: type[StrEnum]


@dataclass(frozen=True, slots=True)
class Text:
    """A text on one line.

    Attributes:
        check: the value of a text; raises ValueError with a sentence. None: the text itself.
        like: a regular expression that is found in every text `check` takes, for the JSON Schema.
    """

    check: Callable[[str], Any] | None = None
    like: str | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts.

    Attributes:
        check, like: as of a Text, for each entry.
        empty: what to do instead of writing an empty list, where that means nothing.
        repeats: whether an entry may be there twice (and then counts once).
    """

    check: Callable[[str], Any] | None = None
    like: str | None = None
    empty: str | None = None
    repeats: bool = True


@dataclass(frozen=True, slots=True)
class Ports:
    """A first and a last port."""


@dataclass(frozen=True, slots=True)
class Secret:
    """An API key, or where it is kept: `stores` maps a scheme (`env`) to what its names look like. `entry`: a
    dataclass whose keys an entry of `several` may have instead."""

    stores: Mapping[str, str]
    several: bool = False
    entry: type | None = None


@dataclass(frozen=True, slots=True)
class Flags:
    """llama-server's flags (router.config.flags)."""


@dataclass(frozen=True, slots=True)
class RequestFields:
    """Fields of a request (router.config.request_fields)."""


@dataclass(frozen=True, slots=True)
class SlotSets:
    """Sets of slots (router.config.together)."""


@dataclass(frozen=True, slots=True)
class Free:
    """Names and values of any shape, for others to read."""


@dataclass(frozen=True, slots=True)
class SharedValues:
    """Values with names, for others to refer to (router.config.shared_values)."""


@dataclass(frozen=True, slots=True)
class Variables:
    """Environment variables, whose values may be secret (router.config.variables)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A section with keys of its own: `of` is a dataclass that declares them."""

    of: type


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping of names, chosen by people, to sections.

    Attributes:
        like: what a name looks like, as a whole; `rule` says it in a sentence.
        taken: names that mean something else.
    """

    of: type
    like: str
    rule: str
    taken: tuple[str, ...] = ()


Type: TypeAlias = (
    Integer
    | Seconds
    | Size
    | Truth
    | Choice
    | Text
    | Texts
    | Ports
    | Secret
    | Flags
    | RequestFields
    | SlotSets
    | Free
    | SharedValues
    | Variables
    | Part
    | Named
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of hal0.yaml.

    Attributes:
        meaning: for people, in Markdown, without a full stop at its end.
        shown: the default in words, where its value does not say it.
        missing: what to write; None for a key that may be left out.
        apart: keys of the same section that it cannot accompany.
        alone: why; given by the key that others are `apart` from.
        needs: a key of the same section without which it means nothing, or "".
    """

    type: Type
    meaning: str
    shown: str | None = None
    missing: str | None = None
    apart: tuple[str, ...] = ()
    alone: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A key with its default; for a required key that is the empty text."""

    key: Key
    default: Any


def key(
    type: Type,  # noqa: A002 - what it is called in Key
    default: T,
    meaning: str,
    *,
    shown: str | None = None,
    apart: tuple[str, ...] = (),
    alone: str = "",
    needs: str = "",
) -> T:
    """Return a dataclass field that is a key of hal0.yaml (see Key). A secret is not in the dataclass's
    repr."""
    metadata = {_DECLARED: Key(type, meaning, shown, None, apart, alone, needs)}
    if isinstance(default, Mapping):
        told = not isinstance(type, Variables)
        made: Any = dataclasses.field(default_factory=lambda: default, repr=told, metadata=metadata)
    else:
        made = dataclasses.field(default=default, repr=not isinstance(type, Secret), metadata=metadata)
    return cast("T", made)


def required_key(type: Type, meaning: str, missing: str) -> Any:  # noqa: A002 - as above
    """Return the same as `key` for one that is required: `missing` says what to write."""
    metadata = {_DECLARED: Key(type, meaning, missing=missing)}
    return dataclasses.field(repr=not isinstance(type, Secret), metadata=metadata)


def keys_of(section: type) -> Mapping[str, Row]:
    """Return the keys that a dataclass declares, by name, in their order."""
    return _rows(section)


@cache
def _rows(section: type) -> Mapping[str, Row]:
    declared = {f.name: f for f in dataclasses.fields(section) if _DECLARED in f.metadata}
    return MappingProxyType({n: Row(f.metadata[_DECLARED], _default(f)) for n, f in declared.items()})


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return "" if field.default is dataclasses.MISSING else field.default


def secrets_of(section: type, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where secrets are in `section` and below it, as paths; `*` is any name."""
    for name, row in keys_of(section).items():
        match row.key.type:
            case Secret():
                yield (*above, name)
            case Variables():
                yield (*above, name, "*")
            case Part(of):
                yield from secrets_of(of, (*above, name))
            case Named(of):
                yield from secrets_of(of, (*above, name, "*"))


def matching(pattern: str, refusal: str) -> Callable[[str], str]:
    """Return a `check` for texts that `pattern` matches as a whole; all others are refused with `refusal`."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(refusal)
        return text

    return check
