"""What is and what is not a model on disk."""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.base.errors import BadModel
from router.catalog import scan
from router.catalog.folders import FolderWatch
from router.catalog.gguf import read_header
from router.catalog.models import build_catalog
from router.catalog.scan import describe_file, scan_folders
from router.catalog.scan import scan as scan_all
from router.config.schema import Config, ModelConfig
from tests.router.catalog.files import write_gguf, write_mmproj, write_shards


def ids(folder: Path) -> list[str]:
    return [found.id for found in scan_folders([folder])]


def test_finds_models_below_a_folder_in_a_stable_order(tmp_path: Path) -> None:
    write_gguf(tmp_path / "b.gguf")
    write_gguf(tmp_path / "A.GGUF")
    write_gguf(tmp_path / "deep" / "er" / "c.v1.5.gguf")
    found = scan_folders([tmp_path])
    assert [item.id for item in found] == ["A", "b", "c.v1.5"]
    assert [item.path for item in found][2] == tmp_path / "deep" / "er" / "c.v1.5.gguf"
    assert all(item.header and item.problem is None for item in found)
    assert found[0].size_bytes == (tmp_path / "A.GGUF").stat().st_size


def test_ignores_what_is_no_model(tmp_path: Path) -> None:
    for name in [
        ".hidden.gguf",
        ".cache/x.gguf",
        "a.gguf.part",
        "b.part.gguf",
        "c.incomplete.gguf",
        "readme.txt",
    ]:
        write_gguf(tmp_path / name)
    write_gguf(tmp_path / "lora.gguf", general__type="adapter")
    write_gguf(tmp_path / "flux.gguf", arch="flux", ARCH__block_count=None)
    write_mmproj(tmp_path / "mmproj-f16.gguf")
    (tmp_path / "folder.gguf").mkdir()
    write_gguf(tmp_path / "kept.gguf")
    assert ids(tmp_path) == ["kept"]


def test_a_damaged_file_is_a_model_with_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUFx")
    (found,) = scan_folders([tmp_path])
    assert (found.id, found.header, found.size_bytes) == ("bad", None, 5)
    assert found.problem is not None
    assert f"{path} is truncated" in found.problem


def test_what_is_damaged_takes_no_name_from_what_can_be_run(tmp_path: Path) -> None:
    """A cut download that sorts before the whole model: who asked for it by its name got the damaged one."""
    cut = write_gguf(tmp_path / "a" / "org" / "repo" / "Q4_K_M" / "m-Q4_K_M.gguf")
    cut.write_bytes(cut.read_bytes()[:-20])
    whole = write_gguf(tmp_path / "models--org--repo" / "snapshots" / "b" / "m-Q4_K_M.gguf")
    other = write_gguf(tmp_path / "z" / "other.gguf")
    found = {model.path: model for model in scan_folders([tmp_path])}
    assert list(found) == [cut, whole, other]
    assert (found[whole].id, found[whole].fetched_as) == ("m-Q4_K_M", ("org/repo:Q4_K_M", "org/repo"))
    assert (found[cut].id, found[cut].fetched_as) == ("m-Q4_K_M@Q4_K_M", ())


@pytest.mark.parametrize(
    "names",
    [
        ("x.gguf.part1of2", "x.gguf.part2of2"),
        ("x.gguf-split-a", "x.gguf-split-b"),
        ("x.gguf.partaa", "x.gguf.partab"),
        ("x.gguf.001", "x.gguf.002"),
        ("x.part1of2.gguf", "x.part2of2.gguf"),
        ("x-split-a.gguf", "x-split-b.gguf"),
        ("x.gguf.part2of11", "x.gguf.part10of11"),
    ],
)
def test_pieces_are_to_be_joined(tmp_path: Path, names: tuple[str, str]) -> None:
    """They were not seen at all, or "truncated: download it again", which never helps."""
    whole = write_gguf(tmp_path / "x.gguf")
    data = whole.read_bytes()
    (tmp_path / names[0]).write_bytes(data[:200])
    (tmp_path / names[1]).write_bytes(data[200:])
    whole.unlink()
    found = scan_all([tmp_path])
    told = [model.problem for model in found.models] + [left.reason for left in found.left_out]
    pieces = f"{names[0]}, {names[1]}"
    assert told == [
        f"x.gguf is here in pieces ({pieces}): join them to x.gguf, in this order and byte by byte."
    ]
    whole.write_bytes(data)
    assert [model.id for model in scan_all([tmp_path]).models if not model.problem] == ["x"]


