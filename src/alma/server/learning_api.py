"""What is learned, over HTTP: what an owner chose, what is believed of everything that has a record, and why."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query

from alma.learner.books import PRIOR, Belief, Books
from alma.learner.curves import curve, figures
from alma.learner.preferences import Preferences
from alma.learning.records import Piece
from alma.learning.reward import SIGNALS
from alma.server.asking import Owner
from alma.server.feedback_api import heard_replies
from alma.server.learning_bodies import (
    ContextName,
    ItemName,
    LearningBody,
    LearningReply,
    PointReply,
    RecordList,
    RecordReply,
    SignalReply,
    What,
    WhyList,
    WhyReply,
)


def routes(books: Books, preferences: Preferences, *, allowed: bool = True) -> APIRouter:
    """`allowed`: whether learning is on at all."""
    router = APIRouter(prefix="/api/learning", tags=["learning"])

    def state(owner: str) -> LearningReply:
        holds, chosen = preferences.get(owner), preferences.chosen(owner)
        weights = chosen.weights.all()
        return LearningReply(
            on=chosen.on,
            allowed=allowed,
            exploration=holds.exploration,
            own_exploration=chosen.exploration,
            time=chosen.time,
            money=chosen.money,
            signals=[
                SignalReply(name=name, kind=row.kind, weight=weights[name], usual=row.weight, means=row.says)
                for name, row in SIGNALS.items()
            ],
        )

    @router.get("")
    async def read_learning(owner: Owner) -> LearningReply:
        """What this owner chose, and the table of all signals."""
        return state(owner)

    @router.put("")
    async def change_learning(owner: Owner, body: LearningBody) -> LearningReply:
        """Choose. New weights hold for everything that was ever heard: all is weighed anew."""
        await preferences.set(
            owner,
            on=body.on,
            exploration=body.exploration,
            weights=body.weights,
            time=body.time,
            money=body.money,
        )
        return state(owner)

    @router.get("/records")
    async def list_records(
        owner: Owner,
        what: What | None = None,
        context: ContextName = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> RecordList:
        """What is believed of everything of a kind, the most evidence first, each with how it went. `context`: a kind
        of task (chat, creative, analytical, or `task:` and a role); empty: all tasks."""
        found = books.beliefs(owner, what or "", context, limit)
        first = [(one, books.pieces(owner, one.item, context)) for one in found]
        records = await asyncio.to_thread(lambda: [_record(one, pieces) for one, pieces in first])
        return RecordList(records=records, total=len(books.items(owner, what or "", context)))

    @router.get("/why")
    async def read_why(
        owner: Owner,
        item: ItemName,
        context: ContextName = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> WhyList:
        """Why this number: every task that speaks of an item, the newest first."""
        belief = books.belief(owner, item, context)
        weights = preferences.chosen(owner).weights
        runs = books.why(owner, item, context)
        changed = books.tally(owner, item, context).changed
        more: dict[str, Any] = {"prior_mean": PRIOR.mean, "prior_weight": PRIOR.weight, "total": len(runs)}
        return WhyList(
            item=item,
            context=context,
            mean=belief.mean,
            low=belief.low,
            high=belief.high,
            weight=belief.weight,
            changed=changed,
            runs=[
                WhyReply(
                    run_id=one.run_id,
                    task_id=one.task_id,
                    thread_id=one.thread_id,
                    at=one.at,
                    reward=one.reward,
                    weight=one.weight,
                    now=one.now,
                    share=one.share,
                    signals=heard_replies(one.signals, weights),
                )
                for one in runs[:limit]
            ],
            **more,
        )

    return router


def _record(belief: Belief, pieces: list[Piece]) -> RecordReply:
    took = figures(pieces)
    return RecordReply(
        item=belief.item,
        context=belief.context,
        mean=belief.mean,
        low=belief.low,
        high=belief.high,
        weight=belief.weight,
        count=belief.count,
        newest_at=belief.newest_at,
        tasks=took.tasks,
        ms=took.ms,
        tokens=took.tokens,
        cost=took.cost,
        errors=took.errors,
        curve=[PointReply.model_validate(one) for one in curve(pieces, belief)],
    )
