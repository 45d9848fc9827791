"""Which files are parts of one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.catalog.shards import sort_files


def test_parts_are_gathered_by_their_names() -> None:
    names = ["a-00002-of-00002.gguf", "b.gguf", "a-00001-of-00002.gguf", "c-00001-of-00001.gguf", "d (1).gguf"]
    found = sort_files(map(Path, names))
    assert found.sets == {("a", 2): {1: Path(names[2]), 2: Path(names[0])}}
    assert found.others == [Path("b.gguf"), Path("c-00001-of-00001.gguf"), Path("d (1).gguf")]
    assert not found.copies


@pytest.mark.parametrize("suffix", [" (1)", "(1)", " - Copy", " - copy (2)", "_copy"])
def test_a_copy_is_a_part_where_that_is_not_there(suffix: str) -> None:
    one, two = Path("a-00001-of-00002.gguf"), Path(f"a-00002-of-00002{suffix}.gguf")
    assert sort_files([one, two]).sets == {("a", 2): {1: one, 2: two}}
    whole = two.with_name("a-00002-of-00002.gguf")
    found = sort_files([two, one, whole])
    assert found.sets == {("a", 2): {1: one, 2: whole}} and found.copies == {two: whole.name}
