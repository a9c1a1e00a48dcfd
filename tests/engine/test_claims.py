"""Who may write for a task, when several processes believe that they may."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from alma.engine.journal import Fence, insert_run
from alma.errors import FenceLost
from alma.events import MessageStarted, PlanAmended, RunStarted, TaskFinished
from session_bench import SessionBench


@pytest.fixture
async def bench(database_url: str) -> AsyncGenerator[SessionBench]:
    async with SessionBench(database_url).running() as bench:
        started = RunStarted(at=1.0, thread_id="t", owner="ada", text="x")
        await bench.database.write(lambda connection: insert_run(connection, "r1", started))
        yield bench


def begun(task_id: str) -> MessageStarted:
    return MessageStarted(
        at=2.0,
        task_id=task_id,
        message_id=f"r1.{task_id}",
        attempt=1,
        role="writer",
        model="m",
        endpoint="e",
        prompt_version="v",
        sections=[],
    )


async def test_a_claim_that_has_not_seen_the_tasks_latest_entry_is_refused(bench: SessionBench) -> None:
    await bench.journal.append("t", "r1", [begun("1")], fence=Fence("r1", "1", seen=1))
    with pytest.raises(FenceLost, match="moved on"):
        await bench.journal.append("t", "r1", [begun("1")], fence=Fence("r1", "1", seen=1))
    await bench.journal.append("t", "r1", [begun("2")], fence=Fence("r1", "2", seen=1))
    await bench.journal.append("t", "r1", [begun("1")], fence=Fence("r1", "1", seen=2))


async def test_a_claim_that_has_not_seen_its_plan_change_is_refused(bench: SessionBench) -> None:
    await bench.journal.append("t", "r1", [PlanAmended(at=2.0, replace={"1": "2"})])
    with pytest.raises(FenceLost, match="moved on"):
        await bench.journal.append("t", "r1", [begun("1")], fence=Fence("r1", "1", seen=1))
    await bench.journal.append("t", "r1", [begun("1.1")], fence=Fence("r1", "1.1", seen=1))


async def test_an_end_that_was_decided_takes_the_lease_away(bench: SessionBench) -> None:
    fence = Fence("r1", "1", seen=1)
    await bench.journal.append("t", "r1", [begun("1")], fence=fence)
    await bench.journal.append("t", "r1", [TaskFinished(at=3.0, task_id="1", status="canceled")], head=2)
    with pytest.raises(FenceLost):
        await bench.journal.append("t", "r1", [TaskFinished(at=3.0, task_id="1", status="failed")], fence=fence)
