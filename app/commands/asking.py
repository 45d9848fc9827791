"""A question on the terminal."""

from __future__ import annotations


def asked(question: str) -> bool:
    """Return whether the person says yes; no is the default."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
