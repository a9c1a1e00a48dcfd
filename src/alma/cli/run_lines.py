"""What is said of a run, line by line: its plan, its tasks, what they do, ask and cost. Pure; knows no terminal."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec

from alma.cli.run_view import Ask, RunView, TaskView
from alma.errors import AlmaError
from alma.events import ErrorFacts, TaskStatus
from alma.model_call import CacheHit
from alma.plan import MAIN, Plan, PlanTask
from alma.session.wire import (
    AttemptFailure,
    Board,
    Budget,
    ContextNote,
    Message,
    PlanAmendment,
    PlanDecision,
    PlanEvent,
    Question,
    QuestionReply,
    Reused,
    Route,
    SubagentError,
    SubagentFinished,
    SubagentStarted,
    TextMessageEnd,
    ToolCallResult,
    ToolCallStart,
    ToolDecision,
)

SIGNS: dict[TaskStatus, str] = {
    "submitted": "·",
    "working": "▸",
    "input_required": "?",
    "completed": "✓",
    "failed": "✗",
    "canceled": "■",
    "rejected": "✗",
}
_UNITS = {"tokens": "tokens", "seconds": "seconds", "money": "dollars", "tool_calls": "tool calls"}


_WHOSE = {"run": "the run", "thread": "the conversation", "owner": "everything together", "day": "this day"}


def _whose(budget: Budget, task: TaskView) -> str:
    return _WHOSE.get(budget.scope) or named(task)


def _used(budget: Budget) -> str:
    """How much of a budget; once it is used up, a call may have been one token longer or shorter."""
    if budget.what == "money":
        used, limit = f"${budget.used:.4f}", f"${budget.limit:.4f}"
    else:
        digits = 1 if budget.what == "seconds" else 0
        used, limit = f"{budget.used:,.{digits}f}", f"{budget.limit:,.{digits}f} {_UNITS[budget.what]}"
    return f"{used} of {limit}" if budget.warning else f"up its budget of {limit}"


def named(task: TaskView) -> str:
    """`[2] analyst`; the run's own agent has no number."""
    return task.role or "manager" if task.id == MAIN else f"[{task.id}] {task.role}".rstrip()


def one_line(text: str, most: int = 160) -> str:
    """`text` on one line, its end cut off where it is longer than `most` columns."""
    return cut(" ".join(text.split()), most)


# ── plans ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_head(plan: Plan, task: TaskView) -> str:
    head = "plan" if task.id == MAIN else f"{named(task)}: plan"
    head += f" ({plan.pattern})" if plan.pattern else ""
    return head + (f": {one_line(plan.reason)}" if plan.reason else "")


def plan_lines(tasks: Sequence[PlanTask]) -> list[str]:
    """Numbers and roles in columns, then the title, then what a task waits for."""
    numbers = [f"[{task.id}]" for task in tasks]
    widths = max(map(len, numbers), default=0), max((len(task.role) for task in tasks), default=0)
    return [
        f"  {number.ljust(widths[0])} {task.role.ljust(widths[1])}  {one_line(task.title or task.goal, 100)}"
        + (f"  (after {', '.join(task.depends_on)})" if task.depends_on else "")
        for number, task in zip(numbers, tasks, strict=True)
    ]


# ── one task ──────────────────────────────────────────────────────────────────────────────────────────────────────


def started(task: TaskView, event: SubagentStarted) -> str:
    does = "begins" if event.assignment == 1 else "takes it over"
    return f"{named(task)} {does}" + (f" · {event.model}" if event.model else "")


def finished(task: TaskView, event: SubagentFinished) -> str:
    return f"{named(task)} {'done' if event.status == 'completed' else 'stopped'}{_took(task)}"


def failed(task: TaskView, event: SubagentError) -> str:
    word = "failed" if event.status == "failed" else "had nothing to work on"
    return f"{named(task)} {word}{_took(task)}: {one_line(event.message)} ({event.code})"


