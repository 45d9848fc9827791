"""The served model's id in place of the one its engine was launched with."""

from __future__ import annotations

import json


class Rename:
    """Names the model that serves where the engine names itself: two models may share a process."""

    def __init__(self, engine_model: str, model: str) -> None:
        # As llama-server writes JSON: letters beyond ASCII are not escaped.
        self._old = b'"model":' + json.dumps(engine_model, ensure_ascii=False).encode()
        self._new = b'"model":' + json.dumps(model, ensure_ascii=False).encode()
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """Take bytes, and return whole lines only: the name may be cut between two pieces."""
        whole, newline, self._rest = (self._rest + piece).rpartition(b"\n")
        return (whole + newline).replace(self._old, self._new)

    def finish(self) -> bytes:
        """Return what `feed` has held back."""
        return self._rest.replace(self._old, self._new)
