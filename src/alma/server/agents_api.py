"""Agents over HTTP: the roles at hand, and what is wrong in their files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter

from alma.agent.roles import Roles
from alma.events import Kind
from alma.security.fields import Exact
from alma.server.asking import Asker
from alma.server.bodies import Reply


class SamplingReply(Reply):
    temperature: float
    top_p: float
    max_tokens: int


class KindReply(Reply):
    """How the role treats tasks of one kind; `examples` are sentences of that kind."""

    sampling: SamplingReply
    examples: list[str]
    prompt: str


class MemoryReply(Reply):
    """Scopes are private, team and owner; `tokens`: how many of a prompt its memories may take; `kinds`: which ones;
    `hits`: at most so many; `keep`: what of its own work becomes memories (speech, results, facts)."""

    recall: list[str]
    write: list[str]
    tokens: int
    kinds: list[str]
    hits: int
    keep: list[str]


class BudgetsReply(Reply):
    """What one task may use. `tokens`, `seconds`: 0 takes a share of the parent's. `parallel`: tasks at once."""

    tokens: int
    seconds: float
    tool_calls: int
    depth: int
    children: int
    parallel: int


class WorkedExampleReply(Reply):
    task: str
    answer: str


class AgentReply(Reply):
    """A role. `sections`: the text under each heading of its file; `outputSchema`: null where it answers in text;
    `variantOf`: the role whose tasks it may do in its place; `models`: between which learning may choose; `when`: how
    work for it is put; `version`: of the file."""

    name: str
    purpose: str
    prompt: str
    sections: dict[str, str]
    kinds: dict[Kind, KindReply]
    model: str | None
    sampling: SamplingReply
    tools: list[str]
    delegates_to: list[str]
    stand_ins: list[str]
    stand_in_models: list[str]
    variant_of: str | None
    models: list[str]
    memory: MemoryReply
    budgets: BudgetsReply
    output_schema: dict[str, Any] | None
    examples: list[WorkedExampleReply]
    when: list[str]
    version: str


class AgentSourceReply(AgentReply):
    """`source`: the file, word for word."""

    source: str


class RoleProblemReply(Reply):
    """`line` 0: the file as such; `field`, such as `budgets.tokens`, is empty where none is meant."""

    file: str
    line: int
    field: str
    message: str


class AgentList(Reply):
    agents: list[AgentReply]
    problems: list[RoleProblemReply]


def routes(roles: Roles, tools: Collection[str] | None = None) -> APIRouter:
    """`tools`: the names of all tools, so that a role which names another one is told of."""
    router = APIRouter(prefix="/api", tags=["agents"])

    @router.get("/agents")
    async def list_agents(caller: Asker) -> AgentList:
        """By name. A file with problems is used in its last good version, if there was one; they are for
        administrators."""
        problems = [*roles.problems(), *roles.check(tools)] if caller.admin else []
        return AgentList(
            agents=[AgentReply.model_validate(role) for role in roles.all()],
            problems=[RoleProblemReply.model_validate(problem) for problem in problems],
        )

    @router.get("/agents/{name}")
    async def get_agent(name: Annotated[str, Exact(100)]) -> AgentSourceReply:
        return AgentSourceReply.model_validate(roles.get(name))

    return router
