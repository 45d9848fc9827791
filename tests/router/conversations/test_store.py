"""The files: private, whole or not there, never more than allowed."""

from __future__ import annotations

import json
import os
import shutil
import stat
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.config.schema import ConversationsConfig
from router.conversations.keeping import Kept
from router.conversations.store import NoRoom, Store, tokens_of
from tests.modes import is_private

POLICY = ConversationsConfig(keep=4000, per_model=2, max_age=1000.0)


def state_bytes(tokens: list[int], size: int = 400) -> bytes:
    """As llama-server of build 11669 begins a state."""
    head = [0xFFFFFFFF, 1, len(tokens), *tokens, 0]
    begin = struct.pack(f"<{3 + len(head)}I", 0x67677371, 4, len(head), *head)
    return begin + bytes(max(0, size - len(begin)))


class Disk:
    """A store with a clock of its own, and what an engine would do to it."""

    def __init__(self, folder: Path) -> None:
        self.now, self.policy = 0.0, POLICY
        self.store = Store(folder, lambda: self.policy, lambda: self.now)
        self.store.open()

    def save(self, tokens: list[int], *, owner: str = "o", key: str = "k", size: int = 400) -> Kept:
        self.now += 1
        id_ = self.store.begin(key, len(tokens))
        written = state_bytes(tokens, size)
        self.store.part(id_).write_bytes(written)
        one = Kept(id_, owner, key, "alpha", 0, len(tokens), len(written), self.now, "")
        self.store.finish(one)
        self.store.settle(id_)
        return one

    def again(self) -> Disk:
        """hal0 was killed and started again."""
        other = Disk.__new__(Disk)
        other.now, other.policy = self.now, self.policy
        other.store = Store(self.store.folder, lambda: other.policy, lambda: other.now)
        other.store.open()
        return other

    @property
    def ids(self) -> set[str]:
        return {one.id for one in self.store.kept}

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.store.folder.iterdir())


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "conversations")


def test_nobody_else_can_read_it(disk: Disk) -> None:
    old = os.umask(0)
    try:
        disk.save([1, 2, 3])
    finally:
        os.umask(old)
    private = {path.suffix: is_private(path) for path in disk.store.folder.iterdir()}
    assert private == {".state": True, ".json": True}
    assert sys.platform == "win32" or stat.S_IMODE(disk.store.folder.stat().st_mode) == 0o700


def test_it_is_there_after_a_restart_and_lent_to_its_like_alone(disk: Disk) -> None:
    one = disk.save([1, 2, 3])
    again = disk.again()
    assert again.ids == {one.id}
    assert [k.id for k in again.store.lend("o", "k")] == [one.id]
    assert again.store.lend("o", "k") == []  # an engine has it just now
    again.store.returned(one.id, restored=True)
    assert [k.id for k in again.store.lend("o", "k")] == [one.id]


def test_a_state_for_another_key_is_deleted_untried(disk: Disk) -> None:
    disk.save([1, 2, 3], key="another build")
    other = disk.save([1, 2, 3], owner="another model")
    assert disk.store.lend("o", "k") == []
    assert disk.ids == {other.id} and disk.names == [f"{other.id}.json", f"{other.id}.state"]


@pytest.mark.parametrize("spoil", ["cut", "longer", "other", "gone"])
def test_a_file_that_is_not_what_was_written_is_never_lent(disk: Disk, spoil: str) -> None:
    file = disk.store.state(disk.save([1, 2, 3], size=3000).id)
    whole = file.read_bytes()
    match spoil:
        case "cut":
            file.write_bytes(whole[:-1])
        case "longer":
            file.write_bytes(whole + b"\0")
        case "other":
            file.write_bytes(state_bytes([4, 5, 6], 3000))
        case "gone":
            file.unlink()
    assert disk.store.lend("o", "k") == [] and disk.names == []


@pytest.mark.parametrize(
    "when", [lambda d, i: None, lambda d, i: d.store.part(i).write_bytes(b"half")], ids=["begun", "half"]
)
def test_what_was_being_written_is_gone_after_a_kill(disk: Disk, when: Callable[[Disk, str], object]) -> None:
    when(disk, disk.store.begin("k", 10))
    assert disk.names != [] and disk.again().names == []


def test_what_had_not_reached_the_disk_is_gone_after_a_kill(disk: Disk) -> None:
    id_ = disk.store.begin("k", 3)
    written = state_bytes([1, 2, 3])
    disk.store.part(id_).write_bytes(written)
    disk.store.finish(Kept(id_, "o", "k", "alpha", 0, 3, len(written), 1.0, ""))
    assert disk.ids == {id_} and disk.again().names == []


def test_one_that_ends_hal0_or_its_engine_is_not_tried_again(disk: Disk) -> None:
    disk.save([1, 2, 3])
    disk.store.lend("o", "k")
    assert disk.again().names == []
    disk = disk.again()
    one = disk.save([1, 2, 3])
    disk.store.lend("o", "k")
    disk.store.returned(one.id, restored=False)
    assert disk.names == []


def test_a_half_written_file_is_none(disk: Disk) -> None:
    id_ = disk.store.begin("k", 3)
    disk.store.part(id_).write_bytes(state_bytes([1, 2, 3])[:-5])
    with pytest.raises(OSError, match="of 400 bytes"):
        disk.store.finish(Kept(id_, "o", "k", "alpha", 0, 3, 400, 1.0, ""))
    assert disk.names == [] and disk.ids == set()


def test_a_continuation_takes_its_place_and_another_conversation_does_not(disk: Disk) -> None:
    disk.policy = replace(POLICY, keep=100_000)
    disk.save(list(range(300)))
    longer = disk.save(list(range(600)))
    assert disk.ids == {longer.id}
    other = disk.save(list(range(1000, 1400)))
    assert disk.ids == {longer.id, other.id}


