"""Which endpoint a path means. People paste base URLs with a slash too many, or twice. Pure.

Nobody is redirected: a client that follows drops the body. Only what can be meant in one way is understood;
all else is told the nearest path.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from router.config.problems import nearest

_TWICE: Final = frozenset({"v1", "openai", "anthropic", "api"})
"""What base URLs of other programs hold, in front of a path that hal0 has."""

_PASTED: Final = tuple(
    tuple(path.split("/"))
    for path in ("chat/completions", "completions", "responses", "embeddings", "messages", "models")
)
"""Endpoints that are pasted as base URLs."""

OLLAMA_STORE: Final = frozenset(f"/api/{name}" for name in ("pull", "push", "create", "copy", "delete"))
"""What Ollama's clients ask of the models themselves, which hal0 does not do for clients."""

_ROW: Final = "/v1/models/"
_DEPLOYMENT: Final = re.compile(r"(?:/v1|/openai)*/(?:deployments|engines)/(?P<model>[^/]+)(?P<path>/[^?]+)")
_ALSO: Final = {"/v2/rerank": "/v1/rerank"}
"""Cohere's second version asks and is answered as its first."""

_ELSEWHERE: Final = {
    "/running": "what is loaded is at GET /api/state.",
    "/unload": "POST /api/unload unloads every slot.",
    "/upstream": "name the model in the field `model` of a request below /v1.",
    "/v1/files": "hal0 keeps no files; send their text.",
    "/v1/batches": "hal0 keeps no batches; send the requests one by one.",
    "/v1/conversations": "hal0 keeps no conversations; send the items themselves.",
    "/v1/assistants": "hal0 keeps no assistants; ask /v1/chat/completions.",
    "/v1/threads": "hal0 keeps no threads; ask /v1/chat/completions.",
}
"""Where what other servers have is here, or why it is not."""


class Paths:
    """`known`: the paths without variables that clients of any dialect ask; not the control API's."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)

    def plain(self, method: str, path: str) -> str:
        """Return what `path`, percent-encoded as sent, stands for; itself where it means nothing else."""
        if path in self._known:
            return path
        path = _ALSO.get(path, path)
        tidy = (
            "/" + "/".join(part for part in path.split("/") if part)
            if "//" in path or path[-1:] == "/"
            else path
        )
        return self._in(tidy, method) or tidy

    def meant(self, method: str, path: str) -> tuple[str, str]:
        """Return what `path` stands for, and the model that Azure's clients and OpenAI's oldest name in it; ""
        for none."""
        if path in self._known:
            return path, ""
        found = _DEPLOYMENT.fullmatch(path) if method == "POST" else None
        if found is not None and (plain := self.plain(method, f"/v1{found['path']}")) in self._known:
            return plain, unquote(found["model"])
        return self.plain(method, path), ""

    def advice(self, path: str) -> str:
        """`did you mean /v1/models?`, to end a sentence; where the API is, if nothing is near."""
        if path in OLLAMA_STORE:
            return "models are fetched and removed with `hal0 model`, or in hal0's window."
        for begins, said in _ELSEWHERE.items():
            if f"{path}/".startswith(f"{begins}/"):
                return said
        near = nearest(path, self._known)
        return f"did you mean {near}?" if near else "the OpenAI API is under /v1."

    def _in(self, path: str, method: str) -> str | None:
        """Return the known path that ends `path`, if all before it is what base URLs begin with."""
        if method != "POST" and path.startswith((_ROW, "/models/")):
            return None  # what follows is a model's id, whatever it looks like
        parts = [_trimmed(part) for part in path.split("/")[1:]]
        for start in range(len(parts)):
            found = "/" + "/".join(parts[start:])
            if not _is_base(parts[:start]):
                continue
            if found in self._known or (start and found.startswith(_ROW)):
                # LM Studio's own API: clients find out by these paths whom they talk to.
                is_probe = method != "POST" and start and parts[0] == "api" and parts[start] != "api"
                return None if is_probe else found
        return None


def _is_base(parts: Collection[str]) -> bool:
    rest = tuple(parts)
    while rest:
        taken = 1 if rest[0] in _TWICE else next((len(p) for p in _PASTED if rest[: len(p)] == p), 0)
        if not taken:
            return False
        rest = rest[taken:]
    return True


def _trimmed(part: str) -> str:
    """Return the part without blanks at its ends, which come from pasting, too."""
    while part.startswith("%20"):
        part = part[3:]
    while part.endswith("%20"):
        part = part[:-3]
    return part


PATHS = web.AppKey("paths", Paths)
