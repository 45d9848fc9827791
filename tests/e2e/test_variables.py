"""`env:` of hal0.yaml reaches the engine, a changed one starts it anew, and what it holds is shown nowhere."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from tests.e2e.harness import Hal0
from tests.e2e.test_reload import pids, rewrite, until

SECRET = "sesame-0123456789"
CONFIG = """\
models:
  one: {file: alpha.gguf, env: {HF_TOKEN: env:MY_TOKEN, PLAIN: %s, CUDA_VISIBLE_DEVICES: "0"}}
  two: {file: alpha.gguf, env: {HF_TOKEN: env:NOBODY}}
slots:
  primary: {models: [one, two], model: one, autoload: true}
"""


async def test_variables_of_an_engine(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG % SECRET)
    hal0.env["MY_TOKEN"] = "token-of-mine"
    await hal0.start()
    await hal0.until_ready("one")
    before = (await pids(hal0))["primary"]
    environment = psutil.Process(before).environ()
    assert environment["HF_TOKEN"] == "token-of-mine"
    assert environment["PLAIN"] == SECRET
    assert environment["CUDA_VISIBLE_DEVICES"] == "0"
    assert await hal0.chat() == "Alpha is the one who speaks."

    status, body = await hal0.post("/api/slots/primary/load", {"model": "two"})
    assert status == 400 and "takes HF_TOKEN from the variable NOBODY" in body["error"]["message"], body

    rewrite(hal0, 'CUDA_VISIBLE_DEVICES: "0"', 'CUDA_VISIBLE_DEVICES: "1"')
    await until(hal0, lambda state: state["slots"][0]["pid"] not in (None, before), "another engine")
    await hal0.until_ready("one")
    now = psutil.Process((await pids(hal0))["primary"]).environ()
    assert now["CUDA_VISIBLE_DEVICES"] == "1"

    told = [str(await hal0.get(path)) for path in ("/api/config", "/api/state", "/api/activity", "/api/models")]
    told += [hal0.output(), str(await hal0.get("/api/slots/primary/logs"))]
    for secret in (SECRET, "token-of-mine"):
        assert not [text for text in told if secret in text]
