"""What an agent can do besides speaking and using tools: delegate, ask the user, tell another agent, use the board.

A model reaches these as tools of its own, offered where they make sense; unlike tools they act on the run itself, so
they become entries and nothing else. Each gives back the entries it leads to, its own return among them.
"""

from __future__ import annotations

import functools
from typing import Any, Literal

import msgspec
from msgspec import Struct

from alma.agent.facts import read_facts
from alma.agent.memory_acts import (
    TEAM,
    Forget,
    Recall,
    Remember,
    forget,
    memory_acts,
    read_team_board,
    recall,
    remember,
    write_team_board,
)
from alma.agent.plan_check import PlanLimits, check, delegation, repeats, sanitise
from alma.agent.reminding import MemoryDoor
from alma.agent.role import Role
from alma.agent.task import Desk, Task
from alma.events import AgentMessage, JournalEntry, PlanMade, QuestionAsked, ToolCalled, ToolReturned
from alma.model_call import CallFacts
from alma.models.chat import ToolSpec
from alma.plan import MAIN, Plan, PlanTask, child_id, depth_of

MOST_TEXT = 4000  # characters of a message or a board's entry
ASK_USER = "ask_user"
MOST_MESSAGES = 12  # from one task


class _Order(Struct):
    role: str
    goal: str
    title: str = ""


class Delegate(Struct, tag="delegate", tag_field="act"):
    """Give parts of your task to other agents; you go on with their results."""

    tasks: list[_Order]


class AddTask(Struct, tag="add_task", tag_field="act"):
    """Add a task to the plan that you are part of, when you find that something is missing in it."""

    role: str
    goal: str
    title: str = ""


class AskUser(Struct, tag="ask_user", tag_field="act"):
    """Ask the user for something that only they know. You go on when they have answered."""

    question: str
    options: list[str] = []


class Tell(Struct, tag="send_message", tag_field="act"):
    """Send a message to a task's agent (its number), to a role, or to `team`."""

    to: str
    text: str
    kind: Literal["inform", "request", "reply", "critique"] = "inform"
    refs: list[str] = []


class WriteBoard(Struct, tag="write_board", tag_field="act"):
    """Put a text on the board that all agents of this run see (of later ones too: team/key). `version`: the one you
    saw, 0 for a new key."""

    key: str
    text: str
    version: int = 0


class ReadBoard(Struct, tag="read_board", tag_field="act"):
    """See what is on the board now."""


class ReadMore(Struct, tag="read_more", tag_field="act"):
    """Read on where a text was shortened. `ref`: of which (the number of a task, a key of the board, the name of a tool
    call); `start`: the number that stands where it was cut."""

    ref: str
    start: int = 0


Act = Delegate | AddTask | AskUser | Tell | WriteBoard | ReadBoard | ReadMore | Recall | Remember | Forget
ACTS: dict[str, type[Act]] = {
    "delegate": Delegate,
    "add_task": AddTask,
    ASK_USER: AskUser,
    "send_message": Tell,
    "write_board": WriteBoard,
    "read_board": ReadBoard,
    "read_more": ReadMore,
    "recall": Recall,
    "remember": Remember,
    "forget": Forget,
}


def offered(task: Task, role: Role) -> list[ToolSpec]:
    """The acts that make sense for this task now."""
    names = [ASK_USER]
    if may_delegate(task, role):
        names.append("delegate")
    if task.task_id != MAIN:
        names += ["send_message", "write_board", "read_board"]
        if task.spec is not None and not task.spec.round:
            names.append("add_task")
    return [_spec(name) for name in names]


def offered_of_memory(role: Role) -> list[ToolSpec]:
    """What its policy lets the role do with memory."""
    return [_spec(name) for name in memory_acts(role)]


def read_more() -> ToolSpec:
    """Offered where a text of the prompt had to be shortened."""
    return _spec("read_more")


def may_delegate(task: Task, role: Role) -> bool:
    return bool(role.delegates_to) and depth_of(task.task_id) < role.budgets.depth and task.plan is None


