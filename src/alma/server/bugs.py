"""Answers an HTTP request that failed on a bug, and logs it: once, with the ids of the request."""

from __future__ import annotations

import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alma.errors import AlmaError
from alma.observability.context import bind
from alma.server.problems import problem
from alma.server.request_log import owner_of, route_of

log = logging.getLogger(__name__)


class Bugs:
    """What an exception handler for `Exception` does outside of all middlewares, and then raises it again, so that the
    web server logs it a second time: this does inside, and that is that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if begun:
                raise  # half an answer is out: only closing the connection says that it is none
            token = secrets.token_hex(4)
            bind(owner=owner_of(scope))
            log.error("%s %s failed on a bug (%s)", scope["method"], route_of(scope), token, exc_info=error)
            said = AlmaError("Alma failed on a bug of its own.", hint=f"The log has it under {token}.")
            await problem(said)(scope, receive, send)
