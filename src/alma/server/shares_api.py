"""What resources follow over HTTP: shares of roles now and over the last hour, and the room of stores."""

from __future__ import annotations

from fastapi import APIRouter

from alma.learner.rooms import Room
from alma.learner.shares import Shares, Stored
from alma.server.asking import Asker
from alma.server.bodies import Reply


class RoleShareReply(Reply):
    """A role of this owner. `weight`: of its turns, 1 is an equal share; `goal`: where that is going; `queued`,
    `active`: tasks; `waitS`: seconds that one waits; `mean`, `evidence`: of its reward, 0 to 1, and of how much that
    rests on, in runs' worth; `warm`: its prompt is kept ready."""

    role: str
    weight: float
    goal: float
    queued: int
    active: int
    wait_s: float
    mean: float
    evidence: float
    warm: bool
    why: str


class SharePointReply(Reply):
    """At this Unix time, weights by role."""

    at: float
    weights: dict[str, float]


class StoreReply(Reply):
    """A store of kept things. `most`: bytes it may take now, `usual` to begin with, `floor` at least; `used`: takes;
    `hitRate`: null before it was asked."""

    name: str
    most: int
    usual: int
    floor: int
    used: int
    hits: int
    misses: int
    hit_rate: float | None
    why: str


class SharesReply(Reply):
    """`on`: whether shares move; then `history` is the last hour's, oldest first. `stores`: of all owners together, so
    for administrators; empty for others."""

    on: bool
    roles: list[RoleShareReply]
    history: list[SharePointReply]
    stores: list[StoreReply]


def routes(shares: Shares | None) -> APIRouter:
    """None: learning is off."""
    router = APIRouter(prefix="/api/learning", tags=["learning"])

    @router.get("/shares")
    async def read_shares(caller: Asker) -> SharesReply:
        """How this owner's turns are shared among roles, and why; how caches share their room."""
        if shares is None:
            return SharesReply(on=False, roles=[], history=[], stores=[])
        return SharesReply(
            on=True,
            roles=_roles(shares, caller.owner),
            history=[SharePointReply(at=one.at, weights=one.weights) for one in shares.history(caller.owner)],
            stores=[_store(one) for one in shares.stored()] if caller.admin else [],
        )

    return router


def _roles(shares: Shares, owner: str) -> list[RoleShareReply]:
    weights, demands = shares.weights(owner), shares.demands(owner)
    found: list[RoleShareReply] = []
    for role in sorted({**weights, **demands}):
        moved, demand, record = weights.get(role), demands.get(role), shares.record(owner, role)
        found.append(
            RoleShareReply(
                role=role,
                weight=moved.weight if moved is not None else 1.0,
                goal=moved.goal if moved is not None else 1.0,
                queued=demand.queued if demand is not None else 0,
                active=demand.active if demand is not None else 0,
                wait_s=demand.wait_s if demand is not None else 0.0,
                mean=record.mean,
                evidence=record.weight,
                warm=role in shares.warm_roles,
                why=moved.why if moved is not None else "It came just now.",
            )
        )
    return found


def _store(one: Stored) -> StoreReply:
    room: Room = one.room
    asked = one.hits + one.misses
    return StoreReply(
        name=room.name,
        most=room.most,
        usual=room.usual,
        floor=room.floor,
        used=one.used,
        hits=one.hits,
        misses=one.misses,
        hit_rate=one.hits / asked if asked else None,
        why=room.why,
    )
