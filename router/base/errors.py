"""Every error a person or client can meet: an HTTP status, a stable code, and one sentence.

`router.server.middleware` renders them; nothing else turns an exception into an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from router.base.blame import in_words, is_clients
from router.base.error_text import error_text
from router.base.names import speakable

_REFUSAL: Final = 2000  # characters: a template's fault is told with the place in the template


class RouterError(Exception):
    """Base of all errors with a meaning outside the code.

    Attributes:
        status: HTTP status the endpoint answers with.
        code: stable machine-readable name; docs/api.md lists all, with the first sentence of each class here.
        type: OpenAI's error family (`invalid_request_error`, `server_error`, ...).
        message: one sentence: what happened, why, what to do.
        param: the request field at fault, if one is.
        details: JSON-ready extra facts (never secrets).
        retry_after: seconds after which a retry makes sense, sent as Retry-After.
        mends: the same request may succeed later without anybody doing anything. Where not, the answer says
            so to clients that would ask again (router.server.middleware). One may know better than its class.
    """

    status: int = 500
    code: str = "internal"
    type: str = "server_error"
    mends: bool = True

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        mends: bool | None = None,
    ) -> None:
        self.message = speakable(message, keep="\n\t")  # it may quote anything, and goes to screens and logs
        super().__init__(self.message)
        if mends is not None:
            self.mends = mends
        self.param = param
        self.details = dict(details or {})
        self.retry_after = retry_after


def number_mends(status: int) -> bool:
    """Return whether an error of somebody else's, of which only the status is known, may be gone when asked
    again."""
    return status in (408, 409, 425, 429) or (status >= 500 and status not in (501, 505, 507))


class BadRequest(RouterError):
    """The body is not what the endpoint takes."""

    status, code, type = 400, "request.invalid", "invalid_request_error"
    mends = False


class BodyTooLarge(RouterError):
    """The body is over 256 MiB."""

    status, code, type = 413, "request.too_large", "invalid_request_error"
    mends = False


class UnreadableBody(RouterError):
    """The body is compressed, or its text is encoded, in a way hal0 does not read."""

    status, code, type = 415, "request.unreadable_encoding", "invalid_request_error"
    mends = False


class SlowBody(RouterError):
    """The rest of the body did not come in time."""

    status, code, type = 408, "request.timeout", "invalid_request_error"


class RecordNotFound(RouterError):
    """No request that is remembered has that id."""

    status, code, type = 404, "activity.not_found", "invalid_request_error"
    mends = False


class UrlTooLong(RouterError):
    """The URL is longer than any that hal0 has."""

    status, code, type = 414, "request.url_too_long", "invalid_request_error"
    mends = False


class HeadersTooLarge(RouterError):
    """The headers are more, or longer, than hal0 takes."""

    status, code, type = 431, "request.headers_too_large", "invalid_request_error"
    mends = False


class UnknownExpectation(RouterError):
    """The header `Expect` asks for something else than 100-continue."""

    status, code, type = 417, "request.unknown_expectation", "invalid_request_error"
    mends = False


class PathNotFound(RouterError):
    """Nothing is at that path."""

    status, code, type = 404, "path.not_found", "invalid_request_error"
    mends = False


class MethodNotAllowed(RouterError):
    """The path has other methods."""

    status, code, type = 405, "method.not_allowed", "invalid_request_error"
    mends = False


class Unauthorized(RouterError):
    """No key, or a wrong one."""

    status, code, type = 401, "auth.invalid_key", "invalid_request_error"
    mends = False


class NotAllowed(RouterError):
    """The key that was sent is not for that, or not for that slot; the message names it."""

    status, code, type = 403, "auth.not_allowed", "invalid_request_error"
    mends = False


class TooManyGuesses(RouterError):
    """Too many wrong keys came from that address; see Retry-After."""

    status, code, type = 429, "auth.too_many_guesses", "rate_limit_error"


class ForbiddenOrigin(RouterError):
    """A web page of another site, or a name that is not this computer's."""

    status, code, type = 403, "auth.forbidden_origin", "invalid_request_error"
    mends = False


class ModelNotFound(RouterError):
    """No slot or model has that name."""

    status, code, type = 404, "model.not_found", "invalid_request_error"
    mends = False


class ModelNotLoaded(RouterError):
    """The model is known, but no slot may load it because a request names it."""

    status, code, type = 404, "model.not_loaded", "invalid_request_error"
    mends = False


class SlotEmpty(ModelNotLoaded):
    """The slot has no model that it could load."""


class SlotNotFound(RouterError):
    """No slot has that name."""

    status, code, type = 404, "slot.not_found", "invalid_request_error"
    mends = False


class UpstreamNotFound(RouterError):
    """No upstream has that name."""

    status, code, type = 404, "upstream.not_found", "invalid_request_error"
    mends = False


