"""A row for each call and each run that ends, in the transaction of the entry, and the way back from a number."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec import structs

from alma.db.watch_tables import calls, run_ends
from alma.engine.journal import Fence
from alma.events import AttemptFailed, ErrorFacts, MessageFinished, MessageStarted, Recorded, RunFinished
from alma.model_call import Paid, Timing, Usage
from alma.observability.behind import Asked, Behind, behind
from alma.observability.catalog import METRICS
from alma.observability.ended import Book, Call, RunEnd
from alma.observability.uses import Uses, by
from alma.session.retention import prune_all
from planned import answers, end_of, holds, plans, start, task
from session_bench import Client, SessionBench

_keys = itertools.count()


async def begin(client: Client, text: str, **fields: object) -> dict[str, Any]:
    command = client.say("run.start", key=f"ended {next(_keys)}", text=text, kind="chat", **fields)
    return await client.answer(command)


async def said(bench: SessionBench, client: Client, text: str, **fields: object) -> dict[str, Any]:
    ack = await begin(client, text, **fields)
    await end_of(client, ack["runId"])
    await bench.ended(ack["runId"])
    return ack


async def call_rows(bench: SessionBench) -> list[Call]:
    rows = await bench.database.read(lambda connection: connection.execute(sa.select(calls).order_by(calls.c.at)).all())
    return [Call(**row._mapping) for row in rows]


async def end_rows(bench: SessionBench) -> list[RunEnd]:
    query = sa.select(run_ends).order_by(run_ends.c.at)
    rows = await bench.database.read(lambda connection: connection.execute(query).all())
    return [RunEnd(**row._mapping) for row in rows]


async def look(bench: SessionBench, metric: str, **fields: Any) -> Behind:
    now = bench.engine.clock()
    asked = Asked(metric, fields.pop("owner", "ada"), now - 600, now + 600, **fields)
    return await bench.database.read(lambda connection: behind(connection, asked))


async def test_a_call_and_its_run_have_a_row_each(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await said(bench, client, "!say one two three")
    (call,), (end,) = await call_rows(bench), await end_rows(bench)
    assert (call.run_id, call.owner, call.agent) == (ack["runId"], "ada", "manager")
    assert (call.model, call.endpoint) == ("scripted/scripted", "scripted")
    assert (call.output_tokens, call.cache, call.error) == (3, "", "")
    assert call.first_token_ms is not None
    assert 0 < call.first_token_ms <= call.ms <= end.ms
    assert (end.run_id, end.owner, end.status, end.error) == (ack["runId"], "ada", "completed", "")
    recorded = (await bench.journal.read(call.run_id, call.seq - 1))[0].entry
    assert isinstance(recorded, MessageFinished)
    assert recorded.usage.input_tokens == call.input_tokens


async def test_every_attempt_that_fails_has_its_row_and_its_reason(bench: SessionBench) -> None:
    client = bench.connect()
    await said(bench, client, "!status 500")
    rows = await call_rows(bench)
    assert [(row.error, row.agent, row.endpoint) for row in rows] == [("endpoint_failed", "manager", "scripted")] * 3
    (end,) = await end_rows(bench)
    assert (end.status, end.error) == ("failed", "endpoint_failed")
    found = await look(bench, "call_errors")
    assert [one.error for one in found.runs] == ["endpoint_failed"] * 3
    assert [one.error for one in (await look(bench, "runs_failed")).runs] == ["endpoint_failed"]
    assert (await look(bench, "runs_finished")).runs == []


async def test_each_agent_of_a_plan_has_its_own(quick: SessionBench) -> None:
    plans(quick, task("analyst", "Look"), task("writer", "Write", 1))
    answers(quick, "Look", "looked")
    answers(quick, "Write", "written")
    client = quick.connect()
    ack = await start(client)
    await end_of(client, ack["runId"])
    agents = {row.agent for row in await call_rows(quick)}
    assert {"analyst", "writer", "manager"} <= agents
    now = quick.engine.clock()
    uses = await Uses(quick.database).of(now - 600, now + 1)
    rows = by(uses, "agent")
    assert rows["writer"].calls == 1
    assert rows["writer"].runs == 1
    assert sum(use.calls for use in rows.values()) == len(await call_rows(quick))


async def test_what_was_cut_off_counts_with_what_it_used(quick: SessionBench) -> None:
    gate = holds(quick, "Speak", "more")
    client = quick.connect()
    ack = await begin(client, "Speak")
    await client.until(type="RUN_STARTED")
    await quick.engine.stop(ack["runId"], ack["threadId"])
    await end_of(client, ack["runId"])
    gate.set()
    (end,) = await end_rows(quick)
    assert end.status == "canceled"
    rows = await call_rows(quick)
    assert all(row.error in ("cut_off", "") for row in rows)


async def test_an_answer_of_the_cache_is_no_call_of_a_model(tmp_path: Path) -> None:
    async with SessionBench(f"sqlite:///{tmp_path / 'alma.db'}", cache={}).running() as bench:
        client = bench.connect()
        await said(bench, client, "!say one two three")
        await said(bench, client, "!say one two three")
        first, second = await call_rows(bench)
        assert (first.cache, second.cache) == ("", "exact")
        assert (second.output_tokens, second.first_token_ms) == (0, None)
        assert bench.cache is not None
        assert (bench.cache.asked.hits, bench.cache.asked.misses) == (1, 1)
        now = bench.engine.clock()
        use = by(await Uses(bench.database).of(now - 600, now + 1), "model")["scripted/scripted"]
        assert (use.calls, use.cache_hits, use.asked.count) == (2, 1, 1)
        (hit,) = (await look(bench, "cache_hits")).runs
        assert hit.run_id == second.run_id


def started(attempt: int = 1, **more: Any) -> MessageStarted:
    return MessageStarted(
        at=100.0,
        message_id="m",
        attempt=attempt,
        role="chat",
        model="a/b",
        endpoint="a",
        prompt_version="",
        sections=[],
        **more,
    )


def finished(attempt: int = 1) -> MessageFinished:
    return MessageFinished(
        at=101.0,
        message_id="m",
        attempt=attempt,
        text="x",
        finish_reason="stop",
        usage=Usage(3, 4),
        timing=Timing(10.0, 1000.0),
        model_id="a/b",
    )


async def a_run(bench: SessionBench) -> str:
    """One whose engine has nothing to do with what is written to it."""
    client = bench.connect()
    gate = holds(bench, "Wait", "done")
    ack = await begin(client, "Wait")
    await client.until(type="RUN_STARTED")
    del gate
    bench.engine.abandon(ack["runId"])
    return str(ack["runId"])


async def test_a_message_that_an_earlier_process_began_is_still_its_agents(quick: SessionBench) -> None:
    run_id = await a_run(quick)
    await quick.journal.append("t", run_id, [started(7)])
    quick.journal._book = Book()  # another process
    await quick.journal.append("t", run_id, [finished(7)])
    row = (await call_rows(quick))[0]
    assert (row.agent, row.model, row.endpoint) == ("chat", "a/b", "a")


async def test_an_attempt_that_a_crash_cut_off_is_counted_when_the_next_begins(quick: SessionBench) -> None:
    run_id = await a_run(quick)
    await quick.journal.append("t", run_id, [started(8, lost=Paid("a/b", 30, 4, 50.0, 0.5))])
    row = (await call_rows(quick))[0]
    assert (row.agent, row.error, row.input_tokens, row.cost) == ("chat", "cut_off", 30, 0.5)


async def test_what_is_rolled_back_leaves_no_row(quick: SessionBench) -> None:
    run_id = await a_run(quick)
    stale = Fence(run_id, "main", 99)
    seen: list[Recorded] = []
    quick.journal.subscribe_all(lambda _thread, recorded: seen.append(recorded))
    refused = quick.journal.submit("t", run_id, [started(5), finished(5)], fence=stale)
    written = quick.journal.submit("t", run_id, [started(6), finished(6)])
    with pytest.raises(Exception, match="taken over"):
        await refused
    await written
    (row,) = await call_rows(quick)
    assert row.seq == seen[-1].seq
    assert quick.book.take(run_id, row.seq) == (row,)
    assert quick.book.take(run_id, row.seq) == ()  # nobody counts it twice


async def test_what_a_transaction_noted_that_failed_is_not_written_with_the_next(quick: SessionBench) -> None:
    book = Book()

    def twice(connection: sa.Connection) -> None:
        book.begin()
        book.note(connection, "gone", 1, "ada", 1.0, started(1))
        book.note(connection, "gone", 2, "ada", 1.0, finished(1))
        book.begin()
        book.note(connection, "there", 1, "ada", 1.0, started(1))
        book.note(connection, "there", 2, "ada", 1.0, finished(1))
        book.write(connection)

    await quick.database.write(twice)
    assert [row.run_id for row in await call_rows(quick)] == ["there"]


async def test_an_entry_that_cannot_be_stored_leaves_no_row_behind(quick: SessionBench) -> None:
    run_id = await a_run(quick)
    with pytest.raises(UnicodeEncodeError):
        await quick.journal.append("t", run_id, [started(5), structs.replace(finished(5), text="\ud800")])
    await quick.journal.append("t", run_id, [started(6), finished(6)])
    assert len(await call_rows(quick)) == 1


async def test_a_run_that_ends_twice_has_one_row(quick: SessionBench) -> None:
    run_id = await a_run(quick)
    for status in ("completed", "failed"):
        await quick.journal.append("t", run_id, [RunFinished(at=200.0, status=status)])  # type: ignore[arg-type]
    assert [(end.run_id, end.status) for end in await end_rows(quick)] == [(run_id, "completed")]


async def test_an_attempt_that_was_never_begun_is_no_call(quick: SessionBench) -> None:
    run_id = await a_run(quick)
    failed = AttemptFailed(at=1.0, message_id="m", attempt=9, error=ErrorFacts("model_unavailable", "none"))
    await quick.journal.append("t", run_id, [failed])
    assert await call_rows(quick) == []


# ── behind ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_number_leads_to_the_runs_it_is_made_of(bench: SessionBench) -> None:
    client = bench.connect()
    quick_one = await said(bench, client, "!say one")
    slow_one = await said(bench, client, "!wait 0.15 !say one two three four")
    found = await look(bench, "response_p95_ms")
    assert [one.run_id for one in found.runs] == [slow_one["runId"], quick_one["runId"]]
    assert found.unit == "ms"
    assert found.runs[0].value >= 150
    assert found.runs[0].title
    (first, *_) = (await look(bench, "first_token_p50_ms")).runs
    assert first.run_id == slow_one["runId"]
    entry = (await bench.journal.read(first.run_id, first.seq - 1))[0].entry
    assert isinstance(entry, MessageFinished)
    assert entry.timing.first_token_ms == first.value
    assert [one.value for one in (await look(bench, "tokens_out")).runs] == [4, 1]
    assert (await look(bench, "tokens_out", model="other/model")).runs == []
    assert len((await look(bench, "response_p50_ms", agent="manager")).runs) == 2
    assert (await look(bench, "response_p50_ms", agent="writer")).runs == []
    page = await look(bench, "calls", limit=1)
    assert (len(page.runs), page.more) == (1, True)


async def test_others_runs_are_counted_and_not_shown(bench: SessionBench) -> None:
    await said(bench, bench.connect(owner="ada"), "!say one")
    await said(bench, bench.connect(owner="bob"), "!say secret words")
    for metric in METRICS:
        found = await look(bench, metric.name)
        assert all(one.title != "!say secret words" for one in found.runs), metric.name
    for metric in ("response_p50_ms", "calls", "runs_started", "runs_finished", "cpu"):
        found = await look(bench, metric)
        assert (len(found.runs), found.others) == (1, 1), metric


async def test_a_run_that_was_deleted_is_not_shown(bench: SessionBench) -> None:
    client = bench.connect()
    kept = await said(bench, client, "!say one")
    gone = [await said(bench, client, "!say two words") for _ in range(4)]
    for ack in gone:
        await bench.sessions.delete_thread("ada", ack["threadId"])
    for metric in ("calls", "tokens_out", "response_p99_ms", "runs_started", "runs_finished", "rss"):
        assert [one.run_id for one in (await look(bench, metric, limit=1)).runs] == [kept["runId"]], metric
    assert len(await call_rows(bench)) == 5  # the sums stay


async def test_what_is_under_way_is_behind_the_levels(bench: SessionBench) -> None:
    client = bench.connect()
    gate = holds(bench, "Stay", "done")
    await said(bench, client, "!say one")
    ack = await begin(client, "Stay")
    for metric in ("runs_running", "tasks_running", "tasks_queued"):
        assert [one.run_id for one in (await look(bench, metric)).runs] == [ack["runId"]]
    assert (await look(bench, "runs_running")).runs[0].status == "working"
    assert len((await look(bench, "cpu")).runs) == 2
    gate.set()
    await end_of(client, ack["runId"])
    await asyncio.wait_for(bench.ended(ack["runId"]), 10)
    assert (await look(bench, "runs_running")).runs == []


async def test_a_run_whose_steps_were_given_up_is_shown_as_a_whole(quick: SessionBench) -> None:
    plans(quick, task("analyst", "Look"), task("writer", "Write", 1))
    answers(quick, "Look", "looked")
    answers(quick, "Write", "written")
    client = quick.connect()
    ack = await start(client)
    await end_of(client, ack["runId"])
    await quick.ended(ack["runId"])
    assert all(one.seq > 0 for one in (await look(quick, "calls")).runs)
    await prune_all(quick.database, quick.engine.clock() + 10)
    assert any(one.seq == 0 for one in (await look(quick, "calls")).runs)
