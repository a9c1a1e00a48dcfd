"""Requests are counted here: one more than a caller may make is answered 429, and each answer says what is left.

`RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-11. Files of the page do not
count, nor do the doors that ask whether the server is alive. Who goes on after so many refusals in a row waits for each
further one: to answer a flood at its own speed would cost the others the server.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alma.errors import TooMany
from alma.security.caller import caller_of
from alma.security.rates import Left, Limit
from alma.server import problems
from alma.server.guard import Guard

_PATIENT = 20  # refusals in a row that are answered at once
_PAUSE_S = 1.0  # before further ones, at most
_MOST = 10_000  # callers whose refusals are remembered, those of late
_COUNTED = ("/health", "/metrics", "/openapi.json", "/docs")


class Limiting:
    def __init__(self, app: ASGIApp, guard: Guard, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._app = app
        self._sleep = sleep
        self._refused: OrderedDict[str, int] = OrderedDict()  # in a row, by caller
        self._rates = guard.rates
        self._policy = policy_header(self._rates.limits("requests"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._policy or not is_counted(scope["path"]):
            await self._app(scope, receive, send)
            return
        key = caller_of(scope).key
        refused: TooMany | None = None
        try:
            await self._rates.take("requests", key)
            self._refused.pop(key, None)
        except TooMany as error:
            refused = error
            await self._slow_down(key, error)
        left = left_header(await self._rates.left("requests", key))

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(b"ratelimit-policy", self._policy), (b"ratelimit", left)]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        app = self._app if refused is None else problems.problem(refused)
        await app(scope, receive, told)

    async def _slow_down(self, key: str, error: TooMany) -> None:
        self._refused[key] = self._refused.pop(key, 0) + 1
        if len(self._refused) > _MOST:
            self._refused.popitem(last=False)
        if self._refused[key] > _PATIENT:
            await self._sleep(min(error.retry_after_s, _PAUSE_S))


def is_counted(path: str) -> bool:
    return path.startswith("/api/") or path in _COUNTED


def policy_header(limits: tuple[Limit, ...]) -> bytes:
    """`"burst";q=200;w=1, "sustained";q=6000;w=60`"""
    return ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window_s}' for limit in limits).encode()


def left_header(left: list[Left]) -> bytes:
    """`"burst";r=150;t=1, "sustained";r=5950;t=41`: what remains, and in how many seconds all of it is back."""
    return ", ".join(f'"{one.limit.name}";r={one.left};t={math.ceil(one.reset_s)}' for one in left).encode()
