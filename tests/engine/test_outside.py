"""That content from outside never reaches a task without the task being known to have it: over any history of a run.

Every agent is taken to be as bad as can be: whatever it writes repeats what it was told, so the mark of outside content
goes wherever a word could go.
"""

from __future__ import annotations

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alma.agent.task import Turn
from alma.engine.briefing import brief
from alma.engine.fold import apply
from alma.engine.outside import marked, of_turns, outside_of
from alma.engine.state import RunState, TaskState
from alma.events import (
    AgentMessage,
    AttemptFailed,
    BoardWritten,
    ErrorFacts,
    JournalEntry,
    MemoriesRecalled,
    MessageFinished,
    PlanAmended,
    PlanDecided,
    PlanMade,
    Recorded,
    RunStarted,
    TaskFinished,
    ToolCalled,
    ToolReturned,
)
from alma.model_call import Timing, Usage
from alma.plan import MAIN, Plan, PlanTask, child_id, parent_of
from alma.recollection import RecalledMemory

OUTSIDE = "☣"
_ACTS = (
    "reads",
    "computes",
    "is refused",
    "remembers outside",
    "remembers the user",
    "looks up",
    "tells",
    "writes",
    "plans",
    "has its plan changed",
    "adds",
    "says",
    "hands in",
    "is stood in for",
)
_Step = tuple[int, str, int]
_STEP = st.tuples(st.integers(0, 4), st.sampled_from(_ACTS), st.integers(0, 7))


class Run:
    def __init__(self, before: list[Turn], *, planned: bool) -> None:
        self.state = RunState("r")
        self.before = before
        self.seq = 0
        self.write(RunStarted(at=1, thread_id="t", owner="o", text="q"))
        if planned:
            tasks = [
                PlanTask("1", "r", "fine"),
                PlanTask("2", "r", "fine", depends_on=["1"]),
                PlanTask("3", "r", "fine"),
            ]
            self.write(PlanMade(at=1, plan=Plan(tasks, "pattern")))

    def write(self, *entries: JournalEntry) -> None:
        for entry in entries:
            self.seq += 1
            apply(self.state, Recorded("r", self.seq, entry))

    def known(self, task: TaskState) -> bool:
        """Whether anything from outside is in what its agent is given."""
        return OUTSIDE in msgspec.json.encode(brief(self.state, task, self.before, 0)).decode()

    def outside(self, task: TaskState) -> list[str]:
        turns = self.before if task.id == MAIN else []
        return outside_of(self.state, task, of_turns(turns, older=False))

    def does(self, step: _Step) -> None:
        which, act, other = step
        tasks = [task for task in self.state.tasks.values() if not task.ended]
        task = tasks[which % len(tasks)]
        said = OUTSIDE if self.known(task) else "fine"
        call_id = f"{task.id}#{self.seq}"
        to = list(self.state.tasks)[other % len(self.state.tasks)]
        written: list[JournalEntry] = []
        match act:
            case "reads" | "computes" | "is refused":
                outside = "" if act == "computes" else "a page"
                brought = OUTSIDE if act == "reads" else "fine"
                call = ToolCalled(at=1, task_id=task.id, call_id=call_id, name="t", arguments=said, outside=outside)
                self.write(call, ToolReturned(at=1, task_id=task.id, call_id=call_id, ok=True, text=brought))
            case "remembers outside" | "remembers the user" | "looks up":
                outside = "" if act == "remembers the user" else "a file"
                hit = RecalledMemory("m", OUTSIDE if outside else "fine", 1.0, outside=outside)
                by = call_id if act == "looks up" else ""
                written = [MemoriesRecalled(at=1, task_id=task.id, message_id="x", query="q", hits=[hit], call_id=by)]
                if by:
                    call = ToolCalled(at=1, task_id=task.id, call_id=by, name="recall", arguments="")
                    written += [call, ToolReturned(at=1, task_id=task.id, call_id=by, ok=True, text=hit.text)]
            case "tells":
                recipient = ("team", to)[other % 2]
                written = [
                    AgentMessage(at=1, task_id=task.id, sender="r", recipient=recipient, kind="inform", text=said)
                ]
            case "writes":
                written = [BoardWritten(at=1, task_id=task.id, key=f"k{other % 3}", version=1, text=said)]
            case "plans" if task.plan is None:
                goals = [PlanTask(child_id(task.id, n), "r", said, depends_on=[]) for n in (1, 2)]
                goals[1] = msgspec.structs.replace(goals[1], depends_on=[goals[0].id])
                written = [PlanMade(at=1, task_id=task.id, plan=Plan(goals, "agent"), needs_approval=other % 2 == 0)]
            case "has its plan changed" if task.plan_open and task.plan is not None:
                self.write(PlanDecided(at=1, task_id=task.id, approved=True, tasks=task.plan.plan.tasks[:1]))
            case "adds" if task.id != MAIN:
                parent = parent_of(task.id) or MAIN
                more = PlanTask(child_id(parent, self.state.tasks[parent].next_child), "r", said)
                written = [
                    PlanAmended(at=1, task_id=parent, add=[more], replace={task.id: more.id} if other % 2 else {})
                ]
            case "says" | "hands in":
                message = MessageFinished(
                    at=1,
                    task_id=task.id,
                    message_id=call_id,
                    attempt=1,
                    text=said,
                    finish_reason="stop",
                    usage=Usage(),
                    timing=Timing(),
                    step=f"answer.{self.seq}",
                )
                end = TaskFinished(at=1, task_id=task.id, status="completed", message_id=call_id)
                written = [message, end] if act == "hands in" and task.id != MAIN else [message]
            case "is stood in for":
                self.write(
                    AttemptFailed(
                        at=1, task_id=task.id, message_id="x", attempt=1, error=ErrorFacts("c", "m"), to_role="s"
                    )
                )
            case _:
                pass
        self.write(*marked(written, self.outside(task)))


@given(
    steps=st.lists(_STEP, min_size=2, max_size=12),
    follows=st.booleans(),
    planned=st.booleans(),
)
@example(steps=[(0, "reads", 0), (0, "plans", 0), (0, "has its plan changed", 0)], follows=False, planned=False)
@settings(max_examples=500)
def test_no_task_has_content_from_outside_in_its_context_without_that_being_known(
    steps: list[_Step], follows: bool, planned: bool
) -> None:
    run = Run([Turn("r0", "q", OUTSIDE, ["a page"])] if follows else [], planned=planned)
    for step in steps:
        run.does(step)
        for task in run.state.tasks.values():
            assert not run.known(task) or run.outside(task), (task.id, steps)


@given(st.lists(_STEP, max_size=12))
def test_where_nothing_came_from_outside_nothing_is_said_to(steps: list[_Step]) -> None:
    run = Run([], planned=True)
    for which, act, other in steps:
        if act not in ("reads", "is refused", "remembers outside", "looks up"):
            run.does((which, act, other))
    assert not any(run.outside(task) for task in run.state.tasks.values())
