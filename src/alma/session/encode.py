"""Entries and deltas as frames: one JSON text each. Encoded once, however many clients follow."""

from __future__ import annotations

from typing import Any, assert_never

import msgspec

from alma.events import (
    AgentMessage,
    AttemptFailed,
    BoardWritten,
    BudgetReached,
    ChoicesMade,
    ContextTrimmed,
    Delta,
    JournalEntry,
    LessonsTold,
    MemoriesRecalled,
    MessageFinished,
    MessageStarted,
    PauseRequested,
    PlanAmended,
    PlanDecided,
    PlanMade,
    QuestionAnswered,
    QuestionAsked,
    Recorded,
    ResumeRequested,
    RouteChosen,
    RouteCorrected,
    RunFinished,
    RunStarted,
    Signaled,
    StopRequested,
    TaskFinished,
    TaskReused,
    TaskStarted,
    ToolCalled,
    ToolDecided,
    ToolReturned,
)
from alma.plan import MAIN, parent_of
from alma.session import payloads, wire

_encode = msgspec.json.Encoder().encode
_NAME_OF = {payload: name for name, payload in wire.CUSTOM_PAYLOADS.items()}


def frame(event: wire.Wire) -> str:
    """Any event as a frame."""
    return _encode(event).decode()


def custom(payload: payloads.Payload, *, thread_id: str = "") -> str:
    """A CUSTOM event that the journal does not hold; its name is the payload's."""
    return frame(_custom(payload, thread_id=thread_id))


def _custom(payload: payloads.Payload, **place: Any) -> wire.Custom:
    return wire.Custom(name=_NAME_OF[type(payload)], value=payload, **place)


def delta_frame(delta: Delta) -> str:
    """Text or reasoning as it streams. The hot path: everything but the text is plain by construction."""
    kind = "TEXT_MESSAGE_CONTENT" if delta.channel == "text" else "REASONING_MESSAGE_CONTENT"
    of = "" if delta.task_id == MAIN else f'"subagentRunId":"{delta.task_id}",'
    return (
        f'{{"type":"{kind}","threadId":"{delta.thread_id}","runId":"{delta.run_id}",{of}'
        f'"messageId":"{delta.message_id}","attempt":{delta.attempt},"n":{delta.n},'
        f'"tokens":{delta.tokens},"delta":{_encode(delta.text).decode()}}}'
    )


def entry_frame(thread_id: str, recorded: Recorded) -> str:
    """A journal entry as its event. The text of a finished message is not in it: see `rest`."""
    entry = recorded.entry
    place: dict[str, Any] = {
        "thread_id": thread_id,
        "run_id": recorded.run_id,
        "seq": recorded.seq,
        "timestamp": int(entry.at * 1000),
        "subagent_run_id": "" if entry.task_id == MAIN else entry.task_id,
    }
    event = _event(entry, recorded.run_id)
    if isinstance(event, payloads.Payload):
        return frame(_custom(event, **place))
    return frame(msgspec.structs.replace(event, **place))


def _event(entry: JournalEntry, run_id: str) -> wire.Wire | payloads.Payload:
    match entry:
        case RunStarted():
            return wire.RunStartedEvent(
                text=entry.text,
                parent_run_id=entry.parent_run_id,
                of_run_id=entry.of_run_id,
                model=entry.model,
                kind=entry.kind,
                key=entry.key,
                approve=entry.approve,
                tokens=entry.tokens,
                seconds=entry.seconds,
                money=entry.money,
                fresh=entry.fresh,
                fork=entry.fork,
                trial=entry.trial,
            )
        case MessageStarted():
            return wire.TextMessageStart(
                message_id=entry.message_id,
                attempt=entry.attempt,
                name=entry.role,
                model=entry.model,
                endpoint=entry.endpoint,
                sections=entry.sections,
                left_out_turns=entry.left_out_turns,
                context_window=entry.context_window,
                prompt_version=entry.prompt_version,
                reserve=entry.reserve,
                step=entry.step,
            )
        case MessageFinished():
            return wire.TextMessageEnd(
                message_id=entry.message_id,
                attempt=entry.attempt,
                n=len(entry.text),
                reasoning_n=len(entry.reasoning),
                finish_reason=entry.finish_reason,
                usage=entry.usage,
                timing=entry.timing,
                model=entry.model,
                step=entry.step,
                tool_calls=entry.tool_calls,
                endpoint=entry.endpoint,
                tried=entry.tried,
                cost=entry.cost,
                cache=entry.cache,
            )
        case TaskStarted():
            return wire.SubagentStarted(
                name=entry.role,
                parent_subagent_run_id=_parent(entry.task_id),
                assignment=entry.assignment,
                prompt_version=entry.prompt_version,
                model=entry.model,
                tokens=entry.tokens,
                seconds=entry.seconds,
            )
        case TaskFinished():
            return _task_end(entry)
        case ToolCalled():
            return wire.ToolCallStart(
                tool_call_id=entry.call_id,
                tool_call_name=entry.name,
                arguments=entry.arguments,
                attempt=entry.attempt,
                needs_approval=entry.needs_approval,
                idempotent=entry.idempotent,
                because=entry.because,
                step=entry.step,
            )
        case ToolReturned():
            return wire.ToolCallResult(
                tool_call_id=entry.call_id,
                message_id=f"{run_id}.{entry.call_id}",
                content=entry.text,
                ok=entry.ok,
                ms=entry.ms,
                left_out=entry.left_out,
            )
        case RunFinished():
            return _end(entry)
        case _:
            return _payload(entry)


