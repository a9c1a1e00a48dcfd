"""How the endpoints are, told to everybody who watches: at most once a second, and only when something changed."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec

from alma.models.remote import EndpointInfo
from alma.session.notices import Notices
from alma.session.wire import EndpointHealth, EndpointsNow

EVERY = 1.0  # seconds


class Endpoints(Protocol):
    def endpoints(self) -> list[EndpointInfo]: ...


async def keep_telling(models: Endpoints, notices: Notices, *, every: float = EVERY) -> None:
    """Until cancelled. Who comes later reads the same in /api/models."""
    told: list[EndpointHealth] = []
    while True:
        await asyncio.sleep(every)
        if notices.watched and (now := [health(info) for info in models.endpoints()]) != told:
            told = now
            notices.broadcast(EndpointsNow(endpoints=now), plain=EndpointsNow(endpoints=[plain(one) for one in now]))


def plain(told: EndpointHealth) -> EndpointHealth:
    """For others than administrators: without what the endpoint has said, in which somebody's words may be."""
    return msgspec.structs.replace(told, detail="", last_error="")


def health(info: EndpointInfo) -> EndpointHealth:
    figures = info.figures
    return EndpointHealth(
        name=info.name,
        state=info.state,
        detail=info.detail,
        active=info.active,
        queued=info.queued,
        limit=info.limit,
        breaker=info.breaker,
        retry_at=info.retry_at,
        calls=figures.calls,
        errors=figures.errors,
        last_error=figures.last_error,
        first_token_p50_ms=figures.first_token_p50_ms,
        first_token_p95_ms=figures.first_token_p95_ms,
        tokens_per_s=figures.tokens_per_s,
    )
