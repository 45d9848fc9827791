"""Published settings of other programs in hal0.yaml's words (files/: each says what it was written after)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from router.base.errors import RouterError
from router.base.paths import Paths
from router.config.load import parse_config
from router.config.problems import ConfigErrors
from router.imports.found import NotImported, Origin
from router.imports.merge import Merged, merge
from router.imports.read import MOST_BYTES, read_settings

FILES = Path(__file__).parent / "files"
ALL = sorted(p for p in FILES.rglob("*") if p.is_file() and p.suffix != ".md" and "preset.json" not in p.name)
MINE = """\
# my own file
model_dirs: [/srv/models]  # here they are
models:
  # the good one
  mine: {file: mine.gguf}   # as it should be
slots:
  primary: {model: mine}    # chats
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))


def imported(name: str, paths: Paths, text: str = "", data: bytes | None = None, **variables: str) -> Merged:
    path = FILES / name
    found = read_settings(path.read_bytes() if data is None else data, Origin(path, variables))
    return merge(text, paths.config_file, found, paths)


def document(merged: Merged) -> dict[str, Any]:
    return dict(yaml.safe_load(merged.text))


def left(merged: Merged) -> dict[str, list[int]]:
    """Lines by what was left out."""
    found: dict[str, list[int]] = {}
    for item in merged.left_out:
        found.setdefault(item.what, []).append(item.line)
    return found


def kept(merged: Merged) -> set[tuple[int, str]]:
    return {(item.line, item.place) for item in merged.kept}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_published_file_fits_into_a_hal0_yaml_whose_comments_stay(path: Path, paths: Paths) -> None:
    merged = imported(str(path.relative_to(FILES)), paths, MINE, HOME="/home/ada")
    assert merged.changes
    config = parse_config(merged.text, paths.config_file, paths)
    assert config.models["mine"].file == "mine.gguf" and len(config.models) > 1
    for line in MINE.splitlines():
        assert line in merged.text, "what was there stays byte for byte"
    lines = len(path.read_text().splitlines())
    assert all(1 <= item.line <= lines and item.reason for item in merged.left_out)


def test_a_first_example_of_llama_swap(paths: Paths) -> None:
    merged = imported("llama-swap-basic.yaml", paths)
    assert document(merged)["models"] == {
        "qwen2.5": {"file": "bartowski/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M"},
        "smollm2": {"file": "/models/SmolLM2-135M-Instruct-Q4_K_M.gguf", "flags": {"n-gpu-layers": 0}},
    }
    assert left(merged) == {
        "--hf-repo bartowski/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M": [6],
        "--port ${PORT}": [7, 9],
        "ttl 300": [10],
    }


def test_macros_containers_variants_keys_and_peers_of_llama_swap(paths: Paths) -> None:
    merged = imported("llama-swap-full.yaml", paths, HOME="/home/ada")
    found = document(merged)
    big = found["models"]["gpt-oss-120b"]
    assert big == {
        "file": "/home/ada/models/gpt-oss-120B.gguf",
        "display_name": "gpt-oss 120B",
        "aliases": ["gpt-4o-mini", "gpt-3.5-turbo"],
        "flags": {"ctx-size": 16384, "temp": 0.7, "chat-template-kwargs": '{"reasoning_effort": "high"}'},
        "request": {"strip": ["temperature", "top_p"], "force": {"top_p": 0.9}},
        "env": {"CUDA_VISIBLE_DEVICES": "0,1,2"},
        "metadata": {"description": "A thinking model from OpenAI"},
    }
    low = found["models"]["gpt-oss-120b:low"]
    assert (low["file"], low["flags"]) == (big["file"], big["flags"]), "one engine for both"
    assert low["request"]["strip"] == ["temperature", "top_p"]
    assert low["request"]["force"] == {"top_p": 0.9, "chat_template_kwargs": {"reasoning_effort": "low"}}
    assert found["models"]["docker-llama"]["file"].startswith("/mnt/nvme/models/Qwen2.5-Coder")
    assert found["slots"] == {"primary": {"model": "docker-llama", "autoload": True, "idle_unload": 60}}
    assert found["upstreams"]["openrouter"]["api_key"] == "env:OPENROUTER_API_KEY"
    assert found["server"]["api_keys"] == ["sk-hunter2-of-the-example"], "API_KEY_2 is not set here"
    lines = left(merged)
    assert lines["unlisted"] == [54] and lines["apiKeys"] == [12]
    assert (30, "models.gpt-oss-120b.env.CUDA_VISIBLE_DEVICES") in kept(merged)


