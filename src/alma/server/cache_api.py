"""The response cache over HTTP: what it does, what it has saved, and how to change or empty it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from alma.models.answers import Choice
from alma.models.cache import CacheState, ResponseCache
from alma.server.asking import Owner
from alma.server.bodies import Body, Reply


class SavedReply(Reply):
    """`hits`: answers that were given again, or shared while they came; `misses`: calls that were made. `saved…`: what
    making the answers anew would have taken, the cost in US dollars."""

    hits: int
    misses: int
    saved_tokens: int
    saved_ms: float
    saved_cost: float


class CacheReply(SavedReply):
    """The counts are of all time, those in `sinceStart` of this process. `threshold`: cosine similarity from which two
    questions may mean the same. `bytes`: of this owner's answers, `maxBytes`: of all."""

    exact: bool
    semantic: bool
    threshold: float
    ttl_hours: float
    entries: int
    bytes: int
    max_bytes: int
    since_start: SavedReply


class CacheChoice(Body):
    """What is left out stays as it is."""

    exact: bool | None = None
    semantic: bool | None = None
    threshold: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)


def routes(cache: ResponseCache) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["cache"])

    @router.get("/cache")
    async def read_cache(owner: Owner) -> CacheReply:
        return _reply(await cache.state(owner))

    @router.put("/cache")
    async def change_cache(owner: Owner, body: CacheChoice) -> CacheReply:
        """Turn it on or off, or say how alike two questions must be. The choice is kept, before the settings'."""
        await cache.choose(owner, Choice(body.exact, body.semantic, body.threshold))
        return _reply(await cache.state(owner))

    @router.delete("/cache")
    async def empty_cache(owner: Owner) -> CacheReply:
        """Drops every kept answer; conversations are not touched."""
        await cache.clear(owner)
        return _reply(await cache.state(owner))

    return router


def _reply(state: CacheState) -> CacheReply:
    total = state.total
    return CacheReply(
        hits=total.hits,
        misses=total.misses,
        saved_tokens=total.saved_tokens,
        saved_ms=total.saved_ms,
        saved_cost=total.saved_cost,
        exact=state.serving.exact,
        semantic=state.serving.semantic,
        threshold=state.serving.threshold,
        ttl_hours=state.ttl_s / 3600,
        entries=state.entries,
        bytes=state.bytes,
        max_bytes=state.max_bytes,
        since_start=SavedReply.model_validate(state.since_start),
    )
