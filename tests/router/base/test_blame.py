"""Whose fault an engine's error is."""

from __future__ import annotations

import pytest

from router.base.errors import EngineRefused


@pytest.mark.parametrize(
    "message",
    [
        "'messages' is required",
        'Failed to parse messages: Missing \'role\' in message: {"content":"Hello?"}',
        'Failed to parse messages: Missing \'role\' in message: {"content":"CUDA error: out of memory"}',
        "Failed to parse tools: [json.exception.out_of_range.403] key 'name' not found; tools = [",
        "[json.exception.type_error.302] type must be string, but is number",
        "Unknown reasoning format: nonsense",
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        "Failed to load image or audio file",
        "vector::_M_range_check: __n (which is 18446744071562067968) >= this->size() (which is 996)",
        "input (10002 tokens) is too large to process. increase the physical batch size",
        "Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...",
        "\n------------\nWhile executing CallExpression at line 1, column 9 in source:\n...\nError: After",
        "JSON schema conversion failed:\nUnrecognized schema",
        "Invalid base64 value",
    ],
)
def test_what_a_client_did_wrong_is_a_400(message: str) -> None:
    """Row 31: an SDK would send a request that got a 500 again, in vain."""
    error = EngineRefused.from_body(500, {"error": {"code": 500, "message": message, "type": "server_error"}})
    assert (error.status, error.code, error.type) == (400, "request.invalid", "invalid_request_error")
    assert message.split("\n")[-1].removeprefix("Error: ") in error.message, "the reason is the engine's"


@pytest.mark.parametrize(
    "message",
    [
        "Compute error.",
        "Invalid input batch.",
        "Context size has been exceeded.",
        "std::bad_alloc",
        "CUDA error: an illegal memory access was encountered",
        "failed to process image",
        "Unknown Exception",
        "Internal Server Error",
        "It broke.",
        "",
    ],
)
def test_what_the_engine_did_wrong_stays_its_fault(message: str) -> None:
    error = EngineRefused.from_body(500, {"error": {"code": 500, "message": message, "type": "server_error"}})
    assert (error.status, error.code) == (500, "engine.refused"), "another server may do better"


def test_a_model_that_cannot_do_it_is_the_wrong_one_to_ask() -> None:
    said = "This server does not support embeddings. Start it with `--embeddings`"
    error = EngineRefused.from_body(
        501, {"error": {"code": 501, "message": said, "type": "not_supported_error"}}
    )
    assert (error.status, error.code) == (400, "request.invalid")


def test_an_event_that_names_only_the_type() -> None:
    told = {"type": "error", "error": {"type": "invalid_request_error", "message": "messages: too short"}}
    error = EngineRefused.from_body(None, told)
    assert (error.status, error.code) == (400, "request.invalid")


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_other_statuses_are_the_engines(status: int) -> None:
    error = EngineRefused.from_body(status, {"error": {"message": "model is missing"}})
    assert (error.status, error.code) == (status, "engine.refused")


@pytest.mark.parametrize("status", [404, 409, 413, 415, 418, 422, 451])
@pytest.mark.parametrize("envelope", [{"message": "No."}, {"message": "No.", "type": "server_error"}, {}])
def test_a_status_that_blames_the_client_has_such_a_type(status: int, envelope: dict[str, str]) -> None:
    """FastAPI's answers, and those of proxies, name no type; clients that go by it would try again."""
    assert EngineRefused.from_body(status, {"error": envelope}).type == "invalid_request_error"
    assert EngineRefused.from_body(status, {"error": {"type": "not_found_error"}}).type == "not_found_error"


def test_too_many_requests_have_a_type_of_their_own() -> None:
    assert EngineRefused.from_body(429, {"detail": "Slow down"}).type == "rate_limit_error"
    assert EngineRefused.from_body(503, {"detail": "Busy"}).type == "server_error"