@functools.cache
def _spec(name: str) -> ToolSpec:
    act = ACTS[name]
    _, parts = msgspec.json.schema_components([act], ref_template="#/$defs/{name}")
    whole = parts[act.__name__] | {"$defs": {key: part for key, part in parts.items() if key != act.__name__}}
    properties = {key: value for key, value in whole["properties"].items() if key != "act"}
    required = [key for key in whole.get("required", []) if key != "act"]
    parameters: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    if whole["$defs"]:
        parameters["$defs"] = whole["$defs"]
    return ToolSpec(name, " ".join((act.__doc__ or "").split()), parameters)


class Doing(Struct, frozen=True):
    """One act under way. `call`: as the model asked for it; `call_id`: its key; `memory` None: it is switched off;
    `reply`: the user's, to what the call has asked them."""

    task: Task
    role: Role
    desk: Desk
    step: str
    call: CallFacts
    call_id: str
    at: float
    memory: MemoryDoor | None = None
    reply: str | None = None

    def called(self) -> ToolCalled:
        return ToolCalled(
            at=self.at,
            task_id=self.task.task_id,
            call_id=self.call_id,
            name=self.call.name,
            arguments=self.call.arguments,
            step=self.step,
            idempotent=True,
        )

    def returned(self, text: str, *, ok: bool = True) -> ToolReturned:
        return ToolReturned(at=self.at, task_id=self.task.task_id, call_id=self.call_id, ok=ok, text=text)


async def act(doing: Doing) -> list[JournalEntry]:
    """The entries that the act leads to, to be written together. Without a `ToolReturned` the task has to wait."""
    try:
        fields: dict[str, Any] = msgspec.json.decode(doing.call.arguments or "{}", type=dict[str, Any])
        wanted = msgspec.convert({**fields, "act": doing.call.name}, ACTS[doing.call.name])
    except msgspec.MsgspecError as error:
        return [doing.called(), doing.returned(f"{doing.call.name} could not be understood: {error}", ok=False)]
    match wanted:
        case Delegate():
            return [doing.called(), *_delegate(doing, wanted)]
        case AddTask():
            return [doing.called(), await _add(doing, wanted)]
        case AskUser():
            question = wanted.question[:MOST_TEXT].strip()
            if not question:
                return [doing.called(), doing.returned("The question is empty.", ok=False)]
            options = [option[:200] for option in wanted.options[:8]]
            asked = QuestionAsked(
                at=doing.at, task_id=doing.task.task_id, question_id=doing.call_id, text=question, options=options
            )
            return [doing.called(), asked]
        case Tell():
            return [doing.called(), *_tell(doing, wanted)]
        case WriteBoard():
            return [doing.called(), *await _write(doing, wanted)]
        case ReadBoard():
            said = [f"{key} (version {one.version}): {one.text}" for key, one in doing.desk.board().items()]
            lasting, known = await read_team_board(doing)
            return [doing.called(), *known, doing.returned("\n".join([*said, *lasting]) or "The board is empty.")]
        case ReadMore():
            return [doing.called(), _read_more(doing, wanted)]
        case Recall():
            return [doing.called(), *await recall(doing, wanted)]
        case Remember():
            return [doing.called(), await remember(doing, wanted)]
        case Forget():
            return [doing.called(), await forget(doing, wanted)]


def plan_limits(task: Task, role: Role) -> PlanLimits:
    return PlanLimits(
        tasks=role.budgets.children,
        depth=role.budgets.depth,
        depth_now=depth_of(task.task_id),
        tokens_left=task.budget_tokens or None,
        task_tokens=0,
        role=role.name,
    )