def test_groups_of_llama_swap_become_slots_and_other_programs_commands(paths: Paths) -> None:
    merged = imported("llama-swap-groups.yaml", paths)
    found = document(merged)
    slots = found["slots"]
    assert "routing: scheduler" in left(merged), "newer files have the groups in routing:"
    assert list(slots) == ["primary", "kokoro-tts", "whisper", "embed", "rerank"]
    assert slots["primary"] == {"kind": "chat", "autoload": True}, "as without slots:, all chat models"
    assert slots["whisper"] == {
        "kind": "stt",
        "command": "/opt/whisper-server --host 127.0.0.1 --port {port} -m /srv/ggml-large-v3-turbo-q8_0.bin "
        "--request-path /v1/audio/transcriptions --inference-path ''",
        "health": "/v1/audio/transcriptions/",
        "pinned": True,
    }
    assert slots["embed"] == {
        "kind": "embedding",
        "model": "embedding",
        "models": ["embedding"],
        "pinned": True,
    }
    assert slots["rerank"]["idle_unload"] == 120
    assert found["models"]["reranker"]["kind"] == "rerank"


def test_groups_at_the_top_as_older_files_have_them(paths: Paths) -> None:
    data = b"""
models:
  a: {cmd: "llama-server -m a.gguf"}
  b: {cmd: "llama-server -m b.gguf"}
groups:
  both: {swap: false, members: [a, b]}
"""
    slots = document(imported("config.yaml", paths, "", data))["slots"]
    assert slots["b-slot"] == {"model": "b", "models": ["b"]} and "a-slot" in slots


def test_windows_paths_keep_their_backslashes(paths: Paths) -> None:
    model = document(imported("llama-swap-windows.yaml", paths))["models"]["phi-4"]
    assert model["file"] == r"C:\Users\Ada\models\phi-4-Q4_K_M.gguf"
    assert model["flags"] == {"ctx-size": 16384, "flash-attn": "on"}


def test_flags_that_the_engine_here_lacks_are_renamed_or_left_out(paths: Paths) -> None:
    data = (FILES / "llama-swap-speculative.yaml").read_bytes()
    found = read_settings(data, Origin(FILES / "llama-swap-speculative.yaml"))
    lacks = {"ctx-size-draft", "draft-max", "draft-min"}
    merged = merge("", paths.config_file, found, paths, lambda flag: flag not in lacks)
    flags = document(merged)["models"]["qwen-coder-32B"]["flags"]
    assert (flags["spec-draft-n-max"], flags["spec-draft-n-min"]) == (16, 4)
    assert flags["samplers"] == "top_k;top_p;min_p;temperature;dry;typ_p;xtc"
    assert left(merged)["ctx-size-draft = 16000"] == [13]


def test_presets_of_llama_server(paths: Paths) -> None:
    merged = imported("presets-router.ini", paths)
    found = document(merged)
    assert found["models"] == {
        "ggml-org/MY-MODEL-GGUF:Q8_0": {
            "file": "ggml-org/MY-MODEL-GGUF:Q8_0",
            "flags": {"ctx-size": 4096, "n-gpu-layers": 123, "chat-template": "chatml", "jinja": True},
        },
        "custom_model": {
            "file": "/Users/abc/my-awesome-model-Q4_K_M.gguf",
            "flags": {
                "ctx-size": 8192,
                "n-gpu-layers": 8,
                "cache-ram": 0,
                "mmproj": "/Users/abc/my-awesome-model-mmproj.gguf",
            },
        },
    }
    assert found["slots"] == {"primary": {"model": "custom_model", "autoload": True}}
    assert left(merged)["stop-timeout = 5"] == [19]


def test_a_preset_of_the_hub_turns_flags_on_with_1(paths: Paths) -> None:
    flags = document(imported("presets-hub.ini", paths))["models"]["Qwen3.5-4B"]["flags"]
    assert (flags["mmap"], flags["kv-unified"], flags["parallel"], flags["temp"]) == (True, True, 4, 1)


def test_names_with_blanks_stay_as_what_is_shown_and_nonsense_is_told(paths: Paths) -> None:
    merged = imported("presets-names.ini", paths)
    models = document(merged)["models"]
    assert models["Gemma-4-E2B"]["display_name"] == "Gemma 4 E2B"
    assert models["Gemma-4-E2B"]["flags"]["reasoning-budget-message"].endswith("right now")
    assert models["bge-m3"] == {"file": "bge-m3-Q8_0.gguf", "kind": "embedding"}
    assert left(merged) == {"api-key …": [14], "this line is nothing": [15]}, "a key is not shown"


def test_a_modelfile_is_called_by_its_folder_or_its_own_name(paths: Paths) -> None:
    merged = imported("mario/Modelfile", paths)
    assert document(merged)["models"] == {
        "mario": {"file": "llama3.2:latest", "flags": {"ctx-size": 4096}, "request": {"temperature": 1}}
    }
    assert left(merged) == {"SYSTEM": [9]}


