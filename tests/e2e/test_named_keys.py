"""Named keys and a real engine: who asked is in the activity, and what a key is not for is refused."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.conftest import SLOTS
from tests.e2e.harness import Hal0

FAR = {"X-Forwarded-For": "192.0.2.7"}
KEYS = "{name: phone, key: phone-key-1, may: [infer], slots: [primary]}, {name: admin, key: admin-key-1}"
TWO_SLOTS = f"{SLOTS}  spare: {{model: beta}}\n"


def allow(hal0: Hal0, keys: str) -> None:
    config = hal0.home / "hal0.yaml"
    config.write_text(config.read_text().replace("server: {", f"server: {{api_keys: [{keys}], "))


def sends(hal0: Hal0, key: str) -> None:
    hal0.session.headers.update({**FAR, "Authorization": f"Bearer {key}"})


async def test_a_phone_asks_its_slot_and_nothing_else(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(TWO_SLOTS)
    allow(hal0, KEYS)
    await hal0.start()
    await hal0.until_ready("alpha")
    sends(hal0, "phone-key-1")
    assert await hal0.chat("primary")
    status, body = await hal0.ask("spare")
    assert (status, body["error"]["code"]) == (403, "auth.not_allowed") and "only for primary" in str(body)
    status, body = await hal0.post("/api/slots/primary/unload")
    assert status == 403 and '"phone" may not give orders' in body["error"]["message"]
    assert (await hal0.get("/api/state"))["error"]["code"] == "auth.not_allowed"
    assert {row["id"] for row in (await hal0.get("/v1/models"))["data"]}.isdisjoint({"spare"})
    sends(hal0, "admin-key-1")
    records = (await hal0.get("/api/activity"))["requests"]
    assert [(r["key"], r["status"]) for r in records] == [("phone", 403), ("phone", 200)]
    told = await hal0.get("/api/config")
    assert "phone" in told["text"] and "phone-key-1" not in str(told) and "admin-key-1" not in str(told)
    assert "key-1" not in hal0.output()


async def test_the_command_line_says_what_its_key_may_not(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS)
    allow(hal0, "{name: laptop, key: laptop-key-1, may: [observe]}")
    await hal0.start()
    await hal0.until_ready("alpha")
    done = hal0.cli("unload", "primary")
    assert done.returncode != 0 and '"laptop" may not give orders' in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "laptop-key-1" not in done.stdout + done.stderr
    assert (await hal0.slot())["state"] == "ready"


async def test_a_key_taken_out_of_the_file_is_refused_at_once(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS)
    allow(hal0, KEYS)
    await hal0.start()
    await hal0.until_ready("alpha")
    sends(hal0, "admin-key-1")
    config = hal0.home / "hal0.yaml"
    config.write_text(
        config.read_text().replace("{name: phone, key: phone-key-1, may: [infer], slots: [primary]}, ", "")
    )
    assert (await hal0.post("/api/reload"))[0] == 200
    sends(hal0, "phone-key-1")
    assert (await hal0.ask("primary"))[0] == 401
