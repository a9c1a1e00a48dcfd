"""Who does a task over HTTP: what is believed of each way to do it, and what was chosen of late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter

from alma.agent.roles import Roles
from alma.db.database import Database
from alma.errors import InvalidRequest
from alma.events import KINDS
from alma.learned import ChoiceBy, Option
from alma.learner.choosing import Choosing, Ranked
from alma.learner.chosen import arms_chosen, explored
from alma.learner.outcomes import weighed
from alma.learner.paces import RUNS, read_outcomes
from alma.learner.version_records import Policy
from alma.learning.outcome import context_of
from alma.plan import MANAGER
from alma.security.fields import Exact
from alma.server.asking import Owner
from alma.server.bodies import Reply

_LATELY = 200  # choices of which it is told how many were explored
_SHOWN = 50


class ArmReply(Reply):
    """One way to do the task. `role`, `model`: who that is now (`model` empty: nobody answers just now); `pattern`:
    empty for the usual one. `mean` of its reward, in `low` to `high` with 90 %; `weight`, `count`: of the evidence, in
    runs' worth and in runs; `cost`: what it loses for time and money; `share`: of tasks that it would get now; `prior`:
    the mean before any evidence, and `priorFrom` in words where it is from. `ms`, `money`: of a task, null: unknown."""

    id: str
    usual: bool
    role: str
    model: str
    pattern: str
    mean: float
    low: float
    high: float
    weight: float
    count: int
    cost: float
    share: float
    prior: float
    prior_from: str
    ms: float | None
    money: float | None


class ChosenReply(Reply):
    """The arm of one task; `reward` null: nothing was heard of it."""

    run_id: str
    task_id: str
    thread_id: str
    at: float
    chosen: str
    propensity: float
    by: ChoiceBy
    reward: float | None


class LatelyReply(Reply):
    """Of the last `choices`, how many were `explored`, and the `budget`: their share at most, on average. `waits`: too
    little was heard of such tasks to try anything out."""

    choices: int
    explored: int
    budget: float
    waits: bool


class RouterReply(Reply):
    """`contexts`: the kinds of tasks of this role; `on`: whether this owner's runs are chosen for."""

    on: bool
    role: str
    context: str
    contexts: list[str]
    arms: list[ArmReply]
    lately: LatelyReply
    choices: list[ChosenReply]


def routes(
    choosing: Choosing, roles: Roles, database: Database, policy: Callable[[str, str], Policy | None]
) -> APIRouter:
    """`policy`: of routes, that acts for an owner's tasks of a role."""
    router = APIRouter(prefix="/api", tags=["learning"])

    @router.get("/learning/router")
    async def read_router(
        owner: Owner,
        role: Annotated[str, Exact(100)] = MANAGER,
        context: Annotated[str, Exact(100)] | Literal[""] = "",
    ) -> RouterReply:
        """What is believed now of the ways to do tasks of `role` (of a variant: of the role that it is one of), and the
        last choices. `context`: chat, creative or analytical for the manager, else the role's only one."""
        given = roles.get(role)
        base = roles.get(given.variant_of) if given.variant_of in roles.names() else given
        contexts = [*KINDS] if base.name == MANAGER else [context_of("", base.name, "")]
        if context and context not in contexts:
            expected = f"one of {', '.join(contexts)}"
            said = f"{base.name} has no such kind of tasks."
            raise InvalidRequest("invalid_field", said, expected=expected, actual=context)
        at = context or contexts[-1]
        routing = policy(owner, base.name) or Policy()
        ranked, options = await choosing.now(owner, base, at, routing)
        weights = choosing.wish(owner).weights
        known = [weighed(one, weights) for one in await read_outcomes(database, owner, RUNS)]
        found = arms_chosen(known, at)
        lately = found[:_LATELY]
        budget, waits = choosing.exploration(owner, routing), choosing.waits(owner, base, at)
        return RouterReply(
            on=choosing.wish(owner).on,
            role=base.name,
            context=at,
            contexts=contexts,
            arms=[_arm(one, option, *choosing.who(base, one.arm)) for one, option in zip(ranked, options, strict=True)],
            lately=LatelyReply(choices=len(lately), explored=explored(lately), budget=budget, waits=waits),
            choices=[ChosenReply.model_validate(one) for one in found[:_SHOWN]],
        )

    return router


def _arm(one: Ranked, option: Option, role: str, model: str) -> ArmReply:
    pace = one.pace if one.pace.count else None
    return ArmReply(
        id=option.id,
        usual=not any((one.arm.role, one.arm.model, one.arm.pattern)),
        role=role,
        model=model,
        pattern=one.arm.pattern,
        mean=option.mean,
        low=option.low,
        high=option.high,
        weight=one.seen.good + one.seen.bad,
        count=one.seen.count,
        cost=option.cost,
        share=option.share,
        prior=one.seen.prior.mean,
        prior_from=one.why,
        ms=pace.ms if pace is not None else None,
        money=pace.cost if pace is not None else None,
    )
