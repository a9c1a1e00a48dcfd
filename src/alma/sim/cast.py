"""Who plays in a simulated world: roles, a model that says what a draw decides, and tools with effects.

What an agent says is drawn anew at every call, because a real model does not repeat itself either. Every answer carries
its task's mark, so that whoever is told a result that is none of its business is found out.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.role import Role
from alma.agent.roles import Roles
from alma.agent.run import Agent
from alma.agent.task import Desk, Outcome, Task
from alma.engine.runner import Engine
from alma.errors import NotFound
from alma.models.chat import ChatMessage, ChatRequest, Chunk, Counted, ToolCall
from alma.models.probe import Grade, ProbeReport
from alma.models.remote import ModelInfo
from alma.models.script import Fault, FaultKind, Rule
from alma.models.scripted import ScriptedModel
from alma.models.tokens import estimate
from alma.sim.judge import Judge
from alma.sim.world import World
from alma.tools.signature import ToolContext
from alma.tools.toolbox import Toolbox

_MARK = re.compile(r"⟦(\S+?)/(\S+?)⟧")
_WORDS = ("warm", "costs", "über", "less", "🙂", "and", "noise", "rather", "more", "so", "it")
_FAULTS: tuple[FaultKind, ...] = ("status", "unreachable", "cut", "stall", "garbage", "error")
_STALL_S = 4.0
_TOOLS = ["look", "pay", "sign"]
_MOST_ROUNDS = 3  # of tool calls, then the model comes to an end
REQUESTS = (
    "Compare gas heating with a heat pump: cost and climate; recommend one.",
    "Compare a train with a bus for the trip: price and comfort; recommend one.",
    "Hello, how are you today?",
    "Write a poem about rain.",
)


class Manners(Struct, frozen=True):
    """How a world's models behave, of 1. `strong`: they plan by themselves."""

    strong: bool = False
    faults: float = 0.0
    acts: float = 0.4
    revise: float = 0.4
    seconds: float = 0.0  # budget of a researcher's task
    tool_calls: int = 4


# ── roles ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class SimRoles:
    """The roles that ship, with the world's tools, and with somebody in the middle who delegates too."""

    def __init__(self, shipped: Roles) -> None:
        self._shipped = {role.name: replace(role, kinds=_short(role), prompt=f"{role.name}.") for role in shipped.all()}
        self._roles: dict[str, Role] = {}
        self.dress(Manners())

    def dress(self, manners: Manners) -> None:
        for name, role in self._shipped.items():
            tools = [] if role.output_schema is not None else list(_TOOLS)
            budgets = replace(role.budgets, tool_calls=manners.tool_calls, depth=2, children=4)
            if name == "researcher":
                budgets = replace(budgets, seconds=manners.seconds)
                role = replace(role, delegates_to=["analyst", "writer"])
            self._roles[name] = replace(role, tools=tools, budgets=budgets)

    def get(self, name: str) -> Role:
        if name not in self._roles:
            raise NotFound("unknown_role", f"There is no role {name}.")
        return self._roles[name]

    def names(self) -> list[str]:
        return list(self._roles)


def _short(role: Role) -> Any:
    return {kind: replace(spec, prompt=f"{role.name}, {kind}.", examples=[]) for kind, spec in role.kinds.items()}


# ── the model ─────────────────────────────────────────────────────────────────────────────────────────────────────

_doing: ContextVar[Task] = ContextVar("_doing")


