"""Models over HTTP: which there are, which answers, and how to have a stronger one."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from pydantic import Field

from alma.models.registry import Registry
from alma.server.bodies import Body, Reply


class ModelReply(Reply):
    """A model that can be asked for by `id`. `tiny`: it writes, but knows little. `loaded`: it can answer now."""

    id: str
    endpoint: str
    name: str
    context_window: int
    kind: str
    tiny: bool
    loaded: bool


class EndpointReply(Reply):
    """Where models answer. `state`: ready, starting, down, unknown. `source`: file, a variable, built in."""

    name: str
    base_url: str
    has_key: bool
    kind: str
    state: str
    detail: str
    active: int
    queued: int
    source: str


class EmbeddedReply(Reply):
    """The embedded model's process. `state`: off, absent, starting, ready, restarting, failed."""

    state: str
    file: str
    detail: str


class ModelsReply(Reply):
    """`tinyOnly`: nothing but a tiny model could answer; time to offer a stronger one."""

    default: str | None
    tiny_only: bool
    models: list[ModelReply]
    endpoints: list[EndpointReply]
    embedded: EmbeddedReply


class FoundReply(Reply):
    name: str
    base_url: str
    models: list[str]


class FoundList(Reply):
    """Model servers on this machine that are not connected yet."""

    found: list[FoundReply]


class Choice(Body):
    model: str = Field(min_length=1, max_length=300)


class NewEndpoint(Body):
    """`models`: what to offer; without it, what the endpoint lists."""

    name: str = Field(min_length=1, max_length=40)
    base_url: str = Field(min_length=1, max_length=500)
    api_key: str | None = Field(None, max_length=500)
    models: list[str] = Field([], max_length=500)


class GgufFile(Body):
    path: str = Field(min_length=1, max_length=4000)


def models_reply(registry: Registry) -> ModelsReply:
    embedded = registry.embedded_state()
    return ModelsReply(
        default=registry.default,
        tiny_only=registry.tiny_only,
        models=[
            ModelReply(
                id=one.id,
                endpoint=one.endpoint,
                name=one.name,
                context_window=one.context_window,
                kind=one.kind,
                tiny=one.tiny,
                loaded=one.loaded,
            )
            for one in registry.models()
        ],
        endpoints=[
            EndpointReply(
                name=one.name,
                base_url=one.base_url,
                has_key=one.has_key,
                kind=one.kind,
                state=one.state,
                detail=one.detail,
                active=one.active,
                queued=one.queued,
                source=one.source,
            )
            for one in registry.endpoints()
        ],
        embedded=EmbeddedReply(state=embedded.state, file=embedded.file, detail=embedded.detail),
    )


def routes(registry: Registry) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["models"])

    @router.get("/models")
    async def list_models() -> ModelsReply:
        return models_reply(registry)

    @router.put("/models/default")
    async def choose_default(body: Choice) -> ModelsReply:
        """Let this model answer when a task names none. An embedded one is loaded."""
        await registry.set_default(body.model)
        return models_reply(registry)

    @router.get("/models/discover")
    async def discover() -> FoundList:
        """Looks for Ollama, LM Studio and llama.cpp on this machine."""
        found = await registry.discover()
        return FoundList(
            found=[FoundReply(name=one.name, base_url=one.base_url, models=list(one.models)) for one in found]
        )

    @router.post("/models/gguf")
    async def use_gguf(body: GgufFile) -> ModelsReply:
        """Let the embedded server load a GGUF file of this machine."""
        await registry.use_gguf(Path(body.path))
        return models_reply(registry)

    @router.post("/endpoints", status_code=201)
    async def add_endpoint(body: NewEndpoint) -> ModelsReply:
        """Connect an OpenAI-compatible endpoint, once it has listed its models."""
        await registry.add_endpoint(body.name, body.base_url, api_key=body.api_key, models=body.models)
        return models_reply(registry)

    @router.delete("/endpoints/{name}")
    async def remove_endpoint(name: str) -> ModelsReply:
        await registry.remove_endpoint(name)
        return models_reply(registry)

    return router
