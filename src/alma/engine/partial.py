"""What there is so far, when something ends before its time: text that had streamed, earlier steps, what tasks found.

Pure but for the text of the open message. No model is asked: it is what is done when none may be.
"""

from __future__ import annotations

from alma.agent.synthesis import as_found
from alma.engine.briefing import brief
from alma.engine.open_text import OpenMessage
from alma.engine.state import RunState, TaskState
from alma.events import MessageFinished, MessageStarted
from alma.model_call import Timing, Usage
from alma.plan import MAIN, message_id


def stopped(
    message: OpenMessage, at: float, task_id: str, reason: str, usage: Usage, cost: float = 0.0
) -> MessageFinished:
    """What had streamed when it was cut off is the message."""
    started = message.started
    return MessageFinished(
        at=at,
        task_id=task_id,
        message_id=started.message_id,
        attempt=started.attempt,
        text=message.text,
        reasoning=message.reasoning,
        finish_reason=reason,
        usage=usage,
        timing=Timing(round((message.opened_at - started.at) * 1000, 2), round((at - started.at) * 1000, 2)),
        step=started.step,
        cost=cost,
        model_id=started.model,
    )


def said_so_far(state: RunState, task: TaskState, why: str) -> str:
    """What a task can hand in when it may ask no model any more: what its steps have said and its last attempt had
    streamed; the run's own task, what its plan's tasks found. Empty: nothing."""
    said = [one.text for step, one in task.steps.items() if step.startswith("answer") and one.text.strip()]
    failure = task.last_failure
    if failure is not None and failure.text.strip() and failure.error.code.startswith("endpoint_"):
        said.append(failure.text)
    if task.children:
        said.append(as_found(brief(state, task, [], 0), why))
    return "\n\n".join(text.strip() for text in said if text.strip())


def answered_alone(state: RunState, task: TaskState, text: str, at: float) -> tuple[MessageStarted, MessageFinished]:
    """The run's answer as Alma itself writes it: a message that no model had a part in."""
    number = 1
    while (step := "answer" if number == 1 else f"answer.{number}") in task.steps:
        number += 1
    begun = MessageStarted(
        at=at,
        task_id=MAIN,
        message_id=message_id(state.run_id, MAIN, task.assignment, step),
        attempt=task.attempts.get(step, 0) + 1,
        role=task.role,
        model="",
        endpoint="",
        prompt_version="",
        sections=[],
        step=step,
    )
    said = MessageFinished(
        at=at,
        task_id=MAIN,
        message_id=begun.message_id,
        attempt=begun.attempt,
        text=text,
        finish_reason="budget",
        usage=Usage(),
        timing=Timing(),
        step=step,
    )
    return begun, said
