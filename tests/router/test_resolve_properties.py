"""The resolver over random states: a named model is served exactly, or refused; never guessed."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from router.base.errors import BadRequest, LocalOnly, ModelNotFound, ModelNotLoaded, WrongKind
from router.config.schema import Kind, SwitchPolicy, UpstreamKind
from router.resolve import ResolutionPath, Route, resolve
from router.server.routes.metadata import model_rows, row_of
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, UpstreamState, UpstreamStatus

KINDS = st.sampled_from([Kind.CHAT, Kind.EMBEDDING])
UPSTREAMS = ["ray", "cloud", "org"]
ELSEWHERE = ["a", "c:7b", "org/d", "d", "x"]
NAMES = st.sampled_from(
    [
        "a",
        "b",
        "c:7b",
        "org/d",
        "one",
        "two",
        "alias",
        "x",
        "ray/a",
        "ray/org/d",
        "cloud/x",
        "one:x",
        "one:ray/x",
    ]
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    ids = draw(st.lists(st.sampled_from(["a", "b", "c:7b", "org/d"]), unique=True))
    models = tuple(ModelStatus(i, i, draw(KINDS), ("alias",) if n == 0 else ()) for n, i in enumerate(ids))
    slots = [draw(slot(name, models)) for name in draw(st.sets(st.sampled_from(["one", "two", "three"])))]
    upstreams = [draw(upstream(name)) for name in draw(st.lists(st.sampled_from(UPSTREAMS), unique=True))]
    return Snapshot(
        slots=tuple(slots), models=models, upstreams=tuple(upstreams), local_only=draw(st.booleans())
    )


@st.composite
def upstream(draw: st.DrawFn, name: str) -> UpstreamStatus:
    models = tuple(draw(st.lists(st.sampled_from(ELSEWHERE), unique=True)))
    return UpstreamStatus(
        name, UpstreamKind.OPENAI, f"http://{name}", draw(st.sampled_from(UpstreamState)), models
    )


@st.composite
def slot(draw: st.DrawFn, name: str, models: tuple[ModelStatus, ...]) -> SlotStatus:
    kind = draw(KINDS)
    if draw(st.integers(0, 4)) == 0:
        target = f"{draw(st.sampled_from(UPSTREAMS))}/{draw(st.sampled_from(ELSEWHERE))}"
        return SlotStatus(name, kind, model=target, upstream=target)
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


@settings(max_examples=500)
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
    except LocalOnly:
        assert snapshot.local_only
        return
    except BadRequest:
        assert not name and all(s.kind is not kind for s in snapshot.slots)
        return
    if route.upstream is not None:
        _check_elsewhere(snapshot, name, kind, route)
        return
    held = snapshot.slot(route.slot)
    assert held is not None and held.kind is kind, "never another kind"
    assert held.upstream is None
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


HOSTILE = st.sampled_from(
    [
        *("one:a", "two:latest", "a", "A", "a:latest", "a.gguf", "ray", "ray/a", "ray/a:latest", "cloud/ray/a"),
        *(
            " a",
            "a ",
            "a,b",
            "50%",
            "caf\u00e9",
            "cafe\u0301",
            "a/b",
            "/a",
            ":",
            "/",
            "one:",
            "ray/",
            "ONE",
            "Ray/A",
        ),
    ]
)


@st.composite
def hostile_snapshots(draw: st.DrawFn) -> Snapshot:
    """Any ids and aliases that the catalog and the configuration let through: unique, and no slot's name."""
    names = draw(st.lists(HOSTILE, unique=True, max_size=12))
    cut = draw(st.integers(0, len(names)))
    ids, aliases = names[:cut], names[cut:]
    models = tuple(
        ModelStatus(id_, id_, Kind.CHAT, tuple(aliases) if n == 0 else ()) for n, id_ in enumerate(ids)
    )
    upstreams = tuple(
        UpstreamStatus(
            name,
            UpstreamKind.OPENAI,
            f"http://{name}",
            draw(st.sampled_from(UpstreamState)),
            tuple(draw(st.lists(HOSTILE, unique=True, max_size=6))),
        )
        for name in ("ray", "cloud")
    )
    slots = tuple(SlotStatus(name, Kind.CHAT, choices=tuple(ids)) for name in ("one", "two"))
    return Snapshot(slots=slots, models=models, upstreams=upstreams)


@settings(max_examples=1000)
@given(snapshot=hostile_snapshots())
def test_whatever_is_listed_can_be_asked_for(snapshot: Snapshot) -> None:
    """Property 1: ids that look like other names, in /v1/models, /api/tags and /api/state."""
    rows = model_rows(snapshot)
    assert len({row["id"] for row in rows}) == len(rows)
    slots, ids = {slot.name for slot in snapshot.slots}, {model.id for model in snapshot.models}
    assert slots | ids <= {row["id"] for row in rows}
    for model in snapshot.models:
        for name in (model.id, *model.aliases):
            assert resolve(name, Kind.CHAT, snapshot).model == model.id
            assert row_of(name, snapshot)["id"] == model.id
    for row in rows:
        assert row_of(row["id"], snapshot) == row
        route = resolve(row["id"], Kind.CHAT, snapshot)
        if row["id"] in slots:
            assert (route.slot, route.model, route.upstream) == (row["id"], None, None)
        elif row["id"] not in ids:
            assert f"{route.upstream}/{route.model}" == row["id"]


def _check_elsewhere(snapshot: Snapshot, name: str | None, kind: Kind, route: Route) -> None:
    assert not snapshot.local_only, "nothing may leave"
    if route.slot:
        held = snapshot.slot(route.slot)
        assert held is not None and held.kind is kind
        assert held.upstream == f"{route.upstream}/{route.model}", "the slot's own upstream"
        return
    assert (
        name
        and route.path is ResolutionPath.UPSTREAM
        and name in (route.model, f"{route.upstream}/{route.model}")
    )
    assert snapshot.model(name) is None, "what is here is served here"
    asked = next(u for u in snapshot.upstreams if u.name == route.upstream)
    if asked.state is UpstreamState.OK and asked.models:
        assert route.model in asked.models


@settings(max_examples=300)
@given(snapshot=snapshots(), kind=KINDS)
def test_a_live_engine_wins(snapshot: Snapshot, kind: Kind) -> None:
    for model in snapshot.models:
        live = [s for s in snapshot.slots if s.kind is kind and model.id in s.loaded]
        if live and model.kind is kind and snapshot.slot(model.id) is None:
            route = resolve(model.id, kind, snapshot)
            assert route.path is ResolutionPath.LOADED and route.slot in {s.name for s in live}


@settings(max_examples=300)
@given(snapshot=snapshots(), name=NAMES, kind=KINDS)
def test_resolving_is_pure(snapshot: Snapshot, name: str, kind: Kind) -> None:
    def outcome() -> object:
        try:
            return resolve(name, kind, snapshot)
        except (ModelNotFound, ModelNotLoaded, WrongKind, BadRequest, LocalOnly) as error:
            return (type(error), error.message)

    assert outcome() == outcome()
