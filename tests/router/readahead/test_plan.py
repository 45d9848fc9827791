"""How much of what is read: in order, never more than there is room for, only what is missing."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from router.readahead.plan import BLOCK, FileSeen, Part, margin, plan, room

GIB = 1 << 30
A, B = Path("a"), Path("b")


def seen(path: Path, missing: str, *, remote: bool = False, short_of: int = 0) -> FileSeen:
    """`missing`: a letter for each block, `x` where it is not cached."""
    return FileSeen(path, len(missing) * BLOCK - short_of, [letter == "x" for letter in missing], remote)


def test_what_is_missing_is_read_in_order_and_neighbours_together() -> None:
    files = [seen(A, "xx-x", short_of=5), seen(B, "x")]
    assert plan(files, GIB) == (Part(A, 0, 2 * BLOCK), Part(A, 3 * BLOCK, BLOCK - 5), Part(B, 0, BLOCK))


def test_what_is_cached_is_left_alone() -> None:
    assert plan([seen(A, "----")], GIB) == ()


def test_a_network_drive_is_left_alone() -> None:
    assert plan([seen(A, "xx", remote=True), seen(B, "x")], GIB) == (Part(B, 0, BLOCK),)


def test_what_is_cached_takes_its_part_of_the_room() -> None:
    assert plan([seen(A, "--xx")], 3 * BLOCK) == (Part(A, 2 * BLOCK, BLOCK),)
    assert plan([seen(A, "----"), seen(B, "x")], 4 * BLOCK) == ()


def test_without_room_nothing_is_read() -> None:
    assert plan([seen(A, "xx")], 0) == ()


def test_a_sixteenth_stays_free_and_a_gib_at_least() -> None:
    assert margin(8 * GIB) == GIB and margin(64 * GIB) == 4 * GIB
    assert room(64 * GIB, 20 * GIB) == 40 * GIB
    assert room(8 * GIB, 7 * GIB) == 0 and room(8 * GIB, 8 * GIB) == 0


FILES = st.lists(st.tuples(st.text("x-", max_size=12), st.booleans(), st.integers(0, BLOCK - 1)), max_size=5)


@given(files=FILES, room=st.integers(0, 40 * BLOCK))
def test_any_plan_keeps_to_the_room_and_to_what_is_missing(
    files: list[tuple[str, bool, int]], room: int
) -> None:
    all_seen = [
        seen(Path(str(number)), missing, remote=remote, short_of=short_of if missing else 0)
        for number, (missing, remote, short_of) in enumerate(files)
    ]
    begins: dict[Path, int] = {}
    before = 0
    for file in all_seen:
        begins[file.path] = before
        before += file.size
    by_path = {file.path: file for file in all_seen}
    position = -1
    for part in plan(all_seen, room):
        file = by_path[part.path]
        assert not file.remote and part.length > 0
        assert part.start + part.length <= file.size
        first, last = part.start // BLOCK, (part.start + part.length - 1) // BLOCK
        assert all(file.missing[first : last + 1])
        place = begins[part.path] + part.start
        assert place > position, "in the order in which the engine reads"
        position = place + part.length - 1
        assert position < room
