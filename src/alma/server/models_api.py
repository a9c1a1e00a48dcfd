"""Models over HTTP: which there are, which answers, and how to have a stronger one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field, model_validator

from alma.errors import NotFound
from alma.models.catalog import catalog, ram_bytes
from alma.models.connecting import Trial
from alma.models.endpoints import DEFAULT_CONCURRENCY, Price
from alma.models.registry import Registry
from alma.models.remote import EndpointInfo
from alma.security.fields import Exact, Id, Line
from alma.server.asking import ADMIN, Asker
from alma.server.bodies import Body, Reply


class PriceReply(Reply):
    """US dollars for a million tokens; 0: free, or not known."""

    input: float
    output: float


class CountingReply(Reply):
    """How a model's tokens are counted: `exact` by a tokenizer, else `estimated`, with an error of so many percent."""

    how: Literal["exact", "estimated"]
    error_pct: float


class ModelReply(Reply):
    """A model that can be asked for by `id`. `tiny`: it writes, but knows little. `loaded`: it can answer now. Of a
    pool, `members` are the endpoints that have it; it has their smallest window and their highest price."""

    id: str
    endpoint: str
    name: str
    context_window: int
    kind: str
    tiny: bool
    loaded: bool
    price: PriceReply
    members: list[str]
    counting: CountingReply


class EndpointReply(Reply):
    """Where models answer; `baseUrl`, `detail` and `lastError` are for administrators, empty for others.
    `state`: ready, starting, down, unknown. `source`: file, a variable, built in. `limit`:
    calls at once, as many as it has shown to bear. `breaker`: open lets none through until `retryAt` (Unix seconds),
    half_open one to try. `calls` and what follows is of the last five minutes (0: none yet). `weight`: its part of the
    calls where several endpoints have a model."""

    name: str
    base_url: str
    has_key: bool
    kind: str
    state: str
    detail: str
    active: int
    queued: int
    source: str
    limit: int
    breaker: Literal["closed", "open", "half_open"]
    retry_at: float
    weight: float
    price: PriceReply
    calls: int
    errors: int
    last_error: str
    first_token_p50_ms: float
    first_token_p95_ms: float
    tokens_per_s: float


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


ModelName = Annotated[str, Exact(300, 1)]
EndpointName = Annotated[str, Line(40, 1)]
Address = Annotated[str, Exact(500, 1)]
Key = Annotated[str, Exact(500)]
Variable = Annotated[str, Exact(200)]


class DefaultModel(Body):
    model: ModelName


class NewEndpoint(Body):
    """`models`: what to offer; without it, what the endpoint lists. `apiKeyEnv`: the variable that holds the key.
    `concurrency`: calls at once at most; `weight`: its part of the calls where several endpoints have a model. Prices
    are US dollars for a million tokens. `aliases`: its name of a model → the name to offer it under."""

    name: EndpointName
    base_url: Address
    api_key: Key | None = None
    api_key_env: Variable | None = None
    models: list[ModelName] = Field([], max_length=500)
    weight: float = Field(1.0, ge=0.01, le=1000, allow_inf_nan=False)
    concurrency: int = Field(DEFAULT_CONCURRENCY, ge=1, le=10_000)
    context_window: int | None = Field(None, ge=256, le=100_000_000)
    price_input: float = Field(0.0, ge=0, le=1e6, allow_inf_nan=False)
    price_output: float = Field(0.0, ge=0, le=1e6, allow_inf_nan=False)
    aliases: dict[ModelName, ModelName] = Field({}, max_length=500)


class EndpointTest(Body):
    """A connected endpoint by its `name`, or one that might be connected by its `baseUrl`. `model`: whom to ask, by
    default its first."""

    name: EndpointName | None = None
    base_url: Address | None = None
    api_key: Key | None = None
    api_key_env: Variable | None = None
    model: Annotated[str, Exact(300)] = ""

    @model_validator(mode="after")
    def _one_of_them(self) -> EndpointTest:
        if (self.name is None) == (self.base_url is None):
            raise ValueError("expected either name or baseUrl")
        return self


class Trouble(Reply):
    """An error as on every other door."""

    code: str
    message: str
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None


class TrialReply(Reply):
    """What a test of an endpoint showed: its models, and what `model` said to a small request. `error`: why not."""

    ok: bool
    models: list[str]
    model: str
    first_token_ms: float
    tokens_per_s: float
    said: str
    error: Trouble | None


class GgufFile(Body):
    path: Annotated[str, Exact(4000, 1)]


class ModelChoice(Body):
    model: ModelName


class GradeReply(Reply):
    """`grade`: A to F; `score`: 0 to 1; `detail` says in a line what was seen."""

    name: str
    grade: str
    score: float
    detail: str


class ProbeReply(Reply):
    """What a model can do, as seen by the capability probe."""

    model: str
    grades: list[GradeReply]
    tokens_per_second: float
    prompt_tokens_per_second: float
    at: float


class CatalogEntry(Reply):
    """A good small model to pull. `ramBytes`: what it needs; `fits`: this machine has it."""

    repo: str
    file: str
    name: str
    size_bytes: int
    ram_bytes: int
    licence: str
    note: str
    fits: bool


