"""The events of OpenAI's responses API with the numbers that llama-server leaves out of them.

`responses.stream()` of OpenAI's SDKs puts an answer together by `output_index` and `content_index`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from router.wire.encode import ResponsesStream
from router.wire.lenient import json_or_none, mapping, text

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_OF_PARTS: Final = ("response.content_part.", "response.output_text.", "response.refusal.")
_OF_REASONING: Final = "response.reasoning_text."


class NumberedResponses(ResponsesStream):
    """Hands on whole events; what is numbered already stays as it is."""

    def __init__(self) -> None:
        self._rest = b""
        self._sequence = 0
        self._items: dict[str, int] = {}  # by their ids: places in `output`

    def feed(self, piece: bytes) -> bytes:
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        return super().feed(b"".join([self._numbered(block) + b"\n\n" for block in blocks])) if blocks else b""

    def finish(self) -> bytes:
        return self._finish_after(self._rest)

    def _numbered(self, block: bytes) -> bytes:
        head, data, document = block.partition(b"data: ")
        event = json_or_none(document) if data and b"\n" not in document else None
        kind = text(mapping(event).get("type"))
        if not isinstance(event, dict) or not kind.startswith("response."):
            return block
        made = {**event, **self._numbers(kind, event)}
        return head + data + _ENCODER.encode(made).encode(errors="replace") if made != event else block

    def _numbers(self, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that `event` lacks."""
        given = event.get("sequence_number")
        self._sequence = given if isinstance(given, int) else self._sequence
        fields: dict[str, Any] = {"sequence_number": self._sequence}
        self._sequence += 1
        response = event.get("response")
        if isinstance(response, dict) and not isinstance(response.get("output"), list):
            fields["response"] = {**response, "output": []}
        id_ = text(event.get("item_id")) or text(mapping(event.get("item")).get("id"))
        if kind.startswith(("response.output_item.", "response.function_call_", _OF_REASONING, *_OF_PARTS)):
            place = event.get("output_index")
            known = self._items.setdefault(id_, place if isinstance(place, int) else len(self._items))
            fields["output_index"] = known if place is None else place
        if kind.startswith((_OF_REASONING, *_OF_PARTS)) and event.get("content_index") is None:
            fields["content_index"] = 0  # llama-server writes one part for each item
        return fields
