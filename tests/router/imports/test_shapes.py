"""What people's files have besides what is documented: encodings, containers, proxies, macros, secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.base.paths import Paths
from router.imports.found import NotImported
from tests.router.imports.test_import import document, imported, kept, left


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))


def swap(paths: Paths, text: str, **variables: str) -> dict[str, Any]:
    return document(imported("config.yaml", paths, "", text.encode(), **variables))


PLAIN = "models:\n  a:\n    cmd: |\n      llama-server --port ${PORT}\n      -m /srv/a.gguf\n      -c 4096\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace("-c 4096", "-c\t4096").encode(),
        PLAIN.replace("/srv/a.gguf", "/srv/a.gguf \\").encode(),
        PLAIN.replace("      -c", "      # the context\n      -c").encode(),
        PLAIN.replace("-c 4096", "-c=4096").encode(),
    ],
    ids=["byte order mark", "CRLF", "UTF-16", "tab in a command", "backslash", "comment", "equals"],
)
def test_ways_to_write_the_same(data: bytes, paths: Paths) -> None:
    found = document(imported("config.yaml", paths, "", data))
    assert found["models"] == {"a": {"file": "/srv/a.gguf", "flags": {"ctx-size": 4096}}}


def test_a_tab_that_yaml_forbids_is_told_with_its_reason(paths: Paths) -> None:
    with pytest.raises(NotImported, match="tab"):
        swap(paths, "models:\n\ta: {cmd: llama-server}\n")


def test_a_key_given_twice_is_named_with_its_line(paths: Paths) -> None:
    merged = imported("config.yaml", paths, "", (PLAIN + "    ttl: 5\n    ttl: 6\n").encode())
    assert left(merged)["models.a.ttl"] == [8]
    assert document(merged)["slots"] == {"primary": {"idle_unload": 5}}


def test_macros_within_macros_of_the_model_and_of_the_environment(paths: Paths) -> None:
    found = swap(
        paths,
        """
macros: {dir: "${env.HOME}/models", args: "-m ${dir}/${file} -c ${ctx}", ctx: 1024, file: a.gguf}
models:
  a: {macros: {ctx: 2048}, cmd: "llama-server ${args}"}
  b: {macros: {file: "${MODEL_ID}.gguf"}, cmd: "llama-server ${args}"}
  c: {cmd: "llama-server -m ${nothing}"}
""",
        HOME="/home/ada",
    )
    assert found["models"] == {
        "a": {"file": "/home/ada/models/a.gguf", "flags": {"ctx-size": 2048}},
        "b": {"file": "/home/ada/models/b.gguf", "flags": {"ctx-size": 1024}},
    }


def test_what_a_variable_holds_stays_out_of_hal0_yaml(paths: Paths) -> None:
    merged = imported(
        "config.yaml",
        paths,
        "",
        b"""
models:
  vllm:
    cmd: |
      podman run --rm -e HF_TOKEN=${env.HF_TOKEN} -e MODE=fast -p ${PORT}:8000
      vllm/vllm-openai:v0.9 --model org/model
  own:
    cmd: env HF_TOKEN=${env.HF_TOKEN} OMP_NUM_THREADS=4 llama-server -m /srv/a.gguf
    env: ["CUDA_VISIBLE_DEVICES=1", "LLAMA_API_KEY=secret-of-mine", "nonsense", "X=${env.UNSET}"]
""",
        HF_TOKEN="hf_very_secret",
    )
    assert "hf_very_secret" not in merged.text
    found = document(merged)
    assert found["slots"]["vllm"]["env"] == {"HF_TOKEN": "env:HF_TOKEN"}
    assert "-e HF_TOKEN -e MODE=fast -p {port}:8000" in found["slots"]["vllm"]["command"]
    assert found["models"]["own"]["env"] == {
        "HF_TOKEN": "env:HF_TOKEN",
        "OMP_NUM_THREADS": "4",
        "CUDA_VISIBLE_DEVICES": "1",
        "X": "env:UNSET",
    }
    assert "secret-of-mine" not in str(merged.left_out) and "own: env: LLAMA_API_KEY" in left(merged)


def test_programs_are_stopped_as_the_file_says_and_need_no_fixed_port(paths: Paths) -> None:
    slots = swap(
        paths,
        """
models:
  tts: {cmd: "docker run --name tts -p 8880:8880 kokoro", cmdStop: docker stop tts, proxy: "http://localhost:8880"}
  whisper: {cmd: "whisper-server --port ${PORT}", cmdStop: "kill -INT ${PID}", checkEndpoint: none}
  shell: {cmd: "serve --port ${PORT}", cmdStop: "kill $(lsof -t -i:${PORT})"}
