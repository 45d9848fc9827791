"""`keyring_storage`: a stub, as this computer has none (no desktop session); keyring itself is the real one."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class KeyringStorage(KeyringBackend):
    """Attributes:
    held: passwords by service and user.
    locked: what it says in place of a password; None: it tells those it has.
    asked: how often it was asked.
    """

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked: str | None = None
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        if self.locked is not None:
            raise KeyringLocked(self.locked)
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


@pytest.fixture
def keyring_storage() -> Iterator[KeyringStorage]:
    before = keyring.get_keyring()
    made = KeyringStorage()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)
