"""Requests are counted here: one more than a caller may make is answered 429, and each answer says what is left.

`RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-11. Files of the page do not
count, nor do the doors that ask whether the server is alive.
"""

from __future__ import annotations

import math

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alma.errors import TooMany
from alma.security.caller import caller_of
from alma.security.rates import Left, Limit, Rates
from alma.server import problems
from alma.server.guard import Guard

_COUNTED = ("/health", "/metrics", "/openapi.json", "/docs")


class Limiting:
    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard
        self._limited = bool(guard.rates.limits("requests"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._limited or not is_counted(scope["path"]):
            await self._app(scope, receive, send)
            return
        caller = caller_of(scope)
        refused: TooMany | None = None
        try:
            await self._guard.take("requests", caller)
        except TooMany as error:
            refused = error
            await self._guard.slowing.pause(caller.key, error)
        more = await rate_headers(self._guard.rates, "requests", caller.key)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        app = self._app if refused is None else problems.problem(refused)
        await app(scope, receive, told)


def is_counted(path: str) -> bool:
    return path.startswith("/api/") or path in _COUNTED


async def rate_headers(rates: Rates, policy: str, key: str) -> list[tuple[bytes, bytes]]:
    """Of an answer; none where nothing is limited."""
    limits = rates.limits(policy)
    if not limits:
        return []
    left = left_header(await rates.left(policy, key))
    return [(b"ratelimit-policy", policy_header(limits)), (b"ratelimit", left)]


def policy_header(limits: tuple[Limit, ...]) -> bytes:
    """`"burst";q=200;w=1, "sustained";q=6000;w=60`"""
    return ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window_s}' for limit in limits).encode()


def left_header(left: list[Left]) -> bytes:
    """`"burst";r=150;t=1, "sustained";r=5950;t=41`: what remains, and in how many seconds all of it is back."""
    return ", ".join(f'"{one.limit.name}";r={one.left};t={math.ceil(one.reset_s)}' for one in left).encode()