@pytest.mark.parametrize("name", ["x.gguf.part", "x.gguf.partial", "x-part-a.gguf", "counterpart-1b.gguf"])
def test_other_names_are_no_pieces(tmp_path: Path, name: str) -> None:
    write_gguf(tmp_path / name)
    found = scan_all([tmp_path])
    assert (found.left_out, [model.problem for model in found.models if model.problem]) == ([], [])


def test_shards_are_one_model(tmp_path: Path) -> None:
    paths = write_shards(tmp_path, "big-Q4_K_M", 3)
    (found,) = scan_folders([tmp_path])
    assert (found.id, found.path, found.problem) == ("big-Q4_K_M", paths[0], None)
    assert found.size_bytes == sum(path.stat().st_size for path in paths)


@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_shard_is_named(tmp_path: Path, missing: int) -> None:
    paths = write_shards(tmp_path, "big", 3)
    paths[missing - 1].unlink()
    (found,) = scan_folders([tmp_path])
    assert (found.id, found.path) == ("big", paths[0])
    assert found.problem == (
        f"big is incomplete: of its 3 files, number {missing} is missing in {tmp_path}. Download the rest."
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("b-00001-of-00002.GGUF", "b-00002-of-00002.GGUF"), "b-00001-of-00002.GGUF to b-00001-of-00002.gguf"),
        (("b-00001-OF-00002.gguf", "b-00002-OF-00002.gguf"), "to b-00001-of-00002.gguf, and 1 more likewise"),
        (("b-00001-of-00002.gguf", "b-00002-of-00002.GGUF"), "b-00002-of-00002.GGUF to b-00002-of-00002.gguf"),
        (("B-00001-of-00002.gguf", "b-00002-of-00002.gguf"), "b-00002-of-00002.gguf to B-00002-of-00002.gguf"),
    ],
)  # fmt: skip
def test_parts_that_llama_server_would_not_find(tmp_path: Path, names: tuple[str, str], said: str) -> None:
    """It builds their names itself, in lower case (build 11669: "invalid split file name"): said beforehand."""
    for path, name in zip(write_shards(tmp_path, "big", 2), names, strict=True):
        path.rename(tmp_path / name)
    (found,) = scan_folders([tmp_path])
    assert found.path.name == names[0]
    assert said in (found.problem or "")
    assert describe_file(found.path).problem == found.problem


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ("b-00001-of-00002.gguf", "b-00002-of-00002 (1).gguf"),
            "b-00002-of-00002 (1).gguf to b-00002-of",
        ),
        (
            ("b-00001-of-00002 (1).gguf", "b-00002-of-00002.gguf"),
            "b-00001-of-00002 (1).gguf to b-00001-of",
        ),
        (("b-00001-of-00002(2).gguf", "b-00002-of-00002 - Copy.gguf"), "to b-00001-of-00002.gguf, and 1 more"),
    ],
)
def test_parts_with_a_browser_s_number_are_to_be_renamed(
    tmp_path: Path, names: tuple[str, str], said: str
) -> None:
    """They were told to be missing, to be downloaded again; or to get a name of twice the length."""
    for path, name in zip(write_shards(tmp_path, "big", 2), names, strict=True):
        path.rename(tmp_path / name)
    (found,) = scan_folders([tmp_path])
    assert found.id == "b" and said in (found.problem or "")


