"""What a row of router.config.schema declares, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from router.config.fields import Section
from router.config.hidden import HIDDEN, hide_keys
from router.config.keys import (
    Flags,
    Integer,
    Key,
    Named,
    Part,
    Secret,
    Text,
    Variables,
    key,
    keys_of,
    required_key,
)
from router.config.problems import ProblemList
from router.config.reader import read_keys
from router.config.schema import SECRETS, Config, is_secret
from router.config.yaml_lines import read_yaml


@dataclass(frozen=True)
class Seat:
    name: str
    file: str = required_key(Text(), "what it reads", "write one, such as file: a")
    most: int = key(Integer(0, 9), 3, "how many", apart=("other",))
    other: str | None = key(Text(), None, "what else", alone="which has no number")


def seat(text: str) -> tuple[Seat, list[str]]:
    problems = ProblemList(Path("x.yaml"))
    read = read_keys(Section(read_yaml(text, problems), "", problems), Seat, name="s")
    return read, [f"{problem.key} {problem.message}" for problem in problems.found]


def test_a_new_row_is_read_without_another_line() -> None:
    assert seat("{file: a, most: 0}") == (Seat("s", "a", 0), [])
    assert seat("file: a") == (Seat("s", "a", 3), [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("most: 1", "file is missing: write one, such as file: a"),
        ("{file: a, most: 10}", 'most must be a whole number from 0 to 9, not "10"'),
        ("{file: a, most: 1, other: b}", "most cannot stand beside other:, which has no number; remove one"),
        ("{file: a, mots: 1}", "mots is not a setting; valid here: file, most, other"),
        ("{file: a, name: b}", "name is not a setting; valid here: file, most, other"),
    ],
)
def test_a_new_row_is_refused_as_all_are(text: str, told: str) -> None:
    assert seat(text)[1] == [told]


def test_what_takes_more_than_the_key_must_be_given() -> None:
    @dataclass(frozen=True)
    class Special:
        flags: object = key(Flags(), None, "what only models_and_slots can read")

    with pytest.raises(TypeError, match="is read by hand"):
        read_keys(Section(None, "x", ProblemList(Path("x"))), Special)


def sections(section: type = Config) -> Iterator[type]:
    yield section
    for row in keys_of(section).values():
        if isinstance(row.key.type, Part | Named):
            yield from sections(row.key.type.of)


@pytest.mark.parametrize("section", list(sections()))
def test_every_row_is_complete(section: type) -> None:
    shown = {field.name: field.repr for field in fields(section)}
    rows = keys_of(section)
    for name, row in rows.items():
        declared: Key = row.key
        assert declared.meaning and not declared.meaning.endswith(".")
        assert shown[name] is not isinstance(declared.type, Secret | Variables), "a secret is in no repr"
        assert all(rows[other].key.alone for other in declared.apart), f"{name}: say why"


def test_every_secret_is_hidden_wherever_the_file_is_shown() -> None:
    assert {"server.api_keys", "upstreams.*.api_key"} <= {".".join(path) for path in SECRETS}
    for path in SECRETS:
        at = [part.replace("*", "x.y") for part in path]
        assert is_secret(".".join(at)) and not is_secret(".".join(at[:-1]))
        text = "k4711"
        for name in reversed(at):
            text = f"{{{name}: {text}}}"
        assert "k4711" not in hide_keys(text) and HIDDEN in hide_keys(text)
