"""The journal on both databases: order, fences, group commit, and what a failure leaves behind."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from alma.engine.journal import UNCLAIMED, Fence, insert_run
from alma.errors import FenceLost, HeadMoved, NotFound
from alma.events import Recorded, RunStarted, StopRequested
from session_bench import SessionBench


async def new_run(bench: SessionBench, run_id: str) -> None:
    entry = RunStarted(at=1, thread_id="t", owner="ada", text="hello")
    await bench.database.write(lambda connection: insert_run(connection, run_id, entry))


def stop() -> StopRequested:
    return StopRequested(at=2)


async def test_entries_are_numbered_without_gaps_whoever_writes(bench: SessionBench) -> None:
    for run_id in ("r1", "r2"):
        await new_run(bench, run_id)
    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(bench.journal.append("t", f"r{number % 2 + 1}", [stop()] * (number % 3 + 1)))
    for run_id in ("r1", "r2"):
        log = await bench.journal.read(run_id)
        assert [one.seq for one in log] == list(range(1, len(log) + 1))
    assert len(await bench.journal.read("r1", after=5)) == len(await bench.journal.read("r1")) - 5


async def test_what_is_published_is_committed_and_in_order(bench: SessionBench) -> None:
    await new_run(bench, "r1")
    seen: list[int] = []
    bench.bus.subscribe("t", lambda item: seen.append(item.seq))  # type: ignore[union-attr]
    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(bench.journal.append("t", "r1", [stop(), stop()]))
    assert seen == list(range(2, 102))


async def test_a_witness_sees_every_entry_of_every_thread_and_its_failure_stops_nobody(bench: SessionBench) -> None:
    await new_run(bench, "r1")
    await new_run(bench, "r2")
    seen: list[tuple[str, str, int]] = []

    def broken(_thread_id: str, _recorded: Recorded) -> None:
        raise ValueError("a bug of a listener")

    bench.journal.subscribe_all(broken)
    bench.journal.subscribe_all(lambda thread_id, one: seen.append((thread_id, one.run_id, one.seq)))
    await bench.journal.append("t", "r1", [stop()])
    await bench.journal.append("u", "r2", [stop(), stop()])
    bench.journal.publish("u", Recorded("r2", 1, stop()))
    assert seen == [("t", "r1", 2), ("u", "r2", 2), ("u", "r2", 3), ("u", "r2", 1)]


async def test_nobody_sees_an_append_done_before_it_is_published(bench: SessionBench) -> None:
    """A task that looks at the append by chance, woken by something else, must not be ahead of those who follow."""
    await new_run(bench, "r1")
    seen: list[int] = []
    bench.bus.subscribe("t", lambda item: seen.append(item.seq))  # type: ignore[union-attr]
    done = bench.journal.submit("t", "r1", [stop()])
    while not done.done():
        await asyncio.sleep(0)
    assert seen == [2]


async def test_a_worker_that_lost_its_task_cannot_write(bench: SessionBench) -> None:
    await new_run(bench, "r1")
    first, second = Fence("r1", "main"), Fence("r1", "main")
    await bench.journal.append("t", "r1", [stop()], fence=first)
    await bench.journal.append("t", "r1", [stop()], fence=second)
    with pytest.raises(FenceLost):
        await bench.journal.append("t", "r1", [stop()], fence=first)
    await bench.journal.append("t", "r1", [stop()], fence=second)
    assert len(await bench.journal.read("r1")) == 4


async def test_tasks_of_a_run_are_fenced_each_by_itself(bench: SessionBench) -> None:
    await new_run(bench, "r1")
    one, other = Fence("r1", "1"), Fence("r1", "2")
    async with asyncio.TaskGroup() as group:
        for fence in (one, other) * 5:
            group.create_task(bench.journal.append("t", "r1", [stop()], fence=fence))
    assert (one.epoch, other.epoch) == (1, 1)
    await bench.journal.append("t", "r1", [stop()], fence=Fence("r1", "1"))
    await bench.journal.append("t", "r1", [stop()], fence=other)
    with pytest.raises(FenceLost):
        await bench.journal.append("t", "r1", [stop()], fence=one)


async def test_who_begins_a_run_holds_it_until_somebody_claims_it(bench: SessionBench) -> None:
    entry = RunStarted(at=1, thread_id="t", owner="ada", text="hello")
    begun = await bench.database.write(lambda connection: insert_run(connection, "r1", entry))
    await bench.journal.append("t", "r1", [stop()], fence=begun)
    await bench.journal.append("t", "r1", [stop()], fence=Fence("r1", "main"))
    with pytest.raises(FenceLost):
        await bench.journal.append("t", "r1", [stop()], fence=begun)


async def test_a_claim_in_a_group_that_was_rolled_back_holds(bench: SessionBench) -> None:
    await new_run(bench, "r1")

    def break_it(connection: sa.Connection) -> None:
        connection.execute(sa.text("INSERT INTO no_such_table VALUES (1)"))

    fence = Fence("r1", "main")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(bench.journal.append("t", "r1", [stop()], fence=fence))
        second = group.create_task(bench.journal.append("t", "r1", [stop()], fence=fence))
        bad = group.create_task(_outcome(bench, break_it))
    assert isinstance(bad.result(), Exception)
    assert [one.seq for task in (first, second) for one in task.result()] == [2, 3]
    await bench.journal.append("t", "r1", [stop()], fence=fence)


async def test_a_decision_about_a_log_that_has_grown_is_not_written(bench: SessionBench) -> None:
    await new_run(bench, "r1")
    await bench.journal.append("t", "r1", [stop()], head=1)
    fence = Fence("r1", "main")
    with pytest.raises(HeadMoved):
        await bench.journal.append("t", "r1", [stop()], head=1, fence=fence)
    assert fence.epoch == UNCLAIMED
    await bench.journal.append("t", "r1", [stop()], head=2)
    assert len(await bench.journal.read("r1")) == 3


async def test_one_guilty_write_does_not_take_its_group_with_it(bench: SessionBench) -> None:
    await new_run(bench, "r1")

    def break_it(connection: sa.Connection) -> None:
        connection.execute(sa.text("INSERT INTO no_such_table VALUES (1)"))

    async with asyncio.TaskGroup() as group:
        good = [group.create_task(bench.journal.append("t", "r1", [stop()])) for _ in range(20)]
        bad = [group.create_task(_outcome(bench, break_it)) for _ in range(3)]
        unknown = group.create_task(_append_unknown(bench))
        good += [group.create_task(bench.journal.append("t", "r1", [stop()])) for _ in range(20)]
    assert all(isinstance(task.result(), Exception) for task in bad)
    assert unknown.result()
    assert sorted(one.seq for task in good for one in task.result()) == list(range(2, 42))


async def _outcome(bench: SessionBench, work: object) -> Exception | None:
    try:
        await bench.database.write(work)  # type: ignore[arg-type]
    except Exception as error:
        return error
    return None


async def _append_unknown(bench: SessionBench) -> bool:
    try:
        await bench.journal.append("t", "r_none", [stop()])
    except NotFound:
        return True
    return False


async def test_a_cancelled_caller_does_not_undo_its_append(bench: SessionBench) -> None:
    await new_run(bench, "r1")
    published: list[object] = []
    bench.bus.subscribe("t", published.append)
    task = asyncio.create_task(bench.journal.append("t", "r1", [stop()]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await bench.journal.append("t", "r1", [stop()])
    assert [one.seq for one in await bench.journal.read("r1")] == [1, 2, 3]
    assert len(published) == 2, "it is published all the same"
