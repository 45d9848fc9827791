"""`vars:` with a real engine: what they become in its command line, when they change, and after an edit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.e2e.harness import Hal0
from tests.e2e.test_reload import rewrite, until

CONFIG = """\
vars: {big: 2048, unused: 1}
models:
  named:
    file: alpha.gguf
    flags:
      ctx-size: ${big}  # the one of all
slots:
  primary: {model: named, autoload: true}
"""


async def test_a_variable_reaches_the_engine_and_survives_edits(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    checked = await asyncio.to_thread(hal0.cli, "check")
    assert checked.returncode == 0, checked.stderr
    assert "hal0.yaml:4: vars.unused: is used nowhere" in checked.stderr
    await hal0.start()
    first = await hal0.until_ready("named")
    assert first["context_length"] == 2048
    flags = {"ctx-size": 2048, "parallel": 1}
    body = {"changes": [{"path": ["models", "named", "flags"], "value": flags}]}
    status, said = await hal0.post("/api/config", body)
    assert status == 200, said
    text = (hal0.home / "hal0.yaml").read_text()
    assert "      ctx-size: ${big}  # the one of all\n      parallel: 1\n" in text
    rewrite(hal0, "big: 2048", "big: 4096")
    await until(hal0, lambda state: state["slots"][0]["context_length"] == 4096, "the new context")
    rewrite(hal0, "${big}", "${bgi}")
    await until(hal0, lambda state: state["server"]["config_error"] is not None, "the mistake")
    assert "there is no variable ${bgi}" in (await hal0.state())["server"]["config_error"]
    assert await hal0.chat()
