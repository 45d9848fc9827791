"""Upstreams' keys: found where hal0.yaml says (`env:NAME`, `keyring:NAME`), and kept out of what people see."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Final

SERVICE: Final = "hal0"
"""The name under which hal0's keys lie in the system's keyring."""

HIDDEN: Final = "[hidden]"
_SECONDS: Final = 30.0
"""A keyring may ask the person to unlock it; a request does not wait for ever."""


class KeyMissing(Exception):
    """The key could not be found; the text is a sentence without its full stop, and never holds a key."""


class Keys:
    """Looks keys up when they are first needed. Keyrings are slow and may ask a person, so what one told is
    remembered until `forget`."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._cached: dict[str, str] = {}

    async def find(self, written: str | None) -> str | None:
        """Return the key that hal0.yaml's `api_key` means, None without one. Raises KeyMissing."""
        if written is None:
            return None
        scheme, _colon, name = written.partition(":")
        if scheme == "env":
            return self._from_environment(name)
        if scheme == "keyring":
            if name not in self._cached:
                self._cached[name] = await _from_keyring(name)
            return self._cached[name]
        return written

    def forget(self, written: str | None) -> None:
        """Forget a key that was not accepted: look again next time."""
        self._cached.pop((written or "").removeprefix("keyring:"), None)

    def _from_environment(self, name: str) -> str:
        key = self._environment.get(name, "")
        if not key:
            raise KeyMissing(f"the environment variable {name} is not set; set it before hal0 starts")
        return _usable(key, f"the environment variable {name}")


async def _from_keyring(name: str) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            key = await asyncio.to_thread(read_keyring, name)
    except TimeoutError:
        raise KeyMissing("the system's keyring did not answer; unlock it, or use env:NAME") from None
    if not key:
        raise KeyMissing(f'the keyring holds no key "{name}"; store it with `hal0 upstream key {name}`')
    return _usable(key, f'the keyring\'s key "{name}"')


def _usable(key: str, where: str) -> str:
    key = key.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise KeyMissing(f"{where} holds spaces or signs that no key has; store it again")
    return key


def read_keyring(name: str) -> str | None:
    """Return the key stored as `name`. Blocks, perhaps until a person unlocks it. Raises KeyMissing."""
    import keyring  # 60 ms, and few need it
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError as error:
        raise KeyMissing(_no_keyring(error)) from None


def store_in_keyring(name: str, key: str) -> None:
    """Keep `key` as `name`. Blocks. Raises KeyMissing."""
    import keyring
    from keyring.errors import KeyringError

    _usable(key, "what was typed")
    try:
        keyring.set_password(SERVICE, name, key.strip())
    except KeyringError as error:
        raise KeyMissing(_no_keyring(error)) from None


def _no_keyring(error: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, KeyringLocked):
        return "the system's keyring is locked; unlock it, or use env:NAME"
    if isinstance(error, NoKeyringError):
        return "this computer has no keyring that hal0 can use; use env:NAME"
    return f"the system's keyring failed ({type(error).__name__}); use env:NAME"


def redact(text: str, key: str | None) -> str:
    """`text` without the key, should a server have quoted it."""
    return text.replace(key, HIDDEN) if key else text
