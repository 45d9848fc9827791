"""Flags that a person gave a model for one load only: they hold for as long as the engine that has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from router.catalog.model import LaunchKey, Model
from router.config.load_flags import flag_text

LoadFlags = tuple[tuple[str, str | bool], ...]
"""By long name; () for none."""


class OneLoad:
    """Of one slot. Models that share an engine share its flags; one that hal0.yaml launches otherwise by now
    has none."""

    def __init__(self) -> None:
        self._flags: Mapping[LaunchKey, LoadFlags] = MappingProxyType({})

    def on(self, model: Model) -> Model:
        """Return a model as it is to be launched."""
        if not self._flags or not (flags := self.of(model)):
            return model
        return with_flags(model, flags)

    def of(self, model: Model) -> LoadFlags:
        return self._flags.get(model.launch_key, ()) if self._flags else ()

    def give(self, model: Model, flags: LoadFlags) -> None:
        """Launch `model` with these from now on, beside what hal0.yaml says; () for that alone."""
        kept = {key: given for key, given in self._flags.items() if key != model.launch_key}
        self._flags = MappingProxyType({**kept, model.launch_key: flags} if flags else kept)

    def keep(self, key: LaunchKey | None, flags: LoadFlags) -> None:
        """Forget all but those of the engine that runs."""
        wanted = {key: flags} if key is not None and flags else {}
        if wanted != self._flags:
            self._flags = MappingProxyType(wanted)


def with_flags(model: Model, flags: LoadFlags) -> Model:
    """Return a model with these flags beside, or in the place of, its own."""
    return replace(model, flags=MappingProxyType({**model.flags, **dict(flags)}))


def texts(flags: LoadFlags) -> tuple[str, ...]:
    """Return the flags as they are shown and ordered: `name=value`."""
    return tuple(flag_text(name, value) for name, value in flags)