def _delegate(doing: Doing, wanted: Delegate) -> list[JournalEntry]:
    task, role = doing.task, doing.role
    if not may_delegate(task, role):
        return [doing.returned("You cannot delegate here. Do it yourself.", ok=False)]
    limits = plan_limits(task, role)
    if len(wanted.tasks) > limits.tasks:
        return [doing.returned(f"At most {limits.tasks} tasks are allowed, these are {len(wanted.tasks)}.", ok=False)]
    tasks = [
        PlanTask(id=child_id(task.task_id, number), role=one.role, goal=one.goal, title=one.title)
        for number, one in enumerate(wanted.tasks, task.next_child)
    ]
    plan = sanitise(Plan(tasks, source="agent"), limits)
    known = doing.desk.delegations()
    problems = check(plan, task.goal, read_facts(""), role.delegates_to, limits) or repeats(plan, known)
    if problems:
        return [doing.returned("Not delegated. " + " ".join(problems), ok=False)]
    ids = ", ".join(one.id for one in tasks)
    made = PlanMade(at=doing.at, task_id=task.task_id, plan=plan)
    return [doing.returned(f"Delegated as task {ids}; the results follow."), made]


async def _add(doing: Doing, wanted: AddTask) -> ToolReturned:
    if delegation(wanted.role, wanted.goal) in doing.desk.delegations():
        return doing.returned("There is such a task already. Say what is different, or do without it.", ok=False)
    task_id, refusal = await doing.desk.add_task(wanted.role, wanted.goal[:1200], wanted.title[:40])
    return doing.returned(refusal or f"Added as task {task_id}.", ok=not refusal)


def _tell(doing: Doing, wanted: Tell) -> list[JournalEntry]:
    task = doing.task
    sent = sum(use.called.name == "send_message" for use in task.calls)
    if sent >= MOST_MESSAGES:
        return [doing.returned(f"You have sent {sent} messages; that is enough. Finish your task.", ok=False)]
    to = wanted.to.strip().strip("[]#").removeprefix("task ")
    if not to or not wanted.text.strip():
        return [doing.returned("A message needs a recipient (to) and a text.", ok=False)]
    message = AgentMessage(
        at=doing.at,
        task_id=task.task_id,
        sender=task.role,
        recipient=to,
        kind=wanted.kind,
        text=wanted.text[:MOST_TEXT],
        refs=[ref[:100] for ref in wanted.refs[:12]],
    )
    return [message, doing.returned(f"Sent to {to}; it reaches them at their next step.")]


def _read_more(doing: Doing, wanted: ReadMore) -> ToolReturned:
    task, ref = doing.task, wanted.ref.strip().strip("[]#").removeprefix("task ")
    texts = {one.task_id: one.text for one in task.results}
    texts |= {key: one.text for key, one in doing.desk.board().items()}
    texts |= {str(seq): one.text for seq, one in task.mail}
    for use in task.calls:
        if use.returned is not None:
            texts |= {use.called.call_id: use.returned.text, use.called.name: use.returned.text}
    text = texts.get(ref)
    if text is None:
        return doing.returned(f"There is no text {ref}. There are: {', '.join(texts) or 'none'}.", ok=False)
    start = min(max(wanted.start, 0), len(text))
    end = min(start + MOST_TEXT, len(text))
    rest = f"{len(text) - end} more characters from {end} on" if end < len(text) else "the end"
    return doing.returned(f"{ref}, characters {start} to {end}, then {rest}:\n{text[start:end]}")


async def _write(doing: Doing, wanted: WriteBoard) -> list[JournalEntry]:
    if wanted.key.startswith(TEAM):
        return await write_team_board(doing, wanted.key[:100], wanted.text[:MOST_TEXT], wanted.version)
    written = await doing.desk.write_board(wanted.key[:100], wanted.text[:MOST_TEXT], wanted.version)
    if written is not None:
        return [doing.returned(f"{written.key} is on the board, version {written.version}.")]
    now = doing.desk.board().get(wanted.key[:100])
    shown = f"version {now.version}: {now.text}" if now is not None else "not there"
    told = f"Not written: you saw version {wanted.version}, and {wanted.key} is {shown}. Write again from that."
    return [doing.returned(told, ok=False)]