@pytest.mark.parametrize("number", [1, 2])
def test_a_second_copy_of_a_part_is_no_model_and_harms_none(tmp_path: Path, number: int) -> None:
    paths = write_shards(tmp_path, "big", 2)
    copy = paths[number - 1].with_stem(f"{paths[number - 1].stem} (1)")
    copy.write_bytes(paths[number - 1].read_bytes())
    scanned = scan_all([tmp_path])
    assert [(found.id, found.problem) for found in scanned.models] == [("big", None)]
    (left,) = scanned.left_out
    assert (left.path, "copy of a part" in left.reason) == (copy, True)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "is truncated"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"<html>404</html>"), "the answer of a server"),
        (write_gguf, "is not part 3 of 3 of this model"),
        (
            lambda path: shutil.copy(path.with_name("big-00002-of-00003.gguf"), path),
            "not part 3 of 3",
        ),
    ],
    ids=["cut", "empty", "page", "another model", "another part"],
)
def test_a_damaged_part_is_told_before_the_others_are_loaded(
    tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    """The first part says nothing of it, and the engine's words name no file ("failed to read magic")."""
    paths = write_shards(tmp_path, "big", 3)
    spoil(paths[2])
    (found,) = scan_folders([tmp_path])
    assert str(paths[2]) in (found.problem or "") and said in (found.problem or "")


def test_on_a_file_system_without_case_the_usual_names_are_used(tmp_path: Path) -> None:
    """Such a one lists other names than llama-server asks for, and has both."""
    paths = write_shards(tmp_path, "big", 2)
    listed = [path.with_suffix(".GGUF") for path in paths]
    for path, other in zip(paths, listed, strict=True):
        if not other.exists():
            other.hardlink_to(path)
    (found,) = scan._read(tmp_path, listed).models
    assert (found.path.name, found.problem) == (paths[0].name, None)


def test_two_split_models_that_differ_in_case_are_two(tmp_path: Path) -> None:
    write_shards(tmp_path, "big", 2)
    if (tmp_path / "BIG-00001-of-00002.gguf").exists():
        pytest.skip("this file system ignores case")
    write_shards(tmp_path, "BIG", 2)
    assert [(found.id, found.problem) for found in scan_folders([tmp_path])] == [("BIG", None), ("big", None)]


def test_a_renamed_first_part_says_so(tmp_path: Path) -> None:
    first, second = write_shards(tmp_path, "big", 2)
    first.rename(tmp_path / "nice.gguf")
    second.rename(tmp_path / "nice2.gguf")
    scanned = scan_all([tmp_path])
    (found,) = scanned.models
    assert "rename it to nice-00001-of-00002.gguf" in (found.problem or "")
    assert ["later part" in left.reason for left in scanned.left_out] == [True]


def test_what_is_still_coming_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "incomplete-gpt4all.gguf").write_bytes(b"GGUF")
    """aria2 takes the whole room at once, so that the file looks whole."""
    path = write_gguf(tmp_path / "m.gguf")
    control = tmp_path / "m.gguf.aria2"
    control.touch()
    assert ids(tmp_path) == []
    control.unlink()
    assert ids(tmp_path) == [path.stem]


def test_what_is_left_out_says_why(tmp_path: Path) -> None:
    """Row 11."""
    write_gguf(tmp_path / "chat.gguf")
    files: dict[str, dict[str, Any]] = {
        "draft": {"arch": "eagle3"},
        "lora": {"general__type": "adapter"},
        "flux": {"arch": "flux", "ARCH__block_count": None},
    }
    for name, keys in files.items():
        write_gguf(tmp_path / f"{name}.gguf", **keys)
    write_shards(tmp_path, "parts", 2, arch="dflash")
    scanned = scan_all([tmp_path, tmp_path])
    assert [found.id for found in scanned.models] == ["chat"]
    reasons = {left.path.name: left.reason for left in scanned.left_out}
    assert list(reasons) == ["draft.gguf", "flux.gguf", "lora.gguf", "parts-00001-of-00002.gguf"]
    assert all(reason.startswith(name) for name, reason in reasons.items())