""",
    )["slots"]
    assert slots["tts"] == {
        "kind": "tts",
        "command": "docker run --name tts -p {port}:8880 kokoro",
        "stop": "docker stop tts",
    }
    assert (slots["whisper"]["stop"], "health" in slots["whisper"]) == ("kill -INT {pid}", False)
    assert "stop" not in slots["shell"]


def test_a_proxy_elsewhere_is_a_server_elsewhere_and_keeps_its_name(paths: Paths) -> None:
    found = swap(
        paths,
        """
models:
  big: {cmd: ssh pc run-it, proxy: "http://10.0.0.7:8000/v1", useModelName: org/big}
  small: {cmd: sleep infinity, proxy: "http://10.0.0.7:8000/v1"}
""",
    )
    assert found["upstreams"] == {
        "10.0.0.7-8000": {"base_url": "http://10.0.0.7:8000/v1", "models": ["org/big", "small"]}
    }
    assert found["slots"]["big"] == {"upstream": "10.0.0.7-8000/org/big"}
    assert found["slots"]["small"] == {"upstream": "10.0.0.7-8000/small"}


def test_rules_for_requests_limits_and_what_clients_are_told(paths: Paths) -> None:
    merged = imported(
        "config.yaml",
        paths,
        "",
        b"""
models:
  a:
    cmd: llama-server -m /srv/a.gguf
    unlisted: true
    concurrencyLimit: 3
    description: mine
    metadata: {role: user, where: "port ${PORT}", deep: {x: [1, "${MODEL_ID}"]}}
    capabilities: {in: [text, image], out: [text], tools: true}
    filters:
      stripParams: "temperature, model, top_p,temperature, repetition_penalty"
      setParams: {top_k: 20, model: other, stop: ["\\n"]}
      setParamsByID: {"${MODEL_ID}": {min_p: 0.1}, "${MODEL_ID}:cold": {temperature: 0}}
""",
    )
    models = document(merged)["models"]
    assert models["a"] == {
        "file": "/srv/a.gguf",
        "request": {
            "strip": ["temperature", "top_p"],
            "force": {"top_k": 20, "stop": ["\n"], "min_p": 0.1},
        },
        "limit": 3,
        "capabilities": ["completion", "vision", "tools"],
        "metadata": {"role": "user", "deep": {"x": [1, "a"]}, "description": "mine"},
        "listed": False,
    }
    assert models["a:cold"]["request"]["force"] == {"top_k": 20, "stop": ["\n"], "min_p": 0.1, "temperature": 0}
    assert (models["a:cold"]["limit"], models["a:cold"]["listed"]) == (3, False)
    reasons = {item.what: item.reason for item in merged.left_out}
    assert reasons["a: stripParams model"] == "it can only come from the client"
    assert "repeat_penalty" in reasons["a: stripParams repetition_penalty"]
    assert "at each start" in reasons["a: metadata.where"]
    assert (5, "models.a.listed") in kept(merged)


def test_one_bad_rule_takes_no_other_with_it(paths: Paths) -> None:
    merged = imported(
        "config.yaml",
        paths,
        "",
        b"""
models:
  a:
    cmd: llama-server -m /srv/a.gguf
    filters: {setParams: {temperature: hot, top_k: 20}}
""",
    )
    assert document(merged)["models"]["a"]["request"] == {"force": {"top_k": 20}}
    assert any("temperature = hot" in item.what and item.line == 5 for item in merged.left_out)


PRESETS = "[*]\nc = 4096\n[a]\nmodel = /srv/a.gguf\nctk = q8_0\n"
MODELFILE = "FROM /srv/a.gguf\nPARAMETER num_ctx 4096\nPARAMETER temperature 0.5\n"
LM_STUDIO = """{
  "load": {"fields": [
    {"key": "llm.load.contextLength", "value": 4096},
    {"key": "llm.load.llama.tryMmap", "value": {"checked": true, "value": false}},
    {"key": "llm.load.llama.flashAttention", "value": {"checked": false, "value": true}}
  ]}
}
"""
A = {"file": "/srv/a.gguf", "flags": {"ctx-size": 4096, "cache-type-k": "q8_0"}}
B = {"file": "/srv/a.gguf", "flags": {"ctx-size": 4096}, "request": {"temperature": 0.5}}
C = {"file": "a.gguf", "flags": {"ctx-size": 4096, "no-mmap": True}}


@pytest.mark.parametrize(
    ("name", "text", "model"),
    [("presets.ini", PRESETS, A), ("a.Modelfile", MODELFILE, B), ("a.gguf.json", LM_STUDIO, C)],
)
@pytest.mark.parametrize("way", ["byte order mark", "CRLF", "UTF-16", "tabs", "no end"])
def test_other_programs_files_however_they_are_written(
    name: str, text: str, model: dict[str, Any], way: str, paths: Paths
) -> None:
    ways = {
        "byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "CRLF": text.replace("\n", "\r\n").encode(),
        "UTF-16": text.encode("utf-16"),
        "tabs": text.replace(" = ", "\t=\t").replace("  ", "\t").replace("num_ctx ", "num_ctx\t").encode(),
        "no end": text.rstrip("\n").encode(),
    }
    assert document(imported(name, paths, "", ways[way]))["models"]["a"] == model


def test_what_is_given_twice_counts_once_and_is_told(paths: Paths) -> None:
    merged = imported("presets.ini", paths, "", (PRESETS + "ctk = q4_0\n").encode())
    assert document(merged)["models"]["a"]["flags"]["cache-type-k"] == "q4_0" and left(merged) == {
        "ctk = …": [5]
    }
    text = MODELFILE + "PARAMETER temperature 0.9\nPARAMETER num_ctx 512\n"
    merged = imported("a.Modelfile", paths, "", text.encode())
    assert document(merged)["models"]["a"]["request"] == {"temperature": 0.9}
    assert left(merged) == {"PARAMETER temperature": [3], "PARAMETER num_ctx": [2]}


def test_slots_step_aside_for_models_of_their_names(paths: Paths) -> None:
    found = swap(
        paths,
        """
