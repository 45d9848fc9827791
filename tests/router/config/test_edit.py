"""Edits of hal0.yaml: the one thing asked for changes, and every other byte stays."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.change import REMOVE, ConfigChange
from router.config.edit import HEADER, apply_changes
from router.config.load import ConfigErrors
from router.config.problems import ProblemList
from router.config.yaml_lines import read_yaml
from router.config.yaml_write import block, flow
from tests.router.config.reading import EXAMPLE, SOURCE, config

TRICKY = """\
# top
server:
    # the port
    port: 8080   # eighty
    api_keys:
    -   one   # first

    - env:TWO
    # tail of keys

slots:
    primary: &p
        model: "alpha"   # quoted
        pinned: yes
        # tail
    second:
        <<: *p
        model: 'beta'
    third: *p
    empty:   # nothing yet
models:
    on:
        file: a.gguf
        flags: {
            ctx-size: 1,   # c
            fa: on   # d
        }
    27:
        file: |
          text
        request: {}
    'quoted key': {"file": "x y.gguf", aliases: [ a,  b ,], }
# end
"""


def edit(text: str, path: str, value: Any) -> str:
    return apply_changes(text, [ConfigChange(tuple(path.split("/")), value)])


def changed_lines(before: str, after: str) -> list[str]:
    """`-old` and `+new` lines."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def plain(text: str) -> Any:
    value = read_yaml(text, ProblemList(SOURCE))
    return value.plain() if value else {}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("server/port", 8081, ["-    port: 8080   # eighty", "+    port: 8081   # eighty"]),
        ("server/host", "::1", ["+    host: \"::1\""]),
        ("server/api_keys", ["env:TWO"], ["-    -   one   # first"]),
        ("server/api_keys", ["one"], ["-    - env:TWO"]),
        ("server/api_keys", ["one", "env:TWO", "x: y"], ['+    - "x: y"']),
        ("server/api_keys", ["new", "one"],
         ["-    api_keys:", "-    -   one   # first", "-", "-    - env:TWO", "+    api_keys: [new, one]"]),
        ("slots/second/model", "it's", ["-        model: 'beta'", "+        model: 'it''s'"]),
        ("slots/second/model", "a\nb", ["-        model: 'beta'", '+        model: "a\\nb"']),
        ("slots/second/pinned", False, ["+        pinned: false"]),
        ("slots/second/pinned", REMOVE, ["+        pinned: null"]),
        ("slots/third/model", "x", ["-    third: *p", "+    third: {<<: *p, model: x}"]),
        ("slots/third", REMOVE, ["-    third: *p"]),
        ("slots/empty/model", "on", ['+        model: "on"']),
        ("slots/empty", {"model": "x", "autoload": True}, ["+        model: x", "+        autoload: true"]),
        ("slots/new", {"model": "x"}, ["+    new:", "+        model: x"]),
        ("models/on/flags/fa", "off", ["-            fa: on   # d", '+            fa: "off"   # d']),
        ("models/on/flags/fa", REMOVE,
         ["-            ctx-size: 1,   # c", "-            fa: on   # d", "+            ctx-size: 1   # c"]),
        ("models/on/flags/ctx-size", REMOVE, ["-            ctx-size: 1,   # c"]),
        ("models/on/flags/new", 2,
         ["-            fa: on   # d", "+            fa: on,   # d", "+            new: 2"]),
        ("models/27/file", "b.gguf", ["-        file: |", "-          text", "+        file: b.gguf"]),
        ("models/27/request/temperature", 0.5,
         ["-        request: {}", "+        request: {temperature: 0.5}"]),
        ("models/27", REMOVE, ["-    27:", "-        file: |", "-          text", "-        request: {}"]),
        ("models/quoted key/aliases", ["a", "b", "c"],
         ["-    'quoted key': {\"file\": \"x y.gguf\", aliases: [ a,  b ,], }",
          "+    'quoted key': {\"file\": \"x y.gguf\", aliases: [ a,  b, c ,], }"]),
        ("models/quoted key/file", "z",
         ["-    'quoted key': {\"file\": \"x y.gguf\", aliases: [ a,  b ,], }",
          "+    'quoted key': {\"file\": \"z\", aliases: [ a,  b ,], }"]),
        ("limits/queue", 3.0, ["+limits:", "+    queue: 3"]),
        ("limits", {}, ["+limits: {}"]),
        ("nobody", REMOVE, []),
        ("server/port", 8080, []),
    ],
)  # fmt: skip
def test_nothing_but_the_edited_lines_changes(path: str, value: Any, expected: list[str]) -> None:
    after = edit(TRICKY, path, value)
    assert changed_lines(TRICKY, after) == expected


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        ("", "slots/primary/model", "x", HEADER + "slots:\n  primary: {model: x}\n"),
        ("  \n", "server/port", 9, HEADER + "server:\n  port: 9\n"),
        ("# mine", "limits/queue", 1, "# mine\nlimits:\n  queue: 1\n"),
        ("---\n", "limits/queue", 1, "---\nlimits:\n  queue: 1\n"),
        ("{}", "limits/queue", 1, "{limits: {queue: 1}}"),
        ("{limits: {}}\n", "limits/queue", 1, "{limits: {queue: 1}}\n"),
        ("limits: ~\n", "limits/queue", 1, "limits: {queue: 1}\n"),
        ("limits:", "limits/queue", 1, "limits:\n  queue: 1"),
        ("limits: {queue: }\n", "limits/queue", 1, "limits: {queue: 1 }\n"),
        ("limits: {queue}\n", "limits/queue", 1, "limits: {queue: 1}\n"),
        ("limits: {queue: 1}", "limits/wait", 2, "limits: {queue: 1, wait: 2}"),
        ("limits:\n   queue: 1", "limits/wait", 2, "limits:\n   queue: 1\n   wait: 2"),
        ("limits:\n  queue: 1", "limits/queue", REMOVE, "limits:"),
        ("limits:\r\n  queue: 1\r\n", "limits/wait", 2, "limits:\r\n  queue: 1\r\n  wait: 2\r\n"),
        ("limits:\r\n  a: 1\r\n  queue: 1\r\n", "limits/a", REMOVE, "limits:\r\n  queue: 1\r\n"),
        ("\ufefflimits: {queue: 1}\n", "limits/queue", 2, "\ufefflimits: {queue: 2}\n"),
        ("a:\n  b: 1\n  # of b\n\n  # more\n# of c\nc: 2\n", "a/d", 3,
         "a:\n  b: 1\n  d: 3\n  # of b\n\n  # more\n# of c\nc: 2\n"),
        ("a:\n  b: 1\n  # of a\nc: 2\n  # deep\n# end\n", "d", 3,
         "a:\n  b: 1\n  # of a\nc: 2\n  # deep\nd: 3\n# end\n"),
        ("a: [x, y, z]\n", "a", ["x", "z"], "a: [x, z]\n"),
        ("a: [x, y, z]\n", "a", ["x", "y"], "a: [x, y]\n"),
        ("a: [x]\n", "a", [], "a: []\n"),
        ("a: []\n", "a", ["on", 1, None, True, {"b": "c d"}], 'a: ["on", 1, null, true, {b: c d}]\n'),
        ("a:\n- x  # 1\n- y  # 2\nb: 1\n", "a", ["x", "y", "z"], "a:\n- x  # 1\n- y  # 2\n- z\nb: 1\n"),
        ("a: 'é'\n", "a", "ü\u2028", 'a: "ü\\u2028"\n'),
        ("a: >-\n  long\n  text\n\n# c\nb: 1\n", "a", "short", "a: short\n\n# c\nb: 1\n"),
        ("a: &x 5\nb: 1\n", "a", 6, "a: 6\nb: 1\n"),
        ("a: &x 5\nb: *x\n", "b", 6, "a: &x 5\nb: 6\n"),
        ("a: 1 #no comment\nb: 'x # y'\n", "b", "z # w", "a: 1 #no comment\nb: 'z # w'\n"),
    ],
)  # fmt: skip
def test_forms_of_files(before: str, path: str, value: Any, after: str) -> None:
    assert edit(before, path, value) == after


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        (TRICKY, "slots/primary/model", "z"),  # `second` and `third` would change with it
        ("a: &x 5\nb: *x\n", "a", 6),
        ("a: [1]\n", "a/b", 1),
        ("a: 1\n...\n", "b", float("inf")),
        ("- a\n", "b", 1),
        ("a: [\n", "b", 1),
        ("m:\n  x: &f {a: 1}\n  y:\n    flags: {<<: *f, b: 1}\n", "m/y/flags/a", REMOVE),
    ],
)
def test_what_cannot_be_changed_by_itself_is_refused(text: str, path: str, value: Any) -> None:
    with pytest.raises(ConfigErrors) as refused:
        edit(text, path, value)
    assert refused.value.problems[0].file == "hal0.yaml"


