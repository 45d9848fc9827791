"""The resolver over random states: a named model is served exactly, or refused; never guessed."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from router.config.schema import Kind, SwitchPolicy
from router.errors import BadRequest, ModelNotFound, ModelNotLoaded, WrongKind
from router.resolve import ResolutionPath, resolve
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot

KINDS = st.sampled_from([Kind.CHAT, Kind.EMBEDDING])
NAMES = st.sampled_from(["a", "b", "c:7b", "org/d", "one", "two", "alias"])


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    ids = draw(st.lists(st.sampled_from(["a", "b", "c:7b", "org/d"]), unique=True))
    models = tuple(ModelStatus(i, i, draw(KINDS), ("alias",) if n == 0 else ()) for n, i in enumerate(ids))
    slots = [draw(slot(name, models)) for name in draw(st.sets(st.sampled_from(["one", "two", "three"])))]
    return Snapshot(slots=tuple(slots), models=models)


@st.composite
def slot(draw: st.DrawFn, name: str, models: tuple[ModelStatus, ...]) -> SlotStatus:
    kind = draw(KINDS)
    fitting = [m.id for m in models if m.kind is kind]
    choices = tuple(draw(st.lists(st.sampled_from(fitting), unique=True))) if fitting else ()
    held = draw(st.sampled_from([None, *choices]))
    state = draw(st.sampled_from(SlotState))
    return SlotStatus(
        name,
        kind,
        state=state,
        model=held,
        target=draw(st.sampled_from([None, *choices])) if state.switching else None,
        loaded=(held,) if held and state is SlotState.READY else (),
        choices=choices,
        switch=draw(st.sampled_from(SwitchPolicy)),
        pinned=draw(st.booleans()),
    )


@settings(max_examples=500, deadline=None)
@given(snapshot=snapshots(), name=st.one_of(st.none(), NAMES, st.text(max_size=8)), kind=KINDS)
def test_what_is_routed_is_what_was_named(snapshot: Snapshot, name: str | None, kind: Kind) -> None:
    try:
        route = resolve(name, kind, snapshot)
    except ModelNotFound:
        assert name and snapshot.slot(name) is None
        return
    except ModelNotLoaded:
        assert name
        return
    except WrongKind:
        assert name
        return
    except BadRequest:
        assert not name and all(s.kind is not kind for s in snapshot.slots)
        return
    held = snapshot.slot(route.slot)
    assert held is not None and held.kind is kind, "never another kind"
    if not name:
        assert route.path is ResolutionPath.DEFAULT and route.model is None
    elif route.path is ResolutionPath.SLOT:
        assert name == route.slot and route.model is None
    else:
        asked = name.removeprefix(f"{route.slot}:") if route.path is ResolutionPath.SLOT_SCOPED else name
        model = snapshot.model(asked)
        assert model is not None and model.id == route.model, "the very model that was named"
        assert route.model in held.choices
        may_switch = held.switch is SwitchPolicy.ON_REQUEST and not held.pinned
        assert may_switch or route.model in (*held.loaded, held.serving)


@settings(max_examples=300, deadline=None)
@given(snapshot=snapshots(), kind=KINDS)
def test_a_live_engine_wins(snapshot: Snapshot, kind: Kind) -> None:
    for model in snapshot.models:
        live = [s for s in snapshot.slots if s.kind is kind and model.id in s.loaded]
        if live and model.kind is kind and snapshot.slot(model.id) is None:
            route = resolve(model.id, kind, snapshot)
            assert route.path is ResolutionPath.LOADED and route.slot in {s.name for s in live}


@settings(max_examples=300, deadline=None)
@given(snapshot=snapshots(), name=NAMES, kind=KINDS)
def test_resolving_is_pure(snapshot: Snapshot, name: str, kind: Kind) -> None:
    def outcome() -> object:
        try:
            return resolve(name, kind, snapshot)
        except (ModelNotFound, ModelNotLoaded, WrongKind, BadRequest) as error:
            return (type(error), error.message)

    assert outcome() == outcome()
