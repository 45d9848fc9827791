"""What clients are told of models: slots, models, and those of servers elsewhere; each id once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from router.config.schema import Kind, UpstreamKind
from router.server.routes.metadata import listed_rows, model_rows, row_of
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, UpstreamState, UpstreamStatus

URL = "http://x/v1"
SNAPSHOT = Snapshot(
    slots=(
        SlotStatus("primary", Kind.CHAT, SlotState.READY, "a", loaded=("a",), choices=("a",)),
        SlotStatus("cluster", Kind.CHAT, SlotState.FAILED, "ray/big", upstream="ray/big"),
    ),
    models=(ModelStatus("a", "A", Kind.CHAT), ModelStatus("lxc/b", "named like an upstream's", Kind.CHAT)),
    upstreams=(
        UpstreamStatus("ray", UpstreamKind.OPENAI, URL, UpstreamState.DOWN, ("big",), "It is down."),
        UpstreamStatus(
            "lxc", UpstreamKind.OPENAI, URL, UpstreamState.OK, ("a", "b", "c"), context_lengths=(1, None)
        ),
        UpstreamStatus("new", UpstreamKind.HAL0, URL, models=("primary",)),
    ),
)


def rows(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    found = model_rows(snapshot)
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row for row in found}


def test_slots_come_first_then_models_then_what_is_elsewhere() -> None:
    found = rows(SNAPSHOT)
    assert list(found) == ["primary", "cluster", "a", "lxc/b", "ray/big", "lxc/a", "lxc/c", "new/primary"]
    assert found["cluster"]["model"] == "ray/big" and found["cluster"]["status"] == {"value": "failed"}
    assert found["lxc/b"]["owned_by"] == "hal0", "what is here wins"


def test_each_tells_its_context_its_owner_and_how_it_is() -> None:
    found = rows(SNAPSHOT)
    assert (found["lxc/a"]["context_length"], found["lxc/c"]["context_length"]) == (1, None)
    assert {found[id_]["status"]["value"] for id_ in ("lxc/a", "lxc/c")} == {"loaded"}
    assert (found["ray/big"]["status"]["value"], found["ray/big"]["owned_by"]) == ("failed", "ray")
    assert found["new/primary"]["status"]["value"] == "unloaded"
    assert {frozenset(row) - {"aliases"} for row in found.values()} == {frozenset(found["primary"])}


def test_what_may_not_be_asked_is_not_offered() -> None:
    assert list(rows(replace(SNAPSHOT, local_only=True))) == ["primary", "cluster", "a", "lxc/b"]


def test_an_unlisted_model_is_told_only_to_those_who_name_it() -> None:
    hidden = ModelStatus("h", "H", Kind.CHAT, aliases=("hush",), listed=False)
    snapshot = replace(SNAPSHOT, models=(*SNAPSHOT.models, hidden))
    assert listed_rows(snapshot) == model_rows(SNAPSHOT)
    assert row_of("h", snapshot)["id"] == row_of("hush", snapshot)["id"] == "h"