models:
  primary: {cmd: llama-server -m /srv/a.gguf}
  embed: {cmd: llama-server -m /srv/e.gguf --embeddings}
  other: {cmd: llama-server -m /srv/r.gguf --reranking, aliases: [rerank]}
""",
    )
    assert found["slots"] == {
        "primary-slot": {"kind": "chat", "autoload": True},
        "embed-slot": {"kind": "embedding", "model": "embed"},
        "rerank-slot": {"kind": "rerank", "model": "other"},
    }


def test_of_two_variants_of_one_name_the_first_counts_and_the_other_is_told(paths: Paths) -> None:
    merged = imported("llama-swap-same-variants.yaml", paths)
    models = document(merged)["models"]
    assert models["qwen36-agent"]["request"]["force"]["temperature"] == 0.7
    reasons = {item.line: item.reason for item in merged.left_out if item.what == "models: qwen36-agent"}
    assert reasons == {25: "the file has another of this name before it, and that one counts"}
    assert (13, "models.qwen36-agent.request.force.temperature") in kept(merged)
    assert document(merged)["slots"] == {"primary": {"model": "qwen36-agent", "autoload": True}}


def test_an_entry_that_is_refused_takes_each_of_its_lines_into_the_list(paths: Paths) -> None:
    merged = imported(
        "config.yaml",
        paths,
        "models: {mine: {file: a.gguf, aliases: [tts]}}\n",
        b"models:\n  tts:\n    cmd: kokoro-tts --port ${PORT}\n    ttl: 60\n    checkEndpoint: /health\n",
    )
    assert "slots" not in document(merged) or "tts" not in document(merged)["slots"]
    assert left(merged)["tts"] == [2, 3, 4, 5]


def test_an_adapters_modelfile(paths: Paths) -> None:
    merged = imported("adapter.Modelfile", paths)
    assert document(merged)["models"]["adapter"] == {
        "file": "qwen2.5:1.5b-instruct",
        "flags": {"ctx-size": 8192, "n-predict": -1, "no-mmap": True},
        "request": {
            "temperature": 0.2,
            "top_p": 0.9,
            "stop": ["<|im_start|>", "<|im_end|>", "### Instruction:"],
            "seed": 42,
        },
    }
    assert left(merged)["TEMPLATE"] == [7] and left(merged)["lora ./lora-adapters/user-adapter.gguf"] == [3]
    usual = imported(
        "a.Modelfile", paths, "", b"FROM a.gguf\nPARAMETER use_mmap true\nPARAMETER use_mlock true\n"
    )
    assert document(usual)["models"]["a"]["flags"] == {"mlock": True}
    assert (2, "it is llama-server's own way") in kept(usual)


def test_what_holds_for_all_presets_gives_way_to_a_sections_own(paths: Paths) -> None:
    merged = imported("presets-star.ini", paths)
    models = document(merged)["models"]
    assert models["rbrgs"]["flags"] == {
        **models["qwen3.6"]["flags"],
        "ctx-size": 8192,
        "no-mmap": True,
    }
    assert models["qwen3.6"]["flags"]["chat-template-kwargs"] == '{"preserve_thinking":true}'
    assert document(merged)["slots"]["primary"] == {"model": "qwen3.6", "autoload": True}
    assert set(left(merged)) == {
        "sleep-idle-seconds 300",
        "--hf-repo unsloth/Qwen3.6-27B-GGUF",
        "--hf-repo unsloth/Qwen3.6-35B-A3B-GGUF:UD-Q4_K_XL",
    }, "c of a section is its own ctx-size, not a second one"
