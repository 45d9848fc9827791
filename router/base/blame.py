"""Whose fault an engine's error is: llama-server calls much that its clients got wrong a server's error (500).

Whatever it throws while it reads a request is one (tools/server/server.cpp, `ex_wrapper`), except for
`std::invalid_argument`. Every SDK sends such a request again, and again in vain. Pure.
"""

from __future__ import annotations

import re
from typing import Final

_NOT_SUPPORTED: Final = 501  # infilling, embeddings, reranking: asked of a model that cannot
_READING: Final = re.compile(
    r"failed to parse|missing |expected |unsupported |unknown (?:reasoning|content|role)"
    r"|field '|'\w+' |\"\w+\" "
    r"|\[json\.exception|json schema|\s*-{6,}|jinja|template|unable to generate parser",
    re.IGNORECASE,
)
"""How a message begins that is about reading the request; what follows may be any words of the client's."""
_ENGINES: Final = re.compile(
    r"comput|input batch|context size has been exceeded|invalid diff|produced output|decode the batch"
    r"|bad_alloc|memory|allocat|kv cache|cuda|vulkan|metal|rocm|sycl|ggml|backend|device"
    r"|unknown exception|unforeseen|process (?:the )?(?:image|audio|video)|slot"
    r"|failed to (?:open|read|write|bind)|api key|timed? ?out",
    re.IGNORECASE,
)
"""Words of what goes wrong in the engine itself, whatever else is said."""
_CLIENTS: Final = re.compile(
    # of fields and their values
    r"\b(?:is|are) (?:required|empty)|\bmissing\b|\bmust\b|\b(?:un)?expected\b|\bunsupported\b|\bunknown\b"
    r"|\binvalid\b|\bnot (?:supported|found|allowed|provided|a valid)\b|does not (?:support|match|exist)"
    r"|\brequires?\b|\bcannot (?:determine|resolve|use|be (?:empty|used|combined))|\bonly\b.*\bsupported"
    # of JSON, grammars, schemas, templates, and the ids of tokens
    r"|json\.exception|\bpars(?:e|ing)\b|\bgrammar\b|\bschema\b|\bregex|\bjinja\b|\btemplate\b|while executing"
    r"|\broles?\b|_M_range_check|_M_default_append|\bout of range\b|\bstoi?\b|\btokenize\b"
    # of what is to be seen or heard, and of lengths
    r"|(?:load|download|decode|read) (?:the )?(?:an? )?(?:image|audio|video|media|bitmap)|\bbase64\b|\bmmproj\b"
    r"|too (?:large|long|many)|larger than the max|exceeds? ",
    re.IGNORECASE,
)
"""Words of what is wrong with a request."""

_LIBRARY: Final = re.compile(r"::_M_|^stoi?\b|^basic_string::")


def is_clients(status: int, message: str) -> bool:
    """Return whether the request is at fault for what an engine answered with this status."""
    if status == _NOT_SUPPORTED:
        return True
    if status != 500:
        return False
    if _READING.match(message):
        return True
    return _ENGINES.search(message) is None and _CLIENTS.search(message) is not None


def in_words(message: str) -> str:
    """Translate what the engine's libraries say of a request for the person who wrote it."""
    if _LIBRARY.search(message):
        return f"A number or a token in the request is out of range; correct it (the engine: {message})."
    return message