def _took(task: TaskView) -> str:
    seconds = f"{(task.ended - task.began) / 1000:.1f} s" if task.began and task.ended else ""
    tokens = f"{task.tokens:,} tokens" if task.tokens else ""
    words = ", ".join(filter(None, [seconds, tokens]))
    return f" ({words})" if words else ""


def task_lines(tasks: Sequence[TaskView], now: int, columns: int) -> list[str]:
    """How tasks stand at `now` (Unix milliseconds), each in at most `columns` columns, its last words as far as they
    fit."""
    heads = [named(task) for task in tasks]
    titles = [one_line(task.title, 40) for task in tasks]
    most = max(map(width, heads), default=0), max(map(width, titles), default=0)
    return [
        _task_line(task, f"  {SIGNS[task.status]} {_padded(head, most[0])}  {_padded(title, most[1])}", now, columns)
        for task, head, title in zip(tasks, heads, titles, strict=True)
    ]


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def _task_line(task: TaskView, head: str, now: int, columns: int) -> str:
    facts: list[str] = []
    if task.began:
        facts.append(f"{max((task.ended or now) - task.began, 0) / 1000:.1f} s")
    if tokens := task.tokens + task.open_tokens:
        facts.append(f"{tokens:,} tok")
    if task.reused:
        facts.append("taken over")
    if not task.began and not task.over and task.depends_on:
        facts.append(f"after {', '.join(task.depends_on)}")
    line = (head + (f"  {' · '.join(facts)}" if facts else "")).rstrip()
    room = columns - width(line) - 3
    if task.writing and room > 8:
        line += f"  {last_words(task.words, room)}"
    return cut(line, columns)


def task_rows(view: RunView) -> list[str]:
    """All tasks of a run and how each went, with what it cost."""
    rows: list[str] = []
    for task in view.tasks.values():
        after = f"  (after {', '.join(task.depends_on)})" if task.depends_on else ""
        note = " (taken over)" if task.reused else _took(task)
        rows.append(f"  {SIGNS[task.status]} {named(task)}  {one_line(task.title, 100)}{after}{note}")
    return [*rows, f"  {totals(view)}"]


# ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────────


def called(task: TaskView, event: ToolCallStart) -> str:
    again = " (again: it had been cut off)" if event.attempt > 1 else ""
    return f"{named(task)} → {event.tool_call_name} {one_line(event.arguments, 100)}{again}"


def returned(task: TaskView, event: ToolCallResult) -> str:
    left_out = f" (… {event.left_out:,} characters left out)" if event.left_out else ""
    return f"{named(task)} {'←' if event.ok else '✗'} {one_line(event.content, 100)}{left_out}"


def remark(task: TaskView, name: str, value: Any) -> list[str]:
    """What is said of a CUSTOM event; nothing for those that speak of themselves."""
    match name:
        case "alma.route":
            route = msgspec.convert(value, Route)
            return [f"{route.kind}, as {'you said' if route.source == 'user' else route.role + ' sees it'}"]
        case "alma.attempt_failed":
            return [_attempt_failed(task, msgspec.convert(value, AttemptFailure))]
        case "alma.plan":
            plan = msgspec.convert(value, PlanEvent).plan
            return [plan_head(plan, task), *plan_lines(plan.tasks)]
        case "alma.plan_decided":
            decided = msgspec.convert(value, PlanDecision)
            words = "approved" if decided.approved else "turned down: answering without it"
            return [f"plan {words}{', changed:' if decided.tasks else ''}", *plan_lines(decided.tasks or [])]
        case "alma.plan_amended":
            amended = msgspec.convert(value, PlanAmendment)
            return [f"plan changed: {one_line(amended.reason)}".rstrip(": "), *plan_lines(amended.add)]
        case "alma.task_reused":
            return [f"{named(task)} taken over from {msgspec.convert(value, Reused).from_run_id}"]
        case _:
            return _said(task, name, value)


