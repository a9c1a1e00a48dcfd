"""Is it alive, can it take work, and how is each part: `/livez`, `/readyz`, `/health`. All answer from what the checks
in the background last found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response

from alma.observability.health import Component as Found
from alma.observability.health import Health as Checks
from alma.security.caller import caller_of
from alma.server.bodies import Reply

Status = Literal["ok", "degraded", "down"]
NEEDED = ("database", "dispatcher")  # for a run to be started
PROBES = frozenset(("/livez", "/readyz"))


class Component(Reply):
    """`hint`: what to do about it. `since`: Unix seconds from which on it has been ok, or has not. Without being
    an administrator there are only names and statuses, and `since` is null."""

    name: str
    status: Status
    detail: str = ""
    hint: str = ""
    since: float | None = None


class Health(Reply):
    """`status`: down when something is that Alma cannot do without, degraded when anything else is not ok."""

    status: Status
    components: list[Component]


class Alive(Reply):
    status: Literal["ok"] = "ok"


def routes(health: Checks, stopping: Callable[[], bool]) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/livez")
    async def livez() -> Alive:
        """The process and its event loop answer."""
        return Alive()

    @router.get("/readyz", responses={503: {"model": Health}})
    async def readyz(response: Response) -> Health:
        """Runs can be started. 503 where not: it starts, it stops, or the database cannot be written."""
        needed = [Component(name=name, status=health.status(name) or "down") for name in NEEDED]
        if stopping():
            needed.append(Component(name="server", status="down"))
        ready = all(component.status != "down" for component in needed)
        if not ready:
            response.status_code = 503
            response.headers["Retry-After"] = "5"
        return Health(status="ok" if ready else "down", components=needed)

    @router.get("/health")
    async def read_health(request: Request, fresh: bool = False) -> Health:
        """Every component. `fresh`: look at all of them now (for administrators); a check that hangs holds it up for
        its deadline at most."""
        admin = caller_of(request.scope).admin
        if fresh and admin:
            await health.refresh()
        report = health.report()
        shown = _shown if admin else _named
        return Health(status=report.status, components=[shown(one) for one in report.components])

    return router


def _shown(one: Found) -> Component:
    return Component(name=one.name, status=one.status, detail=one.detail, hint=one.hint, since=one.since)


def _named(one: Found) -> Component:
    return Component(name=one.name, status=one.status)
