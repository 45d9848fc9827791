"""Which editor a key of hal0.yaml has in the settings: its type and bounds say."""

from __future__ import annotations

from typing import Any

from app.texts import models as words
from app.window.settings_fields import (
    CheckField,
    ChoiceField,
    DurationField,
    JsonField,
    NamesField,
    NumberField,
    PortsField,
    SetsField,
    TextField,
)
from app.window.settings_flags import FlagsField
from app.window.settings_keys import KeysField
from router.config.keys import (
    Choice,
    Flags,
    Free,
    Integer,
    Ports,
    RequestFields,
    Row,
    Seconds,
    Secret,
    SharedValues,
    Size,
    SlotSets,
    Text,
    Texts,
    Truth,
    Variables,
)


def editor_of(row: Row, caption: str = "", *, zero: str = "") -> Any:
    """One of app.window.settings_fields. `caption`: for one that shows it itself; `zero`: what 0 means."""
    match row.key.type:
        case Integer(low, high):
            return NumberField(low, high, zero=zero)
        case Seconds(low, high):
            return DurationField(low, high, zero=zero)
        case Size(high=high, unit=(unit, name)):
            return NumberField(0, high // unit, suffix=words.SUFFIXES[name], zero=zero)
        case Truth():
            return CheckField(caption)
        case Choice(of):
            return ChoiceField([(choice.value, choice.value) for choice in of])
        case Text():
            return TextField(optional=row.default is None)
        case Texts():
            return NamesField()
        case Ports():
            return PortsField(words.FIRST_PORT, words.LAST_PORT)
        case Secret(several=True):
            return KeysField()
        case Flags():
            return FlagsField()
        case SlotSets():
            return SetsField()
        case Variables() | SharedValues():
            return FlagsField(words.VARIABLE_COLUMNS)
        case RequestFields() | Free():
            return JsonField()
        case other:
            raise TypeError(f"the settings have no editor for {other}")
