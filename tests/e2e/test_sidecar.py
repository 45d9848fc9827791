"""Seed 004's small endpoints, over a real llama-server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.harness import Hal0


async def test_available_status_and_switch_agree(hal0: Hal0) -> None:
    models = {model["id"]: model for model in (await hal0.get("/models/available"))["models"]}
    assert models["alpha"]["loaded"] and not models["beta"]["loaded"]
    assert models["beta"]["slots"] == ["primary"] and models["embed-model"]["slots"] == []
    assert models["beta"]["context_length"] == 65536 and models["beta"]["kind"] == "chat"
    assert "file" not in models["beta"]
    status = await hal0.get("/models/status")
    assert (status["slot"], status["active"], status["switching"]) == ("primary", "alpha", False)
    for body, model, says in (
        ({"model": "beta"}, "beta", BETA),
        ({"profile": "alpha", "slot": "primary"}, "alpha", ALPHA),
    ):
        code, answer = await hal0.post("/models/switch", body)
        assert code == 200 and answer["slot"]["state"] == "ready"
        status = await hal0.get("/models/status?slot=primary")
        assert (status["active"], status["state"]) == (model, "ready")
        assert unmeasured(status["slots"]) == unmeasured((await hal0.state())["slots"])
        assert await hal0.chat() == says


async def test_switch_without_waiting_tells_where_it_is(hal0: Hal0) -> None:
    code, answer = await hal0.post("/models/switch", {"model": "beta", "wait": False})
    assert code == 202 and answer["slot"]["target"] == "beta"
    await hal0.until_ready("beta")


async def test_what_cannot_be_switched_to_is_refused(hal0: Hal0) -> None:
    before = await hal0.slot()
    for body, code in (
        ({}, (400, "request.invalid")),
        ({"model": "gpt-4"}, (404, "model.not_found")),
        ({"model": "beta", "slot": "secondary"}, (404, "slot.not_found")),
        ({"model": "beta", "slot": 3}, (400, "request.invalid")),
    ):
        status, answer = await hal0.post("/models/switch", body)
        assert (status, answer["error"]["code"]) == code
    assert (await hal0.slot())["pid"] == before["pid"]


async def test_asking_never_loads(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS.replace(", autoload: true", ""))
    await hal0.start()
    status = await hal0.get("/models/status")
    assert (status["active"], status["state"]) == (None, "unloaded")
    assert not any(model["loaded"] for model in (await hal0.get("/models/available"))["models"])
    assert (await hal0.get("/models/status?slot=nowhere"))["error"]["code"] == "slot.not_found"
    assert (await hal0.get("/models/beta"))["id"] == "beta", "a model is still found by its id"
    assert not hal0.engines()


def unmeasured(slots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what is measured once a second: it may change between two looks."""
    return [{k: v for k, v in slot.items() if not k.startswith("memory")} for slot in slots]
