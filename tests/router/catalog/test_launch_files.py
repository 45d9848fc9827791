"""What an engine reads, by its command line: a file that is replaced is another one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from router.catalog.launch_files import looks, model_looks, shards


def seen(folder: Path, *argv: str) -> list[str]:
    return [Path(path).relative_to(folder).as_posix() for path, _, _ in looks(argv)]


def put(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).write_bytes(b"weights")
    return [str(folder / name) for name in names]


def test_engine_model_and_companions_are_seen_once_each(tmp_path: Path) -> None:
    engine, model, eyes = put(tmp_path, "llama-server", "a.gguf", "eyes.gguf")
    argv = (engine, "-m", model, "--mmproj", eyes, "--spec-draft-model", model, "--ctx-size", "4096")
    assert seen(tmp_path, *argv) == ["llama-server", "a.gguf", "eyes.gguf"]


def test_all_shards_are_seen_and_no_neighbour(tmp_path: Path) -> None:
    parts = put(tmp_path, *(f"a[1]-0000{number}-of-00003.gguf" for number in (1, 2, 3)))
    put(tmp_path, "a[1]-00001-of-00002.gguf", "a1-00002-of-00003.gguf")
    assert [path for path, _, _ in looks(["-m", parts[0]])] == parts
    assert list(shards(Path(parts[0]))) == [Path(part) for part in parts]


@pytest.mark.parametrize("missing", [2, 3])
def test_a_shard_that_is_not_there_is_left_out(tmp_path: Path, missing: int) -> None:
    put(tmp_path, *(f"a-0000{number}-of-00003.gguf" for number in {1, 2, 3} - {missing}))
    assert len(looks(["-m", str(tmp_path / "a-00001-of-00003.gguf")])) == 2


def test_adapters_are_seen_one_by_one(tmp_path: Path) -> None:
    one, comma, scaled = put(tmp_path, "one.gguf", "t,wo.gguf", "three.gguf")
    argv = ("--lora", f'{one},"{comma}"', "--lora-scaled", f"{scaled}:0.5")
    before = looks(argv)
    assert seen(tmp_path, *argv) == ["one.gguf", "t,wo.gguf", "three.gguf"]
    os.utime(scaled, ns=(1, 1))
    assert looks(argv) != before, "another adapter under the same name"


def test_what_is_put_into_a_folder_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    before = looks(["--media-path", str(tmp_path / "media")])
    put(tmp_path / "media", "cat.png")
    assert looks(["--media-path", str(tmp_path / "media")]) == before == ()


def test_what_a_model_is_made_of_by_its_flags(tmp_path: Path) -> None:
    model, draft, one, two = put(tmp_path, "a-00001-of-00002.gguf", "draft.gguf", "one.gguf", "t,wo.gguf")
    put(tmp_path, "a-00002-of-00002.gguf", "made.bin")
    flags: dict[str, str | bool] = {
        "spec-draft-model": draft, "lora-scaled": f'{one}:0.5,"{two}:1"', "ctx-size": "4096",
        "media-path": str(tmp_path), "lookup-cache-dynamic": str(tmp_path / "made.bin"),
        "mmproj": str(tmp_path / "gone.gguf"),
    }  # fmt: skip
    looked = {Path(path).name: size for path, size, _ in model_looks(Path(model), flags)}
    parts = ("a-00001-of-00002.gguf", "a-00002-of-00002.gguf", "draft.gguf", "one.gguf", "t,wo.gguf")
    assert looked == {**dict.fromkeys(parts, len(b"weights")), "gone.gguf": -1}
