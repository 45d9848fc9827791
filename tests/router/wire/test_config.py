"""The configuration in effect, told and read: all of it but the keys."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from router.base.paths import Paths
from router.config.load import parse_text
from router.config.schema import Config, UpstreamConfig, UpstreamKind
from router.wire.config import config_json, parse_config_json
from router.wire.json_dataclass import SchemaMismatch

FILE = Path("/etc/hal0/hal0.yaml")
PATHS = Paths(FILE, *(FILE.parent / name for name in ("data", "state", "logs", "cache")))
YAML = """
server: {host: 0.0.0.0, port: 9000, api_keys: [hal0-secret-key-4711]}
engine: {llama_server: /opt/llama-server, ports: [8101, 8199]}
model_dirs: [/data/gguf]
models:
  qwen:
    file: Qwen.gguf
    aliases: [thinking]
    flags: {ctx-size: 65536, flash-attn: on}
    request: {temperature: 0.6, chat_template_kwargs: {enable_thinking: true}, stop: [a, b]}
slots:
  primary: {kind: chat, model: qwen, idle_unload: 300, switch: manual}
  stt: {kind: stt, command: "whisper --port {port}"}
"""


def told(config: Config) -> Config:
    return parse_config_json(json.loads(json.dumps(config_json(config))))


def test_all_but_the_keys_comes_over() -> None:
    config = parse_text(YAML, FILE, PATHS).config
    assert config.server.api_keys == ("hal0-secret-key-4711",)
    read = told(config)
    # A request's lists stay lists: that is what goes into a client's JSON.
    assert read.models["qwen"].request["stop"] == ["a", "b"]
    assert read == replace(config, server=replace(config.server, api_keys=()))


def test_no_key_is_told() -> None:
    bigpc = UpstreamConfig("bigpc", "http://b", UpstreamKind.HAL0, api_key="upstream-secret-1")
    config = replace(parse_text(YAML, FILE, PATHS).config, upstreams=MappingProxyType({"bigpc": bigpc}))
    text = json.dumps(config_json(config))
    assert "secret" not in text
    assert told(config).upstreams["bigpc"] == replace(bigpc, api_key=None)


@pytest.mark.parametrize("wrong", [None, [], {"server": {"port": "80"}}, {"engine": {"ports": [1, 2, 3]}}])
def test_what_is_no_configuration_is_refused(wrong: object) -> None:
    with pytest.raises(SchemaMismatch):
        parse_config_json(wrong)