def _said(task: TaskView, name: str, value: Any) -> list[str]:
    match name:
        case "alma.message":
            message = msgspec.convert(value, Message)
            to = f"[{message.recipient}]" if message.recipient[:1].isdigit() else message.recipient
            return [f"{named(task)} to {to} ({message.kind}): {one_line(message.text)}"]
        case "alma.board":
            board = msgspec.convert(value, Board)
            return [f"{named(task)} board: {board.key} (version {board.version}): {one_line(board.text, 100)}"]
        case "alma.budget":
            budget = msgspec.convert(value, Budget)
            return [f"{_whose(budget, task)} has used {_used(budget)}"]
        case "alma.context":
            note = msgspec.convert(value, ContextNote)
            whose = "" if task.id == MAIN else f"{named(task)} "
            freed = f" ({note.tokens:,} tokens)" if note.tokens else ""
            return [f"{whose}prompt: {note.rung}: {one_line(note.detail)}{freed}"]
        case "alma.question":
            asked = msgspec.convert(value, Question)
            return [f"{named(task)} asks: {asked.text}", *_options(asked.options)]
        case "alma.question_answered":
            return [f"answer: {one_line(msgspec.convert(value, QuestionReply).text)}"]
        case "alma.tool_decided":
            allowed = msgspec.convert(value, ToolDecision).approved
            return [f"{named(task)} tool call {'allowed' if allowed else 'refused'}"]
        case "alma.paused":
            return ["paused: nothing new begins"]
        case "alma.resumed":
            return ["resumed"]
        case "alma.stop_requested" if task.id != MAIN:
            return [f"{named(task)} is being stopped"]
        case _:
            return []


def _attempt_failed(task: TaskView, failure: AttemptFailure) -> str:
    whose = "" if task.id == MAIN else f"{named(task)}: "
    said = f"{whose}attempt {failure.attempt} failed: {one_line(failure.error.message)}"
    if failure.to_role or failure.to_model:
        return f"{said}; now to {' on '.join(filter(None, [failure.to_role, failure.to_model]))}"
    if failure.retry_in_ms is None:
        return said
    return f"{said}; {'another endpoint goes on' if failure.others else _again(failure.retry_in_ms)}"


def _again(ms: float) -> str:
    return f"trying again in {ms / 1000:.1f} s" if ms else "trying again at once"


def _options(options: Sequence[str]) -> list[str]:
    return [f"  {number}) {one_line(option)}" for number, option in enumerate(options, 1)]


# ── what waits for the user ───────────────────────────────────────────────────────────────────────────────────────


def asked(ask: Ask, task: TaskView) -> list[str]:
    """The question as it is put."""
    match ask.kind:
        case "question":
            return [f"{named(task)} asks: {ask.text}", *_options(ask.options)]
        case "tool":
            return [f"{named(task)} wants to call {ask.text}", *_because(ask)]
        case "plan":
            assert ask.plan is not None
            return [plan_head(ask.plan, task), *plan_lines(ask.plan.tasks)]


def _because(ask: Ask) -> list[str]:
    return [f"  it asks because of what is in its context: {', '.join(ask.because)}"] if ask.because else []


