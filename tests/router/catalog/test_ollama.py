"""Ollama's store as a model folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from router.catalog.folders import FolderWatch
from router.catalog.models import build_catalog
from router.catalog.scan import scan_folders
from router.config.schema import Config
from tests.router.catalog.files import write_gguf, write_mmproj


def put(store: Path, *parts: str, model: Path, **others: Path | str | dict[str, Any] | list[Any]) -> Path:
    """A model as `ollama pull` leaves it; `others` are its other layers. Returns its manifest."""
    layers = [{"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64, "size": 1}]
    for kind, content in {"model": model, **others}.items():
        if isinstance(content, Path):
            data = content.read_bytes()
        else:
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        digest = hashlib.sha256(data).hexdigest()
        (store / "blobs").mkdir(parents=True, exist_ok=True)
        (store / "blobs" / f"sha256-{digest}").write_bytes(data)
        layers.append(
            {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}", "size": 1}
        )
    manifest = store.joinpath("manifests", *parts)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return manifest


@pytest.fixture
def gguf_file(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "made" / "m.gguf", ARCH__embedding_length=32)


def test_models_have_ollamas_names(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    put(store, "registry.ollama.ai", "library", "llama3.2", "3b", model=gguf_file)
    other = write_gguf(tmp_path / "made" / "o.gguf", general__name="other")
    put(store, "registry.ollama.ai", "someone", "tuned", "latest", model=other)
    third = write_gguf(tmp_path / "made" / "t.gguf", general__name="third")
    put(store, "hf.co", "org", "repo-GGUF", "Q4_K_M", model=third)
    found = scan_folders([store])
    assert {item.id for item in found} == {"llama3.2:3b", "someone/tuned:latest", "hf.co/org/repo-GGUF:Q4_K_M"}
    assert all(item.problem is None and item.path.name.startswith("sha256-") for item in found)
    assert set(build_catalog(Config(model_dirs=(store,)), None).models) == {item.id for item in found}


def test_two_tags_of_one_file_are_one_model(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    for tag in ("latest", "3b"):
        put(store, "registry.ollama.ai", "library", "llama3.2", tag, model=gguf_file)
    assert [(item.id, item.aliases) for item in scan_folders([store])] == [
        ("llama3.2:3b", ("llama3.2:latest",))
    ]


def test_every_name_of_one_blob_works(tmp_path: Path, gguf_file: Path) -> None:
    """Row 2: tags of one name, copies under other names, other namespaces and hosts."""
    store = tmp_path / "store"
    names = {
        ("registry.ollama.ai", "library", "llama3.2", "latest"): "llama3.2:latest",
        ("registry.ollama.ai", "library", "llama3.2", "3b"): "llama3.2:3b",
        ("registry.ollama.ai", "library", "gpt-4.1", "latest"): "gpt-4.1:latest",
        ("registry.ollama.ai", "someone", "mine", "v1"): "someone/mine:v1",
        ("hf.co", "bartowski", "Llama-3.2-GGUF", "Q4_K_M"): "hf.co/bartowski/Llama-3.2-GGUF:Q4_K_M",
        ("localhost:5000", "team", "m", "latest"): "localhost:5000/team/m:latest",
    }
    for parts in names:
        put(store, *parts, model=gguf_file)
    catalog = build_catalog(Config(model_dirs=(store,)), None)
    assert len(catalog.models) == 1
    for name in [*names.values(), "gpt-4.1", "llama3.2", "localhost:5000/team/m"]:
        found = catalog.find(name)
        assert found is not None and found.problem is None, name


@pytest.mark.parametrize(
    "differs",
    [
        {"system": "Talk like a pirate."},
        {"params": {"temperature": 0.1}},
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"template": "{{ .Prompt }}"},
        {"projector": "mmproj"},
        {"adapter": "lora"},
    ],
)
def test_names_of_one_blob_that_mean_different_things_are_models_of_their_own(
    tmp_path: Path, gguf_file: Path, differs: dict[str, Any]
) -> None:
    """Row 2: an alias would answer as something else than it is called."""
    made = {
        "mmproj": write_mmproj(tmp_path / "made" / "p.gguf"),
        "lora": write_gguf(tmp_path / "made" / "l.gguf", general__type="adapter", ARCH__block_count=None),
    }
    store = tmp_path / "store"
    put(store, "registry.ollama.ai", "library", "m", "plain", model=gguf_file)
    put(store, "registry.ollama.ai", "library", "m", "same", model=gguf_file)
    others = {kind: made.get(content, content) for kind, content in differs.items() if isinstance(content, str)}
    put(store, "registry.ollama.ai", "library", "m", "tuned", model=gguf_file, **differs | others)
    found = {item.id: item for item in scan_folders([store])}
    assert set(found) == {"m:plain", "m:tuned"} and found["m:plain"].aliases == ("m:same",)
    assert all(item.problem is None for item in found.values())


def test_what_a_model_is_made_of_goes_with_its_name(tmp_path: Path, gguf_file: Path) -> None:
    """Row 12: its adapter and parameters; num_ctx stays hal0's to choose."""
    store = tmp_path / "store"
    adapters = [
        write_gguf(tmp_path / f"{n}.gguf", general__type="adapter", general__name=n, ARCH__block_count=None)
        for n in ("one", "two")
    ]
    told = {"temperature": 0.6, "stop": ["<|eot|>"], "num_ctx": 4096, "top_k": 20, "num_predict": 99}
    manifest = put(
        store,
        *("registry.ollama.ai", "library", "tuned", "latest"),
        model=gguf_file,
        adapter=adapters[0],
        params=told | {"seed": "no number", "mirostat": True, "unheard_of": 1},
        system="Be brief.",
        messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}],
        license="Anybody's",
    )
    raw = json.loads(manifest.read_text())
    second = put(store, *("x", "y", "z", "w"), model=gguf_file, adapter=adapters[1])
    raw["layers"].append(json.loads(second.read_text())["layers"][-1])
    second.unlink()
    manifest.write_text(json.dumps(raw))
    model = build_catalog(Config(model_dirs=(store,)), None).models["tuned:latest"]
    loras = str(model.flags["lora"]).split(",")
    assert [Path(lora).read_bytes() for lora in loras] == [adapter.read_bytes() for adapter in adapters]
    assert model.request == {"temperature": 0.6, "stop": ["<|eot|>"], "top_k": 20}
    assert model.flags["n-predict"] == "99" and "ctx-size" not in model.flags
    assert model.system == "Be brief."
    assert [message["content"] for message in model.opening] == ["Hi", "Ho"]


