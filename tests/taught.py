"""Sessions that learn, with embeddings that tests can see through, and what their owners say in them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from alma.learning.holdout import held_out
from alma.schooling import Choice
from alma.session.feedback import Said
from alma.session.rehearsals import Rehearsals
from alma.session.starting import Ask
from memory.fakes import FakeEmbedding
from session_bench import SessionBench


@contextlib.asynccontextmanager
async def schooled_in(folder: Path, learning: Choice | None = None) -> AsyncGenerator[SessionBench]:
    bench = SessionBench(f"sqlite:///{folder}/alma.db", learning=learning or Choice(exploration=0.0))
    bench.embedder.embed = FakeEmbedding(dimensions=384).embed  # type: ignore[method-assign]
    schooling = bench.schooling
    assert schooling is not None
    bench.sessions.feedback.listen(schooling.books.signaled)
    rehearsals = Rehearsals(bench.sessions)
    schooling.gated(rehearsals.rehearse, rehearsals.cancel, rehearsals.forget_named, lambda: False)
    async with bench.running():
        yield bench


async def run(bench: SessionBench, text: str, owner: str = "ada") -> str:
    key = f"{owner}{text}{len(bench.model.requests)}"[:200]
    ack = await bench.sessions.start(owner, Ask(key=key, text=text, kind="chat"))
    assert ack.run_id is not None
    await bench.ended(ack.run_id)
    return ack.run_id


async def say(bench: SessionBench, run_id: str, owner: str = "ada", **said: object) -> None:
    await bench.sessions.feedback.give(owner, run_id, Said(**said))  # type: ignore[arg-type]
    await settled(bench)


async def settled(bench: SessionBench) -> None:
    assert bench.schooling is not None
    await bench.schooling.books.settled()
    await bench.schooling.lessons.settled()


async def judged(bench: SessionBench, count: int, task: str, /, **said: object) -> list[str]:
    """So many runs of this task that may be learned from, of each of which this was said."""
    found: list[str] = []
    while len(found) < count:
        run_id = await run(bench, task)
        if not held_out(run_id):
            await say(bench, run_id, **said)
            found.append(run_id)
    return found
