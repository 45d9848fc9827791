"""What other programs have on this disk is used, not fetched again."""

from __future__ import annotations

import errno
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from router.base.errors import PullFailed
from router.catalog.scan import scan_folders
from router.config.programs import program_folders, readable
from router.hub.names import parse_reference
from router.hub.pull import Pull
from tests.hub_server import HubServer
from tests.router.hub import models

REPO, FILE = "org/tiny-GGUF", "m-Q4_K_M.gguf"


def hugging_face(home: Path, name: str, data: bytes) -> Path:
    repo = home / ".cache" / "huggingface" / "hub" / "models--org--tiny-GGUF"
    blob = repo / "blobs" / hashlib.sha256(data).hexdigest()
    link = repo / "snapshots" / "c0ffee" / name
    for path in (blob, link):
        path.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":  # without the right to make links there, the file itself lies here
        return written(link, data)
    blob.write_bytes(data)
    link.symlink_to(blob)
    return link


def lm_studio(home: Path, name: str, data: bytes) -> Path:
    return written(home / ".lmstudio" / "models" / "org" / "tiny-GGUF" / name, data)


def llama_cpp(home: Path, name: str, data: bytes) -> Path:
    cache = home / "AppData" / "Local" if sys.platform == "win32" else home / ".cache"
    return written(cache / "llama.cpp" / f"org_tiny-GGUF_{name}", data)


def ollama(home: Path, _name: str, data: bytes) -> Path:
    store, sha256 = home / ".ollama" / "models", hashlib.sha256(data).hexdigest()
    layers = [
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{sha256}", "size": len(data)}
    ]
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "3b"
    written(manifest, json.dumps({"schemaVersion": 2, "layers": layers}).encode())
    return written(store / "blobs" / f"sha256-{sha256}", data)


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


OTHERS = pytest.mark.parametrize("other", [hugging_face, lm_studio, llama_cpp, ollama])
Other = Callable[[Path, str, bytes], Path]


def folders() -> list[Path]:
    return [found.folder for found in program_folders() if readable(found.folder)]


@OTHERS
def test_what_another_program_has_in_a_model_folder_is_used_in_place(
    hub: HubServer, private_home: Path, tmp_path: Path, other: Other
) -> None:
    data = models.model()
    hub.add(REPO, {FILE: data})
    theirs = other(private_home, FILE, data)
    puller = Pull(parse_reference(REPO), tmp_path / "data", endpoint=hub.url, model_dirs=folders())
    plan = puller.plan()
    assert plan.here == theirs and puller.run(plan) == theirs
    assert hub.downloads == [] and not (tmp_path / "data").exists()
    assert [found.path for found in scan_folders(folders())] == [theirs]


@OTHERS
def test_what_lies_outside_the_model_folders_is_linked(
    hub: HubServer, private_home: Path, tmp_path: Path, other: Other
) -> None:
    data = models.model()
    hub.add(REPO, {FILE: data})
    theirs = other(private_home, FILE, data)
    puller = Pull(parse_reference(REPO), tmp_path / "data", endpoint=hub.url, elsewhere=folders())
    plan = puller.plan()
    assert plan.here is None and plan.to_fetch == () and plan.fetch_bytes == 0 and plan.fit is not None
    path = puller.run(plan)
    assert path.samefile(theirs) and hub.downloads == []
    assert len(scan_folders([tmp_path / "data", *folders()])) == 1, "one file is one model"
    theirs.unlink()
    assert path.read_bytes() == data, "their clean-up does not take it away"


def test_on_another_drive_without_the_right_to_make_links_it_is_copied(
    hub: HubServer, private_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows, as most people have it; the errors are its own, for no test has such a drive everywhere."""
    data = models.model()
    hub.add(REPO, {FILE: data})
    theirs = lm_studio(private_home, FILE, data)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "A required privilege is not held by the client")

    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    puller = Pull(parse_reference(REPO), tmp_path / "data", endpoint=hub.url, elsewhere=folders())
    path = puller.run(puller.plan())
    assert path.read_bytes() == data and not path.samefile(theirs) and hub.downloads == []
    assert not list((tmp_path / "data").rglob("*.copying"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    again = Pull(parse_reference(REPO), tmp_path / "other", endpoint=hub.url, elsewhere=folders())
    with pytest.raises(PullFailed, match="is full: make room"):
        again.run(again.plan())


def test_what_is_missing_beside_it_is_fetched(hub: HubServer, private_home: Path, tmp_path: Path) -> None:
    data = models.model()
    hub.add(REPO, {FILE: data, "mmproj-F16.gguf": models.mmproj()})
    theirs = lm_studio(private_home, FILE, data)
    puller = Pull(parse_reference(REPO), tmp_path / "data", endpoint=hub.url, model_dirs=folders())
    plan = puller.plan()
    assert [file.name for file in plan.to_fetch] == ["mmproj-F16.gguf"]
    path = puller.run(plan)
    (found,) = scan_folders([*folders(), tmp_path / "data"])
    assert (found.path, found.flags) == (theirs, {"mmproj": str(path.parent / "mmproj-F16.gguf")})


def test_a_file_of_the_same_name_and_size_but_other_content_is_no_copy(
    hub: HubServer, private_home: Path, tmp_path: Path
) -> None:
    hub.add(REPO, {FILE: models.model(1)})
    lm_studio(private_home, FILE, models.model(2))
    puller = Pull(parse_reference(REPO), tmp_path / "data", endpoint=hub.url, model_dirs=folders())
    assert puller.run(puller.plan()).read_bytes() == models.model(1)
