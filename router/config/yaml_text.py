"""YAML text -> PyYAML nodes, with types and errors for people who write configurations.

PyYAML resolves plain words by YAML 1.1. `_Loader` keeps what people rely on (`on`, `off`, `yes`, `no`) and
drops what surprises them: dates, base-60 numbers (`12:30`) and leading-zero octals stay text, and `1e-5` is a
number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from router.config.problems import ProblemList

MAX_CHARACTERS: Final = 1_000_000
MAX_VALUES: Final = 20_000
MAX_DEPTH: Final = 30
MERGE: Final = "tag:yaml.org,2002:merge"
NULL: Final = "tag:yaml.org,2002:null"
BOOL: Final = "tag:yaml.org,2002:bool"
INT: Final = "tag:yaml.org,2002:int"
FLOAT: Final = "tag:yaml.org,2002:float"


class _Loader(yaml.SafeLoader):
    """SafeLoader with its own, smaller table of implicit types."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


# At most 18 digits: int() of a longer text may be refused by Python, and no setting needs it.
_NUMBER_STARTS: Final = list("-+.0123456789")
for _tag, _pattern, _first in (
    (BOOL, r"(?i:yes|no|true|false|on|off)", list("yYnNtTfFoO")),
    (INT, r"[-+]?(?:0|[1-9][0-9_]{0,17}|0x[0-9a-fA-F]{1,15})", _NUMBER_STARTS),
    (FLOAT, r"[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?", _NUMBER_STARTS),
    (NULL, r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    (MERGE, r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"{_pattern}\\Z"), _first)


def compose(text: str, problems: ProblemList) -> Node | None:
    """Return the document's root, or None if it is empty or has `problems` that make it unreadable."""
    if len(text) > MAX_CHARACTERS:
        problems.add(0, "", f"larger than {MAX_CHARACTERS // 1_000_000} MB is too large for a configuration")
        return None
    node = _compose(text, problems)
    return None if node is None or _too_big(node, problems) else node


def line_of(node: Node) -> int:
    """Return the line where the node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def _compose(text: str, problems: ProblemList) -> Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = f"U+{_code_point(error.character):04X}"
        problems.add(line, "", f"the character {code} is not allowed in YAML; remove it")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.splitlines()[mark.line :] if mark else []
        said = _IN_BRACKETS if lines and _REFERENCE.search(lines[0]) else _plain_sentence(error)
        problems.add(mark.line + 1 if mark else 0, "", said)
    except RecursionError:
        problems.add(0, "", "values are nested too deeply")
    except (ValueError, OverflowError):
        # PyYAML calls chr() and int() on escapes and version numbers without checking their range.
        problems.add(0, "", "it is not valid YAML: an escape such as \\U holds an impossible number")
    return None


def _code_point(character: str | int | bytes) -> int:
    return character if isinstance(character, int) else ord(character)


# PyYAML's own sentences quote the file, which may be an API key in the wrong place: say it in our words.
_SENTENCES: Final = (
    ("'\\t'", "a tab is used where YAML wants spaces; replace it with spaces"),
    ("could not find expected ':'", 'a ":" is missing after a key'),
    ("mapping values are not allowed", 'a second ":" stands on the line, or the indentation is wrong'),
    ("expected <block end>", "the indentation does not match the lines above"),
    ("undefined alias", "an alias (*name) refers to an anchor (&name) that does not stand above it"),
    ("duplicate anchor", "the same anchor (&name) is used twice"),
    ("single document", 'the file holds more than one document; remove the "---" between them'),
    ("but found another document", 'the file holds more than one document; remove the "---" between them'),
    ("while scanning a quoted scalar", "a quotation mark is not closed, or a \\ escape in it is not valid"),
    ("escape", "a \\ escape in quoted text is not valid; use single quotes for Windows paths"),
    ("',' or ']'", 'a list is not closed with "]", or a comma is missing'),
    ("',' or '}'", 'a mapping is not closed with "}", or a comma is missing'),
    ("cannot start any token", "a value begins with @, ` or %; put it in quotes"),
)

_REFERENCE: Final = re.compile(r"""[{\[,:]\s*[^"'{\[,]*\$\{""")
_IN_BRACKETS: Final = 'it is not valid YAML: within {...} and [...] a variable stands in quotes, "${name}"'


def _plain_sentence(error: yaml.MarkedYAMLError) -> str:
    technical = f"{error.context or ''} {error.problem or ''}"
    known = next((said for part, said in _SENTENCES if part in technical), None)
    return f"it is not valid YAML: {known or 'the text here cannot be read; check indentation and quotes'}"


def _too_big(root: Node, problems: ProblemList) -> bool:
    """Return whether the tree with every alias written out (`&a [*b, *b]`, ...) is unreasonable, or endless."""
    endless = (MAX_VALUES + 1, MAX_DEPTH + 1)
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: Node, depth: int) -> tuple[int, int]:
        """Return how many values `node` holds, and how deep they are nested."""
        if depth > MAX_DEPTH:
            return endless
        if id(node) not in measured:
            # An alias inside its own anchor meets this entry.
            measured[id(node)] = endless
            parts = [measure(child, depth + 1) for child in _children(node)]
            size = 1 + sum(part[0] for part in parts)
            measured[id(node)] = (size, 1 + max((part[1] for part in parts), default=0))
        return measured[id(node)]

    size, height = measure(root, 0)
    if size <= MAX_VALUES and height <= MAX_DEPTH:
        return False
    problems.add(line_of(root), "", "too many values, nested too deeply, or repeated by aliases (*name)")
    return True


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value
