"""Records, for tests that say only what they are about."""

from __future__ import annotations

import itertools
import time
from typing import Any

from router.activity.record import Record

_numbers = itertools.count(time.time_ns() // 1000)  # what is older than some days is forgotten


def record(**about: Any) -> Record:
    """An answered chat request; `about` says what is different."""
    usual: dict[str, Any] = {
        "id": next(_numbers),
        "at": 1_800_000_000.25,
        "request": "a1b2",
        "client": "127.0.0.1",
        "agent": "openai-python",
        "key": "",
        "path": "/v1/chat/completions",
        "dialect": "openai",
        "asked": "alpha",
        "resolution_path": "loaded",
        "slot": "primary",
        "upstream": "",
        "model": "alpha",
        "stream": 0,
        "status": 200,
        "outcome": "answered",
        "code": "",
        "error": "",
        "read_s": 0.001,
        "decided_s": 0.00102,
        "waited_s": 0.0001,
        "first_byte_s": 0.25,
        "total_s": 1.5,
        "switch": "",
        "switched_from": "",
        "tokens_prompt": 12,
        "tokens_cached": 4,
        "tokens_completion": 30,
        "tokens_per_second": 24.0,
        "bytes_in": 120,
        "bytes_out": 900,
    }
    return Record(**(usual | about))
