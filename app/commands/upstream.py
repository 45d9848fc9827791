"""`hal0 upstream key NAME`: keep a server's key in the system's keyring, for `api_key: keyring:NAME`."""

from __future__ import annotations

import re
import sys
from getpass import getpass

from app.system.streams import stdin_is_terminal
from router.upstreams.keys import KeyMissing, store_in_keyring

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def store_key(name: str) -> int:
    """Ask for the key without showing it, or read it from a pipe: on a command line others could see it."""
    if not _NAME.fullmatch(name):
        print("hal0: NAME may only hold letters, digits, dot, hyphen and underscore.", file=sys.stderr)
        return 2
    try:
        key = getpass(f'Key for "{name}": ') if stdin_is_terminal() else sys.stdin.readline()
    except EOFError:
        key = ""
    if not key.strip():
        print("hal0: No key was given, so nothing was stored.", file=sys.stderr)
        return 1
    try:
        store_in_keyring(name, key)
    except KeyMissing as error:
        print(f"hal0: Nothing was stored: {error}.", file=sys.stderr)
        return 1
    print(f"Stored. Write `api_key: keyring:{name}` for the upstream in hal0.yaml.")
    return 0
