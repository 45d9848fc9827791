"""Whatever stands in the file, the answer is a configuration or a list of problems."""

from __future__ import annotations

import string

import yaml
from hypothesis import given
from hypothesis import strategies as st

from router.config.load import ConfigErrors, ParsedConfig, check_references
from tests.router.config.reading import EXAMPLE, parse

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["on", "env:X", "{port}", "~", "~x/y", "auto", "primary", "::", "0.0.0.0", "-", "<<"]),
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_SECTIONS = ["server", "engine", "model_dirs", "models", "slots", "limits"]
_FIELDS = [
    *("host", "port", "api_keys", "llama_server", "ports", "file", "display_name", "kind", "aliases", "flags"),
    *("request", "model", "autoload", "switch", "idle_unload", "pinned", "drain_timeout", "command", "health"),
    *("queue", "wait"),
]
_KEYS = st.sampled_from([*_SECTIONS, *_FIELDS])
_YAML_LIKE = st.text(
    alphabet=string.ascii_lowercase + string.digits + "\n :-[]{}&*!|>'\"#%@`,?~<\\\t", max_size=120
)


def read(text: str) -> None:
    """Fails the test for anything but a configuration or well-formed problems."""
    try:
        parsed = parse(text)
    except ConfigErrors as errors:
        last = len(text.splitlines()) + 1
        assert errors.problems
        assert all(0 <= problem.line <= last and problem.message for problem in errors.problems)
        assert [p.line for p in errors.problems] == sorted(p.line for p in errors.problems)
    else:
        assert isinstance(parsed, ParsedConfig)
        assert parsed.config.slots
        check_references(parsed, [])


@given(_YAML_LIKE | st.text(max_size=80))
def test_any_text(text: str) -> None:
    read(text)


@given(st.recursive(_TREES, lambda inner: st.dictionaries(_KEYS, inner, min_size=1, max_size=5), max_leaves=12))
def test_any_data_under_our_keys(data: object) -> None:
    read(yaml.safe_dump(data))


@given(st.integers(0, len(EXAMPLE)), st.integers(0, 30), _YAML_LIKE | st.text(max_size=10))
def test_a_valid_file_with_a_part_replaced(start: int, length: int, text: str) -> None:
    read(EXAMPLE[:start] + text + EXAMPLE[start + length :])
