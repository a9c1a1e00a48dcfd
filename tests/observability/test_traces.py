"""A run is one trace: its tasks, calls, tools and what was remembered, each under what asked for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collecting import Collector, collecting
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from alma.app import Alma
from alma.events import (
    AttemptFailed,
    ErrorFacts,
    JournalEntry,
    MemoriesRecalled,
    MessageFinished,
    MessageStarted,
    PlanMade,
    Recorded,
    RouteCorrected,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
    ToolCalled,
    ToolDecided,
    ToolReturned,
)
from alma.memory.records import NewMemory
from alma.model_call import SentMessage, Timing, Usage
from alma.observability.redaction import Redactor
from alma.observability.spans import Span, Spans
from alma.observability.traces import Traces, endpoint_of
from alma.plan import Plan, PlanTask
from alma.settings import Settings
from alma.tools.toolbox import Toolbox
from planned import acts, end_of, plans, role_file, start, task
from session_bench import SessionBench

SECRET = "hunter2hunter2"


def started(at: float, task_id: str = "main", step: str = "answer", attempt: int = 1) -> MessageStarted:
    sent = [SentMessage("user", f"asked with {SECRET}")]
    return MessageStarted(
        at=at, task_id=task_id, message_id=f"{task_id}.{step}", attempt=attempt, role="manager", model="e/m",
        endpoint="e", prompt_version="1", sections=[], step=step, sent=sent,
    )  # fmt: skip


def finished(at: float, task_id: str = "main", step: str = "answer") -> MessageFinished:
    return MessageFinished(
        at=at, task_id=task_id, message_id=f"{task_id}.{step}", attempt=1, text=f"said {SECRET}",
        finish_reason="stop", usage=Usage(10, 5), timing=Timing(20, 50), model="m-2", step=step,
    )  # fmt: skip


PLANNED: list[JournalEntry] = [
    RunStarted(at=1, thread_id="t1", owner="ada", text="compare"),
    started(2, step="decide"),
    finished(3, step="decide"),
    PlanMade(at=4, plan=Plan([PlanTask("1", "researcher", "look")], "model")),
    TaskStarted(at=5, task_id="1", role="researcher", prompt_version="7"),
    MemoriesRecalled(at=6, task_id="1", message_id="1.answer", query="what", hits=[], considered=9, ms=500),
    started(6, "1"),
    AttemptFailed(
        at=7, task_id="1", message_id="1.answer", attempt=1, error=ErrorFacts("endpoint_cut", f"cut {SECRET}")
    ),
    started(8, "1", attempt=2),
    finished(9, "1"),
    ToolCalled(at=10, task_id="1", call_id="c1", name="clock", arguments=f'{{"key": "{SECRET}"}}'),
    ToolDecided(at=20, task_id="1", call_id="c1", approved=True),
    ToolReturned(at=21, task_id="1", call_id="c1", ok=False, text="late"),
    TaskFinished(at=22, task_id="1", status="completed"),
    started(23),
    finished(24),
    RunFinished(at=25, status="completed"),
]


def spans_of(entries: list[JournalEntry], *, words: bool = False, run_id: str = "r1", after: int = 0) -> list[Span]:
    found: list[Span] = []
    spans = Spans(found.append, words=words, clean=Redactor([SECRET]).text)
    for seq, entry in enumerate(entries, 1):
        if seq > after:
            spans.witness("t1", Recorded(run_id, seq, entry))
            spans.witness("t1", Recorded(run_id, seq, entry))  # as after an append whose answer was lost
    return found


def tree(spans: list[Span]) -> dict[str, Any]:
    """Names under the names of their parents."""

    def under(parent: int) -> dict[str, Any]:
        below = sorted((one for one in spans if one.parent == parent), key=lambda one: (one.start, one.name))
        return {f"{one.name} {one.start:g}-{one.end:g}": under(one.span_id) for one in below}

    return under(0)


def test_a_planned_run_is_a_tree_with_the_times_of_its_entries() -> None:
    assert tree(spans_of(PLANNED)) == {
        "invoke_agent manager 1-25": {
            "chat e/m 2-3": {},
            "invoke_agent researcher 5-22": {
                "retrieval memory 5.5-6": {},
                "chat e/m 6-7": {},
                "chat e/m 8-9": {},
                "execute_tool clock 20-21": {},
            },
            "chat e/m 23-24": {},
        }
    }


def test_spans_have_the_attributes_of_the_conventions() -> None:
    by_name = {f"{one.name} {one.start:g}": one for one in spans_of(PLANNED)}
    call = by_name["chat e/m 8"].attributes
    assert {name: call[name] for name in call if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "e",
        "gen_ai.request.model": "e/m",
        "gen_ai.response.model": "m-2",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.02,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.agent.name": "manager",
        "gen_ai.conversation.id": "t1",
    }
    agent = by_name["invoke_agent researcher 5"].attributes
    assert (agent["gen_ai.operation.name"], agent["gen_ai.agent.name"]) == ("invoke_agent", "researcher")
    tool = by_name["execute_tool clock 20"]
    assert tool.attributes["gen_ai.tool.name"] == "clock"
    assert tool.attributes["error.type"] == "tool_failed"
    assert by_name["chat e/m 6"].attributes["error.type"] == "endpoint_cut"
    assert by_name["retrieval memory 5.5"].attributes["gen_ai.operation.name"] == "retrieval"


def test_words_are_in_it_only_where_they_are_asked_for_and_never_a_secret() -> None:
    silent, telling = str(spans_of(PLANNED)), str(spans_of(PLANNED, words=True))
    for words in ("compare", "asked with", "said", "what", "late"):
        assert words in telling
    for words in ("compare", "asked with", "'said ", "late", "messages", "arguments"):
        assert words not in silent
    assert SECRET not in silent + telling


def test_what_another_process_carries_on_is_in_the_same_trace() -> None:
    whole = {(one.name, one.start): one for one in spans_of(PLANNED)}
    rest = spans_of(PLANNED, after=9)
    for one in rest:
        if (one.name, one.start) in whole:
            first = whole[one.name, one.start]
            assert (one.trace_id, one.span_id, one.parent) == (first.trace_id, first.span_id, first.parent)
    assert {one.trace_id for one in rest} == {one.trace_id for one in whole.values()}
    assert {one.trace_id for one in spans_of(PLANNED, run_id="r2")}.isdisjoint(one.trace_id for one in rest)


def test_what_a_run_leaves_open_ends_with_it_and_nothing_is_kept() -> None:
    found: list[Span] = []
    spans = Spans(found.append)
    for seq, entry in enumerate(
        [*PLANNED[:7], RunFinished(at=9, status="canceled"), RouteCorrected(at=10, kind="chat")]
    ):
        spans.witness("t1", Recorded("r1", seq + 1, entry))
    assert {one.name: one.error for one in found}["invoke_agent manager"] == "canceled"
    assert sorted(one.name for one in found) == [
        *["chat e/m"] * 2,
        *["invoke_agent manager", "invoke_agent researcher", "retrieval memory"],
    ]
    assert not spans._runs  # pyright: ignore[reportPrivateUsage]
    for number in range(5_000):
        spans.witness("t", Recorded(f"x{number}", 1, PLANNED[0]))
    assert len(spans._runs) <= 2_000  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def received(collector: Collector) -> list[Any]:
    found: list[Any] = []
    for path, headers, body in collector.posts:
        assert (path, headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            assert ("service.name", "alma") in {
                (one.key, one.value.string_value) for one in resource.resource.attributes
            }
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def double(number: int) -> int:
    """Double a number.

    number: it
    """
    return 2 * number


async def test_a_planned_run_with_a_tool_and_recall_arrives_at_a_collector(
    tmp_path: Path, collector: Collector
) -> None:
    traces = Traces(collector.url, every_ms=10)
    role_file(tmp_path / "agents", "writer", tools=["double"], memory={"recall": ["owner"]})
    toolbox = Toolbox()
    toolbox.register(double)
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents", toolbox=toolbox, memory=True).running() as bench:
        assert bench.memory is not None
        await bench.memory.memories.add([NewMemory("ada", "The user likes bread with a dark crust.")])
        bench.journal.subscribe_all(Spans(traces.send).witness)
        plans(bench, task("writer", "Double the bread"), task("writer", "Taste the bread", 1))
        acts(bench, "Double the bread", [("double", '{"number": 21}')], answer="42")
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        await asyncio.to_thread(traces.close)
    spans = received(collector)
    names = {span.span_id: span.name for span in spans}
    assert len({span.trace_id for span in spans}) == 1
    under = Counter((names.get(span.parent_span_id, ""), span.name) for span in spans)
    assert under["", "invoke_agent manager"] == 1
    assert under["invoke_agent manager", "invoke_agent writer"] == 2
    assert under["invoke_agent writer", "execute_tool double"] == 1
    assert under["invoke_agent writer", "chat scripted/scripted"] == 3
    assert under["invoke_agent writer", "retrieval memory"] >= 1
    assert under["invoke_agent manager", "chat scripted/scripted"] >= 1
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    assert {span.status.code for span in spans} == {0}


def test_a_collector_that_is_away_is_said_once_and_is_no_trouble(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400  # refused for good: it is not tried again
    traces = Traces(f"{collector.url}/v1/traces?key=a-secret", every_ms=1)
    for number in range(3):
        came = len(collector.posts)
        traces.send(Span(1, number + 2, 1, "chat m", 1.0, 2.0))
        collector.wait(lambda came=came: len(collector.posts) > came)
    traces.close()
    said = [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert [record.name for record in said] == ["alma.observability.traces"]
    assert "do not arrive" in traces.problem
    assert "a-secret" not in traces.problem + said[0].getMessage()


async def test_that_traces_do_not_arrive_is_seen_in_health(tmp_path: Path, collector: Collector) -> None:
    alma = Alma(Settings(data_dir=tmp_path, trace_url=collector.url, embedded=False))
    (check,) = [check for check in alma.lookout.health.checks if check.name == "traces"]
    assert [found.status for found in await check.look()] == ["ok"]
    traces = alma.recorder._traces
    assert traces is not None
    traces.problem = "Traces do not arrive."
    (found,) = await check.look()
    assert (found.status, found.detail) == ("degraded", traces.problem)
    await asyncio.to_thread(traces.close)


def test_the_address_of_a_collector_may_be_short() -> None:
    assert endpoint_of("http://127.0.0.1:4318") == "http://127.0.0.1:4318/v1/traces"
    assert endpoint_of("collector:4318/") == "http://collector:4318/v1/traces"
    assert endpoint_of("https://c.example.org/api/otlp") == "https://c.example.org/api/otlp"
