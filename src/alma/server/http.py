"""The ASGI app: WebSocket, JSON API, health and page at one address, behind the checks of who may enter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from alma.agent.roles import Roles
from alma.memory.knowledge.library import Library
from alma.memory.memories import Memories
from alma.models.cache import ResponseCache
from alma.models.registry import Registry
from alma.observability.alerts import Alerts
from alma.observability.error_book import ErrorBook
from alma.observability.health import Health
from alma.observability.reports import Reports
from alma.security.entry import Entry
from alma.security.headers import Headers
from alma.server import (
    access_api,
    agents_api,
    alerts_api,
    api_page,
    cache_api,
    errors_api,
    files_api,
    health,
    knowledge_api,
    memory_api,
    metrics_api,
    models_api,
    problems,
    reports_api,
    spend_api,
    threads_api,
)
from alma.server.access import Access
from alma.server.body_limits import Bodies
from alma.server.bugs import Bugs
from alma.server.guard import Guard
from alma.server.limiting import Limiting
from alma.server.metrics_api import Metrics
from alma.server.page import Page, top_names
from alma.server.refusing import Refusing
from alma.server.request_log import RequestLog
from alma.server.socket import SocketDoor
from alma.server.timing import Clerk, Timing
from alma.session.sessions import Sessions
from alma.session.wire import Welcome
from alma.tools.files import ThreadFiles

_ABOUT = "Everything the page does besides the conversation itself, which goes over the WebSocket at /ws."


def build(
    sessions: Sessions,
    registry: Registry,
    roles: Roles,
    files: ThreadFiles,
    cache: ResponseCache,
    memories: Memories,
    library: Library,
    guard: Guard,
    access: Access,
    checks: Health,
    alerts: Alerts,
    reports: Reports,
    errors: ErrorBook,
    *,
    stopping: Callable[[], bool],
    metrics: Metrics | None = None,
    clerk: Clerk | None = None,
    remembers: bool,
    no_vectors: Callable[[], str],
    welcome: Welcome,
    outbox_bytes: int,
    more: Sequence[APIRouter] = (),
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    sockets = SocketDoor(sessions, guard, welcome, outbox_bytes)
    about = {"title": "Alma", "version": welcome.version, "description": _ABOUT}
    app = _Guarded(access, guard, clerk, sockets, **about, lifespan=lifespan)
    problems.install(app)
    routers = [
        threads_api.routes(sessions, files),
        files_api.routes(sessions, files, cache),
        models_api.routes(registry),
        cache_api.routes(cache),
        spend_api.routes(sessions),
        memory_api.routes(memories, on=remembers, problem=no_vectors),
        knowledge_api.routes(library),
        agents_api.routes(roles),
        access_api.routes(access),
        health.routes(checks, stopping),
        alerts_api.routes(alerts),
        errors_api.routes(errors),
        reports_api.routes(reports),
        metrics_api.routes(metrics),
        *more,
    ]
    join(app, routers)
    app.add_route("/docs", api_page.show(app.openapi), include_in_schema=False)
    app.mount("/", Page(), name="page")
    app.add_middleware(Bodies, guard=guard)
    app.add_middleware(Limiting, guard=guard)
    app.add_middleware(Bugs)  # the last one is the outermost
    return app


def join(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """All routes as they are: `include_router` makes each anew at the first request, which that then waits for."""
    for router in routers:
        app.router.routes.extend(router.routes)


class _Guarded(FastAPI):
    """Behind the entry, also what answers where all else has failed."""

    def __init__(self, access: Access, guard: Guard, clerk: Clerk | None, sockets: SocketDoor, **about: Any) -> None:
        super().__init__(docs_url=None, redoc_url=None, **about)
        self._sockets = sockets
        self._access = access
        self._guard = guard
        self._clerk = clerk

    def build_middleware_stack(self) -> ASGIApp:
        access = self._access
        entry = Entry(
            _Fork(super().build_middleware_stack(), self._sockets),
            access.rules,
            access.keyring,
            access.local_key,
            top_names(),
            Refusing(self._guard),
        )
        guarded = RequestLog(Headers(entry, access.rules))
        return guarded if self._clerk is None else Timing(guarded, self._clerk)


class _Fork:
    """Behind the entry, `/ws` parts from the rest: a WebSocket needs none of the layers that lie over routes, and would
    hold each of them in memory for as long as it is open (6 KB)."""

    def __init__(self, app: ASGIApp, sockets: SocketDoor) -> None:
        self._app = app
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == "/ws":
            await self._sockets(scope, receive, send)
        else:
            await self._app(scope, receive, send)
