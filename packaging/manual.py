"""Writes into the manual what the code knows better: commands, error codes, hal0.yaml's keys, clients.

    .venv/bin/python packaging/manual.py [--check | --pictures]

Rewrites what stands between `<!-- generated: NAME -->` and `<!-- end -->` in docs/*.md, and the JSON Schema
beside them; with `--check` it only says whether that is up to date (tests/test_manual.py). The pages are
complete without a site.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.config.keys import Row

ROOT = Path(__file__).resolve().parents[1]
# pytest and others bring a package called `packaging`; this folder must not shadow it.
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent)]

PICTURES = ("ready", "switching", "no-room", "pull-offer", "connect-hermes", "remote", "upstreams")
"""Scenes of packaging/pictures.py that the pages show: `--pictures` draws them anew into docs/images."""

BLOCK = re.compile(r"(<!-- generated: ([\w -]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def main() -> int:
    if "--pictures" in sys.argv[1:]:
        return draw()
    check = "--check" in sys.argv[1:]
    stale = [page.name for page in sorted((ROOT / "docs").glob("*.md")) if not renew(page, write=not check)]
    if not renew_schema(write=not check):
        stale.append("hal0.schema.json")
    if check and stale:
        print(f"docs/{', docs/'.join(stale)} are out of date: run packaging/manual.py", file=sys.stderr)
    return 1 if check and stale else 0


def draw() -> int:
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, str(ROOT / "packaging" / "pictures.py"), folder, "--only", *PICTURES]
        subprocess.run(argv, check=True)
        for name in PICTURES:
            shutil.copy(Path(folder, f"{name}.png"), ROOT / "docs" / "images")
    return 0


def renew(page: Path, *, write: bool) -> bool:
    """Whether `page` was up to date."""
    before = page.read_text(encoding="utf-8")
    after = BLOCK.sub(lambda found: found[1] + generated(found[2]) + found[4], before)
    if write and after != before:
        page.write_text(after, encoding="utf-8")
    return after == before


def generated(name: str) -> str:
    kind, *which = name.split()
    return WRITERS[kind](*which)


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)


# -- errors -------------------------------------------------------------------------------------------------


def errors() -> str:
    """Every code with its status, and the first sentence of its class."""
    import router
    from router.base.errors import RouterError

    for module in pkgutil.walk_packages(router.__path__, "router."):
        if "platforms" not in module.name:
            importlib.import_module(module.name)
    found: dict[tuple[int, str], str] = {(500, "internal"): "A bug in hal0; its log says more."}
    for kind in _subclasses(RouterError):
        found.setdefault((kind.status, kind.code), first_sentence(kind.__doc__ or ""))
    rows = ((str(status), f"`{code}`", found[status, code]) for status, code in sorted(found))
    return table(("status", "code", "when"), rows)


def _subclasses(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        yield kind
        yield from _subclasses(kind)


def first_sentence(text: str) -> str:
    flowing = " ".join(text.split())
    return flowing.partition(". ")[0].rstrip(".") + "." if flowing else ""


# -- hal0.yaml ----------------------------------------------------------------------------------------------


def keys(section: str) -> str:
    """The keys of one dataclass of router.config.schema, with their defaults and meanings."""
    from router.config import schema
    from router.config.keys import keys_of

    rows = keys_of(getattr(schema, section)).items()
    told = ((f"`{name}`", _default(row), row.key.meaning) for name, row in rows)
    return table(("key", "default", "meaning"), told)


def _default(row: Row) -> str:
    """As one writes it in YAML; a default that is a phrase stands without quotes."""
    from router.config.json_schema import written_default

    if (shown := row.key.shown) is not None:
        return shown if " " in shown else f"`{shown}`"
    value = written_default(row)
    return "" if value is None else f"`{json.dumps(value).strip(chr(34))}`"


def renew_schema(*, write: bool) -> bool:
    """Whether the JSON Schema beside the pages was up to date; the site publishes it."""
    from router.config.json_schema import SCHEMA_FILE, schema_text

    file = ROOT / "docs" / SCHEMA_FILE
    current = file.exists() and file.read_text(encoding="utf-8") == schema_text()
    if write and not current:
        file.write_text(schema_text(), encoding="utf-8")
    return current


# -- commands -----------------------------------------------------------------------------------------------


def commands() -> str:
    """Every command as `hal0 COMMAND --help` tells it."""
    from app.cli import _parser

    return "\n".join(_command(parser, name) for name, parser in _leaves(_parser(), "hal0"))


def _leaves(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subs:
        yield name, parser
    for sub in subs:
        for word, child in sub.choices.items():
            yield from _leaves(child, f"{name} {word}")


def _command(parser: argparse.ArgumentParser, name: str) -> str:
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    shown = [a for a in parser._actions if not isinstance(a, hidden) and a.dest != "config"]
    shown = [a for a in shown if a.help != argparse.SUPPRESS]
    usage = " ".join([name, *(_spelled(action) for action in shown)])
    description = parser.description or ""
    lines = [
        f"## {name}\n",
        f"{description[:1].upper()}{description[1:].rstrip('.')}.\n",
        f"```\n{usage}\n```\n",
    ]
    documented = [(f"`{_bare(action)}`", action.help or "") for action in shown if action.help]
    if documented:
        lines.append(table(("argument", "meaning"), iter(documented)))
    return "\n".join(lines)


def _spelled(action: argparse.Action) -> str:
    return f"[{_bare(action)}]" if action.option_strings or action.nargs in ("?", "*") else _bare(action)


def _bare(action: argparse.Action) -> str:
    value = str(action.metavar or action.dest).upper() if action.nargs != 0 else ""
    return " ".join(part for part in (*action.option_strings[-1:], value) if part)


# -- clients ------------------------------------------------------------------------------------------------


def connect(client: str) -> str:
    """What the window's Connect dialog says of this client."""
    from app.views.connect import Client, recipe
    from router.config.schema import Kind
    from router.state import SlotStatus, Snapshot

    snapshot = Snapshot(slots=(SlotStatus("primary", Kind.CHAT, context_length=131072),))
    found = recipe(Client(client), snapshot)
    steps = f"{found.steps}\n\n" if found.steps else ""
    return f"{steps}```\n{found.paste.rstrip()}\n```\n"


WRITERS: dict[str, Callable[..., str]] = {
    "errors": errors,
    "keys": keys,
    "commands": commands,
    "connect": connect,
}

if __name__ == "__main__":
    sys.exit(main())