class WatchedAgent:
    """The real agent; the model that it calls is told which task it works on."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def run(self, task: Task, desk: Desk) -> Outcome:
        _doing.set(task)
        return await self._agent.run(task, desk)


class SimModel:
    """One process's way to the model: a `Models` with one model in it."""

    endpoint = "simulated"

    def __init__(self, world: World, judge: Judge, manners: Manners) -> None:
        self.engine: Engine | None = None
        self.calm = False  # nothing goes wrong any more
        self._world = world
        self._judge = judge
        self._manners = manners
        self._info = ModelInfo("simulated/model", self.endpoint, "model", 16_384, False, "scripted")

    def resolve(self, model_id: str | None) -> tuple[SimModel, ModelInfo]:
        del model_id
        return self, self._info

    def report(self, model_id: str) -> ProbeReport | None:
        if not self._manners.strong:
            return None
        grades = [Grade(name, "A", 1.0, "") for name in ("planning", "schema", "tools")]
        return ProbeReport(model_id, grades, 1.0, 1.0, 1.0, 0.0)

    async def count_tokens(self, text: str) -> int:
        return estimate(text)

    def counted(self, text: str) -> int | None:
        return estimate(text)

    @property
    def counting(self) -> Counted:
        return Counted("exact")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        task = _doing.get()
        rounds = sum(bool(message.tool_calls) for message in request.messages)
        plans = request.json_schema is not None and "action" in request.json_schema["properties"]
        step = "decide" if plans else "answer" if not rounds else f"answer.{rounds + 1}"
        assert self.engine is not None
        if not plans:
            quoted = {found[2] for found in _MARK.finditer(_all_text(request.messages)) if found[1] == task.run_id}
            self._judge.model_called(self.engine, task.run_id, task.task_id, step, quoted)
        rule = self._plan(task) if plans else self._say(task, request, rounds)
        async for chunk in ScriptedModel([self._spoiled(rule)], stall=_STALL_S).stream(request):
            yield chunk

    def _spoiled(self, rule: Rule) -> Rule:
        random, world = self._world.random, self._world
        changes: dict[str, Any] = {"delay": random.random() * 0.2, "first_delay": random.random() * 0.5}
        if not self.calm and world.chance(self._manners.faults):
            kind = random.choice(_FAULTS)
            status = random.choice((400, 429, 500))
            changes["fault"] = Fault(kind, random.randrange(4), None, status, 1.0 if status == 429 else None)
        return replace(rule, **changes)

    def _words(self, task: Task) -> str:
        random = self._world.random
        said = " ".join(random.choice(_WORDS) for _ in range(random.randrange(1, 6)))
        return f"{said} ⟦{task.run_id}/{task.task_id}⟧"

    def _say(self, task: Task, request: ChatRequest, rounds: int) -> Rule:
        world = self._world
        if request.json_schema is not None:
            if world.chance(0.1):
                return Rule(answer="no JSON at all")
            verdict = "revise" if world.chance(self._manners.revise) else "accept"
            return Rule(answer=json.dumps({"verdict": verdict, "notes": "Say more."}))
        names = [spec.name for spec in request.tools]
        if names and rounds < _MOST_ROUNDS and world.chance(self._manners.acts):
            chosen = [world.random.choice(names) for _ in range(1 + world.chance(0.3))]
            calls = tuple(ToolCall(f"c{at}", name, self._arguments(task, name)) for at, name in enumerate(chosen))
            return Rule(answer=self._words(task) if world.chance(0.5) else "", tool_calls=calls)
        return Rule(answer=self._words(task), reasoning="well now" if world.chance(0.2) else "")

    def _arguments(self, task: Task, name: str) -> str:
        random = self._world.random
        number = random.randrange(1000)
        match name:
            case "delegate":
                orders = [
                    {"role": random.choice(("analyst", "writer")), "goal": f"{task.goal[:80]} Part {number + at}"}
                    for at in range(random.randrange(1, 3))
                ]
                return json.dumps({"tasks": orders})
            case "add_task":
                return json.dumps({"role": "analyst", "goal": f"{task.goal[:80]} Also {number}"})
            case "ask_user":
                return json.dumps({"question": f"What about {number}?"})
            case "send_message":
                return json.dumps({"to": random.choice(("team", "1", "2", "analyst")), "text": f"Mind {number}."})
            case "write_board":
                board = self._judge.states[task.run_id].board
                version = board["facts"].version if "facts" in board else 0
                seen = max(version - (number < 200), 0)
                return json.dumps({"key": "facts", "text": f"fact {number}", "version": seen})
            case _:
                return json.dumps({"thing": f"thing {number}"}) if name in _TOOLS else "{}"

    def _plan(self, task: Task) -> Rule:
        if self._world.chance(0.2):
            return Rule(answer='{"action": "plan", "tasks": 7}')
        if self._world.chance(0.1):
            action, question, tasks = "ask", "For whom?", []
        else:
            action, question, tasks = "plan", "", self._tasks(task.request)
        said: dict[str, Any] = {"action": action, "reason": "", "question": question, "tasks": tasks}
        return Rule(answer=json.dumps(said))

    def _tasks(self, request: str) -> list[dict[str, Any]]:
        """Two who look, one who weighs, and perhaps a critic of that."""
        body = request.split(":")[0]
        rest = request.split(":")[-1].split(";")[0]
        tasks = [_task("researcher", f"{body}, part {number}: {rest}", []) for number in (1, 2)]
        tasks.append(_task("analyst", f"{body}, weighed by {rest}, recommend one", [1, 2]))
        if self._world.chance(0.7):
            tasks.append(_task("critic", f"Judge: {body}, weighed by {rest}", [3], 3))
        return tasks


def _task(role: str, goal: str, depends_on: list[int], review_of: int | None = None) -> dict[str, Any]:
    empty: dict[str, Any] = {"title": "", "inputs": [], "expected": "", "done_when": ""}
    return {**empty, "role": role, "goal": goal, "depends_on": depends_on, "review_of": review_of}


def _all_text(messages: list[ChatMessage]) -> str:
    return "\n".join(message.content for message in messages)


# ── tools ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class SimTools:
    """`look` may be done twice, `pay` may not, `sign` needs the user's leave. Made once: their schemas are dear."""

    def __init__(self) -> None:
        self.world = World(0)
        self.judge = Judge(self.world)
        self.box = Toolbox()
        self.box.register(self._look, name="look", idempotent=True)
        self.box.register(self._look, name="pay")
        self.box.register(self._look, name="sign", needs_approval=True)

    def enter(self, world: World, judge: Judge) -> None:
        self.world, self.judge = world, judge

    async def _look(self, thing: str, context: ToolContext) -> str:
        """Look at a thing.

        Args:
            thing: What to look at.
        """
        self.judge.tool_ran(context.run_id, context.call_id)
        await asyncio.sleep(self.world.random.random() * 1.5)
        if self.world.chance(0.1):
            raise ValueError("nothing there")
        return f"done with {thing}"
