"""Which slot, and which model in it, a request is for. Pure: no I/O, no clock, no logging.

A named model is never replaced by another: what cannot be routed exactly is an error: in hal0's
predecessor such requests silently went to `primary`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.base.client_names import (
    has_label,
    in_old_cache,
    labelled,
    path_parts,
    tidied,
    with_label,
    without_provider,
)
from router.base.errors import BadRequest, LocalOnly, ModelNotFound, ModelNotLoaded, WrongKind
from router.base.names import folded, is_speakable, shown, spellings
from router.config.problems import did_you_mean
from router.config.schema import Kind, SwitchPolicy
from router.config.upstreams import split_target
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, UpstreamState, UpstreamStatus

_LONGEST = 1000
"""Characters of a name that is compared with others; nothing has a longer one (NAME_MAX is 255 bytes)."""


class ResolutionPath(StrEnum):
    """Which rule decided; logged with every request. The last come later: FALLBACK when the slot could not
    answer, the others when another of its places answers before it (router.upstreams.places)."""

    SLOT = "slot"
    SLOT_SCOPED = "slot_scoped"
    LOADED = "loaded"
    SWITCHABLE = "switchable"
    UPSTREAM = "upstream"
    DEFAULT = "default"
    FALLBACK = "fallback"
    MOVED_BUSY = "moved_busy"
    MOVED_LOADING = "moved_loading"
    STICKY = "sticky"


@dataclass(frozen=True, slots=True)
class Route:
    """`model` None: whatever the slot holds when the request's turn comes. With `upstream` a server elsewhere
    answers, with `model` as it calls it; `slot` is then the slot it serves, or empty."""

    slot: str
    model: str | None
    path: ResolutionPath
    upstream: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name stands for: a slot, a model, a model in a slot (both), or `upstream` and its model."""

    slot: SlotStatus | None = None
    model: ModelStatus | None = None
    upstream: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The one that GET /v1/models lists it by."""
        if self.model is not None:
            return self.model.id
        return self.slot.name if self.slot is not None else "/".join(self.upstream or ())


def meaning(name: str, snapshot: Snapshot) -> Meaning | None:
    """Return what `name` stands for; None for nothing, or for two things that are equally near.

    What is called exactly so comes first, then another spelling (`router.base.names`), then what clients make
    of names (`router.base.client_names`), last what pasting and encoding do: a name that is listed is never
    split, completed or read in another case.
    """
    if (meant := _as_written(name, snapshot)) is not None or len(name) > _LONGEST:
        return meant
    return next((meant for one in tidied(name) if (meant := _as_written(one, snapshot)) is not None), None)


def _as_written(name: str, snapshot: Snapshot) -> Meaning | None:
    """Return what `name` stands for, every letter of it meant."""
    if (exact := _here(name, snapshot) or _at_upstream(name, snapshot)) is not None:
        return exact
    for exactly in (_here, _elsewhere):
        for spelling in spellings(name):
            if (exact := exactly(spelling, snapshot)) is not None:
                return exact
    for spelling in spellings(name):
        if (near := _nearly(spelling, snapshot)) is not None:
            return near
    return _unlisted(name, snapshot) or _as_sent(name, snapshot)


def resolve(name: str | None, kind: Kind, snapshot: Snapshot) -> Route:
    """Route a request of `kind` that named `name` in its `model` field (None: it named nothing).

    What this computer has wins over an equal id elsewhere. Raises ModelNotFound, ModelNotLoaded, WrongKind,
    BadRequest (no default slot for the kind), LocalOnly (only a server elsewhere could answer).
    """
    if not name:
        return _default(kind, snapshot)
    meant = meaning(name, snapshot)
    if meant is None:
        raise not_found(name, snapshot)
    if meant.upstream is not None:
        if snapshot.local_only:
            raise _local_only(f'Model "{shown(name)}"')
        upstream, model = meant.upstream
        return Route("", model, ResolutionPath.UPSTREAM, upstream)
    if meant.slot is None:
        assert meant.model is not None, "a name stands for something"
        _require_kind(meant.model.kind, kind, f'Model "{meant.model.id}"')
        return _by_model(meant.model, kind, snapshot)
    _require_kind(meant.slot.kind, kind, f'Slot "{meant.slot.name}"')
    if meant.model is None:
        scoped = meant.slot.upstream is not None and name.startswith(f"{meant.slot.name}:")
        return _to_slot(meant.slot, ResolutionPath.SLOT_SCOPED if scoped else ResolutionPath.SLOT, snapshot)
    return _in_slot(meant.slot, meant.model)


def _default(kind: Kind, snapshot: Snapshot) -> Route:
    slot = next((s for s in snapshot.slots if s.kind is kind), None)
    if slot is None:
        raise BadRequest(f"The request names no model and there is no {kind} slot; name one.", param="model")
    return _to_slot(slot, ResolutionPath.DEFAULT, snapshot)


def _to_slot(slot: SlotStatus, path: ResolutionPath, snapshot: Snapshot) -> Route:
    """Return the route to whatever the slot holds, or to the server elsewhere that serves it."""
    if slot.upstream is None:
        return Route(slot.name, None, path)
    if snapshot.local_only:
        raise _local_only(f'Slot "{slot.name}"')
    upstream, model = split_target(slot.upstream)
    return Route(slot.name, model, path, upstream)


def model_called(name: str, snapshot: Snapshot) -> ModelStatus | None:
    """Return the model here that `name` stands for, where only a model can be meant."""
    if (model := snapshot.model(name)) is not None:
        return model
    meant = meaning(name, snapshot)
    return meant.model if meant is not None else None


def _here(name: str, snapshot: Snapshot) -> Meaning | None:
    """Return a slot, else a model by its id or alias, else `slot:model`."""
    if (slot := snapshot.slot(name)) is not None:
        return Meaning(slot)
    if (model := snapshot.model(name)) is not None:
        return Meaning(model=model)
    return _scoped(name, snapshot)


def _at_upstream(name: str, snapshot: Snapshot) -> Meaning | None:
    """`upstream/model`, as GET /v1/models has it."""
    upstream_name, model = split_target(name)
    if model is None or not any(u.name == upstream_name and model in u.models for u in snapshot.upstreams):
        return None
    return Meaning(upstream=(upstream_name, model))


def _elsewhere(name: str, snapshot: Snapshot) -> Meaning | None:
    """`upstream/model`, else a model that one lists: a well one first, then in the order of hal0.yaml."""
    if (named := _at_upstream(name, snapshot)) is not None:
        return named
    listing = [upstream for upstream in snapshot.upstreams if name in upstream.models]
    best = min(listing, key=_unwell, default=None)
    return Meaning(upstream=(best.name, name)) if best is not None else None


def _scoped(name: str, snapshot: Snapshot) -> Meaning | None:
    """`slot:model`, where the slot may hold the model."""
    slot_name, colon, asked = name.partition(":")
    slot = snapshot.slot(slot_name) if colon else None
    if slot is None:
        return None
    if slot.upstream is not None and asked in (slot.upstream, split_target(slot.upstream)[1]):
        return Meaning(slot)
    found = (snapshot.model(spelling) for spelling in spellings(asked))
    return next((Meaning(slot, model) for model in found if model and model.id in slot.choices), None)


def _nearly(name: str, snapshot: Snapshot) -> Meaning | None:
    """Return the only one that differs from `name` in upper and lower case; what is here before what is
    elsewhere."""
    if len(name) > _LONGEST:
        return None
    wanted = folded(name)
    here = [*_names_here(snapshot), *(_names_scoped(snapshot) if ":" in name else ())]
    for names, exactly in ((here, _here), (_names_elsewhere(snapshot), _elsewhere)):
        found = {m.name: m for near in names if folded(near) == wanted and (m := exactly(near, snapshot))}
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _names_here(snapshot: Snapshot) -> list[str]:
    slots = [slot.name for slot in snapshot.slots]
    return [*slots, *(name for model in snapshot.models for name in (model.id, *model.aliases))]


def _names_scoped(snapshot: Snapshot) -> list[str]:
    return [f"{slot.name}:{name}" for slot in snapshot.slots for name in slot.choices]


def _names_elsewhere(snapshot: Snapshot) -> list[str]:
    listed = [(upstream.name, model) for upstream in snapshot.upstreams for model in upstream.models]
    return [f"{upstream}/{model}" for upstream, model in listed] + [model for _upstream, model in listed]


def _as_sent(name: str, snapshot: Snapshot) -> Meaning | None:
    """Return what is meant by a name that a client has changed; never more than one thing."""
    if len(name) > _LONGEST:
        return None
    model = _by_file(name, snapshot) or _by_label(name, snapshot) or _by_old_cache(name, snapshot)
    if model is not None:
        return Meaning(model=model)
    rest = without_provider(name)
    return _as_written(rest, snapshot) if rest else None


def _by_file(name: str, snapshot: Snapshot) -> ModelStatus | None:
    """Return the model whose file's path ends in `name`, or is the only one that is called so."""
    wanted = path_parts(name)
    if not wanted:
        return None
    found = [(path_parts(model.file), model) for model in snapshot.models if model.file]
    called = [(path, model) for path, model in found if path[-1:] == wanted[-1:]]
    ending = [model for path, model in called if path[-len(wanted) :] == wanted]
    best = ending or [model for _path, model in called]
    return best[0] if len(best) == 1 else None