class CatalogReply(Reply):
    ram_bytes: int
    models: list[CatalogEntry]


class NewPull(Body):
    repo: Annotated[str, Exact(200, 3)]
    file: Annotated[str, Exact(300, 1)]


class PullReply(Reply):
    """Progress comes as `alma.pull` events on every WebSocket."""

    id: str


def models_reply(registry: Registry, *, admin: bool = True) -> ModelsReply:
    """Others than administrators are not told where endpoints are, nor what they said last: that may be somebody's."""
    endpoints = [endpoint_reply(one) for one in registry.endpoints()]
    embedded = EmbeddedReply.model_validate(registry.embedded_state())
    if not admin:
        endpoints = [one.model_copy(update={"base_url": "", "detail": "", "last_error": ""}) for one in endpoints]
        embedded = EmbeddedReply(state=embedded.state, file="", detail="")
    return ModelsReply(
        default=registry.default,
        tiny_only=registry.tiny_only,
        models=[ModelReply.model_validate(one) for one in registry.models()],
        endpoints=endpoints,
        embedded=embedded,
    )


def endpoint_reply(info: EndpointInfo) -> EndpointReply:
    return EndpointReply.model_validate({**msgspec.to_builtins(info), **msgspec.to_builtins(info.figures)})


def trial_reply(trial: Trial) -> TrialReply:
    return TrialReply(
        ok=trial.ok,
        models=trial.models,
        model=trial.model,
        first_token_ms=trial.first_token_ms,
        tokens_per_s=trial.tokens_per_s,
        said=trial.said,
        error=Trouble.model_validate(trial.error.facts()) if trial.error is not None else None,
    )


def routes(registry: Registry) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["models"])

    @router.get("/models")
    async def list_models(caller: Asker) -> ModelsReply:
        return models_reply(registry, admin=caller.admin)

    @router.put("/models/default", dependencies=[ADMIN])
    async def choose_default(body: DefaultModel) -> ModelsReply:
        """Let this model answer when a task names none. An embedded one is loaded."""
        await registry.set_default(body.model)
        return models_reply(registry)

    @router.get("/models/discover", dependencies=[ADMIN])
    async def discover() -> FoundList:
        """Looks for Ollama, LM Studio and llama.cpp on this machine."""
        found = await registry.discover()
        return FoundList(found=[FoundReply.model_validate(one) for one in found])

    @router.post("/models/test", dependencies=[ADMIN])
    async def test_model(body: ModelChoice) -> ProbeReply:
        """Run the capability probe: a minute or two on a slow model. The report is kept."""
        return ProbeReply.model_validate(await registry.probe(body.model))

    @router.get("/models/tested")
    async def tested(model: ModelName) -> ProbeReply:
        """The last report on a model."""
        report = registry.report(model)
        if report is None:
            raise NotFound("not_tested", f"{model} has not been tested yet.", hint="POST /api/models/test")
        return ProbeReply.model_validate(report)

    @router.get("/models/catalog")
    async def list_catalog() -> CatalogReply:
        """Good small models to pull, by the memory of this machine."""
        entries = [CatalogEntry.model_validate(one) for one in catalog()]
        return CatalogReply(ram_bytes=ram_bytes(), models=entries)

    @router.post("/models/pull", status_code=202, dependencies=[ADMIN])
    async def pull_model(body: NewPull) -> PullReply:
        """Fetch a GGUF file from the Hugging Face hub; asking again for the same file gives the running download."""
        return PullReply(id=registry.pulls.start(body.repo, body.file))

    @router.delete("/models/pull/{pull_id}", status_code=204, dependencies=[ADMIN])
    async def cancel_pull(pull_id: Id) -> None:
        registry.pulls.cancel(pull_id)

    @router.post("/models/gguf", dependencies=[ADMIN])
    async def use_gguf(body: GgufFile) -> ModelsReply:
        """Let the embedded server load a GGUF file of this machine."""
        await registry.use_gguf(Path(body.path))
        return models_reply(registry)

    @router.post("/endpoints", status_code=201, dependencies=[ADMIN])
    async def add_endpoint(body: NewEndpoint) -> ModelsReply:
        """Connect an OpenAI-compatible endpoint, once it has listed its models."""
        await registry.add_endpoint(
            body.name,
            body.base_url,
            api_key=body.api_key,
            api_key_env=body.api_key_env,
            models=body.models,
            weight=body.weight,
            concurrency=body.concurrency,
            context_window=body.context_window,
            price=Price(body.price_input, body.price_output),
            aliases=body.aliases,
        )
        return models_reply(registry)

    @router.post("/endpoints/test", dependencies=[ADMIN])
    async def test_endpoint(body: EndpointTest) -> TrialReply:
        """Ask an endpoint for its models, and one of them for a word. Nothing is kept."""
        trial = await registry.test_endpoint(
            body.name,
            base_url=body.base_url or "",
            api_key=body.api_key,
            api_key_env=body.api_key_env,
            model=body.model,
        )
        return trial_reply(trial)

    @router.delete("/endpoints/{name}", dependencies=[ADMIN])
    async def remove_endpoint(name: EndpointName) -> ModelsReply:
        await registry.remove_endpoint(name)
        return models_reply(registry)

    return router