def left_waiting(run_id: str, view: RunView) -> list[str]:
    """That the run waits, for what, and how to go on."""
    lines = [f"run {run_id} waits for you:"]
    for ask in view.asks.values():
        task = view.task(ask.task_id)
        what = "a plan to approve" if ask.kind == "plan" else one_line(asked(ask, task)[0])
        how = f"alma answer {run_id} {shlex.quote(ask.key)} TEXT"
        if ask.kind != "question":
            key = "" if ask.key == MAIN else f" {shlex.quote(ask.key)}"
            how = f"alma approve {run_id}{key}` or `alma approve {run_id}{key} --decline"
        more = [*_because(ask), *_options(ask.options)]
        lines += [f"  {what}", *(f"  {line}" for line in more), f"  → `{how}`"]
    if view.paused:
        lines += ["  it is paused", f"  → `alma resume {run_id}`"]
    return lines


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def figures(event: TextMessageEnd, model: str) -> str:
    """`first token 0.12 s · 98 tokens/s · 214 tokens · 37 in · embedded/tiny`: what a message cost."""
    timing, usage = event.timing, event.usage
    if event.cache is not None:
        return f"{saved(event.cache)} · {model}"
    writing_s = (timing.total_ms - timing.first_token_ms) / 1000
    words = [f"first token {timing.first_token_ms / 1000:.2f} s"]
    if writing_s > 0 and usage.output_tokens > 1:
        words.append(f"{(usage.output_tokens - 1) / writing_s:.0f} tokens/s")
    words.append(f"{usage.output_tokens} tokens{' (counted here)' if usage.estimated else ''}")
    words.append(
        f"{usage.input_tokens} in" + (f", {usage.cached_tokens} of them cached" if usage.cached_tokens else "")
    )
    if event.cost:
        words.append(f"${event.cost:.6f}".rstrip("0"))
    if event.endpoint:
        words.append(f"by {event.endpoint}")
    if usage.doubted:
        words.append("its own count cannot be true")
    return " · ".join([*words, model])


_CACHED = {
    "exact": "from the cache",
    "semantic": "from the cache, for a question like it",
    "shared": "shared with another run",
}


def saved(hit: CacheHit) -> str:
    """`from the cache · saved 114 tokens, 3.8 s`: an answer that was not made anew."""
    tokens = hit.saved_input_tokens + hit.saved_output_tokens
    what = [f"{tokens:,} tokens", f"{hit.saved_ms / 1000:.1f} s"]
    if hit.saved_cost:
        what.append(f"${hit.saved_cost:.6f}".rstrip("0"))
    like = f' · "{one_line(hit.question, 80)}" ({hit.score:.2f})' if hit.question else ""
    return f"{_CACHED[hit.source]} · saved {', '.join(what)}{like}"


def totals(view: RunView) -> str:
    """`5 tasks, 1 failed · 812 tokens · 3,204 in · 9 calls · first word 1.2 s · 14.3 s`: what a planned run cost."""
    tasks = list(view.tasks.values())
    words = [f"{len(tasks)} task{'' if len(tasks) == 1 else 's'}"]
    for status, word in (("failed", "failed"), ("rejected", "without input"), ("canceled", "stopped")):
        if count := sum(task.status == status for task in tasks):
            words[0] += f", {count} {word}"
    costs = view.costs
    cached = f", {costs.cached} of them from the cache (--fresh asks anew)" if costs.cached else ""
    words += [f"{costs.output_tokens:,} tokens", f"{costs.input_tokens:,} in", f"{costs.calls} calls{cached}"]
    if costs.first_word_ms is not None:
        words.append(f"first visible token after {costs.first_word_ms / 1000:.1f} s")
    if view.began and view.ended:
        words.append(f"{(view.ended - view.began) / 1000:.1f} s in all")
    return " · ".join(words)


def problem(error: ErrorFacts | AlmaError) -> list[str]:
    """An error's message, with what was expected, what was there instead and what helps."""
    facts = (("expected", error.expected), ("got", error.actual), ("→", error.hint))
    return [error.message, *(f"  {label} {text}" for label, text in facts if text)]


# ── columns ───────────────────────────────────────────────────────────────────────────────────────────────────────


def width(text: str) -> int:
    """Columns that a terminal takes for it."""
    return sum(map(_columns, text))


def cut(text: str, most: int) -> str:
    if width(text) <= most:
        return text
    kept, used = 0, 1  # the ellipsis
    while used + _columns(text[kept]) <= most:
        used += _columns(text[kept])
        kept += 1
    return text[:kept] + "…"


def last_words(text: str, most: int) -> str:
    """The end of `text` on one line, in at most `most` columns."""
    line = " ".join(text.split())
    return line if width(line) <= most else "…" + cut(line[::-1], most)[:-1][::-1]


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