def test_mmproj_belongs_to_the_models_beside_it(tmp_path: Path) -> None:
    write_gguf(tmp_path / "vl" / "vision.gguf", ARCH__embedding_length=64)
    write_gguf(tmp_path / "vl" / "text-only.gguf", ARCH__embedding_length=32)
    projector = write_mmproj(tmp_path / "vl" / "mmproj.gguf", clip__vision__projection_dim=64)
    write_gguf(tmp_path / "other" / "plain.gguf")
    flags = {found.id: found.flags for found in scan_folders([tmp_path])}
    assert flags == {"plain": {}, "text-only": {}, "vision": {"mmproj": str(projector)}}


def test_equal_names_in_different_folders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for folder in ("1/pub", "2/pub", "3"):
        write_gguf(tmp_path / folder / "m.gguf")
    found = {item.path.parent.relative_to(tmp_path).as_posix(): item.id for item in scan_folders([tmp_path])}
    assert found == {"1/pub": "m", "2/pub": "m@pub", "3": "m@3"}
    assert "two models are called m" in caplog.text
    again = {item.id for item in scan_folders([tmp_path / "2", tmp_path / "1"])}
    assert again == {"m", "m@pub"}
    write_gguf(tmp_path / "2" / "pub" / "pub" / "m.gguf")
    assert set(ids(tmp_path)) == {"m", "m@pub", "m@pub/pub", "m@3"}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        # Jan
        (
            ["qwen3/model.gguf", "gemma-3/model.gguf"],
            {"gemma-3": ("model",), "qwen3": ("model@qwen3",)},
        ),
        (["org/Qwen3-8B-GGUF/model.gguf"], {"Qwen3-8B": ("model",)}),
        # converters' own names
        (["llava/ggml-model-Q4_K_M.gguf"], {"llava-Q4_K_M": ("ggml-model-Q4_K_M",)}),
        (["phi/q4_0.gguf"], {"q4_0": ()}),
        (
            ["models--org--phi-GGUF/snapshots/c0/model-Q4_0.gguf"],
            {"phi-Q4_0": ("model-Q4_0", "org/phi-GGUF:Q4_0")},
        ),
        (["phi/model-00001-of-00001.gguf"], {"model-00001-of-00001": ()}),
        # no folder has a name
        (["model.gguf", "models/ggml-model-f16.gguf"], {"model": (), "ggml-model-f16": ()}),
    ],
)
def test_files_whose_names_tell_nothing_are_called_as_their_folders(
    tmp_path: Path, files: list[str], names: dict[str, tuple[str, ...]]
) -> None:
    """And still as they were."""
    for file in files:
        write_gguf(tmp_path / file)
    found = {model.id: (*model.aliases, *model.fetched_as[:1]) for model in scan_folders([tmp_path])}
    assert found == names


def test_one_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    one = write_gguf(tmp_path / "one.gguf")
    write_gguf(tmp_path / "other.gguf")
    shards = write_shards(tmp_path, "big", 2)
    assert ids(one) == ["one"]
    assert ids(shards[0]) == ["big"]
    later = scan_folders([shards[1], one])
    assert [(found.id, bool(found.problem)) for found in later] == [
        ("big-00002-of-00002", True),
        ("one", False),
    ]


def test_links_are_followed_once(tmp_path: Path) -> None:
    real = write_gguf(tmp_path / "elsewhere" / "blobs" / "0123abcd")
    top = tmp_path / "models"
    (top / "sub").mkdir(parents=True)
    (top / "linked.gguf").symlink_to(real)
    (top / "sub" / "same-again.gguf").symlink_to(real)
    (top / "loop").symlink_to(top)
    (top / "sub" / "up").symlink_to("..")
    (top / "dangling.gguf").symlink_to(tmp_path / "gone")
    found = scan_folders([top])
    assert [item.path.name for item in found] == ["dangling.gguf", "linked.gguf"]
    assert found[0].problem is not None
    assert "No such file" in found[0].problem
    assert found[1].path == top / "linked.gguf"


