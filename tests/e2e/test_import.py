"""`hal0 import` beside a hal0 that runs."""

from __future__ import annotations

import json

from tests.e2e.harness import Hal0

SWAP = """\
logLevel: info
models:
  second:
    cmd: llama-server --port ${{PORT}} -m {folder}/beta.gguf -c 512 --no-such-flag-anywhere 3
    aliases: [gpt-4o]
"""


async def test_settings_are_shown_then_taken_over_at_once(hal0: Hal0) -> None:
    file = hal0.home / "llama-swap.yaml"
    file.write_text(SWAP.format(folder=hal0.home / "models"))
    config = hal0.home / "hal0.yaml"
    before = config.read_text() + "# the end\n"
    config.write_text(before)

    shown = hal0.cli("import", str(file))
    assert shown.returncode == 1 and config.read_text() == before
    assert "Nothing is written: nobody is there to ask" in shown.stderr
    assert "+  second:" in shown.stdout
    assert "line 1: logLevel: hal0's log is set with HAL0_LOG" in shown.stdout
    assert "line 4: no-such-flag-anywhere = 3: the llama-server here has no such flag" in shown.stdout

    written = hal0.cli("import", str(file), "--yes", "--json")
    assert written.returncode == 0, written.stderr
    told = json.loads(written.stdout)
    assert told["file"] == str(config) and {"line", "what", "reason", "file"} == told["left_out"][0].keys()
    after = config.read_text()
    assert after.startswith(before.partition("slots:")[0]) and "# the end" in after
    state = await hal0.get("/api/models")
    (second,) = [model for model in state["models"] if model["id"] == "second"]
    assert (second["problem"], second["aliases"]) == (None, ["gpt-4o"])
    assert await hal0.chat("gpt-4o") == "Beta answers you this time."

    again = hal0.cli("import", str(file), "--yes")
    assert again.returncode == 1 and "nothing new" in again.stderr
    missing = hal0.cli("import", str(hal0.home / "nothing.yaml"))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "cannot be read: No such file or directory." in missing.stderr
