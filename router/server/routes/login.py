"""Who opens the page with a browser shows a key once: `POST /api/login` gives a cookie for it."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from router.base.errors import BadRequest, TooManyGuesses, Unauthorized
from router.server import session
from router.server.request.context import CONTEXT, Context
from router.server.routes.orders import json_object


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/login", status)
    app.router.add_post("/api/login", login)
    app.router.add_post("/api/logout", logout)


async def status(request: web.Request) -> web.Response:
    """Whether a key is needed here, and whether this browser has shown one."""
    return _told(request, signed_in=has_session(request))


async def login(request: web.Request) -> web.Response:
    """Body: `{"key": "…"}`. Raises Unauthorized, TooManyGuesses."""
    context = request.app[CONTEXT]
    if not context.api_keys:
        return _told(request, signed_in=False)
    key = (await json_object(request)).get("key")
    if not isinstance(key, str):
        raise BadRequest('Say which key: {"key": "..."}.', param="key")
    _check(key, context, request.remote)
    answer = _told(request, signed_in=True)
    answer.set_cookie(
        session.COOKIE,
        session.issue(key, time.time()),
        max_age=session.LIFETIME,
        httponly=True,
        samesite="Strict",
        secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
    )
    return answer


async def logout(request: web.Request) -> web.Response:
    answer = _told(request, signed_in=False)
    answer.del_cookie(session.COOKIE, httponly=True, samesite="Strict")
    return answer


def has_session(request: web.Request) -> bool:
    keys, cookie = request.app[CONTEXT].api_keys, request.cookies.get(session.COOKIE, "")
    return session.key_of(cookie, keys, time.time()) is not None


def _check(key: str, context: Context, address: str | None) -> None:
    now = time.monotonic()
    if (seconds := context.guesses.wait(address, now)) > 0:
        raise TooManyGuesses("Too many wrong keys; wait a little, then try again.", retry_after=seconds)
    # Signed, wrong and right keys are compared in the same time, whatever their lengths.
    if session.key_of(session.issue(key, time.time()), context.api_keys, time.time()) is None:
        context.guesses.wrong(address, now)
        raise Unauthorized("That is not one of server.api_keys in hal0.yaml; try again.")
    context.guesses.right(address)


def _told(request: web.Request, *, signed_in: bool) -> web.Response:
    body: dict[str, Any] = {"needed": bool(request.app[CONTEXT].api_keys), "signed_in": signed_in}
    return web.json_response(body, headers={"Cache-Control": "no-store"})
