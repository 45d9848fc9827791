"""The envelope, outside a stream and inside one."""

from __future__ import annotations

import json

from router.base.errors import EngineFailed, QueueFull
from router.wire.errors import envelope, sse_error


def test_the_envelope_is_openais_with_details() -> None:
    error = QueueFull("Busy.", param="model", details={"waiting": 10}, retry_after=5.0)
    assert envelope(error) == {
        "error": {
            "message": "Busy.",
            "type": "rate_limit_error",
            "param": "model",
            "code": "slot.queue_full",
            "details": {"waiting": 10},
        }
    }


def test_inside_a_stream_it_is_one_event_that_no_client_retries() -> None:
    error = EngineFailed("The engine stopped:\nüble Sache.", details={"exit_code": 1})
    event = sse_error(error)
    assert event.startswith(b"data: {") and event.endswith(b"}\n\n") and event.count(b"\n") == 2
    told = json.loads(event.removeprefix(b"data: "))["error"]
    assert told["code"] == "model_not_available"
    assert told["details"] == {"exit_code": 1, "code": "engine.failed"}
    assert told["message"] == error.message


def test_telling_an_error_does_not_change_it() -> None:
    error = EngineFailed("It died.")
    sse_error(error)
    assert error.details == {} and envelope(error)["error"]["details"] == {}
