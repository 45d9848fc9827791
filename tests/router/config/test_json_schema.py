"""The JSON Schema says what the reader says, as far as a schema can say it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from router.config.json_schema import json_schema, schema_text
from router.config.keys import (
    Choice,
    Integer,
    Key,
    Named,
    Part,
    Ports,
    Seconds,
    Secret,
    Size,
    Text,
    Texts,
    Truth,
    keys_of,
)  # fmt: skip
from router.config.schema import Config
from tests.router.config.reading import problems

ROOT = Path(__file__).resolve().parents[3]


class Editor(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: `on` and `8_080` are texts."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for tag, pattern in (
    ("bool", "true|True|TRUE|false|False|FALSE"),
    ("int", "[-+]?[0-9]+|0x[0-9a-fA-F]+"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
    ("null", "null|Null|NULL|~|"),
    ("merge", "<<"),
):
    Editor.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), None)


def _int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(node.value, 16) if "x" in node.value else int(node.value)


Editor.add_constructor("tag:yaml.org,2002:int", _int)


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def read(text: str) -> Any:
    return _with_names(yaml.load(text, Editor))  # noqa: S506


def _with_names(data: Any) -> Any:
    """A key is a name, also `27`."""
    if isinstance(data, dict):
        return {str(name): _with_names(item) for name, item in data.items()}
    return [_with_names(item) for item in data] if isinstance(data, list) else data


def refused(text: str) -> list[str]:
    """What an editor marks in this hal0.yaml."""
    return [error.message for error in validator().iter_errors(read(text))]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())
    ecma = [p for p in re.findall(r'"pattern": "(.*)"', schema_text()) if re.search(r"\(\?[^:!=]|\\[AZz]", p)]
    assert ecma == [], "regular expressions that only Python reads"


# -- whole files --------------------------------------------------------------------------------------------


def examples() -> Iterator[tuple[str, str]]:
    """Every hal0.yaml of the manual and of the tests beside this one."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)):
            yield f"{page.name} {number}", text
    for module in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{module.name} {node.lineno}", node.value


def whole_files() -> Iterator[Any]:
    for name, text in examples():
        try:
            data = read(text)
        except (yaml.YAMLError, ValueError, KeyError, RecursionError):
            continue
        if isinstance(data, dict) and data and data.keys() <= keys_of(Config).keys():
            yield pytest.param(text, id=name)


FILES = list(whole_files())
GOOD = [file for file in FILES if not problems(str(file.values[0]), {"HAL0_KEY": "k"})]
BAD = [file for file in FILES if file not in GOOD]


@pytest.mark.parametrize("text", GOOD)
def test_what_hal0_reads_is_not_marked(text: str) -> None:
    assert refused(text) == []


def test_most_of_what_it_refuses_is_marked() -> None:
    """The rest is between sections, or needs the reader: a port within engine.ports, a name used twice."""
    bad = [file for file in BAD if "${" not in str(file.values[0])]  # what a variable is stands elsewhere
    marked = [file for file in bad if refused(str(file.values[0]))]
    assert len(GOOD) > 80 and len(bad) > 100
    assert len(marked) > len(bad) * 0.8


# -- key by key ---------------------------------------------------------------------------------------------


def places() -> Iterator[tuple[str, str, Key]]:
    """Each key, with a file that holds a value in the place of VALUE at it."""
    for section, row in keys_of(Config).items():
        match row.key.type:
            case Part(of):
                for name, inner in keys_of(of).items():
                    yield f"{section}.{name}", f"{section}: {{{name}: VALUE}}", inner.key
            case Named(of):
                for name, inner in keys_of(of).items():
                    must = {"file": "file: x.gguf", "base_url": "base_url: 'http://x'"}
                    others = [said for key, said in must.items() if key in keys_of(of) and key != name]
                    body = ", ".join([*others, f"{name}: VALUE"])
                    yield f"{section}.x.{name}", f"{section}: {{x: {{{body}}}}}", inner.key
            case _:
                yield section, f"{section}: VALUE", row.key


ANYTHING = [
    "null",
    "true",
    "on",
    "0",
    "1",
    "-1",
    "1.5",
    "''",
    "' '",
    "word",
    "a b",
    '"a\\nb"',
    "[]",
    "[a]",
    "[1, true]",
]
ANYTHING += [
    "[[a]]",
    "[null]",
    "['']",
    "{}",
    "{a: 1}",
    "a/b",
    "[a, a]",
    "'{port} x'",
    "1e999",
    "'5'",
    "env:A",
    "'env:'",
]
ANYTHING += ["keyring:a", "'keyring:a b'", "[env:HAL0_KEY]", "['env:']", "[8101, 8102]", "[8101]", "[1, 70000]"]
EXAMPLES = {
    Truth: ["false", "yes", "No", "'true'", "2"],
    Size: ["1MiB", "1.5 GiB", "2GB", "700m", "512", "1048576", "lots", "-1", "1,5GiB"],
    Ports: ["[1, 1]", "[0, 5]", "[true, 2]"],
    Text: ["'x: y'", "http://10.0.0.2:8080", "https://user:pw@host", "ftp://x"],
    Texts: ["[pc.local]", "['*']", "['10.0.0.3:50052']", "[https://chat.example.org]"],
    Secret: ["sk-1", "0123", "'sk 1'", "ké", "[sk-1]", "['sk 1']"],
}  # fmt: skip
EXAMPLES[Text] += ["'http://x?a=b'", "/health", "health", "auto"]


