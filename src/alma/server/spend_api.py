"""Spend and budgets over HTTP: what was used, of what may be, and how to change that."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from alma.engine.budget import Limits
from alma.engine.state import Spent
from alma.errors import Forbidden
from alma.security.fields import Id
from alma.server.asking import Asker, Owner
from alma.server.bodies import Body, Reply
from alma.session.sessions import Sessions
from alma.session.spend import Report, ScopeSpend, report, set_budget

_EPOCH = date(1970, 1, 1).toordinal()


class UsedReply(Reply):
    """`limit` 0: there is none."""

    used: float
    limit: float


class ScopeReply(Reply):
    """`run`: what each run may use, so nothing of it is used. `seconds`: of model calls, but for a run by the clock,
    between two words of its user. `money`: US dollars."""

    scope: Literal["run", "thread", "owner", "day"]
    tokens: UsedReply
    seconds: UsedReply
    money: UsedReply


class DayReply(Reply):
    """A day (UTC). `cachedTokens`: that endpoints had read before; `savedTokens`: that Alma's own cache did not use."""

    day: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    saved_tokens: int
    seconds: float
    money: float
    calls: int


class ModelSpendReply(Reply):
    model: str
    input_tokens: int
    output_tokens: int
    money: float
    calls: int


class SpendReply(Reply):
    """`warnAt`: the share of a budget at which its owner is warned; `days`: newest first, as far as something was
    used."""

    currency: str
    warn_at: float
    scopes: list[ScopeReply]
    days: list[DayReply]
    models: list[ModelSpendReply]


class BudgetChange(Body):
    """`threadId` with the scope `thread` only. 0 is no limit; null takes the settings' again; what is left out stays as
    it is."""

    scope: Literal["run", "thread", "owner", "day"]
    thread_id: Id | None = None
    tokens: int | None = Field(None, ge=0, le=1_000_000_000_000)
    seconds: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
    money: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)


def routes(sessions: Sessions) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["spend"])

    @router.get("/spend")
    async def read_spend(owner: Owner, thread: Id | Literal[""] = "") -> SpendReply:
        """What this owner's model calls have used, with `thread` that thread's too."""
        return _reply(await report(sessions.database, sessions.engine.ledger, owner, thread))

    @router.put("/budgets")
    async def change_budget(caller: Asker, body: BudgetChange) -> SpendReply:
        """Set a budget. It is kept, comes before the settings', and holds for what is under way too. Others than
        administrators can only set less than what the settings allow everybody."""
        owner, scope = caller.owner, body.scope
        thread_id = body.thread_id or ""
        change: dict[str, Any] = {
            name: getattr(body, name) for name in ("tokens", "seconds", "money") if name in body.model_fields_set
        }
        ledger = sessions.engine.ledger
        if not caller.admin:
            _check_within(ledger.usual(scope), change)
        await set_budget(sessions.database, ledger, owner, scope, thread_id, **change)
        return _reply(await report(sessions.database, ledger, owner, thread_id))

    return router


def _check_within(usual: Limits, change: dict[str, Any]) -> None:
    for name, wanted in change.items():
        most = getattr(usual, name)
        if most and wanted is not None and not 0 < wanted <= most:
            raise Forbidden(
                "admin_only",
                "Only administrators set a budget that is larger than the usual one.",
                expected=f"{name} over 0, at most {most:g}",
                actual=f"{wanted:g}",
            )


def _reply(found: Report) -> SpendReply:
    return SpendReply(
        currency="USD",
        warn_at=found.warn_at,
        scopes=[_scope(one) for one in found.scopes],
        days=[_day(day, spent) for day, spent in found.days],
        models=[
            ModelSpendReply(
                model=model,
                input_tokens=spent.input_tokens,
                output_tokens=spent.output_tokens,
                money=spent.cost,
                calls=spent.calls,
            )
            for model, spent in found.models
        ],
    )


def _scope(one: ScopeSpend) -> ScopeReply:
    used, limits = one.used, one.limits
    return ScopeReply(
        scope=one.scope,
        tokens=UsedReply(used=used.tokens, limit=limits.tokens),
        seconds=UsedReply(used=used.ms / 1000, limit=limits.seconds),
        money=UsedReply(used=used.cost, limit=limits.money),
    )


def _day(day: int, spent: Spent) -> DayReply:
    return DayReply(
        day=date.fromordinal(_EPOCH + day).isoformat(),
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cached_tokens=spent.cached_tokens,
        saved_tokens=spent.saved_tokens,
        seconds=spent.ms / 1000,
        money=spent.cost,
        calls=spent.calls,
    )