def test_the_oldest_makes_room_before_anything_is_written(disk: Disk) -> None:
    disk.save([1] * 100, owner="a", size=1500)
    second = disk.save([2] * 100, owner="b", size=1500)
    id_ = disk.store.begin("k", 100)  # 1,500 bytes, as the others of this engine took
    assert disk.ids == {second.id}
    disk.store.discard(id_)
    with pytest.raises(NoRoom):
        disk.store.begin("k", 300)


def test_more_than_is_allowed_is_not_kept(disk: Disk) -> None:
    with pytest.raises(NoRoom):
        disk.save([1, 2, 3], size=4001)
    assert disk.names == []


def test_forgetting_all_or_one_model(disk: Disk) -> None:
    disk.save([1] * 9, owner="a")
    disk.save([2] * 9, owner="b")
    assert disk.store.forget("beta") == 0 and disk.store.forget("alpha") == 2 and disk.names == []


@pytest.mark.parametrize("told", [b"", b"{}", b"[1]", b'{"id": "../../x"}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_conversation_is_removed(disk: Disk, told: bytes) -> None:
    one = disk.save([1, 2, 3])
    about = disk.store.folder / f"{one.id}.json"
    about.write_bytes(told)
    (disk.store.folder / "note.txt").write_text("somebody's")
    again = disk.again()
    assert again.names == [] and again.ids == set()


def test_one_that_names_other_files_is_none(disk: Disk, tmp_path: Path) -> None:
    one = disk.save([1, 2, 3])
    outside = tmp_path / "x.state"
    outside.write_bytes(bytes(one.bytes))
    about = disk.store.folder / f"{one.id}.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "id": "../x"}))
    assert disk.again().ids == set() and outside.exists()


def test_tokens_are_read_from_both_formats(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_bytes(state_bytes([7, 8, 9]))
    old.write_bytes(struct.pack("<6I", 0x67677371, 2, 3, 7, 8, 9) + bytes(50))
    assert tokens_of(new)[:12] == tokens_of(old) == struct.pack("<3I", 7, 8, 9)
    (tmp_path / "no").write_bytes(b"none")
    assert tokens_of(tmp_path / "no") == b""


steps = st.lists(
    st.tuples(
        st.sampled_from(["save", "begin", "finish", "lend", "back", "bad", "kill", "age", "keep"]),
        st.integers(0, 3),
        st.integers(1, 30),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_happens_the_folder_is_in_order(tmp_path_factory: pytest.TempPathFactory, done: list) -> None:
    disk = Disk(tmp_path_factory.mktemp("s") / "conversations")
    lent: list[tuple[Kept, int]] = []
    for step, which, number in done:
        owner, key = "op"[which % 2], "kl"[which // 2]
        match step:
            case "save" | "finish":
                try:
                    disk.save([which] * number, owner=owner, key=key, size=number * 150)
                except NoRoom:
                    assert number * 150 > disk.policy.keep or disk.policy.keep == 0
            case "begin" if disk.policy.keep:
                with suppress(NoRoom):
                    disk.store.part(disk.store.begin(key, number)).write_bytes(b"half")
                disk = disk.again()
                lent.clear()
            case "lend":
                found = disk.store.lend(owner, key)
                assert all(k.owner == owner and k.key == key for k in found)
                lent += [(k, 0) for k in found]
            case "back" | "bad" if lent:
                disk.store.returned(lent.pop()[0].id, restored=step == "back")
            case "kill":
                disk, lent = disk.again(), []
            case "age":
                disk.now += 100.0 * number
                disk.store.prune()
            case "keep":
                disk.policy = replace(POLICY, keep=number * 200 if which else 0)
                disk.store.prune()
        sizes = [path.stat().st_size for path in disk.store.folder.glob("*.state")]
        assert sum(sizes) <= disk.policy.keep
        assert {path.stem for path in disk.store.folder.glob("*.state")} == disk.ids
        assert not list(disk.store.folder.glob("*.part"))
    for one in disk.again().store.kept:
        assert disk.store.state(one.id).stat().st_size == one.bytes


def test_a_clock_that_was_ahead_does_not_make_old_ones_the_newest_for_ever(disk: Disk) -> None:
    """They had all places of `per_model`, and what was saved now left at once."""
    disk.now = 1_000_000.0
    ahead = {disk.save([n] * 300).id for n in (1, 2)}
    disk.now = 10.0
    new = disk.save([7] * 300).id
    assert new in disk.ids and len(disk.ids) == POLICY.per_model
    disk.now = 5.0
    after = disk.again()
    later = after.save([8] * 300).id
    assert later in after.ids and len(after.ids) == POLICY.per_model
    assert len(ahead & after.ids) <= 1
    after.now += POLICY.max_age + 1
    after.store.prune()
    assert not after.ids


def test_a_folder_that_a_person_removed_is_made_again(disk: Disk) -> None:
    disk.save([1, 2, 3])
    shutil.rmtree(disk.store.folder)
    one = disk.save([4, 5, 6])
    assert disk.again().ids == {one.id}
    assert sys.platform == "win32" or stat.S_IMODE(disk.store.folder.stat().st_mode) == 0o700


def test_what_was_flushed_is_told_of_only_while_it_is_there(disk: Disk) -> None:
    one = disk.save([1, 2, 3])
    disk.store.lend("o", "k")
    disk.store.settled(one.id, disk.store.flush(one.id))
    assert disk.names == [f"{one.id}.state"], "an engine has it, which may die of it"
    disk.store.returned(one.id, restored=True)
    about = disk.store.flush(one.id)
    disk.store.discard(one.id)
    disk.store.settled(one.id, about)
    assert disk.names == [] and disk.store.flush(one.id) is None
