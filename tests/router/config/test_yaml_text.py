"""Text that is not YAML, or too much of it."""

from __future__ import annotations

import time

import pytest

from tests.router.config.reading import config, only_problem, problems


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("server:\n\tport: 1\n", 2, "a tab is used"),
        ("server:\n  port: 1\n host: x\n", 3, "indentation"),
        ("limits: {queue: 1\nserver: 2", 2, 'not closed with "}"'),
        ("model_dirs: [a, b\nserver: {}\n", 2, 'not closed with "]"'),
        ("server: a: b\n", 1, 'a second ":"'),
        ('model_dirs: ["a]\n', 2, "quotation mark is not closed"),
        ('model_dirs: ["C:\\models"]\n', 1, "single quotes for Windows paths"),
        ("model_dirs: [*there]\n", 1, "refers to an anchor"),
        ("model_dirs: [@home]\n", 1, "put it in quotes"),
        ("server: {}\n---\nserver: {}\n", 2, "more than one document"),
        ("server:\nport\nlimits: 1\n", 3, 'a ":" is missing'),
        ('model_dirs: ["\\U00110000"]', 0, "impossible number"),
        ("limits: {}\nserver: \x01\n", 2, "U+0001 is not allowed"),
        ('model_dirs: ["\\ud800"]', 1, "unusable character"),
        ('model_dirs: ["a\\0b"]', 1, "unusable character"),
        ("limits: {queue: !!int x}", 1, "does not fit its tag"),
        ("limits: {queue: !!bool x}", 1, "does not fit its tag"),
        ("limits: !!python/object:os.system {}", 1, "YAML tags"),
        ("limits: {[1, 2]: 3}", 1, "a key must be a name"),
        ("limits: {'': 3}", 1, "a key must be a name"),
    ],
)
def test_yaml_errors_are_one_plain_sentence_with_a_line(text: str, line: int, part: str) -> None:
    problem = only_problem(text)
    assert problem.line == line
    assert part in problem.message
    assert "\n" not in problem.message


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merge_bomb(levels: int) -> str:
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


def deep_through_aliases(levels: int) -> str:
    lines = ["a0: &a0 [[[[[x]]]]]"]
    lines += [f"a{n}: &a{n} [[[[[*a{n - 1}]]]]]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(12),
        merge_bomb(12),
        deep_through_aliases(300),
        "model_dirs: &a [*a]",
        "models: &a {b: *a}",
        "x: " + "[" * 60 + "]" * 60,
        "x: " + "[" * 100_000,
        "x: " + "{a: " * 400 + "1" + "}" * 400,
    ],
    ids=[
        "aliases",
        "merges",
        "deep aliases",
        "endless list",
        "endless mapping",
        "deep",
        "very deep",
        "mappings",
    ],
)
def test_expansion_is_bounded(text: str) -> None:
    began = time.process_time()
    found = problems(text)
    assert len(found) == 1
    assert "nested too deeply" in found[0].message
    assert time.process_time() - began < 5


def test_ordinary_aliases_are_no_bomb() -> None:
    folders = "model_dirs: [a, b]\n"
    models = "".join(f"  m{n}: {{<<: *base, aliases: [x{n}]}}\n" for n in range(200))
    assert len(config(folders + "models:\n  base: &base {file: x, flags: {c: 1}}\n" + models).models) == 201


def test_dates_and_base_60_are_text() -> None:
    read = config("models:\n  2024-01-01: {file: 12:30:45, display_name: 2024-01-01}\n")
    assert read.models["2024-01-01"].file == "12:30:45"