_Rest = (
    RouteChosen
    | RouteCorrected
    | ContextTrimmed
    | MemoriesRecalled
    | ChoicesMade
    | LessonsTold
    | Signaled
    | AttemptFailed
    | StopRequested
    | PauseRequested
    | ResumeRequested
    | PlanMade
    | PlanDecided
    | PlanAmended
    | TaskReused
    | BudgetReached
    | ToolDecided
    | QuestionAsked
    | QuestionAnswered
    | AgentMessage
    | BoardWritten
)


def _payload(entry: _Rest) -> payloads.Payload:
    """What AG-UI has no event for."""
    match entry:
        case RouteChosen():
            return payloads.Route(
                kind=entry.kind,
                source=entry.source,
                scores=entry.scores,
                neighbours=entry.neighbours,
                role=entry.role,
                prompt_version=entry.prompt_version,
                sampling=entry.sampling,
            )
        case RouteCorrected():
            return payloads.RouteCorrection(kind=entry.kind)
        case AttemptFailed():
            return payloads.AttemptFailure(
                message_id=entry.message_id,
                attempt=entry.attempt,
                error=entry.error,
                retry_in_ms=entry.retry_in_ms,
                to_role=entry.to_role,
                to_model=entry.to_model,
                endpoint=entry.endpoint,
                others=entry.others,
            )
        case ContextTrimmed():
            return payloads.ContextNote(
                message_id=entry.message_id,
                rung=entry.rung,
                tokens=entry.tokens,
                refs=entry.refs,
                detail=entry.detail,
            )
        case MemoriesRecalled():
            return payloads.Recall(
                message_id=entry.message_id,
                query=entry.query,
                hits=entry.hits,
                missed=entry.missed,
                call_id=entry.call_id,
                considered=entry.considered,
                dense=entry.dense,
                ms=entry.ms,
            )
        case ChoicesMade():
            return payloads.Choices(role=entry.role, choices=entry.choices)
        case LessonsTold():
            return payloads.Lessons(
                message_id=entry.message_id,
                examples=entry.examples,
                notes=entry.notes,
                considered=entry.considered,
                ms=entry.ms,
            )
        case Signaled():
            return payloads.Signal(
                signal=entry.signal, value=entry.value, reason=entry.reason, text=entry.text, other=entry.other
            )
        case StopRequested():
            return payloads.Stopping()
        case PauseRequested():
            return payloads.Pausing()
        case ResumeRequested():
            return payloads.Resuming()
        case PlanMade():
            return payloads.PlanEvent(plan=entry.plan, needs_approval=entry.needs_approval)
        case PlanDecided():
            return payloads.PlanDecision(approved=entry.approved, tasks=entry.tasks)
        case PlanAmended():
            return payloads.PlanAmendment(
                add=entry.add, replace=entry.replace, cancel=entry.cancel, reason=entry.reason
            )
        case TaskReused():
            return payloads.Reused(from_run_id=entry.from_run_id, role=entry.role, text=entry.text, status=entry.status)
        case BudgetReached():
            return payloads.Budget(
                what=entry.what, limit=entry.limit, used=entry.used, warning=entry.warning, scope=entry.scope
            )
        case ToolDecided():
            return payloads.ToolDecision(tool_call_id=entry.call_id, approved=entry.approved)
        case QuestionAsked():
            return payloads.Question(question_id=entry.question_id, text=entry.text, options=entry.options)
        case QuestionAnswered():
            return payloads.QuestionReply(question_id=entry.question_id, text=entry.text)
        case AgentMessage():
            return payloads.Message(
                sender=entry.sender, recipient=entry.recipient, kind=entry.kind, text=entry.text, refs=entry.refs
            )
        case BoardWritten():
            return payloads.Board(key=entry.key, version=entry.version, text=entry.text)
        case _:
            assert_never(entry)


def _parent(task_id: str) -> str | None:
    parent = parent_of(task_id)
    return None if parent == MAIN else parent


def _task_end(entry: TaskFinished) -> wire.Wire:
    if entry.error is not None:
        error = entry.error
        return wire.SubagentError(
            code=error.code,
            message=error.message,
            status=entry.status,
            message_id=entry.message_id,
            expected=error.expected,
            actual=error.actual,
            hint=error.hint,
        )
    return wire.SubagentFinished(
        outcome={"type": "success"}, status=entry.status, message_id=entry.message_id, result=entry.text
    )


def _end(entry: RunFinished) -> wire.Wire:
    if entry.status == "failed" and entry.error is not None:
        error = entry.error
        return wire.RunErrorEvent(
            code=error.code, message=error.message, expected=error.expected, actual=error.actual, hint=error.hint
        )
    return wire.RunFinishedEvent(
        outcome={"type": "cancelled" if entry.status == "canceled" else "success"}, status=entry.status
    )


def rest(
    thread_id: str,
    run_id: str,
    task_id: str,
    message_id: str,
    attempt: int,
    text: str,
    reasoning: str,
    n: int,
    reasoning_n: int,
) -> list[str]:
    """What is missing of a message for a client that has `n` code points of text and `reasoning_n` of reasoning."""
    frames: list[str] = []
    if reasoning_n < len(reasoning):
        more = reasoning[reasoning_n:]
        frames.append(
            delta_frame(Delta(thread_id, run_id, message_id, attempt, len(reasoning), more, 0, "reasoning", task_id))
        )
    if n < len(text):
        frames.append(
            delta_frame(Delta(thread_id, run_id, message_id, attempt, len(text), text[n:], 0, "text", task_id))
        )
    return frames
