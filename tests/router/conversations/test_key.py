"""What makes a state another one, and what a person's flags say about keeping it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.catalog.model import Model
from router.config.schema import Kind
from router.conversations.identity import sample, stamps
from router.conversations.key import can_keep, owner, saves_to, state_key

ARGV = ["/usr/bin/llama-server", "-m", "/m/a.gguf", "--ctx-size", "8192", "--cache-type-k", "q8_0"]
OWN = ["--cache-ram", "512", "--slot-save-path", "/s", "--alias", "a", "--host", "127.0.0.1", "--port", "8101"]
FILES = (("/usr/bin/llama-server", 10, 1, "aa"), ("/m/a.gguf", 20, 2, "bb"))
KEY = state_key([*ARGV, *OWN], FILES, "b11669", 8192, 4)


def model(**changes: object) -> Model:
    return Model(**{"id": "a", "kind": Kind.CHAT, "display_name": "A", "file": Path("/m/a.gguf"), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        state_key([*ARGV, *OWN], FILES, "b11700", 8192, 4),
        state_key([*ARGV, *OWN], FILES, "b11669", 4096, 4),
        state_key([*ARGV, *OWN], FILES, "b11669", 8192, 1),
        state_key([*ARGV[:-1], "f16", *OWN], FILES, "b11669", 8192, 4),
        state_key([*ARGV, "--parallel", "2", *OWN], FILES, "b11669", 8192, 4),
        state_key([*ARGV, *OWN], (FILES[0], ("/m/a.gguf", 21, 2, "bb")), "b11669", 8192, 4),
        state_key([*ARGV, *OWN], (FILES[0], ("/m/a.gguf", 20, 3, "bb")), "b11669", 8192, 4),
        state_key([*ARGV, *OWN], (FILES[0], ("/m/a.gguf", 20, 2, "cc")), "b11669", 8192, 4),
        state_key([*ARGV, *OWN], (("/usr/bin/llama-server", 10, 9, "aa"), FILES[1]), "b11669", 8192, 4),
    ],
    ids=["build", "context", "slots", "kv", "flag", "size", "time", "header", "engine"],
)
def test_whatever_a_state_depends_on_makes_another_key(other: str) -> None:
    assert other != KEY


def test_what_differs_from_launch_to_launch_does_not() -> None:
    others = ["--cache-ram", "64", "--slot-save-path", "/t", "--alias", "b", "--host", "::1", "--port", "8177"]
    assert state_key([*ARGV, *others], FILES, "b11669", 8192, 4) == KEY
    assert state_key(ARGV, FILES, "b11669", 8192, 4) == KEY


@given(st.lists(st.text(max_size=8), max_size=6), st.lists(st.text(max_size=8), max_size=6))
def test_two_command_lines_never_share_a_key(one: list[str], other: list[str]) -> None:
    volatile = {"--port", "--host", "--alias", "--cache-ram", "--slot-save-path"}
    one, other = ([word for word in words if word not in volatile] for words in (one, other))
    assert (state_key(one, (), "b", 1, 1) == state_key(other, (), "b", 1, 1)) is (one == other)


@pytest.mark.parametrize(
    "changes",
    [
        {"file": None, "command": "vllm --port {port}"},
        {"kind": Kind.EMBEDDING},
        {"flags": {"slot-save-path": "/mine"}},
        {"flags": {"no-slots": True}},
        {"flags": {"slots": False}},
        {"flags": {"no-cache-prompt": True}},
        {"flags": {"lora": "/m/adapter.gguf"}},
        {"request": {"lora": [{"id": 0, "scale": 1.0}]}},
    ],
    ids=str,
)
def test_what_a_person_set_is_respected(changes: dict[str, object]) -> None:
    assert can_keep(model()) and can_keep(model(flags={"slots": True}))
    assert not can_keep(model(**changes))


def test_an_owner_is_a_slot_and_what_its_process_is_launched_with() -> None:
    assert owner("primary", model()) == owner("primary", model(id="b", request={"temperature": 0}))
    assert owner("primary", model()) != owner("second", model())
    assert owner("primary", model()) != owner("primary", model(flags={"ctx-size": "4096"}))


def test_the_folder_is_read_from_the_command_line() -> None:
    assert saves_to([*ARGV, *OWN]) == "/s" and saves_to(ARGV) is None


def test_every_file_of_a_command_line_is_looked_at(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"m-0000{number}-of-00002.gguf").write_bytes(bytes([number]) * 10)
    (tmp_path / "engine").write_bytes(b"e")
    argv = [
        str(tmp_path / "engine"),
        "-m",
        str(tmp_path / "m-00001-of-00002.gguf"),
        "--port",
        "1",
        str(tmp_path),
    ]
    before = stamps(argv)
    assert [Path(stamp.path).name for stamp in before] == [
        "engine",
        "m-00001-of-00002.gguf",
        "m-00002-of-00002.gguf",
    ]
    (tmp_path / "m-00002-of-00002.gguf").write_bytes(b"\3" * 10)
    assert stamps(argv)[:2] == before[:2] and stamps(argv)[2] != before[2]


def test_a_sample_notices_what_was_cut_off_or_exchanged(tmp_path: Path) -> None:
    file = tmp_path / "state"
    whole = bytes(range(256)) * 4096
    file.write_bytes(whole)
    before = sample(file)
    for other in (
        whole[:-1],
        b"\xff" + whole[1:],
        whole[:-1] + b"\0",
        whole[: len(whole) // 2] + bytes(1 << 19),
    ):
        file.write_bytes(other)
        assert sample(file) != before
