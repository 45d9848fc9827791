"""Reading configuration text in tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from router.base.paths import Paths
from router.config.load import ConfigErrors, ConfigProblem, ParsedConfig, parse_text
from router.config.schema import Config

FOLDER = Path(__file__).resolve().parent
SOURCE = FOLDER / "hal0.yaml"
PATHS = Paths(SOURCE, *(FOLDER / "nowhere" / name for name in ("data", "state", "logs", "cache")))

# Every key of the format, with a value of its own.
EXAMPLE = """\
server:   {host: 127.0.0.1, port: 8080, api_keys: []}
engine:   {llama_server: auto, ports: [8101, 8199]}
model_dirs: [~/models]
models:
  qwen3.6-27b-thinking:
    file: Qwen3.6-27B-Q4_K_M.gguf
    display_name: Qwen3.6 27B thinking
    kind: chat
    aliases: [thinking]
    flags: {ctx-size: 65536, flash-attn: on, cache-type-k: q8_0}
    request: {temperature: 0.6, top_p: 0.95, chat_template_kwargs: {enable_thinking: true}}
slots:
  primary: {kind: chat, model: qwen3.6-27b-thinking, models: [qwen3.6-27b-thinking], autoload: true,
            switch: on_request, idle_unload: 0, pinned: false, drain_timeout: 30}
  embed:   {kind: embedding, model: nomic-embed}
  stt:     {kind: stt, health: /health,
            command: "whisper-server --host 127.0.0.1 --port {port} -m /models/whisper.bin"}
limits:   {queue: 10, wait: 120}
"""


def parse(text: str, environment: Mapping[str, str] | None = None) -> ParsedConfig:
    return parse_text(text, SOURCE, PATHS, environment or {})


def config(text: str) -> Config:
    return parse(text).config


def problems(text: str, environment: Mapping[str, str] | None = None) -> list[ConfigProblem]:
    """What is wrong with `text`; nothing wrong is an empty list."""
    try:
        parse(text, environment)
    except ConfigErrors as errors:
        return list(errors.problems)
    return []


def only_problem(text: str, environment: Mapping[str, str] | None = None) -> ConfigProblem:
    found = problems(text, environment)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]
