"""A `Link` whose hal0.yaml is real: text in memory, read and refused by the router's own parser."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from router.base.paths import Paths
from router.config.change import ConfigChange, ConfigDocument
from router.config.default import default_config
from router.config.edit import apply_changes
from router.config.load import parse_text
from router.state import Snapshot
from tests.app.fake_service import Obeys, first_snapshot

FILE = Path("/home/me/.config/hal0/hal0.yaml")
SECRET = "hal0-secret-key-4711"
YAML = """
# mine
server: {port: 9000, api_keys: [env:HAL0_KEY, hal0-secret-key-4711]}
engine: {llama_server: ~/llama/llama-server, ports: [8101, 8199]}
model_dirs: [~/models, /data/gguf]
models:
  qwen:
    file: Qwen.gguf
    aliases: [thinking]
    flags: {n_ctx: 65536, flash-attn: on, cache-type-k: q8_0, jinja: , temp: 0.60}
    metadata: {maker: Qwen}
    env: {CUDA_VISIBLE_DEVICES: 1}
    request: {temperature: 0.6, chat_template_kwargs: {enable_thinking: true}}
  plain: {file: Plain.gguf}
slots:
  primary: {kind: chat, model: qwen, autoload: true}
  embed: {kind: embedding, idle_unload: 300}
vars: {big: 65536}
"""
_PATHS = Paths(FILE, *(FILE.parent / name for name in ("data", "state", "logs", "cache")))


def document(text: str = YAML, file: Path = FILE) -> ConfigDocument:
    """As the router hands it out: the keys in the text are hidden. Raises ConfigErrors."""
    config = parse_text(text, file, _PATHS, {"HAL0_KEY": "from-the-environment"}).config
    return ConfigDocument(file, True, text.replace(SECRET, "…"), config)


def defaults() -> ConfigDocument:
    return ConfigDocument(FILE, False, "", default_config(_PATHS))


def applied(text: str, asked: Sequence[ConfigChange]) -> str:
    """The text after these changes, made as the router makes them."""
    return apply_changes(text, asked, FILE)


class ConfigLink(Obeys):
    """Attributes:
    text: hal0.yaml; None while there is none.
    asked: the changes of each `edit_config`.
    shown: what the file says now, where that is not in effect.
    error: what `read_config` and `edit_config` raise.
    event: set at each call.
    """

    def __init__(self, text: str | None = YAML, snapshot: Snapshot | None = None) -> None:
        self.text = text
        self.shown: str | None = None
        self.snapshot = snapshot or first_snapshot()
        self.asked: list[list[ConfigChange]] = []
        self.reads = 0
        self.error: Exception | None = None
        self.commands = {"primary": ["/opt/llama server", "-m", "/models/q.gguf", "--port", "8101"]}
        self.event = asyncio.Event()

    async def read_config(self) -> ConfigDocument:
        self.reads += 1
        self._called()
        if self.text is None:
            return defaults()
        found = document(self.text)
        return found if self.shown is None else replace(found, text=self.shown)

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        self.asked.append(list(changes))
        self._called()
        new = applied(self.text or "", changes)
        document(new)
        self.text = new

    async def engine_command(self, slot: str) -> list[str]:
        self._called()
        return self.commands.get(slot, [])

    def _called(self) -> None:
        self.event.set()
        if self.error is not None:
            raise self.error
