"""The whole protocol as one OpenAPI document: the JSON API, and the WebSocket's commands and events as components.

    python -m alma.server.schema > frontend/openapi.json

The frontend's types are generated from it; a test fails when they drift.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
from fastapi import FastAPI

from alma.server import (
    access_api,
    agents_api,
    alerts_api,
    cache_api,
    commands,
    errors_api,
    experiments_api,
    feedback_api,
    files_api,
    knowledge_api,
    lab_api,
    learning_api,
    lessons_api,
    memory_api,
    metrics_api,
    models_api,
    refinement_api,
    reports_api,
    router_api,
    shares_api,
    spend_api,
    threads_api,
    versions_api,
)
from alma.server.health import routes as health_routes
from alma.session import wire

_EVENTS: tuple[type[msgspec.Struct], ...] = (
    wire.RunStartedEvent,
    wire.TextMessageStart,
    wire.TextMessageContent,
    wire.ReasoningMessageContent,
    wire.TextMessageEnd,
    wire.SubagentStarted,
    wire.SubagentFinished,
    wire.SubagentError,
    wire.ToolCallStart,
    wire.ToolCallResult,
    wire.RunFinishedEvent,
    wire.RunErrorEvent,
    wire.Custom,
)


def document() -> dict[str, Any]:
    """OpenAPI 3.1, sorted, the same for the same code.

    Raises:
        ValueError: A body of the API and a part of the protocol have the same name but not the same form."""
    nothing: Any = None  # routes only close over what they are given
    app = FastAPI(title="Alma", version="1")
    app.include_router(threads_api.routes(nothing, nothing))
    app.include_router(files_api.routes(nothing, nothing, nothing))
    app.include_router(models_api.routes(nothing))
    app.include_router(cache_api.routes(nothing))
    app.include_router(spend_api.routes(nothing))
    app.include_router(memory_api.routes(nothing))
    app.include_router(knowledge_api.routes(nothing))
    app.include_router(refinement_api.routes(nothing, nothing))
    app.include_router(shares_api.routes(nothing))
    app.include_router(lab_api.routes())
    app.include_router(versions_api.routes(nothing, nothing, nothing))
    app.include_router(experiments_api.routes(nothing))
    app.include_router(feedback_api.routes(nothing, nothing, nothing))
    app.include_router(learning_api.routes(nothing, nothing))
    app.include_router(lessons_api.routes(nothing, nothing, nothing))
    app.include_router(router_api.routes(nothing, nothing, nothing, nothing))
    app.include_router(agents_api.routes(nothing))
    app.include_router(health_routes(nothing, nothing))
    app.include_router(alerts_api.routes(nothing))
    app.include_router(reports_api.routes(nothing))
    app.include_router(access_api.routes(nothing))
    app.include_router(errors_api.routes(nothing))
    for door in (metrics_api,):
        app.include_router(door.routes())
    schema = app.openapi()
    structs = (*commands.ALL, *_EVENTS, *wire.CUSTOM_PAYLOADS.values())
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    bodies = schema["components"]["schemas"]
    if twice := sorted(name for name in bodies.keys() & components if bodies[name] != components[name]):
        raise ValueError(f"One name stands for two forms, and one would hide the other: {', '.join(twice)}.")
    bodies.update(components)
    return schema


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
