"""JSON with comments: what is changed is changed, and every other byte stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connect import jsonc

COMMENTED = """\
// my settings
{
  "theme": "dark", // at night
  /* two
     lines */
  "provider": {
    "other": {"npm": "x"}, // stays
  },
}
"""


def test_comments_and_trailing_commas_are_read_past() -> None:
    assert jsonc.parse(COMMENTED) == {"theme": "dark", "provider": {"other": {"npm": "x"}}}
    assert jsonc.parse(" // nothing\n") is None
    assert jsonc.parse('{"url": "http://x/*y"}') == {"url": "http://x/*y"}


def test_a_new_member_is_put_behind_the_last_and_its_comment() -> None:
    text = jsonc.set_value(COMMENTED, ("provider", "hal0"), {"name": "hal0"})
    assert text == COMMENTED.replace(
        '    "other": {"npm": "x"}, // stays\n',
        '    "other": {"npm": "x"}, // stays\n    "hal0": {\n      "name": "hal0"\n    }\n',
    )


@pytest.mark.parametrize(
    ("text", "path", "result"),
    [
        ("", ("a", "b"), '{\n  "a": {\n    "b": 1\n  }\n}\n'),
        ("{}", ("a",), '{\n  "a": 1\n}'),
        ('{"x": 2}', ("a",), '{"x": 2, "a": 1}'),
        ('{"x": 2,}', ("a",), '{"x": 2, "a": 1,}'),
        ('{\n\t"x": 2 // two\n}\n', ("a",), '{\n\t"x": 2, // two\n\t"a": 1\n}\n'),
        ('{"a": [1, 2] /* why */}', ("a",), '{"a": 1 /* why */}'),
        ('{"x": {}}', ("x", "a"), '{"x": {\n  "a": 1\n}}'),
    ],
)
def test_a_value_is_put_in_its_place(text: str, path: tuple[str, ...], result: str) -> None:
    assert jsonc.set_value(text, path, 1) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('{"a": 1}', "{}"),
        ('{"x": 2, "a": 1}', '{"x": 2}'),
        ('{"a": 1, "x": 2}', '{ "x": 2}'),
        ('{\n  "x": 2,\n  "a": {\n    "b": 1\n  }\n}\n', '{\n  "x": 2\n}\n'),
        ('{\n  "a": 1,\n  // of x\n  "x": 2\n}\n', '{\n  // of x\n  "x": 2\n}\n'),
    ],
)
def test_a_member_is_taken_out_with_its_comma(text: str, result: str) -> None:
    assert jsonc.remove(text, ("a",)) == result


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '{"a" 1}', '{"a": nope}', "{} {}", '{"a": 1', "[1 2]", "{a: 1}", '{"a":']
)
def test_what_is_no_json_says_at_which_line(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        jsonc.parse(text)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=4)


@given(objects, st.text(max_size=4), values, st.sampled_from([None, 2]))
def test_any_object_takes_any_member_and_gives_it_back(
    data: dict[str, object], name: str, value: object, indent: int | None
) -> None:
    text = json.dumps(data, indent=indent)
    with_it = jsonc.set_value(text, (name,), value)
    assert jsonc.parse(with_it) == {**data, name: value} == json.loads(with_it)
    without = {key: item for key, item in data.items() if key != name}
    assert json.loads(jsonc.remove(with_it, (name,))) == without
