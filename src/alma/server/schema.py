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
from alma.server.http import join
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
    routers = [
        threads_api.routes(nothing, nothing),
        files_api.routes(nothing, nothing, nothing),
        models_api.routes(nothing),
        cache_api.routes(nothing),
        spend_api.routes(nothing),
        memory_api.routes(nothing),
        knowledge_api.routes(nothing),
        refinement_api.routes(nothing, nothing),
        shares_api.routes(nothing),
        lab_api.routes(),
        versions_api.routes(nothing, nothing, nothing),
        experiments_api.routes(nothing),
        feedback_api.routes(nothing, nothing, nothing),
        learning_api.routes(nothing, nothing),
        lessons_api.routes(nothing, nothing, nothing),
        router_api.routes(nothing, nothing, nothing, nothing),
        agents_api.routes(nothing),
        health_routes(nothing, nothing),
        alerts_api.routes(nothing),
        reports_api.routes(nothing),
        access_api.routes(nothing),
        errors_api.routes(nothing),
        metrics_api.routes(),
    ]
    join(app, routers)
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
