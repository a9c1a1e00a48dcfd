"""The books: what is believed equals a replay of the journals, whatever was said, deleted or cut off in between."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.db.database import Database
from alma.db.learning_tables import outcomes
from alma.engine.bus import LocalBus
from alma.engine.fold import fold
from alma.engine.journal import Journal, insert_run
from alma.errors import InvalidRequest
from alma.events import (
    JournalEntry,
    Kind,
    MessageFinished,
    MessageStarted,
    RouteChosen,
    RunFinished,
    RunStarted,
    Signaled,
)
from alma.learned import SignalName
from alma.learner import outcome_store
from alma.learner.books import Belief, Books
from alma.learner.preferences import Preferences
from alma.learning.outcome import Outcome
from alma.learning.records import MOST_RUNS
from alma.model_call import Sampling, Timing, Usage
from alma.session.retention import prune_all
from alma.session.threads import create_thread, delete_thread


class House:
    """Journals, and books over them; runs are of one message, ten seconds apart."""

    def __init__(self, database: Database, most: int = MOST_RUNS) -> None:
        self.database = database
        self.most = most
        self.journal = Journal(database, LocalBus())
        self.preferences = Preferences(database, 0.1)
        self.books = Books(database, self.preferences, most=most)
        self.number = 0

    async def run(self, owner: str, kind: Kind, model: str, *, failed: bool = False, tell: bool = True) -> str:
        self.number += 1
        run_id, thread_id, at = f"r{self.number}", f"t{self.number}", 10.0 * self.number
        started = RunStarted(at=at, thread_id=thread_id, owner=owner, text="why?")

        def begin(connection: object) -> None:
            create_thread(connection, owner, thread_id, "", at)  # type: ignore[arg-type]
            insert_run(connection, run_id, started)  # type: ignore[arg-type]

        await self.database.write(begin)
        message = f"{run_id}.main"
        usage, timing = Usage(10, 10), Timing(1, 1000)
        entries: list[JournalEntry] = [
            RouteChosen(
                at=at,
                kind=kind,
                source="user",
                scores={},
                neighbours=[],
                role="manager",
                prompt_version="v1",
                sampling=Sampling(),
            ),
            MessageStarted(
                at=at,
                message_id=message,
                attempt=1,
                role="manager",
                model=model,
                endpoint="e",
                prompt_version="v1",
                sections=[],
            ),
            MessageFinished(
                at=at + 1,
                message_id=message,
                attempt=1,
                text="so",
                finish_reason="stop",
                usage=usage,
                timing=timing,
                model_id=model,
            ),
            RunFinished(at=at + 1, status="failed" if failed else "completed"),
        ]
        await self.journal.append(thread_id, run_id, entries)
        if tell:
            log = await self.journal.read(run_id)
            self.books.ended(fold(run_id, log), log)
        return run_id

    async def say(self, run_id: str, signal: SignalName, value: float, *, tell: bool = True) -> None:
        said = Signaled(at=1e6, signal=signal, value=value)
        await self.journal.append(f"t{run_id[1:]}", run_id, [said])
        if tell:
            self.books.signaled(run_id)

    async def delete(self, owner: str, run_id: str) -> None:
        await self.books.forget(owner, [run_id])
        await self.database.write(lambda connection: delete_thread(connection, owner, f"t{run_id[1:]}"))
        await self.books.forget(owner, [run_id])

    async def kept(self) -> list[Outcome]:
        """As the table has them."""
        return await self.database.read(lambda connection: outcome_store.newest(connection, self.most))

    async def replayed(self, owner: str, *, forget: bool) -> list[Belief]:
        """What books believe that begin now; with `forget`, from the journals and nothing else."""
        books = Books(self.database, self.preferences, most=self.most)
        if forget:
            await self.database.write(lambda connection: connection.execute(outcomes.delete()))
        async with counting(books):
            return books.beliefs(owner)


@contextlib.asynccontextmanager
async def counting(books: Books) -> AsyncGenerator[None]:
    await books.open()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(books.run())
        await books.settled()
        yield
        task.cancel()


@contextlib.asynccontextmanager
async def house(url: str, most: int = MOST_RUNS) -> AsyncGenerator[House]:
    database = Database(url)
    database.open()
    try:
        yield House(database, most)
    finally:
        database.close()


async def test_what_is_counted_and_what_is_believed(database_url: str) -> None:
    async with house(database_url) as here, counting(here.books):
        heard: list[tuple[bool, str]] = []
        here.books.listen(lambda before, after: heard.append((before is not None, after.run_id)))
        run_id = await here.run("ada", "chat", "m/1")
        await here.books.settled()
        seen = here.books.belief("ada", "model:m/1", "chat")
        await here.say(run_id, "thumb", -1.0)
        await here.books.settled()
        assert here.books.belief("ada", "model:m/1", "chat").mean < seen.mean
        assert heard == [(False, run_id), (True, run_id)]
        (why,) = here.books.why("ada", "model:m/1", "")
        assert (why.run_id, why.signals[0].name) == (run_id, "thumb")
        outcome = await here.books.outcome("ada", run_id)
        assert outcome is not None
        assert outcome.ticks == {"": 1, "chat": 1}
        assert await here.books.outcome("bob", run_id) is None
        unknown = here.books.belief("ada", "model:other")
        assert (unknown.mean, unknown.weight, unknown.count) == (0.6, 0.0, 0)


async def test_what_a_crash_came_between_is_counted_at_the_next_start(tmp_path: Path) -> None:
    async with house(f"sqlite:///{tmp_path / 'alma.db'}") as here:
        async with counting(here.books):
            first = await here.run("ada", "chat", "m/1")
            await here.books.settled()
            second = await here.run("ada", "creative", "m/1", tell=False)
            await here.say(first, "thumb", -1.0, tell=False)
        after = await here.replayed("ada", forget=False)
        assert after == await here.replayed("ada", forget=True)
        assert {one.context for one in after} == {"", "chat", "creative"}
        books = Books(here.database, here.preferences)
        async with counting(books):
            assert [one.run_id for one in books.why("ada", "role:manager", "")] == [second, first]


async def test_what_is_said_before_the_engine_puts_a_run_away_counts(tmp_path: Path) -> None:
    async with house(f"sqlite:///{tmp_path / 'alma.db'}") as here:
        run_id = await here.run("ada", "chat", "m/1", tell=False)
        before = await here.journal.read(run_id)
        await here.say(run_id, "thumb", -1.0)
        here.books.ended(fold(run_id, before), before)
        async with counting(here.books):
            (why,) = here.books.why("ada", "model:m/1", "")
            assert "thumb" in [one.name for one in why.signals]


async def test_what_another_process_has_heard_meanwhile_stays(database_url: str) -> None:
    async with house(database_url) as here:
        run_id = await here.run("ada", "chat", "m/1", tell=False)
        before = await here.journal.read(run_id)
        here.books.ended(fold(run_id, before), before)
        await here.say(run_id, "thumb", -1.0, tell=False)
        other = Books(here.database, here.preferences)
        async with counting(other):
            other.signaled(run_id)
            await other.settled()
        async with counting(here.books):
            (kept,) = await here.kept()
            assert "thumb" in [one.name for one in kept.tasks[0].signals]


async def test_other_weights_weigh_everything_anew(tmp_path: Path) -> None:
    async with house(f"sqlite:///{tmp_path / 'alma.db'}") as here, counting(here.books):
        run_id = await here.run("ada", "chat", "m/1")
        await here.say(run_id, "thumb", -1.0)
        await here.books.settled()
        before = here.books.beliefs("ada")
        heard: list[tuple[float, float]] = []
        here.books.listen(
            lambda one, other: heard.append((one.tasks[0].weight if one is not None else 0.0, other.tasks[0].weight))
        )
        await here.preferences.set("ada", on=True, exploration=None, weights={"thumb": 0.2})
        await here.books.settled()
        lighter = here.books.beliefs("ada")
        assert lighter != before
        ((heavy, light),) = heard
        assert light < heavy, "whoever goes by what runs were worth hears of it"
        (kept,) = await here.kept()
        assert kept.tasks[0].weight == light, "whoever reads it too"
        assert lighter == await here.replayed("ada", forget=True)
        await here.preferences.set("ada", on=True, exploration=None, weights={})
        await here.books.settled()
        assert here.books.beliefs("ada") == before
        await here.preferences.set("ada", on=False, exploration=None, weights={})
        await here.books.settled()
        assert len(heard) == 2, "what changes nothing is not told"


async def test_a_stop_while_all_is_weighed_anew_loses_nothing(tmp_path: Path) -> None:
    async with house(f"sqlite:///{tmp_path / 'alma.db'}") as here:
        async with counting(here.books):
            await here.say(await here.run("ada", "chat", "m/1"), "thumb", -1.0)
            await here.books.settled()
            (before,) = await here.kept()
        await here.preferences.set("ada", on=True, exploration=None, weights={"thumb": 0.2})  # and nobody weighs
        assert await here.kept() == [before]
        assert await here.replayed("ada", forget=False) == await here.replayed("ada", forget=False)
        (after,) = await here.kept()
        assert after.tasks[0].weight < before.tasks[0].weight


async def test_what_is_deleted_is_told_to_whoever_went_by_it(tmp_path: Path) -> None:
    async with house(f"sqlite:///{tmp_path / 'alma.db'}") as here, counting(here.books):
        run_id = await here.run("ada", "chat", "m/1")
        await here.books.settled()
        heard: list[tuple[int, int]] = []
        here.books.listen(
            lambda before, after: heard.append((len(before.tasks) if before is not None else 0, len(after.tasks)))
        )
        await here.delete("ada", run_id)
        assert heard == [(1, 0)]


async def test_older_runs_count_again_where_newer_ones_are_deleted(tmp_path: Path) -> None:
    async with house(f"sqlite:///{tmp_path / 'alma.db'}", most=3) as here:
        async with counting(here.books):
            runs = [await here.run("ada", "chat", f"m/{number % 2}") for number in range(5)]
            await here.say(runs[0], "thumb", 1.0)  # of one that is too old to count
            await here.books.settled()
            assert here.books.belief("ada", "role:manager").count == 3
            await here.delete("ada", runs[3])
            left = here.books.beliefs("ada")
            assert here.books.belief("ada", "role:manager").count == 3
        assert left == await here.replayed("ada", forget=False)


Step = tuple[str, int, str, float]
steps = st.lists(
    st.tuples(
        st.sampled_from(("run", "run", "failed", "say", "say", "unheard", "delete", "weigh", "prune")),
        st.integers(0, 7),
        st.sampled_from(("thumb", "copied", "retried", "passed_over", "preferred")),
        st.sampled_from((-1.0, -0.5, 0.0, 0.5, 1.0)),
    ),
    min_size=4,
    max_size=16,
)


@given(steps)
@settings(max_examples=15)
def test_beliefs_equal_a_replay_of_the_journals(given_steps: list[Step]) -> None:
    asyncio.run(_history(given_steps))


async def _history(given_steps: list[Step]) -> None:
    """Two owners, whose runs alternate; what one does must leave the other's numbers alone."""
    with tempfile.TemporaryDirectory() as folder:
        async with house(f"sqlite:///{folder}/alma.db") as here:
            async with counting(here.books):
                there: dict[str, list[str]] = {"ada": [], "bob": []}
                for what, number, signal, value in given_steps:
                    owner, other = ("ada", "bob") if number % 2 else ("bob", "ada")
                    untouched = here.books.beliefs(other)
                    mine = there[owner]
                    if what in ("run", "failed"):
                        kind: Kind = "chat" if number < 5 else "creative"
                        mine.append(await here.run(owner, kind, f"m/{number % 3}", failed=what == "failed"))
                    elif what in ("say", "unheard") and mine:
                        run_id = mine[number % len(mine)]
                        await here.say(run_id, signal, value, tell=what == "say")  # type: ignore[arg-type]
                    elif what == "delete" and mine:
                        await here.delete(owner, mine.pop(number % len(mine)))
                    elif what == "weigh":
                        await here.preferences.set(
                            owner, on=True, exploration=None, weights={signal: value + 1, "ended": 0}
                        )
                    elif what == "prune":  # of both, and nobody's numbers move
                        await prune_all(here.database, 1e9)
                    await here.books.settled()
                    assert here.books.beliefs(other) == untouched
            for owner in ("ada", "bob"):
                kept = await here.replayed(owner, forget=False)
                if not any(what == "prune" for what, *_ in given_steps):
                    assert kept == await here.replayed(owner, forget=True)
                if not any(what == "unheard" for what, *_ in given_steps):
                    assert here.books.beliefs(owner) == kept


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
async def test_exploration_is_a_share(tmp_path: Path, value: float) -> None:
    async with house(f"sqlite:///{tmp_path / 'alma.db'}") as here:
        with pytest.raises(InvalidRequest, match="exploration"):
            await here.preferences.set("ada", on=True, exploration=value, weights={})
        assert here.preferences.get("ada").exploration == 0.1