def test_every_link_to_a_file_is_a_name_of_it(tmp_path: Path) -> None:
    """Row 2: hard and symbolic links; a name that another file has gets its folder."""
    real = write_gguf(tmp_path / "a" / "real.gguf")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "hard.gguf").hardlink_to(real)
    (tmp_path / "b" / "soft.gguf").symlink_to(real)
    (tmp_path / "b" / "taken.gguf").symlink_to(real)
    write_gguf(tmp_path / "c" / "taken.gguf", general__name="another")
    found = {item.id: item.aliases for item in scan_folders([tmp_path])}
    assert found == {"real": ("hard", "soft", "taken@b"), "taken": ()}


def hub(top: Path, repo: str, **commits: str) -> Path:
    """Hugging Face's cache with `m.gguf` in each commit, whose bytes differ by the given word."""
    folder = top / f"models--{repo}"
    (folder / "refs").mkdir(parents=True)
    for commit, word in commits.items():
        blob = write_gguf(folder / "blobs" / f"blob-{word}", general__name=word)
        (folder / "snapshots" / commit).mkdir(parents=True)
        (folder / "snapshots" / commit / "m.gguf").symlink_to(f"../../blobs/{blob.name}")
    return folder


def named(top: Path) -> dict[str, str | None]:
    return {item.id: item.header.name if item.header else None for item in scan_folders([top])}


def test_the_plain_id_is_the_version_refs_main_names(tmp_path: Path) -> None:
    """Row 13; the other versions stay, by their commits."""
    folder = hub(tmp_path, "org--repo", aaa="old", bbb="new", ccc="newest")
    (folder / "refs" / "main").write_text("bbb")
    (folder / "refs" / "v1").write_text("aaa")
    assert named(tmp_path) == {"m": "new", "m@aaa": "old", "m@ccc": "newest"}
    (folder / "refs" / "main").write_text("ccc\n")
    assert named(tmp_path) == {"m": "newest", "m@aaa": "old", "m@bbb": "new"}
    (folder / "blobs" / "blob-newest").unlink()
    assert scan_folders([tmp_path])[0].id == "m" and scan_folders([tmp_path])[0].problem, (
        "not silently another one"
    )


@pytest.mark.parametrize("main", [None, "gone", "", "../../..", "folder", "fifo", b"\xff\xfe"])
def test_where_refs_main_leads_nowhere_the_newest_version_has_the_name(
    tmp_path: Path, main: str | bytes | None
) -> None:
    """Row 13: an interrupted download, a cache that was cleaned, or copied without its refs."""
    folder = hub(tmp_path, "org--repo", aaa="older", bbb="newer", ccc="oldest")
    for commit, time in (("aaa", 2000), ("bbb", 3000), ("ccc", 1000)):
        os.utime(folder / "snapshots" / commit, (time, time))
    ref = folder / "refs" / "main"
    if main == "folder":
        ref.mkdir()
    elif main == "fifo":
        os.mkfifo(ref)
    elif main is not None:
        ref.write_bytes(main if isinstance(main, bytes) else main.encode())
    assert named(tmp_path) == {"m": "newer", "m@aaa": "older", "m@ccc": "oldest"}


def test_versions_in_folders_of_a_repository_are_told_apart_by_their_commit(tmp_path: Path) -> None:
    folder = hub(tmp_path, "org--repo", aaa="old", bbb="new")
    for commit in ("aaa", "bbb"):
        snapshot = folder / "snapshots" / commit
        (snapshot / "Q4").mkdir()
        (snapshot / "m.gguf").unlink()
        write_gguf(snapshot / "Q4" / "m.gguf", general__name=commit)
    (folder / "refs" / "main").write_text("bbb")
    assert named(tmp_path) == {"m": "bbb", "m@aaa/Q4": "aaa"}


