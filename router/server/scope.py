"""What a request needs of a named key (`server.api_keys`), by its route: a route nobody thought of is `observe`
to read and `manage` for the rest."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from router.base.errors import NotAllowed
from router.config.schema import ApiKeyConfig, Permission
from router.server.recorder import DIALECTS
from router.server.request.within import only

_READING: Final = ("GET", "HEAD")
_LISTINGS: Final = frozenset(
    {"/v1", "/models/available", "/models/status", "/props", "/v1/props", "/version"}
    | {"/api/tags", "/api/ps", "/api/version", "/api/show"}
    | {f"{prefix}/models{one}" for prefix in ("", "/v1") for one in ("", "/{id}")}
)
"""What clients ask before they chat: any key will do."""

_OF_ONE_SLOT: Final = frozenset(
    {"/models/switch", "/slots", "/lora-adapters", "/api/state", "/api/events", "/api/models"}
    | {"/api/memory/history", "/api/downloads", "/api/activity", "/api/activity/{id}"}
)
"""What tells of, or orders, no slots but those that its key may use."""

_ONLY_READ: Final = frozenset({"/api/downloads", "/api/activity"})
"""What changes by the same paths is everybody's."""

_ASK_THE_HUB: Final = ("/api/hub/plan", "/api/hub/search")
"""What asks Hugging Face, on this computer's behalf."""

_WHAT: Final = {
    Permission.INFER: "ask models",
    Permission.OBSERVE: "read the state, activity and logs",
    Permission.MANAGE: "give orders",
}


def check_scope(key: ApiKeyConfig, request: web.Request) -> None:
    """Raise NotAllowed unless the request is one that `key` is for."""
    resource = request.match_info.route.resource
    if resource is None:
        return  # nothing is there, which it is told
    path = resource.canonical
    if path in _LISTINGS and (request.method in _READING or path == "/api/show"):
        return
    needed = _needed(request.method, path)
    if not key.allows(needed):
        raise NotAllowed(
            f'The key "{key.name}" may not {_WHAT[needed]}: that takes `may: [{needed}]` at its entry of '
            "server.api_keys, in the hal0.yaml that has the key; allow it there, or use another key."
        )
    if key.slots is not None and path not in DIALECTS:
        _check_slots(key, key.slots, request, path)


def _needed(method: str, path: str) -> Permission:
    if path in DIALECTS:
        return Permission.INFER
    reads = method in _READING and path not in _ASK_THE_HUB
    return Permission.OBSERVE if reads else Permission.MANAGE


def _check_slots(key: ApiKeyConfig, slots: tuple[str, ...], request: web.Request, path: str) -> None:
    slot = request.match_info.get("slot")
    if slot is None and path == "/api/activity" and request.method in _READING:
        slot = request.query.get("slot")
    if slot is not None:
        if slot not in slots:
            raise only(key)
        return
    of_engine = path == "/metrics" and request.query.get("model")
    changes = path in _ONLY_READ and request.method not in _READING
    if (path not in _OF_ONE_SLOT and not of_engine) or changes:
        raise NotAllowed(
            f'The key "{key.name}" is only for {", ".join(slots)}, and this is about all slots; use a key '
            "without `slots:` in hal0.yaml."
        )
