"""What hal0 has written into clients' settings, so that it can be taken back: one file in hal0's state folder.

Blocking. No value that was written is in it, only what was there before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.connect.change import ABSENT, Change
from router.base.files import read, write_atomic

FILE: Final = "connected.json"


@dataclass(frozen=True, slots=True)
class Written:
    """One file. `digest` tells the bytes hal0 left there; `backup` holds those from before, None where there
    was no file."""

    file: Path
    digest: str
    backup: Path | None
    changes: tuple[Change, ...]


class Record:
    """By client, the files that were written, in their order."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    def read(self) -> dict[str, tuple[Written, ...]]:
        """Return it; nothing where there is none, or none that can be read."""
        try:
            document = json.loads(read(self._path))
            return {client: tuple(map(_written, files)) for client, files in document.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def keep(self, client: str, files: tuple[Written, ...]) -> None:
        """Note what was written for `client`; () forgets it. Raises OSError."""
        found = self.read()
        found.pop(client, None)
        if files:
            found[client] = files
        document = {name: [_told(item) for item in items] for name, items in found.items()}
        write_atomic(self._path, json.dumps(document, indent=1).encode())


def _told(written: Written) -> Mapping[str, Any]:
    return {
        "file": str(written.file),
        "digest": written.digest,
        "backup": str(written.backup) if written.backup else None,
        "changes": [
            {
                **{"path": change.path, "by": change.by, "name": change.name},
                **{"digest": change.digest, "kept": change.kept},
                **({} if change.old is ABSENT else {"old": change.old}),
            }
            for change in written.changes
        ],
    }


def _written(told: Mapping[str, Any]) -> Written:
    changes = (
        Change(
            tuple(item["path"]), item["by"], item["digest"], item.get("old", ABSENT), item["kept"], item["name"]
        )
        for item in told["changes"]
    )
    backup = told["backup"]
    return Written(Path(told["file"]), told["digest"], Path(backup) if backup else None, tuple(changes))