def test_one_blob_in_two_versions_is_one_model(tmp_path: Path) -> None:
    folder = hub(tmp_path, "org--repo", aaa="same", bbb="same2")
    (folder / "snapshots" / "bbb" / "m.gguf").unlink()
    (folder / "snapshots" / "bbb" / "renamed.gguf").symlink_to("../../blobs/blob-same")
    (folder / "refs" / "main").write_text("bbb")
    assert [(item.id, item.aliases) for item in scan_folders([tmp_path])] == [("renamed", ("m",))]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (
            ["models--org--repo/snapshots/a/m-Q4_K_M.gguf", "models--org--repo/snapshots/a/m-Q8_0.gguf"],
            {"m-Q4_K_M": ("org/repo:Q4_K_M",), "m-Q8_0": ("org/repo:Q8_0",)},
        ),
        (
            ["models--org--repo/snapshots/a/m-q4_0.gguf", "models--org--repo/snapshots/b/m-q4_0.gguf"],
            {"m-q4_0": ("org/repo:Q4_0", "org/repo"), "m-q4_0@b": ()},
        ),
        (["models--org--repo/snapshots/a/m.gguf"], {"m": ("org/repo",)}),
        (["models--a--b--c/snapshots/a/sub/m-IQ2_M.gguf"], {"m-IQ2_M": ("a/b--c:IQ2_M", "a/b--c")}),
        (["org/repo/Q4_K_M/m-Q4_K_M.gguf"], {"m-Q4_K_M": ("org/repo:Q4_K_M", "org/repo")}),
        (["org/repo/Q8_0/m-Q4_K_M.gguf"], {"m-Q4_K_M": ()}),
        ([".lmstudio/models/org/repo/m-Q6_K.gguf"], {"m-Q6_K": ("org/repo:Q6_K", "org/repo")}),
        (["some/where/m-Q6_K.gguf"], {"m-Q6_K": ()}),
    ],
)
def test_a_fetched_model_is_also_called_what_it_was_fetched_by(
    tmp_path: Path, files: list[str], names: dict[str, tuple[str, ...]]
) -> None:
    for number, file in enumerate(files):
        write_gguf(tmp_path / file, general__name=str(number))
    tops = [tmp_path / ".lmstudio", tmp_path]
    assert {item.id: item.fetched_as for item in scan_folders(tops)} == names


UNSPEAKABLE = [
    b"caf\xe9",
    b"\xff",
    b"two\nlines",
    b"\x1b[31mred",
    b"tab\t",
    b"\xed\xa0\x80",
    "a\u2028b".encode(),
]


@pytest.mark.parametrize("stem", UNSPEAKABLE)
def test_a_name_that_is_no_text_is_told_and_harms_no_other(tmp_path: Path, stem: bytes) -> None:
    """Row 22, property 2."""
    write_gguf(tmp_path / "kept.gguf")
    bad = write_gguf(tmp_path / "moved.gguf", general__name="bad")
    bad.rename(tmp_path / os.fsdecode(stem + b".gguf"))
    found = {item.id: item.problem for item in scan_folders([tmp_path])}
    assert found.pop("kept") is None
    ((id_, problem),) = found.items()
    assert id_.isprintable() and id_.encode().decode() == id_
    assert problem is not None and problem.encode() and "rename it" in problem


def test_a_folder_whose_name_is_no_text_is_looked_into(tmp_path: Path) -> None:
    """Row 22: the models in it have names of their own."""
    for folder in (b"caf\xe9", b"na\xefve"):
        write_gguf(tmp_path / os.fsdecode(folder) / "m.gguf")
    assert ids(tmp_path) == ["m", "m@na\\xefve"]
    assert all(item.problem is None for item in scan_folders([tmp_path]))


