"""Asks an engine about its sequences: llama-server's `/slots`.

Measured with build 11669: `GET /slots` takes 1 to 5 ms and tells `n_prompt_tokens` only of a sequence that
was asked something since the engine started, not of one that was only restored. Saving a sequence that is
busy waits until it is free. A state holds what has been generated as well, and the checkpoints of models
that need them: plain, sliding window, hybrid (Qwen 3.5) and recurrent (Mamba) models, drafts, multi-token
prediction and models with a projector all came back with the same answers. Whether a state fits is hal0's
business: see `router.conversations.key`."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import aiohttp

from router.conversations.keeping import Used
from router.engine.process import EngineProcess

REFUSED_WORDS = 300


class NotDone(Exception):
    """The engine does not do it, or no longer does; the message says why. `refused`: it answered that it does
    not, `lasting`: nor ever will (501, from older builds with a projector; for a full disk it is 500)."""

    def __init__(self, message: str, *, refused: bool = False, lasting: bool = False) -> None:
        super().__init__(message)
        self.refused, self.lasting = refused, lasting


class Moved(NamedTuple):
    """What was written to the disk or read from it."""

    tokens: int
    bytes: int


class Sequences:
    """The sequences of one engine. Nothing here has a time limit of its own."""

    def __init__(self, http: aiohttp.ClientSession, process: EngineProcess) -> None:
        self._http = http
        self._launch = process.launch

    async def used(self) -> list[Used]:
        """Return those that have been asked something, and their number of tokens. Raises NotDone."""
        told = await self._ask("GET", "/slots")
        try:
            return [_used(one) for one in told if "n_prompt_tokens" in one and "id_task" in one]
        except (TypeError, KeyError, ValueError) as error:
            raise NotDone(f"its /slots is another one's ({type(error).__name__})", refused=True) from None

    async def build(self) -> tuple[str, int, int]:
        """Return its build, the tokens of one sequence, and how many sequences it has. Raises NotDone."""
        told = await self._ask("GET", "/props")
        try:
            context = int(told["default_generation_settings"]["n_ctx"])
            return str(told["build_info"]), context, int(told["total_slots"])
        except (TypeError, KeyError, ValueError) as error:
            raise NotDone(f"its /props is another one's ({type(error).__name__})", refused=True) from None

    async def save(self, slot: int, name: str) -> Moved:
        """Write sequence `slot` to the file `name` of the engine's folder. Raises NotDone."""
        told = await self._ask("POST", f"/slots/{slot}?action=save", {"filename": name})
        return _moved(told, "n_saved", "n_written")

    async def restore(self, slot: int, name: str) -> Moved:
        """Read it back. Raises NotDone."""
        told = await self._ask("POST", f"/slots/{slot}?action=restore", {"filename": name})
        return _moved(told, "n_restored", "n_read")

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._launch.api_key}"}
        try:
            asking = self._http.request(method, self._launch.base_url + path, json=body, headers=headers)
            async with asking as answer:
                text = await answer.text()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDone(f"it does not answer ({type(error).__name__})") from None
        if answer.status != 200:
            raise NotDone(f"{answer.status}: {_words(text)}", refused=True, lasting=answer.status == 501)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise NotDone("its answer is no JSON", refused=True) from None


def _used(told: Any) -> Used:
    tokens, task = int(told["n_prompt_tokens"]), int(told["id_task"])
    return Used(int(told["id"]), tokens, task, bool(told["is_processing"]))


def _moved(told: Any, tokens: str, size: str) -> Moved:
    try:
        return Moved(int(told[tokens]), int(told[size]))
    except (TypeError, KeyError, ValueError):
        raise NotDone("it does not tell what it wrote or read", refused=True) from None


def _words(text: str) -> str:
    try:
        said = str(json.loads(text)["error"]["message"])
    except (ValueError, TypeError, KeyError, RecursionError):
        said = text
    return said[:REFUSED_WORDS]
