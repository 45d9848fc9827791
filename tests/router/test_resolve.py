"""The resolver's rules, one by one; each seed's misrouting has its test."""

from __future__ import annotations

import pytest

from router.config.schema import Kind, SwitchPolicy
from router.errors import BadRequest, ModelNotFound, ModelNotLoaded, RouterError, WrongKind
from router.resolve import ResolutionPath, Route, resolve
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot


def model(id_: str, kind: Kind = Kind.CHAT, *aliases: str) -> ModelStatus:
    return ModelStatus(id_, id_, kind, aliases)


def slot(name: str, holds: str | None, *choices: str, **more: object) -> SlotStatus:
    """A ready slot that holds a model, or an unloaded one."""
    status = SlotStatus(name, Kind.CHAT, model=holds, choices=choices)
    if holds:
        status = SlotStatus(name, Kind.CHAT, SlotState.READY, holds, None, (holds,), choices)
    return _replace(status, **more)


def _replace(status: SlotStatus, **more: object) -> SlotStatus:
    from dataclasses import replace

    return replace(status, **more)  # type: ignore[arg-type]


MODELS = (model("a", Kind.CHAT, "first"), model("b"), model("c:7b"), model("e", Kind.EMBEDDING))
PRIMARY = slot("primary", "a", "a", "b", "c:7b")
AGENT = slot("agent-hermes", "b", "a", "b", "c:7b")
EMBED = _replace(slot("embed", "e", "e"), kind=Kind.EMBEDDING)
TWO = Snapshot(slots=(PRIMARY, AGENT, EMBED), models=MODELS)


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("primary", Route("primary", None, ResolutionPath.SLOT)),
        ("agent-hermes", Route("agent-hermes", None, ResolutionPath.SLOT)),
        ("primary:b", Route("primary", "b", ResolutionPath.SLOT_SCOPED)),
        ("primary:first", Route("primary", "a", ResolutionPath.SLOT_SCOPED)),
        ("primary:c:7b", Route("primary", "c:7b", ResolutionPath.SLOT_SCOPED)),
        ("a", Route("primary", "a", ResolutionPath.LOADED)),
        ("first", Route("primary", "a", ResolutionPath.LOADED)),
        ("c:7b", Route("primary", "c:7b", ResolutionPath.SWITCHABLE)),
        (None, Route("primary", None, ResolutionPath.DEFAULT)),
        ("", Route("primary", None, ResolutionPath.DEFAULT)),
    ],
)
def test_names_resolve_exactly(name: str | None, route: Route) -> None:
    assert resolve(name, Kind.CHAT, TWO) == route


def test_naming_the_other_slots_model_reaches_the_other_slot() -> None:
    """Seed 000: "A chat request asking for the 25b model was still forwarded to primary"."""
    assert resolve("b", Kind.CHAT, TWO) == Route("agent-hermes", "b", ResolutionPath.LOADED)


def test_an_unknown_model_never_reaches_primary() -> None:
    """Seed 002: "Old Tier-4 rule-7 silently routed any unmatched model to primary"."""
    with pytest.raises(ModelNotFound):
        resolve("gpt-4", Kind.CHAT, TWO)


def test_embeddings_never_reach_chat() -> None:
    """Seed 002: "embed/image requests got misdelivered to the chat slot"."""
    assert resolve(None, Kind.EMBEDDING, TWO).slot == "embed"
    for name in ("primary", "a", "primary:a"):
        with pytest.raises(WrongKind):
            resolve(name, Kind.EMBEDDING, TWO)
    with pytest.raises(BadRequest):
        resolve(None, Kind.IMAGE, TWO)


def test_a_live_engine_wins_over_a_slot_that_is_only_bound_to_the_model() -> None:
    """Seed 001: "a running container slot is authoritative for its model"; bound but unloaded is not."""
    bound = _replace(slot("bound", None, "b"), model="b")
    live = slot("live", "b", "a", "b")
    snapshot = Snapshot(slots=(bound, live), models=MODELS)
    assert resolve("b", Kind.CHAT, snapshot) == Route("live", "b", ResolutionPath.LOADED)


def test_among_several_holders_the_pinned_one_wins_then_config_order() -> None:
    one, two = slot("one", "a", "a"), slot("two", "a", "a")
    assert resolve("a", Kind.CHAT, Snapshot(slots=(one, two), models=MODELS)).slot == "one"
    pinned = _replace(two, pinned=True)
    assert resolve("a", Kind.CHAT, Snapshot(slots=(one, pinned), models=MODELS)).slot == "two"


def test_a_down_slot_is_named_not_replaced_by_another() -> None:
    """Seed 001: a down one answers an honest error instead of silently serving from elsewhere."""
    down = _replace(slot("down", None, "b"), state=SlotState.FAILED, model="b")
    other = slot("other", "a", "a")
    snapshot = Snapshot(slots=(other, down), models=MODELS)
    assert resolve("b", Kind.CHAT, snapshot).slot == "down"


def test_a_request_goes_to_the_slot_that_is_already_turning_to_its_model() -> None:
    turning = _replace(PRIMARY, state=SlotState.LOADING, target="b", loaded=())
    free = slot("free", None, "a", "b")
    assert resolve("b", Kind.CHAT, Snapshot(slots=(free, turning), models=MODELS)).slot == "primary"


def test_an_empty_slot_is_preferred_to_one_that_would_lose_its_model() -> None:
    free = slot("free", None, "a", "b")
    assert resolve("b", Kind.CHAT, Snapshot(slots=(PRIMARY, free), models=MODELS)).slot == "free"


@pytest.mark.parametrize("policy", [{"switch": SwitchPolicy.MANUAL}, {"pinned": True}])
def test_a_known_model_no_slot_may_load_is_not_loaded(policy: dict[str, object]) -> None:
    fixed = _replace(PRIMARY, **policy)
    snapshot = Snapshot(slots=(fixed,), models=MODELS)
    for name in ("b", "primary:b"):
        with pytest.raises(ModelNotLoaded) as caught:
            resolve(name, Kind.CHAT, snapshot)
        assert (caught.value.status, caught.value.code) == (404, "model.not_loaded")
    assert resolve("a", Kind.CHAT, snapshot).path is ResolutionPath.LOADED


def test_a_manual_slot_still_loads_its_own_model_again() -> None:
    """After an idle unload the next request loads again."""
    asleep = _replace(slot("primary", None, "a", "b"), model="a", switch=SwitchPolicy.MANUAL)
    assert resolve("a", Kind.CHAT, Snapshot(slots=(asleep,), models=MODELS)).slot == "primary"


@pytest.mark.parametrize("name", ["A", "a ", "rimary", "primary2", ":a", "nope:a", "primary:", "primary:zzz"])
def test_nothing_is_guessed(name: str) -> None:
    with pytest.raises(ModelNotFound):
        resolve(name, Kind.CHAT, TWO)


def test_every_refusal_is_one_sentence_for_people() -> None:
    for name, kind in (("gpt-4", Kind.CHAT), ("a", Kind.IMAGE), ("primary:x", Kind.CHAT)):
        with pytest.raises(RouterError) as caught:
            resolve(name, kind, TWO)
        assert caught.value.message.endswith(".") and "\n" not in caught.value.message