def test_a_refusal_never_shows_a_key() -> None:
    with pytest.raises(ConfigErrors) as refused:
        edit("server: {api_keys: &k [sesame]}\nx: *k\n", "server/api_keys/sesame", 1)
    assert "sesame" not in str(refused.value)


def test_the_documented_example_keeps_its_columns() -> None:
    after = edit(EXAMPLE, "server/port", 8081)
    assert changed_lines(EXAMPLE, after) == [
        "-server:   {host: 127.0.0.1, port: 8080, api_keys: []}",
        "+server:   {host: 127.0.0.1, port: 8081, api_keys: []}",
    ]
    assert config(after).server.port == 8081


def test_several_changes_are_made_one_after_the_other() -> None:
    changes = [
        ConfigChange(("slots", "new"), {"model": "nomic-embed", "kind": "embedding"}),
        ConfigChange(("slots", "new", "autoload"), True),
        ConfigChange(("slots", "embed"), REMOVE),
    ]
    slots = config(apply_changes(EXAMPLE, changes)).slots
    assert list(slots) == ["primary", "stt", "new"] and slots["new"].autoload


# -- random files and changes ------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "on", "27", "ctx-size", "x y", "n_ctx", "é", "-", "~", "true", "a:b", "#", "<<x"])
LEAVES = st.one_of(
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.sampled_from(
        ["on", "off", "~", "null", "1", "0x1f", "1e-5", "a: b", "# c", "- x", "*x", "&y", "{port}"]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=6,
)
TREES = st.dictionaries(NAMES, VALUES, max_size=4)
PATHS = st.lists(NAMES, min_size=1, max_size=3)


def write(tree: dict[str, Any], style: str) -> str:
    """The tree as a person might have written it: in blocks, or in brackets, with comments."""
    if style == "flow":
        return flow(tree) + "  # all of it\n"
    lines = ["# head"]
    for name, value in tree.items():
        lines += [*block(name, value, 0, 3, compact=style == "compact"), "   # below it", ""]
    return "\n".join(lines) + "\n"


def with_change(tree: Any, path: list[str], value: Any) -> Any:
    inner = dict(tree) if isinstance(tree, dict) else {}
    if len(path) > 1:
        return inner | {path[0]: with_change(inner.get(path[0]), path[1:], value)}
    if value is REMOVE:
        inner.pop(path[0], None)
        return inner
    return inner | {path[0]: value}


def without_empty(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    inner = {name: without_empty(value) for name, value in tree.items()}
    return {name: value for name, value in inner.items() if value not in ({}, None)}


def passes_through_a_leaf(tree: Any, path: list[str]) -> bool:
    for name in path[:-1]:
        tree = tree.get(name, {}) if isinstance(tree, dict) else tree
        if not isinstance(tree, dict):
            return True
    return False


@settings(max_examples=300)
@given(TREES, PATHS, VALUES | st.just(REMOVE), st.sampled_from(["block", "compact", "flow"]))
def test_a_change_is_exactly_what_was_asked(
    tree: dict[str, Any], path: list[str], value: Any, style: str
) -> None:
    text = write(tree, style)
    assert without_empty(plain(text)) == without_empty(tree)
    if passes_through_a_leaf(tree, path):
        return
    after = apply_changes(text, [ConfigChange(tuple(path), value)])
    assert without_empty(plain(after)) == without_empty(with_change(tree, path, value))
    gone = [line for line in changed_lines(text, after) if line.startswith("-#")]
    assert not gone, "comments stay"
    # And back: what is asked for twice is already there.
    assert apply_changes(after, [ConfigChange(tuple(path), value)]) == after


@pytest.mark.parametrize("name", ["\ud800", "a\x00b"])
@pytest.mark.parametrize("where", ["key", "value", "inside"])
def test_what_no_file_can_hold_is_refused_for_that_reason(name: str, where: str) -> None:
    """Row 33."""
    path = ("models", name if where == "key" else "m")
    value = {"file": "m.gguf", "request": {"stop": [name]}} if where == "inside" else {"file": name}
    with pytest.raises(ConfigErrors, match="no file of text can") as caught:
        apply_changes("", [ConfigChange(path, value)])
    assert json.dumps(caught.value.details, ensure_ascii=False).encode()