@pytest.mark.parametrize("limit", [True, -1, 0, "9", None])
def test_what_is_no_limit_is_no_flag(tmp_path: Path, gguf_file: Path, limit: object) -> None:
    """`true` is a whole number to Python: the engine was started with `--n-predict True`, and ended."""
    store = tmp_path / "store"
    put(
        store, *("registry.ollama.ai", "library", "a", "latest"), model=gguf_file, params={"num_predict": limit}
    )
    (found,) = scan_folders([store])
    assert "n-predict" not in found.flags and found.problem is None


def test_an_adapter_that_llama_server_cannot_use_is_the_models_problem(tmp_path: Path, gguf_file: Path) -> None:
    """Row 12: the base model is never served under the tuned name."""
    store = tmp_path / "store"
    safetensors = tmp_path / "adapter.safetensors"
    safetensors.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    wrong = {
        "st": safetensors,
        "base": gguf_file,
        "other": write_gguf(tmp_path / "o.gguf", arch="qwen2", general__type="adapter", ARCH__block_count=None),
    }
    for tag, adapter in wrong.items():
        put(store, "registry.ollama.ai", "library", "m", tag, model=gguf_file, adapter=adapter)
    models = build_catalog(Config(model_dirs=(store,)), None).models
    assert {id_: "adapter" in (model.problem or "") for id_, model in models.items()} == {
        "m:st": True, "m:base": True, "m:other": True,
    }  # fmt: skip


@pytest.mark.parametrize("gone", ["model", "projector", "adapter", "params", "system"])
def test_a_part_that_is_not_there_is_the_models_problem(tmp_path: Path, gguf_file: Path, gone: str) -> None:
    store = tmp_path / "store"
    parts: dict[str, Any] = {
        "projector": write_mmproj(tmp_path / "p.gguf"),
        "adapter": write_gguf(tmp_path / "l.gguf", general__type="adapter", ARCH__block_count=None),
        "params": {"top_k": 1},
        "system": "x",
    }
    manifest = put(store, "registry.ollama.ai", "library", "m", "1", model=gguf_file, **parts)
    whole = put(store, "registry.ollama.ai", "library", "other", "1", model=write_gguf(tmp_path / "w.gguf"))
    assert whole.is_file()
    digests = {layer["mediaType"]: layer["digest"] for layer in json.loads(manifest.read_text())["layers"]}
    digest = digests[f"application/vnd.ollama.image.{gone}"]
    (store / "blobs" / digest.replace(":", "-")).unlink()
    found = {item.id: item.problem for item in scan_folders([store])}
    assert "missing" in (found["m:1"] or "") and found["other:1"] is None


