"""Versions through real sessions: a canary gets its share, a revert sends the very prompt of before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from alma.errors import NotFound
from alma.events import ChoicesMade
from alma.learned import Trial
from alma.learner import version_store as store
from alma.learner.version_records import Version
from alma.schooling import Schooling
from alma.session.rehearsals import Rehearsals
from planned import log_of
from session_bench import SessionBench
from taught import run, say, schooled_in, settled

MARK = "Speak plainly of rakes."


@pytest.fixture
async def schooled(tmp_path: Path) -> AsyncGenerator[SessionBench]:
    async with schooled_in(tmp_path) as bench:
        yield bench


def learning(bench: SessionBench) -> Schooling:
    assert bench.schooling is not None
    return bench.schooling


async def draft(bench: SessionBench) -> Version:
    manager = bench.roles.get("manager")
    first = manager.prompt.splitlines()[0]
    content = manager.source.replace(first, f"{MARK}\n{first}", 1)
    versions = learning(bench).versions
    return await versions.draft("ada", "prompt", "manager", content, title="", made_by="hand", reason="")


def sent(bench: SessionBench) -> str:
    """The system message of the last prompt."""
    return bench.model.requests[-1].messages[0].content


async def test_what_is_promoted_is_sent_and_a_revert_sends_the_very_bytes_of_before(schooled: SessionBench) -> None:
    bench, versions = schooled, learning(schooled).versions
    await run(bench, "!say one")
    before = sent(bench)
    made = await draft(bench)
    await run(bench, "!say one")
    assert sent(bench) == before, "a draft acts on nothing"
    await versions.promote("ada", made.id, by="ada", why="")
    run_id = await run(bench, "!say one")
    assert MARK in sent(bench)
    (entry,) = await log_of(bench, run_id, ChoicesMade)
    assert [(one.what, one.chosen, one.version) for one in entry.choices if one.what == "prompt"] == [
        ("prompt", made.hash, made.id)
    ]
    await run(bench, "!say one", owner="bob")
    assert sent(bench) == before
    await versions.revert("ada", made.id, by="ada", why="")
    await run(bench, "!say one")
    assert sent(bench) == before


async def test_with_a_version_all_goes_that_was_rehearsed_for_it(schooled: SessionBench) -> None:
    bench, school = schooled, learning(schooled)
    made = await draft(bench)
    trial = Trial("shadow", made.id, arm="candidate", row="r_1", roles={"manager": made.hash})
    done = await Rehearsals(bench.sessions).rehearse("ada", trial, "!say one", kind="chat", key="k")
    assert MARK in sent(bench)
    await school.delete_version("ada", made.id)
    assert await bench.journal.read(done.run_id) == []
    with pytest.raises(NotFound):
        school.versions.get("ada", made.id)


async def test_a_canary_gets_its_share_and_its_rewards_come_from_what_is_said(schooled: SessionBench) -> None:
    bench, school = schooled, learning(schooled)
    made = await draft(bench)
    await school.versions.start("ada", made.id, "canary", by="ada")
    await school.versions.set_share("ada", made.id, 0.5)
    told: dict[str, bool] = {}
    for _ in range(16):
        run_id = await run(bench, "!say one")
        told[run_id] = MARK in sent(bench)
    assert 0 < sum(told.values()) < 16
    first = next(run_id for run_id, mine in told.items() if mine)
    await say(bench, first, signal="thumb", value=1.0)
    await settled(bench)
    async with asyncio.timeout(20):
        while True:
            tried = await bench.database.read(lambda connection: store.tried(connection, made.id, "canary"))
            if len(tried) == len(told) and any((one.reward or 0.0) > 0.8 for one in tried):
                break
            await asyncio.sleep(0.01)
    assert {one.run_id: one.arm == "candidate" for one in tried} == told
    assert {one.share for one in tried} == {0.5}
    rewards = {one.run_id: one.reward or 0.0 for one in tried}
    assert rewards[first] > max(reward for run_id, reward in rewards.items() if run_id != first)
