"""What a changed configuration asks for: as little as possible, and in an order that works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from router.catalog.model import Model
from router.catalog.models import Catalog
from router.config.schema import (
    Config,
    EngineConfig,
    Kind,
    LimitsConfig,
    ServerConfig,
    SlotConfig,
    SwitchPolicy,
    UpstreamConfig,
)
from router.reload.diff import (
    Action,
    AddSlot,
    Choose,
    Listen,
    OrderSlots,
    RemoveSlot,
    SetModels,
    SetPolicy,
    UseEngine,
    UseUpstreams,
    diff,
)


def model(id_: str, **more: Any) -> Model:
    return Model(id_, more.pop("kind", Kind.CHAT), id_, file=Path(f"/models/{id_}.gguf"), **more)


def catalog(*models: Model) -> Catalog:
    return Catalog(MappingProxyType({m.id: m for m in models}))


def config(*slots: SlotConfig, **more: Any) -> Config:
    return Config(slots={slot.name: slot for slot in slots}, **more)


A, B = model("a"), model("b")
WORDS = model("words", kind=Kind.EMBEDDING)
MODELS = catalog(A, B, WORDS)
PRIMARY = SlotConfig("primary", model="a")
EMBED = SlotConfig("embed", Kind.EMBEDDING)
CONFIG = config(PRIMARY, EMBED)


def test_the_same_asks_for_nothing() -> None:
    again = config(replace(PRIMARY), replace(EMBED))
    assert diff(CONFIG, again, MODELS, catalog(model("a"), model("b"), WORDS)) == []


@pytest.mark.parametrize(
    "policy",
    [
        {"switch": SwitchPolicy.MANUAL},
        {"pinned": True},
        {"idle_unload": 5.0},
        {"drain_timeout": 1.0},
        {"autoload": True},
        {"health": "/ready"},
    ],
)
def test_a_policy_touches_its_slot_only(policy: dict[str, Any]) -> None:
    slot = replace(PRIMARY, **policy)
    assert diff(CONFIG, config(slot, EMBED), MODELS, MODELS) == [SetPolicy(slot, LimitsConfig())]


def test_limits_are_every_slots() -> None:
    limits = LimitsConfig(queue=1)
    actions = diff(CONFIG, replace(CONFIG, limits=limits), MODELS, MODELS)
    assert actions == [SetPolicy(PRIMARY, limits), SetPolicy(EMBED, limits)]


def test_slots_come_before_their_order() -> None:
    new = SlotConfig("new")
    assert diff(CONFIG, config(EMBED, new), MODELS, MODELS) == [
        RemoveSlot("primary"),
        AddSlot("new"),
        OrderSlots(("embed", "new")),
    ]
    assert diff(CONFIG, config(EMBED, PRIMARY), MODELS, MODELS) == [OrderSlots(("embed", "primary"))]


@pytest.mark.parametrize(
    "other", [SlotConfig("primary", Kind.RERANK), SlotConfig("primary", command="serve {port}")]
)
def test_what_serves_something_else_is_another_slot(other: SlotConfig) -> None:
    assert diff(CONFIG, config(other, EMBED), MODELS, MODELS) == [AddSlot("primary", replaces=True)]


def test_other_flags_relaunch_that_model_alone() -> None:
    flagged = replace(A, flags={"ctx-size": "1"})
    new = catalog(flagged, B, WORDS)
    assert diff(CONFIG, CONFIG, MODELS, new) == [SetModels("primary", {"a": flagged, "b": B}, frozenset({"a"}))]


@pytest.mark.parametrize(
    "change", [{"request": {"top_p": 1}}, {"display_name": "A!"}, {"aliases": ("first",)}, {"size_bytes": 7}]
)
def test_what_no_process_knows_relaunches_nothing(change: dict[str, Any]) -> None:
    renamed = replace(A, **change)
    assert diff(CONFIG, CONFIG, MODELS, catalog(renamed, B, WORDS)) == [
        SetModels("primary", {"a": renamed, "b": B})
    ]


def test_models_that_come_go_or_change_places() -> None:
    c = model("c")
    assert diff(CONFIG, CONFIG, MODELS, catalog(A, WORDS, c)) == [SetModels("primary", {"a": A, "c": c})]
    assert diff(CONFIG, CONFIG, MODELS, catalog(B, A, WORDS)) == [SetModels("primary", {"b": B, "a": A})]


def test_a_model_that_cannot_be_launched_any_more_leaves_its_engine() -> None:
    missing = Model("a", Kind.CHAT, "a", problem="It is not there.")
    assert diff(CONFIG, CONFIG, MODELS, catalog(missing, B, WORDS)) == [
        SetModels("primary", {"a": missing, "b": B})
    ]


def test_a_commands_new_text_relaunches_it() -> None:
    old, new = (config(SlotConfig("stt", Kind.STT, command=f"whisper {n} {{port}}")) for n in (1, 2))
    policy, models = diff(old, new, MODELS, MODELS)
    assert isinstance(policy, SetPolicy)
    assert isinstance(models, SetModels) and models.relaunch == {"stt"}


def test_another_model_is_the_newer_wish_and_no_model_is_no_wish() -> None:
    to_b = replace(PRIMARY, model="b")
    assert diff(CONFIG, config(to_b, EMBED), MODELS, MODELS) == [
        SetPolicy(to_b, LimitsConfig()),
        Choose("primary", "b"),
    ]
    free = replace(PRIMARY, model=None)
    assert diff(CONFIG, config(free, EMBED), MODELS, MODELS) == [SetPolicy(free, LimitsConfig())]


def test_an_alias_is_chosen_by_its_id() -> None:
    aliased = catalog(A, replace(B, aliases=("bee",)), WORDS)
    actions = diff(CONFIG, config(replace(PRIMARY, model="bee"), EMBED), aliased, aliased)
    assert actions[-1] == Choose("primary", "b")


@pytest.mark.parametrize(
    ("server", "engine", "expected"),
    [
        ({"port": 1}, {}, [Listen(ServerConfig(port=1))]),
        ({"api_keys": ("k",)}, {}, [Listen(ServerConfig(api_keys=("k",)))]),
        ({}, {"ports": (1, 2)}, [UseEngine(EngineConfig(ports=(1, 2)), restart=False)]),
        ({}, {"llama_server": Path("/l")}, [UseEngine(EngineConfig(llama_server=Path("/l")), restart=True)]),
    ],
)
def test_the_endpoint_and_the_engine(
    server: dict[str, Any], engine: dict[str, Any], expected: list[Action]
) -> None:
    new = replace(CONFIG, server=ServerConfig(**server), engine=EngineConfig(**engine))
    assert diff(CONFIG, new, MODELS, MODELS) == expected


def test_engines_come_first_and_the_endpoint_last() -> None:
    new = config(replace(PRIMARY, pinned=True), server=ServerConfig(port=1), engine=EngineConfig(ports=(1, 2)))
    kinds = [type(action) for action in diff(CONFIG, new, MODELS, MODELS)]
    assert kinds == [UseEngine, RemoveSlot, SetPolicy, OrderSlots, Listen]


CLUSTER = SlotConfig("cluster", upstream="ray/llama")
RAY = {"ray": UpstreamConfig("ray", "http://ray/v1")}
WITH_RAY = config(PRIMARY, EMBED, CLUSTER, upstreams=RAY)


def test_slots_that_are_served_elsewhere_are_not_the_supervisors() -> None:
    assert diff(CONFIG, WITH_RAY, MODELS, MODELS) == [UseUpstreams()]
    assert diff(WITH_RAY, CONFIG, MODELS, MODELS) == [UseUpstreams()]
    assert diff(WITH_RAY, config(EMBED, PRIMARY, CLUSTER, upstreams=RAY), MODELS, MODELS) == [
        OrderSlots(("embed", "primary")),
        UseUpstreams(),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"local_only": True},
        {"upstreams": {"ray": UpstreamConfig("ray", "http://ray/v1", api_key="k")}},
        {"upstreams": RAY | {"lxc": UpstreamConfig("lxc", "http://lxc/v1")}},
    ],
)
def test_other_upstreams_or_none_apply_at_once(change: dict[str, Any]) -> None:
    assert diff(WITH_RAY, replace(WITH_RAY, **change), MODELS, MODELS) == [UseUpstreams()]


def test_a_fallback_is_a_policy_or_the_upstreams_matter() -> None:
    there = replace(PRIMARY, fallback=("ray",))
    assert diff(WITH_RAY, config(there, EMBED, CLUSTER, upstreams=RAY), MODELS, MODELS) == [
        SetPolicy(there, LimitsConfig())
    ]
    elsewhere = replace(CLUSTER, fallback=("ray",))
    assert diff(WITH_RAY, config(PRIMARY, EMBED, elsewhere, upstreams=RAY), MODELS, MODELS) == [UseUpstreams()]


def test_a_slot_moves_elsewhere_and_back() -> None:
    moved = config(replace(CLUSTER, name="primary"), EMBED, upstreams=RAY)
    at_home = config(PRIMARY, EMBED, upstreams=RAY)
    assert diff(at_home, moved, MODELS, MODELS) == [
        RemoveSlot("primary"),
        OrderSlots(("embed",)),
        UseUpstreams(),
    ]
    assert diff(moved, at_home, MODELS, MODELS) == [
        AddSlot("primary"),
        OrderSlots(("primary", "embed")),
        UseUpstreams(),
    ]
