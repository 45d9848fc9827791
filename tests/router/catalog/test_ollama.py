"""Ollama's store as a model folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from router.catalog.folders import FolderWatch
from router.catalog.models import build_catalog
from router.catalog.ollama import ollama_models
from router.catalog.scan import scan_folder
from router.config.schema import Config
from tests.router.catalog.files import write_gguf, write_mmproj


def put(store: Path, *parts: str, model: Path, projector: Path | None = None) -> Path:
    """A model as `ollama pull` leaves it; returns its manifest."""
    kinds = {"model": model} | ({"projector": projector} if projector else {})
    layers = [{"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64, "size": 1}]
    for kind, file in kinds.items():
        data = file.read_bytes()
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
    found = scan_folder(store)
    assert {item.id for item in found} == {"llama3.2:3b", "someone/tuned:latest", "hf.co/org/repo-GGUF:Q4_K_M"}
    assert all(item.problem is None and item.path.name.startswith("sha256-") for item in found)
    assert set(build_catalog(Config(model_dirs=(store,)), None).models) == {item.id for item in found}


def test_two_tags_of_one_file_are_one_model(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    for tag in ("latest", "3b"):
        put(store, "registry.ollama.ai", "library", "llama3.2", tag, model=gguf_file)
    assert [item.id for item in scan_folder(store)] == ["llama3.2:3b"]


def test_a_projector_goes_with_its_model(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    put(
        store,
        *("registry.ollama.ai", "library", "llava", "7b"),
        model=gguf_file,
        projector=write_mmproj(tmp_path / "made" / "p.gguf"),
    )
    (found,) = scan_folder(store)
    assert Path(str(found.flags["mmproj"])).parent == store / "blobs"


@pytest.mark.parametrize("text", ["", "{}", '{"layers": 3}', '{"layers": [{"mediaType": "x"}]}', "\x00"])
def test_a_damaged_manifest_is_passed_over(tmp_path: Path, gguf_file: Path, text: str) -> None:
    store = tmp_path / "store"
    put(store, "registry.ollama.ai", "library", "bad", "1", model=gguf_file).write_text(text)
    assert list(ollama_models(store)) == [] and scan_folder(store) == []


def test_a_digest_leads_nowhere_else(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    manifest = put(store, "registry.ollama.ai", "library", "bad", "1", model=gguf_file)
    raw = json.loads(manifest.read_text())
    raw["layers"][1]["digest"] = f"sha256:../../../{gguf_file.name}"
    manifest.write_text(json.dumps(raw))
    assert list(ollama_models(store)) == []


def test_a_model_that_ollama_pulls_is_noticed(tmp_path: Path, gguf_file: Path) -> None:
    store = tmp_path / "store"
    put(store, "registry.ollama.ai", "library", "a", "1", model=gguf_file)
    config = Config(model_dirs=(store,))
    watch = FolderWatch(config)
    watch.found(build_catalog(config, None))
    assert not watch.changed()
    put(store, "registry.ollama.ai", "library", "b", "1", model=gguf_file)
    assert watch.changed()
