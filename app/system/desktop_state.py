"""The few things the desktop remembers between starts, in `desktop.json` in the state folder."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from router.base.files import read, write_atomic

log = logging.getLogger(__name__)

FIRST_RUN_DONE = "first_run_done"
TRAY_EXPLAINED = "tray_explained"
EXPOSURE_REPORTED = "exposure_told"
WINDOW = "window"
APPEARANCE = "appearance"


class DesktopState:
    """Flags, and a few texts by name. A file that cannot be read or written is logged, and forgotten."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "desktop.json"
        found = self._read()
        self._flags = {flag for flag, on in found.items() if on is True}
        self._texts = {name: value for name, value in found.items() if isinstance(value, str)}

    def __contains__(self, flag: object) -> bool:
        return flag in self._flags

    def add(self, flag: str) -> None:
        """Remember `flag` from now on."""
        self.put(flag, True)

    def put(self, flag: str, on: bool) -> None:
        """Remember `flag`, or forget it."""
        if on == (flag in self._flags):
            return
        self._flags = self._flags | {flag} if on else self._flags - {flag}
        self._write(flag)

    def text(self, name: str) -> str:
        """Return what was kept under `name`, or ""."""
        return self._texts.get(name, "")

    def keep(self, name: str, text: str) -> None:
        if self.text(name) != text:
            self._texts[name] = text
            self._write(name)

    def _write(self, what: str) -> None:
        whole = {**dict.fromkeys(sorted(self._flags), True), **self._texts}
        try:
            write_atomic(self._file, json.dumps(whole).encode())
        except OSError as error:
            log.warning("cannot remember %s in %s: %s", what, self._file, error)

    def put_only(self, prefix: str, flag: str) -> None:
        """Remember `flag` in the place of all that begin with `prefix`."""
        for old in [old for old in self._flags if old.startswith(prefix) and old != flag]:
            self.put(old, False)
        self.add(flag)

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(read(self._file))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("%s cannot be read and is ignored: %s", self._file, error)
            return {}
        return found if isinstance(found, dict) else {}


def is_first_run(remembered: DesktopState, config_file: Path) -> bool:
    """Return whether nobody has used or configured hal0 here before."""
    return FIRST_RUN_DONE not in remembered and not config_file.exists()