def values(key: Key) -> list[str]:
    match key.type:
        case Integer(low, high) | Seconds(low, high):
            own = [str(number) for number in (low, low - 1, high, high + 1)]
            own += (
                ["2s", "12 h", "7d", "500ms", "1.5m", "3weeks", "'90'"] if isinstance(key.type, Seconds) else []
            )
        case Choice(of):
            own = [*(choice.value for choice in of), *(choice.value.upper() for choice in of)]
        case other:
            own = EXAMPLES.get(type(other), [])
    return [*ANYTHING, *own]


# What only hal0 can tell: what a text stands for, whether there is such a thing, what was put in quotes.
UNSAID = re.compile(
    "is no IP address or host name|is no host name|begin with the program|no upstream is called|is an amount of"
    r"|must be from \d+[KMGT]iB to|must be a time such as|there is no slot"
)

# One number may be right by itself and wrong beside another key, of which a schema of numbers knows nothing.
BESIDE_ANOTHER_KEY = re.compile("lies in engine.ports")


@pytest.mark.parametrize(("key", "file", "declared"), list(places()))
def test_a_key_is_marked_where_hal0_refuses_it(key: str, file: str, declared: Key) -> None:
    for value in values(declared):
        text = file.replace("VALUE", value)
        found = [str(p) for p in problems(text, {"HAL0_KEY": "k"}) if p.key.startswith(key)]
        if marked := refused(text):
            assert found, f"{text}: only an editor refuses it: {marked}"
        else:
            assert all(map(UNSAID.search, found)), f"{text}: no editor says {found}"


NUMBERS = [(file, key.type) for _, file, key in places() if isinstance(key.type, Integer | Seconds)]


@given(st.sampled_from(NUMBERS), st.data())
def test_they_agree_on_every_number(place: tuple[str, Integer | Seconds], data: st.DataObject) -> None:
    file, declared = place
    numbers: st.SearchStrategy[float] = st.integers(-(10**17), 10**17) | st.integers(-2, 90_000)
    if isinstance(declared, Seconds):
        numbers |= st.floats(-10, 3_000_000)
    text = file.replace("VALUE", repr(data.draw(numbers)))
    found = [str(told) for told in problems(text) if not BESIDE_ANOTHER_KEY.search(told.message)]
    assert bool(refused(text)) is bool(found), text


def test_a_port_of_its_own_is_right_by_itself_and_wrong_among_the_engines() -> None:
    text = "server: {port: 8101}"
    assert not refused(text)
    assert [BESIDE_ANOTHER_KEY.search(told.message) is not None for told in problems(text)] == [True]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("slots: {s: {upstream: a/b, model: x}}", True),
        ("slots: {s: {upstream: a/b, priority: 1}}", True),
        ("slots: {s: {upstream: ~, model: x}}", False),
        ("slots: {s: {upstream: a/b, kind: chat, fallback: [c]}}", False),
        ("slots: {s: {command: 'x {port}', models: [a]}}", True),
        ("slots: {s: {command: 'x {port}', pinned: yes}}", False),
        ("slots: {a/b: {}}", True),
        ("models: {a b: {file: x}}", True),
        ("models: {a: }", True),
        ("upstreams: {hal0: {base_url: 'http://x'}}", True),
        ("slots: {a: , b: {}}", False),
        ("limits: {wiat: 5}", True),
        ("models: {m: {file: x, flags: {ctx-size: 32k, parallel: 2, flash-attn: on, anything: [1]}}}", False),
        ("models: {m: {file: x, flags: {parallel: 0}}}", True),
        ("models: {m: {file: x, flags: {port: 1}}}", True),
        ("models: {m: {file: x, flags: {idle_unload: 1}}}", True),
        ("models: {m: {file: x, request: {temperature: 0.7, max_tokens: 4k, x: {y: 1}}}}", False),
        ("models: {m: {file: x, request: {temperature: '0.7'}}}", True),
        ("models: {m: {file: x, request: {messages: []}}}", True),
    ],
)
def test_what_holds_between_keys(text: str, marked: bool) -> None:
    assert bool(refused(text)) is marked
    upstreams = "\nupstreams: {a: {base_url: 'http://x'}, c: {base_url: 'http://y'}}" if "a/b, " in text else ""
    assert bool(problems(text + upstreams)) is marked
