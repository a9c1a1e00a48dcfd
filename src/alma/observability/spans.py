"""Spans of a run, made from its journal's entries as they are committed. Knows the conventions, no package.

Names and attributes are those of OpenTelemetry's conventions for generative AI: `invoke_agent` for a task (the run's
own is the root), `chat` for an attempt at a model call, `execute_tool`, `retrieval` for what was remembered. Ids are
made from the run's id and the step's, so that a run that another process carries on is still one trace.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from alma.events import (
    AttemptFailed,
    ErrorFacts,
    JournalEntry,
    MemoriesRecalled,
    MessageFinished,
    MessageStarted,
    PlanAmended,
    PlanMade,
    Recorded,
    RouteCorrected,
    RunFinished,
    RunStarted,
    Signaled,
    TaskFinished,
    TaskReused,
    TaskStarted,
    ToolCalled,
    ToolDecided,
    ToolReturned,
)
from alma.plan import MAIN, MANAGER, PlanTask, parent_of

Attributes = dict[str, Any]
PROVIDER = "alma"
_MOST_RUNS = 2_000
_LONGEST = 16_000  # characters of a prompt, an answer, a result


class Span(Struct):
    """`start`, `end`: Unix seconds. `parent`: 0 for the root. `error`: a code; empty: it went well."""

    trace_id: int
    span_id: int
    parent: int
    name: str
    start: float
    end: float = 0.0
    client: bool = False  # somebody else was asked
    attributes: Attributes = field(default_factory=dict[str, Any])
    error: str = ""
    said: str = ""  # about the error


class _Run:
    """What is open of one run."""

    def __init__(self, run_id: str, thread_id: str) -> None:
        self.id = run_id
        self.thread_id = thread_id
        self.trace_id = _number(run_id, 16)
        self.seen = 0  # the last entry: one may come twice
        self.planned: dict[str, PlanTask] = {}
        self.tasks: dict[str, Span] = {}
        self.calls: dict[str, Span] = {}  # by message
        self.tools: dict[str, Span] = {}  # by call


class Spans:
    """A witness of the journal's: gives every span to `ended` when it has. `words`: with those of prompts and answers;
    `clean` takes the secrets out of them."""

    def __init__(
        self, ended: Callable[[Span], None], *, words: bool = False, clean: Callable[[str], str] = str
    ) -> None:
        self._ended = ended
        self._words = words
        self._clean = clean
        self._runs: OrderedDict[str, _Run] = OrderedDict()

    def witness(self, thread_id: str, recorded: Recorded) -> None:
        run = self._runs.get(recorded.run_id)
        if run is None:
            if isinstance(recorded.entry, RunFinished | RouteCorrected | Signaled):
                return  # told of twice, or long after its end
            run = self._runs[recorded.run_id] = _Run(recorded.run_id, thread_id)
            if len(self._runs) > _MOST_RUNS:
                self._runs.popitem(last=False)
        if recorded.seq <= run.seen:
            return
        run.seen = recorded.seq
        self._take(run, recorded.seq, recorded.entry)

    def _take(self, run: _Run, seq: int, entry: JournalEntry) -> None:
        match entry:
            case RunStarted():
                root = self._task(run, MAIN, entry.at)
                self._say(root, "gen_ai.input.messages", _messages("user", entry.text))
            case PlanMade():
                run.planned |= {task.id: task for task in entry.plan.tasks}
            case PlanAmended():
                run.planned |= {task.id: task for task in entry.add}
            case TaskStarted():
                task = self._task(run, entry.task_id, entry.at, entry.role)
                task.attributes["gen_ai.agent.version"] = entry.prompt_version
            case TaskReused():
                task = self._task(run, entry.task_id, entry.at, entry.role)
                task.attributes["alma.reused_from"] = entry.from_run_id
                self._end_task(run, entry.task_id, entry.at, entry.status, None)
            case TaskFinished():
                self._end_task(run, entry.task_id, entry.at, entry.status, entry.error)
            case RunFinished():
                self._end_run(run, entry)
            case MessageStarted():
                self._call(run, entry)
            case MessageFinished():
                self._answered(run, entry)
            case AttemptFailed():
                self._failed(run, entry)
            case MemoriesRecalled():
                self._recalled(run, seq, entry)
            case ToolCalled() | ToolDecided() | ToolReturned():
                self._tool(run, entry)
            case _:
                pass  # nothing that takes time

    # ── tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _task(self, run: _Run, task_id: str, at: float, role: str = "") -> Span:
        """The open span of a task; of one whose beginning was not seen, from now on."""
        span = run.tasks.get(task_id)
        if span is not None:
            return span
        planned = run.planned.get(task_id)
        role = role or (planned.role if planned is not None else MANAGER if task_id == MAIN else "")
        parent = parent_of(task_id)
        span = run.tasks[task_id] = self._begin(run, f"task {task_id}", f"invoke_agent {role}".strip(), at)
        span.parent = _number(f"{run.id} task {parent}", 8) if parent is not None else 0
        span.attributes |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": role, "alma.task.id": task_id}
        if planned is not None:
            self._say(span, "gen_ai.input.messages", _messages("user", planned.goal))
        return span

    def _begin(self, run: _Run, key: str, name: str, at: float, task_id: str = "") -> Span:
        parent = self._task(run, task_id, at).span_id if task_id else 0
        span = Span(run.trace_id, _number(f"{run.id} {key}", 8), parent, name, at)
        span.attributes = {"gen_ai.conversation.id": run.thread_id, "alma.run.id": run.id}
        span.attributes["gen_ai.provider.name"] = PROVIDER
        return span

    def _end_task(self, run: _Run, task_id: str, at: float, status: str, error: ErrorFacts | None) -> None:
        for open_ones in (run.calls, run.tools):
            for key, span in list(open_ones.items()):
                if span.attributes.get("alma.task.id") == task_id:
                    self._end(open_ones.pop(key), at, "canceled")
        span = run.tasks.pop(task_id, None)
        if span is None:
            return
        span.attributes["alma.status"] = status
        if error is not None:
            span.said = self._clean(error.message)
        self._end(span, at, error.code if error is not None else "" if status == "completed" else status)

    def _end_run(self, run: _Run, entry: RunFinished) -> None:
        for task_id in sorted(run.tasks, key=len, reverse=True):
            if task_id != MAIN:
                self._end_task(run, task_id, entry.at, "canceled", None)
        self._task(run, MAIN, entry.at)
        self._end_task(run, MAIN, entry.at, entry.status, entry.error)
        del self._runs[run.id]

    def _end(self, span: Span, at: float, error: str = "") -> None:
        span.end = max(at, span.start)
        span.error = error
        if error:
            span.attributes["error.type"] = error
        self._ended(span)

    # ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, run: _Run, entry: MessageStarted) -> None:
        key = f"call {entry.message_id} {entry.attempt}"
        earlier = run.calls.pop(entry.message_id, None)
        if earlier is not None:  # a crash cut it off
            self._end(earlier, entry.at, "interrupted")
        span = self._begin(run, key, f"chat {entry.model}", entry.at, entry.task_id)
        span.client = True
        span.attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": entry.endpoint or PROVIDER,
            "gen_ai.request.model": entry.model,
            "gen_ai.agent.name": entry.role,
            "alma.task.id": entry.task_id,
            "alma.step": entry.step,
            "alma.attempt": entry.attempt,
        }
        if self._words and entry.sent:
            said = [{"role": one.role, "parts": [{"type": "text", "content": one.content}]} for one in entry.sent]
            self._say(span, "gen_ai.input.messages", said)
        run.calls[entry.message_id] = span

    def _answered(self, run: _Run, entry: MessageFinished) -> None:
        span = run.calls.pop(entry.message_id, None)
        if span is None:
            return
        span.attributes |= {
            "gen_ai.response.model": entry.model or span.attributes["gen_ai.request.model"],
            "gen_ai.response.finish_reasons": [entry.finish_reason],
            "gen_ai.usage.input_tokens": entry.usage.input_tokens,
            "gen_ai.usage.output_tokens": entry.usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": entry.usage.cached_tokens,
            "alma.cost_usd": entry.cost,
        }
        if entry.endpoint:
            span.attributes["gen_ai.provider.name"] = entry.endpoint
        if entry.timing.first_token_ms:
            span.attributes["gen_ai.response.time_to_first_chunk"] = entry.timing.first_token_ms / 1000
        if entry.cache is not None:
            span.attributes["alma.cache"] = entry.cache.source
        self._say(span, "gen_ai.output.messages", _messages("assistant", entry.text))
        self._end(span, entry.at)

    def _failed(self, run: _Run, entry: AttemptFailed) -> None:
        span = run.calls.pop(entry.message_id, None)
        if span is not None:
            span.said = self._clean(entry.error.message)
            self._end(span, entry.at, entry.error.code)

    def _recalled(self, run: _Run, seq: int, entry: MemoriesRecalled) -> None:
        span = self._begin(run, f"recall {seq}", "retrieval memory", entry.at - entry.ms / 1000, entry.task_id)
        span.attributes |= {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "memory",
            "alma.task.id": entry.task_id,
            "alma.recall.hits": len(entry.hits),
            "alma.recall.considered": entry.considered,
            "alma.recall.dense": entry.dense,
        }
        self._say(span, "gen_ai.retrieval.query.text", entry.query)
        self._end(span, entry.at)

    def _tool(self, run: _Run, entry: ToolCalled | ToolDecided | ToolReturned) -> None:
        span = run.tools.get(entry.call_id)
        if isinstance(entry, ToolCalled):
            if span is not None:
                self._end(span, entry.at, "interrupted")
            key = f"tool {entry.call_id} {entry.attempt}"
            span = self._begin(run, key, f"execute_tool {entry.name}", entry.at, entry.task_id)
            span.attributes |= {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": entry.name,
                "gen_ai.tool.call.id": entry.call_id,
                "gen_ai.tool.type": "function",
                "alma.task.id": entry.task_id,
            }
            self._say(span, "gen_ai.tool.call.arguments", entry.arguments)
            run.tools[entry.call_id] = span
        elif span is None:
            return
        elif isinstance(entry, ToolDecided):
            span.attributes["alma.tool.approved"] = entry.approved
            span.start = entry.at if entry.approved else span.start  # the user's time is not the tool's
        else:
            self._say(span, "gen_ai.tool.call.result", entry.text)
            self._end(run.tools.pop(entry.call_id), entry.at, "" if entry.ok else "tool_failed")

    def _say(self, span: Span, name: str, words: Any) -> None:
        if self._words and words:
            text = words if isinstance(words, str) else json.dumps(words, ensure_ascii=False)
            span.attributes[name] = self._clean(text)[:_LONGEST]


def _messages(role: str, text: str) -> list[dict[str, Any]]:
    return [{"role": role, "parts": [{"type": "text", "content": text}]}] if text else []


def _number(text: str, size: int) -> int:
    """An id of `size` bytes, never 0."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size], "big") or 1
