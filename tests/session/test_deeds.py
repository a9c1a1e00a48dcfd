"""What is said of an answer is kept, once, and counted, whatever ends in between: by a word, or by the next deed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alma.engine.journal import insert_run
from alma.errors import Conflict
from alma.events import RunFinished, RunStarted, Signaled
from alma.session import deeds
from alma.session import feedback as feedback_module
from alma.session.feedback import Said
from alma.session.sessions import Begun
from alma.session.starting import Ask
from planned import log_of
from session_bench import SessionBench

WRONG = "No, that's wrong."


async def run(bench: SessionBench, text: str = "!say Sydney") -> tuple[str, str]:
    ack = await bench.sessions.start("ada", Ask(key=text, text=text, kind="chat"))
    assert ack.run_id is not None
    assert ack.thread_id is not None
    await bench.ended(ack.run_id)
    return ack.run_id, ack.thread_id


async def said_of(bench: SessionBench, run_id: str) -> list[tuple[str, str]]:
    return [(one.signal, one.key) for one in await log_of(bench, run_id, Signaled)]


async def cut_off(bench: SessionBench, work: Callable[[Begun], Awaitable[Any]]) -> None:
    """Do what begins a run, and be gone once that is acknowledged."""

    def gone(_ack: object, _new: bool) -> None:
        task.cancel()

    async def begin() -> None:
        await work(gone)

    task = asyncio.ensure_future(begin())
    with pytest.raises(asyncio.CancelledError):
        await task


def _cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()


@pytest.mark.parametrize(("text", "signal"), [("", "retried"), (" !say Sydney ", "retried"), ("!say Perth", "resent")])
async def test_who_asks_again_is_heard_with_the_acknowledgement(bench: SessionBench, text: str, signal: str) -> None:
    told: list[str] = []
    bench.sessions.feedback.listen(told.append)
    first, _ = await run(bench)
    again = Ask(key="again", text=text)
    await cut_off(bench, lambda gone: bench.sessions.retry("ada", first, again, begun=gone))
    assert await said_of(bench, first) == [(signal, "again")]
    assert told == [first]
    assert (await bench.sessions.retry("ada", first, again)).duplicate
    assert await said_of(bench, first) == [(signal, "again")], "sent twice, it is kept once"


async def test_who_corrects_is_heard_with_the_acknowledgement(quick: SessionBench) -> None:
    first, thread = await run(quick)
    ask = Ask(key="next", text=WRONG, thread_id=thread, kind="chat")
    await cut_off(quick, lambda gone: quick.sessions.start("ada", ask, begun=gone))
    assert await said_of(quick, first) == [("corrected", "next")]
    for number, text in enumerate(("Thanks, that's right.", "And now?")):
        await quick.sessions.start("ada", Ask(key=str(number), text=text, thread_id=thread, kind="chat"))
    assert len(await said_of(quick, first)) == 1


@pytest.mark.parametrize(("ago", "heard"), [(60.0, 1), (3600.0, 0)])
async def test_a_correction_comes_soon(quick: SessionBench, ago: float, heard: int) -> None:
    first, thread = await run(quick)
    at = time.time() - ago
    old = RunStarted(at=at, thread_id=thread, owner="ada", text="!say Hobart", parent_run_id=first)
    await quick.database.write(lambda connection: insert_run(connection, "r_old", old))
    await quick.journal.append(thread, "r_old", [RunFinished(at=at, status="completed")])
    ask = Ask(key="late", text=WRONG, thread_id=thread, parent_run_id="r_old", kind="chat")
    await quick.sessions.start("ada", ask)
    assert len(await said_of(quick, "r_old")) == heard


async def test_of_a_flood_the_rest_is_refused_and_nobody_is_kept_from_asking_again(
    quick: SessionBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deeds.MOST_SIGNALS == 100, "as docs/learning.md says"
    most = 8
    for module in (deeds, feedback_module):
        monkeypatch.setattr(module, "MOST_SIGNALS", most)
    first, _ = await run(quick)
    feedback = quick.sessions.feedback
    for number in range(most):
        await feedback.give("ada", first, Said("thumb", (number + 1) / most))
    assert (await feedback.give("ada", first, Said("thumb", 1.0))).duplicate
    with pytest.raises(Conflict, match="More was said") as caught:
        await feedback.give("ada", first, Said("thumb", -1.0))
    assert caught.value.code == "too_much_feedback"
    again = (await quick.sessions.retry("ada", first, Ask(key="again", text=""))).run_id
    assert again is not None
    log = await log_of(quick, first, Signaled)
    assert [one.signal for one in log] == ["thumb"] * most
    with pytest.raises(Conflict, match="More was said"):
        await feedback.give("ada", again, Said("preferred", other=first))
    assert await said_of(quick, again) == [], "a choice is kept of both or of neither"


async def test_whoever_counts_is_told_though_the_speaker_is_gone(quick: SessionBench) -> None:
    told: list[str] = []
    quick.sessions.feedback.listen(told.append)
    first, _ = await run(quick)
    task = asyncio.ensure_future(quick.sessions.feedback.give("ada", first, Said("thumb", 1.0)))
    quick.journal.subscribe_all(lambda _thread, _recorded: _cancel(task))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await said_of(quick, first) == [("thumb", "")]
    assert told == [first]


async def test_two_at_once_are_one_and_of_two_the_later_counts(quick: SessionBench) -> None:
    first, _ = await run(quick)
    feedback = quick.sessions.feedback
    kept = await asyncio.gather(*(feedback.give("ada", first, Said("thumb", 1.0)) for _ in range(5)))
    assert sorted(one.duplicate for one in kept) == [False, True, True, True, True]
    await asyncio.gather(*(feedback.give("ada", first, Said("thumb", value)) for value in (-1.0, 0.5)))
    log = await log_of(quick, first, Signaled)
    assert [one.value for one in log] == [1.0, -1.0, 0.5]
    assert [one.at for one in log] == sorted(one.at for one in log)