def test_a_modelfile_of_many_lines(paths: Paths) -> None:
    merged = imported("coder.Modelfile", paths)
    assert document(merged)["models"]["coder"] == {
        "file": "qwen2.5-coder-7b-instruct-q4_k_m.gguf",
        "flags": {"n-gpu-layers": 24, "n-predict": 512},
        "request": {"stop": ["<|im_start|>", "<|im_end|>"], "repeat_penalty": 1.1, "mirostat_tau": 5},
    }
    assert left(merged) == {
        "lora ./adapter.gguf": [3],
        "TEMPLATE": [4],
        "SYSTEM": [8],
        "PARAMETER tfs_z 1": [17],
        "LICENSE": [18],
        "MESSAGE": [22],
    }
    assert "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M" in imported("Modelfile.plain", paths).text


def test_settings_of_lm_studio(paths: Paths) -> None:
    merged = imported("lm-studio/Qwen3-30B-A3B-Q6_K.gguf.json", paths)
    assert document(merged)["models"]["Qwen3-30B-A3B-Q6_K"] == {
        "file": "Qwen3-30B-A3B-Q6_K.gguf",
        "flags": {
            "ctx-size": 80000,
            "threads": 12,
            "batch-size": 2048,
            "flash-attn": "on",
            "no-mmap": True,
            "mlock": True,
            "cache-type-k": "q8_0",
            "cache-type-v": "q8_0",
        },
        "request": {
            "temperature": 0.3,
            "top_k": 20,
            "top_p": 0.85,
            "chat_template_kwargs": {"enable_thinking": False},
        },
    }
    assert list(left(merged).values()) == [[9], [24], [25]]


def test_a_relative_file_that_is_there_is_named_by_its_whole_path(tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "weights.gguf").touch()
    found = read_settings(b"FROM ./weights.gguf\n", Origin(tmp_path / "Modelfile"))
    assert str(tmp_path / "weights.gguf") in merge("", paths.config_file, found, paths).text


def test_what_is_there_already_stays_and_what_is_refused_is_left_out(paths: Paths) -> None:
    text = "models:\n  smollm2: {file: own.gguf}  # mine\nserver:\n  api_keys: [of-my-own-phone]\n"
    data = b"""
apiKeys: [sk-of-the-other-one]
models:
  smollm2: {cmd: "llama-server -m other.gguf"}
  odd: {cmd: "llama-server -m odd.gguf -c lots --threads 4", aliases: [odd, two words]}
"""
    merged = imported("config.yaml", paths, text, data)
    found = document(merged)
    assert found["models"]["smollm2"] == {"file": "own.gguf"} and "# mine" in merged.text
    assert found["models"]["odd"] == {"file": "odd.gguf", "aliases": ["two-words"], "flags": {"threads": 4}}
    assert found["server"]["api_keys"] == ["of-my-own-phone", "sk-of-the-other-one"]
    reasons = {item.what: item.reason for item in merged.left_out}
    assert "already" in reasons["models: smollm2"]
    assert "must be" in reasons["odd: ctx-size = lots"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("config.yaml", b"models: [1, 2]", "has no models"),
        ("config.yaml", b"models: {a: {cmd: [", "has no models"),
        ("config.yaml", b"", "has no models"),
        ("presets.ini", b"version = 1\n", "no section"),
        ("Modelfile", b"PARAMETER num_ctx 1\n", "no FROM"),
        ("a.gguf.json", b"[1]", "not what LM Studio keeps"),
        ("a.gguf.json", b"{", "not JSON"),
        ("a.gguf.json", b'{"load": {"fields": []}}', "sets nothing"),
        ("a.preset.json", b'{"load": {"fields": []}}', "names no model"),
        ("notes.txt", b"hello", "of no kind that hal0 knows"),
        ("notes.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("notes.txt", b" " * (MOST_BYTES + 1), "too many for settings"),
    ],
)
def test_what_is_no_settings_file_says_so(name: str, data: bytes, words: str, paths: Paths) -> None:
    with pytest.raises(NotImported) as caught:
        imported(name, paths, MINE, data)
    assert words in caught.value.message


def test_a_hal0_yaml_with_a_mistake_is_left_alone(paths: Paths) -> None:
    with pytest.raises(ConfigErrors):
        imported("mario/Modelfile", paths, "slots: {primary: {kind: chatty}}\n")


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_damaged_files_end_in_a_sentence_or_a_valid_hal0_yaml(path: Path, paths: Paths) -> None:
    """Cut anywhere, and with a byte that does not belong there."""
    data = path.read_bytes()
    for end in range(0, len(data), max(1, len(data) // 24)):
        for broken in (data[:end], data[:end] + b"\t{[:\x00'\"" + data[end:]):
            try:
                merged = imported(str(path.relative_to(FILES)), paths, MINE, broken, HOME="/home/ada")
            except RouterError:
                continue
            parse_config(merged.text, paths.config_file, paths)
            assert "# as it should be" in merged.text
