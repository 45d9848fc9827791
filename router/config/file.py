"""The file hal0.yaml on disk: reading, editing, and noticing that it changed. Blocking: call in a thread."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from router.base.files import read, write_atomic
from router.base.paths import Paths
from router.config.change import ConfigChange, ConfigDocument
from router.config.edit import apply_changes
from router.config.hidden import hide_keys
from router.config.json_schema import SCHEMA_FILE, schema_text
from router.config.load import ParsedConfig, check_references, parse_file, parse_text
from router.config.problems import ConfigErrors, ConfigProblem
from router.config.schema import Config

log = logging.getLogger(__name__)

ATTEMPTS: Final = 5
GOOD_FILE: Final = "hal0.yaml.good"
"""In the state folder: the last text that was valid, for a start with one that is not."""

# The comment by which editors find it: https://github.com/redhat-developer/yaml-language-server
_REFERENCE: Final = re.compile(
    rb"^(?:\xef\xbb\xbf)?#.*\$schema=(\./)?" + re.escape(SCHEMA_FILE.encode()), re.MULTILINE
)
Signature = tuple[int, int, int] | None


class ConfigFile:
    """`path` may be a link: the file it leads to is what is read and replaced."""

    def __init__(self, paths: Paths) -> None:
        self.path = paths.config_file
        self._paths = paths

    def signature(self) -> Signature:
        """Return what differs after every change: (mtime in ns, size, inode); None without a file."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def parse(self) -> ParsedConfig:
        """Return the configuration as it is in the file; the defaults without a file. Raises
        ConfigErrors."""
        return parse_file(self.path, self._paths)

    def document(self, config: Config) -> ConfigDocument:
        """Return the text with keys hidden, along with the configuration that is in effect."""
        text = self._read()
        return ConfigDocument(self.path, text is not None, hide_keys(text or ""), config)

    def text(self) -> str:
        """Return the text as it is; "" without a file. Raises ConfigErrors."""
        return self._read() or ""

    def says_something(self) -> bool:
        """Return whether there is anything in the file; what cannot be read may have something in it."""
        try:
            return bool(self.text().strip("\ufeff\0 \t\r\n"))
        except ConfigErrors:
            return True

    def edit(self, changes: Sequence[ConfigChange], known: Callable[[Config], Collection[str]]) -> None:
        """Make `changes` on top of whatever the file holds, unless the result would not be valid.

        `known` tells which model ids a configuration has. Raises ConfigErrors with nothing written.
        """
        for _ in range(ATTEMPTS):
            seen = self.signature()
            text = self._read() or ""
            edited = apply_changes(text, changes, self.path)
            self._check(text, edited, known)
            if self.signature() == seen:
                if edited != text:
                    self._write(edited)
                    self.refresh_schema()
                return
        raise self._error("another program keeps changing the file; close it there and try again")

    def keep_good(self) -> bool:
        """Keep the text to start with should it be broken one day; return whether it is valid. No file is. One
        with keys in it is not kept: they stand in no file but that one."""
        try:
            text = self._read()
            if text is None:
                return True
            parse_text(text.removeprefix("\ufeff"), self.path, self._paths)
        except ConfigErrors:
            return False
        kept = self._paths.state / GOOD_FILE
        try:
            if hide_keys(text) != text:
                kept.unlink(missing_ok=True)
            elif not kept.exists() or kept.read_bytes() != text.encode():
                write_atomic(kept, text.encode())
        except OSError as error:
            log.warning("%s could not be kept in %s: %s", self.path.name, kept, error)
        return True

    def refresh_schema(self) -> None:
        """Put the JSON Schema beside a hal0.yaml that refers to it, for editors, unless it is there already.

        Of a hal0.yaml that is a link, beside the link. Where nothing can be written, editors have the old one.
        """
        file = self.path.with_name(SCHEMA_FILE)
        try:
            if not _REFERENCE.search(read(self.path)):
                return
            wanted = schema_text().encode()
            if not file.exists() or file.read_bytes() != wanted:
                write_atomic(file, wanted)
        except FileNotFoundError:
            return  # no hal0.yaml
        except OSError as error:
            log.info("%s could not be written for editors: %s", file, error.strerror or error)

    def _check(self, before: str, after: str, known: Callable[[Config], Collection[str]]) -> None:
        parsed = parse_text(after, self.path, self._paths)
        dangling = check_references(parsed, known(parsed.config))
        if not dangling:
            return
        # A model that was already missing is no reason to refuse another change.
        try:
            old = parse_text(before, self.path, self._paths)
        except ConfigErrors:
            raise ConfigErrors(dangling) from None
        accepted = {(p.key, p.message) for p in check_references(old, known(old.config))}
        if new := [p for p in dangling if (p.key, p.message) not in accepted]:
            raise ConfigErrors(new)

    def _read(self) -> str | None:
        """Return the text with its byte order mark, if it has one."""
        try:
            return read(self.path).decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise self._error("the file is not UTF-8 text; save it as UTF-8") from None
        except OSError as error:
            raise self._error(f"the file cannot be read: {error.strerror or error}") from None

    def _write(self, text: str) -> None:
        target = Path(os.path.realpath(self.path))
        try:
            mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
            write_atomic(target, text.encode())
            if mode is not None:
                target.chmod(mode)
        except OSError as error:
            raise self._error(f"the file cannot be written: {error.strerror or error}") from None

    def _error(self, message: str) -> ConfigErrors:
        return ConfigErrors([ConfigProblem(self.path.name, 0, "", message)])


def last_good(paths: Paths) -> Config | None:
    """Return the configuration that worked last, whatever hal0.yaml is like now; None where none was kept."""
    try:
        text = (paths.state / GOOD_FILE).read_text(encoding="utf-8-sig")
        return parse_text(text, paths.config_file, paths).config
    except (OSError, UnicodeDecodeError, ConfigErrors):
        return None
