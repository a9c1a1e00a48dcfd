"""Is it alive, is it ready, and what is wrong: `/livez`, `/readyz`, `/health`."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from fastapi import APIRouter, Response

from alma.db.database import Database
from alma.errors import AlmaError
from alma.memory.embedder import Embedder
from alma.models.registry import Registry
from alma.server.bodies import Reply

Status = Literal["ok", "degraded", "down"]


class Component(Reply):
    """`hint`: what to do about it. `since`: Unix seconds from which on it has had this status, 0: unknown."""

    name: str
    status: Status
    detail: str = ""
    hint: str = ""
    since: float = 0.0


class Health(Reply):
    """`status` is the worst of what Alma cannot do without; a missing model only degrades it."""

    status: Status
    components: list[Component]


class Alive(Reply):
    status: Literal["ok"] = "ok"


def routes(database: Database, embedder: Embedder, registry: Registry) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/livez")
    async def livez() -> Alive:
        """The process answers."""
        return Alive()

    @router.get("/readyz")
    async def readyz(response: Response) -> Health:
        """Runs can be started: the database can be written."""
        component = await _database(database)
        if component.status != "ok":
            response.status_code = 503
        return Health(status=component.status, components=[component])

    @router.get("/health")
    async def health() -> Health:
        components = [await _database(database), _embedder(embedder), *_models(registry)]
        if components[0].status == "down":
            return Health(status="down", components=components)
        degraded = any(component.status != "ok" for component in components)
        return Health(status="degraded" if degraded else "ok", components=components)

    return router


async def _database(database: Database) -> Component:
    try:
        await database.write(lambda connection: connection.execute(sa.text("UPDATE threads SET id = id WHERE id = ''")))
    except AlmaError as error:
        return Component(name="database", status="down", detail=error.actual or error.message, hint=error.hint or "")
    return Component(name="database", status="ok", detail=database.url.get_backend_name())


def _embedder(embedder: Embedder) -> Component:
    if embedder.state in ("ready", "starting"):
        return Component(name="embedder", status="ok", detail=embedder.state)
    return Component(
        name="embedder",
        status="degraded",
        detail=f"The embedding model is {embedder.state}; tasks are treated as chat.",
        hint="Run `alma doctor`.",
    )


def _models(registry: Registry) -> list[Component]:
    state = registry.embedded_state()
    if state.state in ("ready", "off"):
        return [Component(name="embedded model", status="ok", detail=state.state)]
    return [
        Component(
            name="embedded model",
            status="degraded",
            detail=f"{state.state} {state.detail}".strip(),
            hint="" if state.state == "starting" else "Run `alma doctor`.",
        )
    ]
