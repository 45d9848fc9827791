"""Row 34: every error says whether asking again can help, in every dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from router.base import errors
from router.base.errors import EngineFailed, EngineRefused, RouterError, number_mends
from router.config.problems import ConfigErrors
from router.server.middleware import error_response
from router.server.request.generate import error_status
from router.slots.damaged import is_lasting
from router.slots.failures import MAX_FAILURES, OPEN_AFTER, Failures
from router.upstreams.answer import AskFailed
from router.upstreams.fallback import Tried, no_route
from router.wire.encode import ResponsesStream

PATHS = ("/v1/chat/completions", "/v1/responses", "/responses", "/v1/messages", "/api/chat", "/completion")

MEND = {
    errors.SlowBody,
    errors.QueueFull,
    errors.TooManyGuesses,
    errors.WaitTimeout,
    errors.SlotAborted,
    errors.NoRoute,
    errors.UpstreamFailed,
    errors.EngineFailed,
    errors.EngineRefused,
    errors.SlotLoading,
    errors.PullFailed,
    errors.ShuttingDown,
    AskFailed,
}
"""All whose class says that a moment may mend them; of those, single errors may know better."""


def kinds(base: type[RouterError] = RouterError) -> Iterator[type[RouterError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", list(dict.fromkeys(kinds())))
def test_each_class_is_sorted(kind: type[RouterError]) -> None:
    if kind.__module__.startswith("tests"):
        return
    assert kind.mends is (kind in MEND or issubclass(kind, tuple(MEND))), kind


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", [k for k in kinds() if k not in (ConfigErrors, AskFailed)])
def test_the_header_and_the_status_say_it(kind: type[RouterError], path: str) -> None:
    for mends in (True, False):
        answer = error_response(kind("It is so.", retry_after=3.0, mends=mends), path)
        assert answer.headers.get("X-Should-Retry") == (None if mends else "false")
        assert answer.headers.get("Retry-After") == ("3" if mends else None)
        assert answer.status == kind.status
        assert answer.body and b"It is so." in bytes(answer.body)  # type: ignore[arg-type]
        assert json.loads(bytes(answer.body))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [errors.ModelNotFound, errors.EngineFailed, errors.MemoryInsufficient])
def test_codex_is_told_in_the_one_status_it_does_not_repeat(kind: type[RouterError]) -> None:
    """It asks five times more after every other (measured with the real one, 0.169)."""
    error = kind("It is so.", mends=False)
    assert error_status(error, "/v1/responses") == 400
    assert error_status(error, "/v1/responses", from_hal0=True) == kind.status, "it looks for another"
    assert error_status(error, "/v1/chat/completions") == kind.status
    assert error_status(kind("It is so.", mends=True), "/v1/responses") == kind.status
    assert error_status(errors.Unauthorized("No."), "/v1/responses") == 401


@pytest.mark.parametrize(("mends", "code"), [(True, "server_error"), (False, "invalid_prompt")])
def test_a_late_failure_of_a_response(mends: bool, code: str) -> None:
    """openai-python raises the first event, Codex reads the second: not repeated if it is `invalid_prompt`."""
    events = ResponsesStream().late_error(EngineFailed("It is so.", mends=mends)).strip().split(b"\n\n")
    told = [json.loads(event.partition(b"data: ")[2]) for event in events]
    assert [one["type"] for one in told] == ["error", "response.failed"]
    assert told[0]["code"] == "model_not_available"
    assert told[1]["response"]["error"] == {"code": code, "message": "It is so."}


@pytest.mark.parametrize(
    ("status", "mends"),
    [
        (400, False),
        (401, False),
        (404, False),
        (408, True),
        (422, False),
        (429, True),
        (500, True),
        (501, False),
    ],
)
def test_of_others_errors_the_status_tells(status: int, mends: bool) -> None:
    assert number_mends(status) is mends
    assert EngineRefused.from_body(status, {"error": {"message": "No."}}).mends is mends
    assert AskFailed("up", "no", answered=status).mends is mends
    assert AskFailed("up", "no").mends, "it was not reached"


def test_one_who_may_answer_later_is_enough() -> None:
    tried = [Tried("primary", "damaged", mends=False), Tried("up", "401", mends=False)]
    assert not no_route("primary", tried).mends
    assert no_route("primary", [*tried, Tried("lxc", "down")]).mends


# What llama-server 11669 says, and what other builds do.
@pytest.mark.parametrize(
    "words",
    [
        "error loading model: check_tensor_dims: tensor 'blk.0.attn_norm.weight' not found",
        "error loading model: missing tensor 'output_norm.weight'",
        "error loading model: tensor 'a' data is not within the file bounds, model is corrupted or incomplete",
        "error loading model: error loading model architecture: unknown model architecture: 'qwen9'",
        "error loading model: done_getting_tensors: wrong number of tensors; expected 292, got 291",
        "check_tensor_dims: tensor 'a' has wrong shape; expected 4096, got 2048",
        "error loading model vocabulary: unknown pre-tokenizer type: 'x'",
        "error loading model hyperparameters: key not found in model: llama.context_length",
        "gguf_init_from_file_impl: invalid magic characters: 'abcd', expected 'GGUF'",
        "gguf_init_from_file_ptr: tensor 'a' has invalid ggml type 99. should be in [0, 40)",
        "clip_init: unknown projector type: foo",
    ],
)
def test_what_the_engine_says_of_a_file_lasts(words: str) -> None:
    assert is_lasting(EngineFailed(f"The engine stopped: {words} (exit code 1).", details={"exit_code": 1}))
    assert not is_lasting(EngineFailed(words)), "only an engine that ended has said why"


@pytest.mark.parametrize(
    "words",
    [
        "failed to allocate buffer of size 4294967296",
        "cudaMalloc failed: out of memory",
        "unable to load model: failed to fit",
        "couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8101",
        "the driver is gone",
        "failed to open GGUF file 'x.gguf' (Too many open files)",
    ],
)
def test_what_a_moment_may_mend_does_not(words: str) -> None:
    assert not is_lasting(EngineFailed(f"The engine stopped: {words} (exit code 1).", details={"exit_code": 1}))


def test_a_damaged_file_says_nothing_of_other_models() -> None:
    """Debatable, decided: three of them do not open the slot's breaker."""
    failures = Failures()
    for number in range(OPEN_AFTER):
        failures.failed(f"m{number}", EngineFailed("Odd.", mends=False), 0.0)
    assert failures.refusal("good", 0.0) is None


def test_a_refusal_says_what_the_failure_said() -> None:
    failures = Failures()
    for _ in range(MAX_FAILURES):
        failures.failed("odd", EngineFailed("Odd.", mends=False), 0.0)
    refusal = failures.refusal("odd", 1.0)
    assert refusal is not None and not refusal.mends