def test_files_that_are_no_files(tmp_path: Path) -> None:
    """Property 2: each is told, none is waited for, and the others are offered."""
    write_gguf(tmp_path / "kept.gguf")
    os.mkfifo(tmp_path / "fifo.gguf")
    (tmp_path / "circle.gguf").symlink_to("circle.gguf")
    (tmp_path / "null.gguf").symlink_to("/dev/null")
    (tmp_path / "zero.gguf").touch()
    (tmp_path / "folder.gguf" / "circle").mkdir(parents=True)
    (tmp_path / "folder.gguf" / "again").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket.gguf"))
    problems = {item.id: item.problem for item in scan_folders([tmp_path])}
    assert set(problems) == {"kept", "fifo", "circle", "null", "zero", "socket"}
    assert [id_ for id_, problem in problems.items() if problem is None] == ["kept"]


def test_overlapping_folders_give_each_file_once(tmp_path: Path) -> None:
    write_gguf(tmp_path / "sub" / "m.gguf")
    assert [item.id for item in scan_folders([tmp_path / "sub", tmp_path])] == ["m"]


def test_unlistable_folders_are_skipped_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gguf(tmp_path / "kept.gguf")
    write_gguf(tmp_path / "locked" / "m.gguf")
    listing = os.scandir

    def denied(path: str) -> object:  # tests may run as root, whom no permission stops
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", denied)
    with caplog.at_level(logging.WARNING):
        scanned = scan_all([tmp_path, tmp_path / "absent"])
    assert [found.id for found in scanned.models] == ["kept"]
    assert [left.path for left in scanned.unread] == [tmp_path / "locked", tmp_path / "absent"]
    assert f"{tmp_path / 'locked'} is skipped: Permission denied" in caplog.text
    assert f"{tmp_path / 'absent'} is skipped: No such file" in caplog.text


def test_what_may_not_be_looked_at_harms_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Property 2: Ollama's service keeps its store to itself; hal0.yaml may name a file in there."""
    write_gguf(tmp_path / "models" / "kept.gguf")
    (tmp_path / "locked" / "manifests").mkdir(parents=True)
    looking = os.stat

    def denied(path: str | Path, **kw: bool) -> os.stat_result:  # tests may run as root, whom nothing stops
        if f"{tmp_path / 'locked'}/" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return looking(path, **kw)

    monkeypatch.setattr(os, "stat", denied)
    named = ModelConfig("named", str(tmp_path / "locked" / "m.gguf"))
    config = Config(model_dirs=(tmp_path / "locked", tmp_path / "models"), models={"named": named})
    models = build_catalog(config, None).models
    assert models["kept"].problem is None and "was not found" in (models["named"].problem or "")
    FolderWatch(config).found(build_catalog(config, None))


def test_headers_are_read_once_per_version_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_gguf(tmp_path / "m.gguf", general__name="old")
    reads: list[Path] = []

    def counted(path: Path) -> object:
        reads.append(path)
        return read_header(path)

    monkeypatch.setattr(scan, "read_header", counted)
    for _ in range(3):
        scan_folders([tmp_path])
    assert reads == [path]
    write_gguf(path, general__name="newer")
    (found,) = scan_folders([tmp_path])
    assert found.header is not None
    assert found.header.name == "newer"
    assert len(reads) == 2


def test_describe_any_file(tmp_path: Path) -> None:
    blob = write_gguf(tmp_path / "sha256-77", ARCH__embedding_length=64)
    projector = write_mmproj(tmp_path / "mmproj.gguf", clip__vision__projection_dim=64)
    shards = write_shards(tmp_path, "big", 2, ARCH__embedding_length=32)
    assert describe_file(blob).flags == {"mmproj": str(projector)}
    assert describe_file(shards[0]).size_bytes == sum(path.stat().st_size for path in shards)
    problem = describe_file(projector).problem
    assert problem is not None
    assert "mmproj" in problem
    with pytest.raises(BadModel, match="first part"):
        describe_file(shards[1])