def test_models_of_ollamas_cloud_are_not_here(tmp_path: Path, gguf_file: Path) -> None:
    """Their manifests have no weights; nothing is wrong with them."""
    store = tmp_path / "store"
    manifest = put(store, "registry.ollama.ai", "library", "gpt-oss", "120b-cloud", model=gguf_file)
    raw = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(raw | {"layers": raw["layers"][:1]}))
    assert scan_folders([store]) == []


def test_a_projector_goes_with_its_model(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    put(
        store,
        *("registry.ollama.ai", "library", "llava", "7b"),
        model=gguf_file,
        projector=write_mmproj(tmp_path / "made" / "p.gguf"),
    )
    (found,) = scan_folders([store])
    assert Path(str(found.flags["mmproj"])).parent == store / "blobs"


DEEP = "[" * 100_000
HUGE = '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": 1' + "0" * 5000 + "}]}"
NULLS = '{"layers": [null, {"mediaType": null, "digest": null}]}'


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '"x"', '{"layers": 3}', '{"layers": {"a": 1}}', "\x00", NULLS, DEEP, HUGE]
)
def test_a_damaged_manifest_is_told_and_harms_no_other(tmp_path: Path, gguf_file: Path, text: str) -> None:
    """Property 2: it is evidently meant as a model, so it is listed with its problem."""
    store = tmp_path / "store"
    put(store, "registry.ollama.ai", "library", "good", "1", model=gguf_file)
    put(store, "registry.ollama.ai", "library", "bad", "1", model=gguf_file).write_text(text)
    found = {item.id: item.problem for item in scan_folders([store])}
    assert set(found) == {"good:1", "bad:1"} and found["good:1"] is None
    assert found["bad:1"] == "bad:1 is incomplete in Ollama's store (damaged): pull it again."


def test_a_digest_leads_nowhere_else(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    manifest = put(store, "registry.ollama.ai", "library", "bad", "1", model=gguf_file)
    raw = json.loads(manifest.read_text())
    raw["layers"][1]["digest"] = f"sha256:../../../{gguf_file.name}"
    manifest.write_text(json.dumps(raw))
    (found,) = scan_folders([store])
    assert found.path == manifest and "its manifest is damaged" in (found.problem or "")


def test_whatever_lies_in_the_store_the_others_are_offered(tmp_path: Path, gguf_file: Path) -> None:
    """Property 2: links in circles, FIFOs, folders and names that are no text."""
    store = tmp_path / "store"
    tags = put(store, "registry.ollama.ai", "library", "good", "1", model=gguf_file).parent
    (tags / "circle").symlink_to(tags / "circle")
    (tags / "gone").symlink_to(tags / "nowhere")
    (tags / "folder").mkdir()
    os.mkfifo(tags / "fifo")
    (tags.parent / "up").symlink_to(store / "manifests")
    (tags / os.fsdecode(b"caf\xe9")).touch()
    found = {item.id: item.problem for item in scan_folders([store])}
    assert set(found) == {"good:1", "good:circle", "good:gone", "good:caf\\xe9"}
    assert [id_ for id_, problem in found.items() if problem is None] == ["good:1"]


def test_a_tag_that_names_another_blob_now_is_noticed(tmp_path: Path, gguf_file: Path) -> None:
    """Ollama writes the manifest anew where it lies, after the blob."""
    store = tmp_path / "store"
    manifest = put(store, "registry.ollama.ai", "library", "a", "latest", model=gguf_file)
    newer = put(store, "registry.ollama.ai", "library", "a", "2", model=write_gguf(tmp_path / "n.gguf"))
    config = Config(model_dirs=(store,))
    watch = FolderWatch(config)
    watch.found(build_catalog(config, None))
    assert not watch.changed()
    manifest.write_text(newer.read_text() + " ")
    assert watch.changed()


def test_a_model_that_ollama_pulls_is_noticed(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    put(store, "registry.ollama.ai", "library", "a", "1", model=gguf_file)
    config = Config(model_dirs=(store,))
    watch = FolderWatch(config)
    watch.found(build_catalog(config, None))
    assert not watch.changed()
    put(store, "registry.ollama.ai", "library", "b", "1", model=gguf_file)
    assert watch.changed()