def _by_label(name: str, snapshot: Snapshot) -> ModelStatus | None:
    """Return the model of the quantisation that is named apart."""
    if (split := labelled(name)) is None:
        return None
    stem, label = split
    near = _as_written(stem, snapshot)
    whole = near.model if near is not None and near.slot is None else None
    if whole is not None and not has_label(whole.id) and (whole.quantisation or "").lower() == label.lower():
        return whole
    found = [
        meant.model for one in with_label(stem, label) if (meant := _as_written(one, snapshot)) and meant.model
    ]
    return found[0] if len({model.id for model in found}) == 1 else None


def _by_old_cache(name: str, snapshot: Snapshot) -> ModelStatus | None:
    wanted = name.removesuffix(".gguf")
    found = {
        model.id: model
        for model in snapshot.models
        for alias in model.aliases
        if "/" in alias and in_old_cache(alias.partition(":")[0], model.id.partition("@")[0]) == wanted
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _unlisted(name: str, snapshot: Snapshot) -> Meaning | None:
    """`upstream/model` where the server's list is not known, or not sure: it will say."""
    upstream_name, model = split_target(name)
    upstream = next((u for u in snapshot.upstreams if u.name == upstream_name), None)
    if upstream is None or not model or not is_speakable(model) or len(model) > _LONGEST:
        return None
    if upstream.state is UpstreamState.OK and upstream.models:
        return None
    return Meaning(upstream=(upstream_name, model))


def _unwell(upstream: UpstreamStatus) -> int:
    return (UpstreamState.OK, UpstreamState.UNKNOWN, UpstreamState.WAKING, UpstreamState.DOWN).index(
        upstream.state
    )


def _in_slot(slot: SlotStatus, model: ModelStatus) -> Route:
    if model.id in slot.answers or model.id == slot.serving or _may_switch(slot):
        return Route(slot.name, model.id, ResolutionPath.SLOT_SCOPED)
    raise _not_loaded(model.id, f'slot "{slot.name}" is switched by hand')


def _by_model(model: ModelStatus, kind: Kind, snapshot: Snapshot) -> Route:
    """Prefer a live engine, then a slot on its way to the model, then one that may switch to it."""
    seats = [s for s in snapshot.slots if s.kind is kind and model.id in s.choices]
    holding = [s for s in seats if model.id in s.answers]
    if holding:
        best = max(holding, key=lambda s: (s.pinned, s.state is SlotState.READY))
        return Route(best.name, model.id, ResolutionPath.LOADED)
    coming = [s for s in seats if model.id == s.serving]
    switchable = [s for s in seats if _may_switch(s)]
    # Prefer a seat that would load it anyway, then an empty one, then the order of the configuration.
    for slot in [*coming, *sorted(switchable, key=lambda s: bool(s.loaded))]:
        return Route(slot.name, model.id, ResolutionPath.SWITCHABLE)
    why = "no slot switches to it on request" if seats else f"no {kind} slot may hold it"
    raise _not_loaded(model.id, why)


def _may_switch(slot: SlotStatus) -> bool:
    return slot.switch is SwitchPolicy.ON_REQUEST and not slot.pinned


def _require_kind(actual: Kind, wanted: Kind, subject: str) -> None:
    if actual is not wanted:
        raise WrongKind(f"{subject} is for {actual}, but this endpoint is for {wanted}.", param="model")


def _local_only(subject: str) -> LocalOnly:
    return LocalOnly(
        f"{subject} is answered by another server, and nothing may leave this computer (local_only); name "
        "another model, or allow it in the tray.",
        param="model",
    )


def _not_loaded(model: str, why: str) -> ModelNotLoaded:
    return ModelNotLoaded(
        f'Model "{model}" is not loaded and {why}; load it from the tray or with `hal0 switch`.', param="model"
    )


def not_found(name: str, snapshot: Snapshot) -> ModelNotFound:
    """Return the error for a name that means nothing, with what is near it in `snapshot`."""
    return ModelNotFound(_why_nothing(name, snapshot), param="model")


def _why_nothing(name: str, snapshot: Snapshot) -> str:
    if len(name) > _LONGEST:
        return f'There is no model or slot "{shown(name)}"; see GET /v1/models for all ids.'
    slot_name, colon, asked = name.partition(":")
    if colon and (slot := snapshot.slot(slot_name)) is not None:
        choices = ", ".join(slot.choices) or slot.upstream or "nothing"
        return (
            f'Slot "{slot_name}" cannot hold "{shown(asked)}"; it may hold: {choices}.'
            f"{did_you_mean(asked, slot.choices)}"
        )
    upstream_name, model = split_target(name)
    upstream = next((u for u in snapshot.upstreams if u.name == upstream_name), None)
    if model is not None and upstream is not None:
        return (
            f'Upstream "{upstream_name}" has no model "{shown(model)}"; see GET /v1/models for all ids.'
            f"{did_you_mean(model, upstream.models)}"
        )
    slots = [s.name for s in snapshot.slots]
    hint = did_you_mean(name, [*slots, *(model.id for model in snapshot.models if model.listed)])
    listed = ", ".join(slots) or "none"
    return (
        f'There is no model or slot "{shown(name)}"; slots are: {listed}. See GET /v1/models for all ids.{hint}'
    )
