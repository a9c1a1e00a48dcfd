"""What a model will be asked, as far as that is known before the task is: for a model that gains by reading it early.

The same `gather` and `compose` as for the real prompt make it, so that the real one begins alike. What depends on the
task's last words, or on how much fits, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from alma.agent import planning
from alma.agent.planner import decide, strength
from alma.agent.prompt import Part, compose, gather, turn_parts
from alma.agent.role import Role
from alma.agent.run import Models, Roles
from alma.agent.task import Task, Turn
from alma.agent.tooling import Tooling, can_use_tools
from alma.events import Kind, RouteChosen
from alma.model_call import Sampling
from alma.models.chat import ChatMessage, ChatRequest, ToolSpec
from alma.models.remote import ModelInfo
from alma.models.tokens import estimate
from alma.plan import MANAGER, Plan

_ROOM = 0.5  # of the window: a longer conversation may be cut, so that its prompt begins otherwise


class Warming:
    """Prompts for the embedded model only: others are not Alma's to fill."""

    def __init__(self, roles: Roles, models: Models, tooling: Tooling) -> None:
        self._roles = roles
        self._models = models
        self._tooling = tooling

    def gains(self, model_id: str | None) -> bool:
        """Whether a task for this model (None: the Manager's) gains by it. Raises an AlmaError as `resolve` does."""
        _, info = self._models.resolve(model_id or self._roles.get(MANAGER).model)
        return info.kind == "embedded"

    def requests(
        self, text: str, kind: Kind, *, model_id: str | None = None, owner: str = "", turns: Sequence[Turn] = ()
    ) -> list[ChatRequest]:
        """What a run would begin with that is given `text`, treated as `kind`, after `turns`, the soonest first. Raises
        an AlmaError when role or model are not to be had."""
        role = self._roles.get(MANAGER)
        route = _route(role, kind)
        task = Task("", "", owner, text, role=MANAGER, model=model_id, history=list(turns), kind=kind, route=route)
        _, info = self._models.resolve(model_id or role.model)
        strong = strength(info, self._models.report(info.id)).level == "strong"
        first = self._main(task, role)
        if kind != "analytical" or not role.delegates_to:
            return first
        ask = planning.ask(task, role, strong=strong)
        if strong:
            purposes = {name: self._roles.get(name).purpose for name in role.delegates_to}
            return [*_embedded(info, planning.messages(ask, role, purposes, [], "")[:-1], []), *first]
        plan = decide(ask)
        if not isinstance(plan, Plan):
            return first
        begins: list[ChatRequest] = []
        for name, spec in {one.role: one for one in reversed(plan.tasks)}.items():  # of each role its first task
            part = replace(task, task_id="0", spec=spec, role=name, history=[], route=None)
            begins = [*self._main(part, self._roles.get(name)), *begins]
        return begins

    def of_role(self, name: str) -> list[ChatRequest]:
        """What every prompt of a role begins with: its own words. Empty where another model than the embedded one
        answers for it. Raises an AlmaError when role or model are not to be had."""
        role = self._roles.get(name)
        _, info = self._models.resolve(role.model)
        first = gather(Task("", "", "", "", role=name), role, "answer").first[:1]
        return _embedded(info, compose(first), [])

    def _main(self, task: Task, role: Role) -> list[ChatRequest]:
        """How the prompt of a task begins."""
        _, info = self._models.resolve(task.model or role.model)
        able = can_use_tools(info, self._models.report(info.id))
        tools = self._tooling.at_first(task, role) if able else []
        material = gather(task, role, "answer")
        said = [part for turn in material.turns for part in turn_parts(turn)]
        if _tokens([*material.first, *said]) > _ROOM * info.context_window or material.older:
            said = []
        return _embedded(info, compose([*material.first, *said]), tools)


def _embedded(info: ModelInfo, messages: list[ChatMessage], tools: list[ToolSpec]) -> list[ChatRequest]:
    return [ChatRequest(info.name, messages, tools=tools)] if info.kind == "embedded" else []


def _tokens(parts: list[Part]) -> int:
    return sum(estimate(part.text) for part in parts)


def _route(role: Role, kind: Kind) -> RouteChosen:
    sampling = role.kinds[kind].sampling if kind in role.kinds else Sampling()
    return RouteChosen(
        at=0.0,
        kind=kind,
        source="user",
        scores={},
        neighbours=[],
        role=role.name,
        prompt_version=role.version,
        sampling=sampling,
    )