class WrongKind(RouterError):
    """An embedding request for a chat slot, and the like."""

    status, code, type = 400, "model.wrong_kind", "invalid_request_error"
    mends = False


class BadModel(RouterError):
    """The model cannot be launched as configured: bad flag, missing or damaged file."""

    status, code, type = 400, "model.invalid", "invalid_request_error"
    mends = False


class ModelDamaged(BadModel):
    """An engine has said so of its file; it is not loaded again before that changes."""


class QueueFull(RouterError):
    """Too many requests wait for another model; see Retry-After."""

    status, code, type = 429, "slot.queue_full", "rate_limit_error"


class WaitTimeout(RouterError):
    """The wait limit ran out before the slot could turn to this request's model."""

    status, code = 504, "slot.wait_timeout"


class SwitchCancelled(RouterError):
    """The switch was cancelled, or a later order replaced it."""

    status, code, type = 409, "slot.switch_cancelled", "invalid_request_error"
    mends = False


class SlotAborted(RouterError):
    """A lease was aborted because the slot was switched or unloaded and its drain timeout ran out."""

    status, code = 503, "slot.aborted"


class MemoryInsufficient(RouterError):
    """The model does not fit beside what may not be evicted; details hold the arithmetic, in bytes."""

    status, code = 507, "memory.insufficient"
    mends = False


class NotTogether(RouterError):
    """`together:` in hal0.yaml does not let the slot be loaded beside one that is pinned."""

    status, code = 409, "slot.not_together"
    mends = False


class NoRoute(RouterError):
    """Neither the slot nor any of its upstreams could answer; details name each attempt and its reason."""

    status, code = 503, "dispatch.no_route"


class UpstreamFailed(RouterError):
    """A server elsewhere could not be reached, or failed; the message says which and how."""

    status, code = 502, "upstream.failed"


class LocalOnly(RouterError):
    """Only a server elsewhere could answer, and nothing may leave this computer."""

    status, code, type = 403, "upstream.local_only", "invalid_request_error"
    mends = False


class EngineFailed(RouterError):
    """The engine did not start, or died; the message quotes its own first error line."""

    status, code = 502, "engine.failed"


class PortTaken(EngineFailed):
    """Another program took the engine's port in the moment before the engine could listen on it."""


class EngineRefused(RouterError):
    """The engine answered with an error of its own; status, type and message are the engine's. Where it is the
    request that is at fault, the code is `request.invalid`."""

    status, code = 502, "engine.refused"

    @classmethod
    def from_body(cls, status: int | None, body: object) -> EngineRefused:
        """Read llama-server's `{"error": {"code", "message", "type"}}`, or a body of any other shape
        (router.base.error_text)."""
        envelope = body.get("error") if isinstance(body, Mapping) else None
        said = error_text(body, _REFUSAL)
        envelope = envelope if isinstance(envelope, Mapping) else {"message": said}
        error = cls(said or "The engine refused the request; see its log.", details={"engine": dict(envelope)})
        number = status or envelope.get("code")
        if isinstance(number, int) and 400 <= number < 600:
            error.status = number
            error.mends = number_mends(number)
        if isinstance(envelope.get("type"), str):
            error.type = envelope["type"]
        if 400 <= error.status < 500 and error.type == cls.type:  # only the status says whose fault it is
            error.type = "rate_limit_error" if error.status == 429 else BadRequest.type
        if number is None and error.type == BadRequest.type:  # as Anthropic's events tell it
            error.status = BadRequest.status
        if is_clients(error.status, error.message):
            error.status, error.type = BadRequest.status, BadRequest.type
        if error.status == BadRequest.status:  # no retry mends that, and SDKs retry any 5xx
            error.code, error.message, error.mends = BadRequest.code, in_words(error.message), False
        return error


class SlotLoading(RouterError):
    """The caller asked not to wait (X-Hal0-Wait), and the slot is not ready; details name the phase."""

    status, code = 503, "slot.loading"


class EngineMissing(RouterError):
    """No llama-server was found, or the one there is does not run."""

    status, code = 503, "engine.not_installed"
    mends = False


class InstallFailed(RouterError):
    """No llama-server could be fetched; each attempt is named."""

    status, code = 502, "engine.install_failed"
    mends = False


class PullFailed(RouterError):
    """A model could not be fetched from Hugging Face, or deleted; a partial download is kept."""

    status, code = 502, "model.pull_failed"


class NotDeletable(RouterError):
    """The model is in use, or hal0 did not fetch it, so it is not deleted; the message says which."""

    status, code, type = 409, "model.not_deletable", "invalid_request_error"
    mends = False


class PortInUse(RouterError):
    """The endpoint's port is taken; the message says by whom."""

    status, code = 503, "server.port_in_use"
    mends = False


class ShuttingDown(RouterError):
    """hal0 is quitting."""

    status, code = 503, "server.shutting_down"
