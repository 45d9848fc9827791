"""Ollama's answers: lines of JSON (NDJSON) or one document, from the engine's event stream."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from router.base.errors import EngineFailed, EngineRefused, RouterError
from router.wire.aggregate import ChatAggregate, is_failure
from router.wire.encode import Encoder, JsonAnswer, Waiting
from router.wire.lenient import json_or_none, whole
from router.wire.ollama import Dialect
from router.wire.ollama_delta import READERS, Delta
from router.wire.ollama_parts import NDJSON, Clock, line, ollama_error, timestamp
from router.wire.sse import SseParser, json_object


class _Answer(Encoder):
    """What both forms share. `model` names who answers; `done` is the reason to end without the engine."""

    translates = True

    def __init__(
        self,
        dialect: Dialect,
        part: Callable[..., dict[str, Any]],
        model: str,
        *,
        done: str | None = None,
        clock: Clock = time.time_ns,
    ) -> None:
        self._read = READERS[dialect]
        self._part = part
        self._model = model
        self._done = self._finish = done
        self._clock = clock
        self._began = self._served = clock()
        self._parser = SseParser()
        self._failed: dict[str, Any] | None = None
        self._tools = ChatAggregate()
        self._calls = self._tools.new_choice(0)
        self._usage: Mapping[str, Any] = {}
        self._timings: Mapping[str, Any] = {}

    def served_by(self, model: str) -> None:
        """End the wait for the model."""
        self._model = model
        self._served = self._clock()

    def feed(self, piece: bytes) -> bytes:
        return b"".join([self._add(event.json()) for event in self._parser.feed(piece)])

    def error(self, error: RouterError) -> dict[str, Any]:
        return ollama_error(error)

    def encode_delta(self, delta: Delta) -> bytes:
        """Return what the client gets of it now."""
        raise NotImplementedError

    def _add(self, body: dict[str, Any]) -> bytes:
        if is_failure(body):
            self._failed = body
        if self._failed is not None:
            return b""
        delta = self._read(body)
        if delta.calls:
            self._tools.add_choice(self._calls, {"delta": {"tool_calls": delta.calls}})
        self._finish = self._finish or delta.finish
        self._usage = delta.usage or self._usage
        self._timings = delta.timings or self._timings
        return self.encode_delta(delta)

    def _ended(self) -> bytes:
        """Return what the client gets of what came without an end of its own. Raises what ended the answer
        early."""
        rest = self._parser.rest
        bodies = [event.json() for event in self._parser.end()] or [json_object(rest.decode(errors="replace"))]
        out = b"".join([self._add(body) for body in bodies if body])
        if self._failed is not None:
            raise EngineRefused.from_body(None, self._failed)
        if self._finish is None:
            raise EngineFailed("The engine ended its answer before it was complete; send the request again.")
        return out

    def _called(self) -> tuple[list[dict[str, Any]], str]:
        """Return the tool calls, and the text of those that are none: cut off, or no JSON. A client would carry
        out half of a call as if it were one; as Ollama does, it gets what was written to read."""
        calls, written = [], ""
        for call in self._calls["message"].get("tool_calls", ()):
            if (parsed := _tool_call(call)) is not None:
                calls.append(parsed)
            else:
                function = call["function"]
                name = json.dumps(function["name"], ensure_ascii=False)
                written += f'{{"name": {name}, "arguments": {function["arguments"]}'
        return calls, written

    def _body(self, part: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return {"model": self._model, "created_at": timestamp(self._clock()), **part, **more}

    def _last(self, part: Mapping[str, Any]) -> dict[str, Any]:
        if self._done is not None:
            return self._body(part, done=True, done_reason=self._done)
        reason = "length" if self._finish == "length" else "stop"
        return self._body(part, done=True, done_reason=reason, **self._metrics())

    def _metrics(self) -> dict[str, int]:
        """Return durations in nanoseconds; only what the engine told."""
        known = {
            "total_duration": self._clock() - self._began,
            "load_duration": self._served - self._began,
            "prompt_eval_count": whole(self._usage.get("prompt_tokens")),
            "prompt_eval_duration": _nanoseconds(self._timings.get("prompt_ms")),
            "eval_count": whole(self._usage.get("completion_tokens")),
            "eval_duration": _nanoseconds(self._timings.get("predicted_ms")),
        }
        return {name: value for name, value in known.items() if value is not None}


class Lines(_Answer):
    """One JSON object per line. Blank lines crash ollama-python, so signs of life are lines without text."""

    content_type = NDJSON

    def beat(self, number: int, waiting: Waiting) -> bytes:
        return line({**self._body(self._part(), done=False), "model": waiting.model})

    def encode_delta(self, delta: Delta) -> bytes:
        if not (delta.text or delta.thinking):
            return b""
        more = {"logprobs": list(delta.logprobs)} if delta.logprobs else {}
        return line(self._body(self._part(delta.text, delta.thinking), done=False, **more))

    def finish(self) -> bytes:
        rest = self._ended()
        calls, written = self._called()
        before = line(self._body(self._part(written, calls=calls), done=False)) if calls or written else b""
        return rest + before + line(self._last(self._part()))

    def late_error(self, error: RouterError) -> bytes:
        return line(self.error(error))


class Document(_Answer, JsonAnswer):
    """All in one."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._logprobs: list[Any] = []

    def encode_delta(self, delta: Delta) -> bytes:
        self._texts.append(delta.text)
        self._thoughts.append(delta.thinking)
        self._logprobs += delta.logprobs
        return b""

    def finish(self) -> bytes:
        self._ended()
        calls, written = self._called()
        part = self._part("".join(self._texts) + written, "".join(self._thoughts), calls)
        more = {"logprobs": self._logprobs} if self._logprobs else {}
        return line({**self._last(part), **more})


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the call with its arguments as an object; None where they are none."""
    function = call["function"]
    arguments = json_or_none(function["arguments"].strip() or "{}")
    if not isinstance(arguments, dict):
        return None
    inner = {"function": {"name": function["name"], "arguments": arguments}}
    return {"id": call["id"], **inner} if call.get("id") else inner


def _nanoseconds(milliseconds: object) -> int | None:
    if isinstance(milliseconds, int | float) and 0 <= milliseconds < 1e12:
        return round(milliseconds * 1e6)
    return None
