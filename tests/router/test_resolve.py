"""The resolver's rules, one by one; each seed's misrouting has its test."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from router.base.errors import BadRequest, LocalOnly, ModelNotFound, ModelNotLoaded, RouterError, WrongKind
from router.config.schema import Kind, SwitchPolicy, UpstreamKind
from router.resolve import ResolutionPath, Route, resolve
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, UpstreamState, UpstreamStatus

T = TypeVar("T")


def model(id_: str, kind: Kind = Kind.CHAT, *aliases: str) -> ModelStatus:
    return ModelStatus(id_, id_, kind, aliases)


def slot(name: str, holds: str | None, *choices: str, **more: object) -> SlotStatus:
    """A ready slot that holds a model, or an unloaded one."""
    status = SlotStatus(name, Kind.CHAT, model=holds, choices=choices)
    if holds:
        status = SlotStatus(name, Kind.CHAT, SlotState.READY, holds, None, (holds,), choices)
    return _replace(status, **more)


def _replace(status: T, **more: object) -> T:
    return replace(status, **more)  # type: ignore[type-var]


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


@pytest.mark.parametrize(
    ("state", "answers"),
    [
        (SlotState.QUEUED, True),
        (SlotState.STARTING, True),
        (SlotState.LOADING, True),
        (SlotState.WARMING, True),
        (SlotState.DRAINING, False),
        (SlotState.STOPPING, False),
    ],
)
def test_a_model_answers_by_its_name_while_another_loads_beside_it(state: SlotState, answers: bool) -> None:
    """Also in a slot that no request switches; what drains takes no new requests."""
    switching = _replace(PRIMARY, state=state, target="b", switch=SwitchPolicy.MANUAL)
    snapshot = Snapshot(slots=(switching,), models=MODELS)
    assert switching.answers == (("a",) if answers else ())
    for name, path in (("a", ResolutionPath.LOADED), ("primary:a", ResolutionPath.SLOT_SCOPED)):
        if answers:
            assert resolve(name, Kind.CHAT, snapshot) == Route("primary", "a", path)
        else:
            with pytest.raises(ModelNotLoaded):
                resolve(name, Kind.CHAT, snapshot)
    assert resolve("b", Kind.CHAT, snapshot) == Route("primary", "b", ResolutionPath.SWITCHABLE)


def test_of_two_slots_with_a_model_the_one_that_keeps_it_is_chosen() -> None:
    leaving = _replace(PRIMARY, state=SlotState.LOADING, target="b")
    keeping = _replace(PRIMARY, name="second")
    snapshot = Snapshot(slots=(leaving, keeping), models=MODELS)
    assert resolve("a", Kind.CHAT, snapshot) == Route("second", "a", ResolutionPath.LOADED)


def test_an_unknown_model_never_reaches_primary() -> None:
    """Seed 002: "Old Tier-4 rule-7 silently routed any unmatched model to primary"."""
    with pytest.raises(ModelNotFound):
        resolve("gpt-4", Kind.CHAT, TWO)


def test_a_misspelt_name_is_told_the_one_that_is_near() -> None:
    for name, near in (("agent-hermse", "agent-hermes"), ("primray", "primary"), ("c-7b", "c:7b")):
        with pytest.raises(ModelNotFound, match=f'Did you mean "{near}"'):
            resolve(name, Kind.CHAT, TWO)


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


@pytest.mark.parametrize("name", ["a a", "rimary", "primary2", ":a", "nope:a", "primary:", "primary:zzz"])
def test_nothing_is_guessed(name: str) -> None:
    with pytest.raises(ModelNotFound):
        resolve(name, Kind.CHAT, TWO)


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("nomic-embed-text:latest", "nomic-embed-text"),
        ("hf.co/org/repo:latest", "hf.co/org/repo"),
        ("localhost:5000/org/m:latest", "localhost:5000/org/m"),
        ("plain", "plain:latest"),
        ("plain", "plain.gguf"),
        ("org/repo:Q4_K_M", "org/repo:q4_k_m"),
        ("Llama3.2:3b", "llama3.2:3b"),
        ("caf\u00e9", "cafe\u0301"),
        ("m:latest", "primary:m"),
    ],
)
def test_another_spelling_means_the_same(listed: str, asked: str) -> None:
    """Row 3: no tag means `:latest`; upper and lower case, accents and the suffix make no other model."""
    snapshot = Snapshot(slots=(slot("primary", None, listed, "b"),), models=(model(listed), model("b")))
    assert resolve(asked, Kind.CHAT, snapshot).model == listed


@pytest.mark.parametrize(
    "names",
    [("a", "A"), ("m", "m:latest"), ("m", "m.gguf"), ("caf\u00e9", "cafe\u0301"), ("x:Latest", "x:latest")],
)
def test_what_is_called_exactly_so_comes_first(names: tuple[str, str]) -> None:
    """Row 3: of two near names each is itself, and a third spelling of both is neither."""
    snapshot = Snapshot(slots=(slot("primary", None, *names),), models=tuple(map(model, names)))
    for name in names:
        assert resolve(name, Kind.CHAT, snapshot).model == name
    twins = Snapshot(slots=(slot("primary", None, "ab", "Ab"),), models=(model("ab"), model("Ab")))
    with pytest.raises(ModelNotFound):
        resolve("aB", Kind.CHAT, twins)


@pytest.mark.parametrize(
    "name", ["primary:b", "primary:latest", "embed:latest", "agent-hermes:a", "primary:zzz"]
)
def test_a_listed_id_is_never_split(name: str) -> None:
    """Row 4: an exact id or alias wins before `slot:model` is looked for."""
    choices = ("a", "b", "c:7b", name)
    slots = (_replace(PRIMARY, choices=choices), _replace(AGENT, choices=choices), EMBED)
    for models in ((*MODELS, model(name)), (model(name), *MODELS)):
        route = resolve(name, Kind.CHAT, Snapshot(slots=slots, models=models))
        assert (route.slot, route.model, route.path) == ("primary", name, ResolutionPath.SWITCHABLE)
    aliased = (model("a"), model("b", Kind.CHAT, name), model("c:7b"))
    assert resolve(name, Kind.CHAT, Snapshot(slots=slots, models=aliased)).model == "b"


def test_a_megabyte_as_a_name_is_not_compared_and_not_repeated() -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve("x" * 1_000_000 + "\n\ud800", Kind.CHAT, TWO)
    assert len(caught.value.message) < 500 and caught.value.message.endswith(".")


def test_every_refusal_is_one_sentence_for_people() -> None:
    for name, kind in (("gpt-4", Kind.CHAT), ("a", Kind.IMAGE), ("primary:x", Kind.CHAT)):
        with pytest.raises(RouterError) as caught:
            resolve(name, kind, TWO)
        assert caught.value.message.endswith(".") and "\n" not in caught.value.message


def upstream(name: str, *models: str, state: UpstreamState = UpstreamState.OK) -> UpstreamStatus:
    return UpstreamStatus(name, UpstreamKind.OPENAI, f"http://{name}/v1", state, models)


class TestUpstreams:
    """Servers elsewhere answer for what is theirs alone, or named as theirs."""

    CLUSTER = _replace(slot("cluster", None), model="ray/llama-70b", upstream="ray/llama-70b")
    BOTH = (upstream("ray", "llama-70b", "a"), upstream("cloud", "org/big:free", "llama-70b"))
    SNAPSHOT = _replace(TWO, slots=(*TWO.slots, CLUSTER), upstreams=BOTH)

    @pytest.mark.parametrize(
        ("name", "route"),
        [
            ("ray/llama-70b", Route("", "llama-70b", ResolutionPath.UPSTREAM, "ray")),
            ("cloud/org/big:free", Route("", "org/big:free", ResolutionPath.UPSTREAM, "cloud")),
            ("org/big:free", Route("", "org/big:free", ResolutionPath.UPSTREAM, "cloud")),
            ("llama-70b", Route("", "llama-70b", ResolutionPath.UPSTREAM, "ray")),
            ("ray/a", Route("", "a", ResolutionPath.UPSTREAM, "ray")),
            ("a", Route("primary", "a", ResolutionPath.LOADED)),
            ("cluster", Route("cluster", "llama-70b", ResolutionPath.SLOT, "ray")),
            ("cluster:llama-70b", Route("cluster", "llama-70b", ResolutionPath.SLOT_SCOPED, "ray")),
            ("cluster:ray/llama-70b", Route("cluster", "llama-70b", ResolutionPath.SLOT_SCOPED, "ray")),
        ],
    )
    def test_names_resolve_exactly(self, name: str, route: Route) -> None:
        assert resolve(name, Kind.CHAT, self.SNAPSHOT) == route

    @pytest.mark.parametrize(
        "name", ["ray", "ray/", "ray/b", "cloud/big:free", "big:free", "/a", "cluster:a", "x/a"]
    )
    def test_nothing_is_guessed(self, name: str) -> None:
        with pytest.raises(ModelNotFound):
            resolve(name, Kind.CHAT, self.SNAPSHOT)

    def test_among_several_a_well_one_answers_then_the_first(self) -> None:
        for states, expected in (
            ((UpstreamState.DOWN, UpstreamState.OK), "two"),
            ((UpstreamState.UNKNOWN, UpstreamState.OK), "two"),
            ((UpstreamState.OK, UpstreamState.OK), "one"),
            ((UpstreamState.DOWN, UpstreamState.DOWN), "one"),
        ):
            both = (upstream("one", "x", state=states[0]), upstream("two", "x", state=states[1]))
            assert resolve("x", Kind.CHAT, Snapshot(upstreams=both)).upstream == expected

    def test_one_that_has_not_told_its_models_yet_is_asked_for_what_is_named(self) -> None:
        for state in (UpstreamState.UNKNOWN, UpstreamState.DOWN):
            snapshot = Snapshot(upstreams=(upstream("lxc", state=state),))
            assert resolve("lxc/any", Kind.CHAT, snapshot) == Route("", "any", ResolutionPath.UPSTREAM, "lxc")

    def test_a_model_this_computer_has_is_never_taken_elsewhere(self) -> None:
        """Not even when no slot may load it: a person decided that."""
        fixed = _replace(PRIMARY, switch=SwitchPolicy.MANUAL)
        snapshot = Snapshot(slots=(fixed,), models=MODELS, upstreams=(upstream("cloud", "b", "e"),))
        with pytest.raises(ModelNotLoaded):
            resolve("b", Kind.CHAT, snapshot)
        with pytest.raises(WrongKind):
            resolve("e", Kind.CHAT, snapshot)

    def test_nothing_leaves_this_computer_unless_it_may(self) -> None:
        local = _replace(self.SNAPSHOT, local_only=True)
        for name in ("ray/llama-70b", "llama-70b", "cluster", "cluster:llama-70b"):
            with pytest.raises(LocalOnly) as caught:
                resolve(name, Kind.CHAT, local)
            assert (caught.value.status, caught.value.code) == (403, "upstream.local_only")
        assert resolve("a", Kind.CHAT, local).slot == "primary"


FILES = Snapshot(
    slots=(slot("primary", None, "a", "q-Q4_K_M", "Big", "twin", "twin@old", "plain"),),
    models=(
        replace(model("a", Kind.CHAT, "org/Repo-GGUF:Q8_0", "org/Repo-GGUF"), file="/m/sub/a.gguf"),
        replace(model("q-Q4_K_M"), file="/m/q-Q4_K_M.gguf", quantisation="Q4_K_M"),
        model("Big"),
        replace(model("twin"), file="/m/new/twin.gguf"),
        replace(model("twin@old"), file="/m/old/twin.gguf"),
        replace(model("plain"), file="/m/plain.gguf", quantisation="F16"),
    ),
)


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        *(
            (f"{provider}/a", "a")
            for provider in ("openai", "ollama", "models", "hal0", "LM_Studio", "litellm_proxy")
        ),
        ("litellm_proxy/openai/a", "a"),
        ("openai/org/Repo-GGUF", "a"),
        ("ollama/a:latest", "a"),
        ("/m/sub/a.gguf", "a"),
        ("sub/a.gguf", "a"),
        ("C:\\models\\a.gguf", "a"),
        ("/models/a.gguf", "a"),
        ("new/twin.gguf", "twin"),
        ("/m/old/twin.gguf", "twin@old"),
        ("q:Q4_K_M", "q-Q4_K_M"),
        ("Q@q4_k_m", "q-Q4_K_M"),
        ("plain:F16", "plain"),
        ("org_Repo-GGUF_a.gguf", "a"),
        ("org_Repo-GGUF_a", "a"),
        ("PRIMARY:big", "Big"),
    ],
)
def test_what_clients_make_of_a_name_is_understood(name: str, id_: str) -> None:
    assert resolve(name, Kind.CHAT, FILES).model == id_


PLACES = replace(
    FILES,
    models=(*FILES.models, model("c\u00f4te"), model("x+y")),
    slots=(slot("primary", None, "a", "Big", "c\u00f4te", "x+y"),),
    upstreams=(upstream("lxc", "org/deep/m"),),
)


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        *((f"{before}a{behind}", "a") for before, behind in (
            (" ", ""), ("", " "), ("\u00a0", "\t"), ("", "\n"), ("\ufeff", "\u200b"), ('"', '"'), ("`", "`"),
            ("<", ">"), ("", "/"), ("primary: ", " "), ("primary : ", ""), ("openai/", " "), ("", ":latest "),
        )),
        ("\uff41", "a"),
        ("a%20", "a"), ("%61", "a"), ("primary%3AA", "a"),
        ("co\u0302te ", "c\u00f4te"), ("c%C3%B4te", "c\u00f4te"),
        ("x y", "x+y"), ("x%2By", "x+y"),
        ("lxc%2Forg%2Fdeep%2Fm", "org/deep/m"), ("lxc/org%2Fdeep%2Fm", "org/deep/m"),
        ("org%2Fdeep%2Fm", "org/deep/m"), (" lxc / org/deep/m", "org/deep/m"),
    ],
)  # fmt: skip
def test_what_pasting_and_encoding_add_is_taken_off(name: str, id_: str) -> None:
    assert resolve(name, Kind.CHAT, PLACES).model == id_


def test_what_is_called_so_wins_over_what_it_would_be_without() -> None:
    odd = (" a", "a%20", '"a"', "a/")
    snapshot = replace(
        PLACES,
        models=(*PLACES.models, *map(model, odd)),
        slots=(slot("primary", None, "a", *odd),),
    )
    assert [resolve(name, Kind.CHAT, snapshot).model for name in ("a", *odd)] == ["a", *odd]


@pytest.mark.parametrize("name", ["%" * 900, "%25" * 300, "\u00a0" * 900, '"/' * 400, ": / " * 200])
def test_a_name_of_nothing_but_padding_is_told_to_be_none(name: str) -> None:
    with pytest.raises(ModelNotFound):
        resolve(name, Kind.CHAT, PLACES)


@pytest.mark.parametrize(
    "name",
    [
        "/models/twin.gguf",  # which of the two?
        "q:Q8_0",
        "plain:Q8_0",
        "q-Q4_K_M:Q8_0",
        "primary:Q4_K_M",
        "openrouter/a",
        "meta-llama/a",
        "openai/",
        "openai/b",
        "org_Repo-GGUF_b.gguf",
        "other_Repo-GGUF_a.gguf",
        " ",
    ],
)
def test_what_may_be_another_model_is_none(name: str) -> None:
    with pytest.raises(ModelNotFound):
        resolve(name, Kind.CHAT, FILES)


def test_a_server_elsewhere_that_is_called_so_is_meant() -> None:
    there = UpstreamStatus("openai", UpstreamKind.OPENAI, "http://x", UpstreamState.UNKNOWN, ())
    route = resolve("openai/a", Kind.CHAT, replace(FILES, upstreams=(there,)))
    assert (route.upstream, route.model) == ("openai", "a")
