"""What an import found: models, slots and servers as hal0.yaml has them, and what has no counterpart there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.base.errors import RouterError
from router.config.schema import Kind


class NotImported(RouterError):
    """Nothing can be made of the file; the message says why."""

    status, code, type = 400, "import.unreadable", "invalid_request_error"
    mends = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """`line`: 1-based, in the file that was read. `what` has no counterpart here; `reason`: a clause."""

    line: int
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a text came from: relative paths in it may start in its `folder`; `variables` are those of the
    environment."""

    path: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    exists: Callable[[Path], bool] = Path.exists

    def absolute(self, written: str) -> str:
        """Return a path that means the same from everywhere; one that leads nowhere stays as written."""
        if not written or Path(written).is_absolute() or written.startswith("~"):
            return written
        there = self.path.parent / written
        return str(there.resolve()) if self.exists(there) else written

    def leads_nowhere(self, path: str) -> bool:
        """Return whether a path from `absolute` is one that was relative and leads nowhere."""
        windows = re.match(r"[A-Za-z]:[\\/]|\\\\", path)
        return not (Path(path).is_absolute() or path.startswith("~") or windows)

    def model(self, written: str) -> str:
        """Return what `file:` says. One that is not where it was written may be in a model folder."""
        found = self.absolute(written)
        lost = found == written and self.leads_nowhere(written)
        return re.split(r"[/\\]", written)[-1] if lost and written.lower().endswith(".gguf") else found


@dataclass(frozen=True, slots=True)
class Kept:
    """`line`: 1-based, in the file that was read. `place`: where in hal0.yaml it went, or why it needs none."""

    line: int
    place: str


@dataclass(slots=True)
class FoundModel:
    """One entry of `models:`. Lines by key: `file`, `flags.NAME`, …; "" is the entry itself. `variant_of`: the
    id of the model with which it shares its engine."""

    id: str
    line: int
    file: str = ""
    display_name: str | None = None
    kind: Kind | None = None
    aliases: list[str] = field(default_factory=list)
    flags: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    limit: int = 0
    capabilities: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    listed: bool = True
    variant_of: str = ""

    def entry(self) -> dict[str, Any]:
        """Return what stands in hal0.yaml."""
        told = {
            "file": self.file,
            "display_name": self.display_name,
            "kind": self.kind.value if self.kind else None,
            "aliases": list(dict.fromkeys(self.aliases)),
            "flags": self.flags,
            "request": self.request,
            "env": self.env,
            "limit": self.limit or None,
            "capabilities": self.capabilities,
            "metadata": self.metadata,
            "listed": None if self.listed else False,
        }
        return {name: value for name, value in told.items() if value not in (None, [], {})}


@dataclass(slots=True)
class Imported:
    """What `program`'s file says. `slots` and `upstreams` are entries as in hal0.yaml, by name; `together`: its
    sets of slots."""

    program: str
    models: list[FoundModel] = field(default_factory=list)
    slots: dict[str, dict[str, Any]] = field(default_factory=dict)
    upstreams: dict[str, dict[str, Any]] = field(default_factory=dict)
    together: list[list[str]] = field(default_factory=list)
    api_keys: list[str] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)

    def keep(self, line: int, place: str) -> None:
        """Note that a line needs no key of its own."""
        self.kept.append(Kept(line, place))

    def leave(self, line: int, what: str, reason: str) -> None:
        self.left_out.append(LeftOut(line, what, reason))


def model_id(name: str) -> str:
    """Return a name without what a model's id cannot hold."""
    return re.sub(r"\s+", "-", name.strip())


def scalar(text: str) -> Any:
    """Return a flag's value as it stands best in YAML: numbers and truth as such, all else as text."""
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?(0|[1-9]\d{0,8})\.\d{1,6}", text) else text
