"""What runs leave in memory: while they speak, their sentences; when they have ended, episodes, results and facts.

A run that has ended is taken in whole, in one transaction that also says that it was: what a crash came between is
found at the next start. What is in the way (a database that is full) is waited for; a run that is refused for another
reason is passed over until then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

import sqlalchemy as sa

from alma.agent.role import MemoryPolicy
from alma.agent.run import Models, Roles
from alma.db.database import Database
from alma.db.tables import memories as memory_rows
from alma.db.tables import remembered_runs, runs
from alma.engine.fold import fold
from alma.engine.journal import Journal
from alma.engine.open_text import OpenText
from alma.engine.state import RunState, TaskState
from alma.errors import AlmaError, NotFound, StorageFailure
from alma.events import AttemptFailed, MessageFinished
from alma.memory.episodes import FinishedRun, Said, episodes
from alma.memory.memories import Memories
from alma.memory.records import USER, Filter, NewMemory, Reader, Scope
from alma.plan import MAIN, message_id
from alma.session.extraction import Extraction
from alma.session.listening import ALMA, Listening, scope_of
from alma.session.using import uses_of

log = logging.getLogger(__name__)
_MOST_WAITING = 256  # ended runs whose state is held; others are read from their logs again
_PAGE = 50
_FIRST_PAUSE_S, _LAST_PAUSE_S = 1.0, 30.0
Work = Callable[[], Awaitable[None]]


class Remembering:
    """Listens to open messages, and takes in runs that have ended, one at a time."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        open_text: OpenText,
        memories: Memories,
        roles: Roles,
        models: Models,
    ) -> None:
        self._database = database
        self._journal = journal
        self._memories = memories
        self._roles = roles
        self._extraction = Extraction(models)
        self.listening = Listening(database, open_text, memories, self._policy)
        self._waiting: dict[str, RunState] = {}
        self._behind = True  # there may be ended runs that are neither waiting nor taken in
        self._wake = asyncio.Event()
        self._wake.set()
        self._idle = asyncio.Event()

    def ended(self, state: RunState) -> None:
        """A run has begun or ended; one that has ended is taken in as soon as there is time."""
        if state.started is None or state.finished is None:
            return
        if len(self._waiting) < _MOST_WAITING:
            self._waiting[state.run_id] = state
        else:
            self._behind = True
        self._idle.clear()
        self._wake.set()

    async def run(self) -> None:
        """Listen and take in, until cancelled."""
        await self._patiently(self.tidy)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.listening.run())
            group.create_task(self._take_in())

    async def settled(self) -> None:
        """Once all that had ended is taken in."""
        await self._idle.wait()

    async def tidy(self) -> None:
        """Purge what was overheard of messages that are open no more: an earlier process has left it."""
        row = memory_rows.c
        query = sa.select(row.owner, row.id, row.num).where(row.kind == "working", row.message_id != "", row.line != "")
        last = 0
        while True:
            page = query.where(row.num > last).order_by(row.num).limit(_PAGE)
            found = await self._database.read(lambda connection: connection.execute(page).all())  # noqa: B023
            if not found:
                return
            last = found[-1].num
            async with asyncio.TaskGroup() as group:  # side by side, they share a commit
                for owner, memory_id, _ in found:
                    group.create_task(self._purge(owner, memory_id))

    async def _purge(self, owner: str, memory_id: str) -> None:
        try:
            await self._memories.purge(Reader(owner), memory_id)
        except NotFound:
            log.debug("memory %s was purged already", memory_id)

    async def _take_in(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting or self._behind:
                while self._waiting:
                    state = next(iter(self._waiting.values()))
                    await self._patiently(lambda: self.remember(state))  # noqa: B023
                    self._waiting.pop(state.run_id, None)
                if self._behind:
                    self._behind = False
                    await self._patiently(self._catch_up)
            self._idle.set()

    async def _patiently(self, work: Work) -> None:
        """Do it again until the database can."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                await work()
                return
            except StorageFailure as error:
                log.warning("remembering waits for the database: %s", error.actual)
            except AlmaError as error:
                log.warning("a run could not be remembered: %s", error.message)
                return
            except Exception:  # a courtesy, whose bugs must not end what else runs
                log.exception("remembering failed on a bug")
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE_S)

    async def _catch_up(self) -> None:
        """Take in what has ended and was not, oldest first."""
        after = (0.0, "")
        while page := await self._database.read(lambda connection: _missed(connection, after)):  # noqa: B023
            after = page[-1]
            for _, run_id in page:
                state = fold(run_id, await self._journal.read(run_id))
                await self._patiently(lambda: self.remember(state))  # noqa: B023

    async def remember(self, state: RunState) -> None:
        """Keep what the run has said; then nothing is left of what was overheard of it."""
        started = state.started
        if started is None or state.finished is None:
            return
        owner, run_id = started.owner, state.run_id
        number = await self._database.read(lambda connection: _number(connection, run_id))
        if number is not None:
            run = self._finished(state, number)
            new = [*await asyncio.to_thread(episodes, run), *await self._facts(state, run)]
            await self._memories.used(uses_of(await self._journal.read(run_id)))
            await self._memories.add(new, by=ALMA, finished_run=run_id)
        await self.listening.forget(run_id)
        overheard = Filter(runs=(run_id,), kinds=("working",), state="any")
        await self._memories.forget_where(owner, overheard, by=ALMA, purge=True)
        if number is not None and not await self._database.read(lambda connection: _exists(connection, run_id)):
            of_run = Filter(runs=(run_id,), state="any")  # it was deleted meanwhile
            await self._memories.forget_where(owner, of_run, by=ALMA, purge=True)

    async def _facts(self, state: RunState, run: FinishedRun) -> list[NewMemory]:
        policy = self._policy(run.role)
        scope = "owner" if "owner" in policy.write else scope_of(policy)
        if "facts" not in policy.keep or scope is None:
            return []
        assert state.started is not None
        found: list[NewMemory] = []
        for said in run.asked:
            found += await self._extraction.facts(run, said, scope, state.started.model)
        return found

    def _finished(self, state: RunState, number: int) -> FinishedRun:
        started, main = state.started, state.main
        assert started is not None
        policy = self._policy(main.role)
        scope = scope_of(policy)
        asked = [Said(started.text, USER, started.at, scope)]
        for task in state.tasks.values():
            asked += [
                Said(f"{question.text}\n{task.answers[one]}", USER, question.at, scope, task_id=task.id)
                for one, question in task.questions.items()
                if one in task.answers
            ]
        answer = _answer(main, scope) if "results" in policy.keep else None
        results = [*self._results(state)]
        return FinishedRun(state.run_id, started.thread_id, started.owner, number, main.role, asked, answer, results)

    def _results(self, state: RunState) -> Iterator[Said]:
        """What its tasks found; not the judgements of critics, nor what was done anew."""
        for task in state.tasks.values():
            result, spec = task.result, task.spec
            stands = task.replaced_by is None and not task.reused and (spec is None or spec.review_of is None)
            policy = self._policy(task.role)
            if task.id == MAIN or task.status != "completed" or result is None or not stands:
                continue
            if task.text.strip() and "results" in policy.keep:
                named = result.message_id or message_id(state.run_id, task.id, task.assignment, "answer")
                yield Said(task.text, task.role, result.at, scope_of(policy), named, task.id)

    def _policy(self, role: str) -> MemoryPolicy:
        try:
            return self._roles.get(role).memory
        except NotFound:  # its file was taken away
            return MemoryPolicy()


def _answer(main: TaskState, scope: Scope | None) -> Said | None:
    """What the user was answered; of a run that did not get there, as much as was said."""
    whole = main.answer
    if whole is not None and whole.text.strip():
        return Said(whole.text, main.role, whole.at, scope, whole.message_id, MAIN)
    said: list[MessageFinished | AttemptFailed] = [
        one for step, one in main.steps.items() if step.startswith("answer") and one.text.strip()
    ]
    if main.last_failure is not None and main.last_failure.text.strip():
        said.append(main.last_failure)
    if not said:
        return None
    text = "\n\n".join(one.text for one in said)
    return Said(text, main.role, said[-1].at, scope, said[-1].message_id, MAIN)


# ── queries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _missed(connection: sa.Connection, after: tuple[float, str]) -> list[tuple[float, str]]:
    """Finished runs that were not taken in: when they began, and their ids; a page of the oldest."""
    there = sa.select(remembered_runs.c.run_id).where(remembered_runs.c.run_id == runs.c.id).exists()
    place = sa.tuple_(runs.c.created_at, runs.c.id)
    query = sa.select(runs.c.created_at, runs.c.id).where(runs.c.finished.is_(True), ~there)
    query = query.where(place > sa.tuple_(sa.literal(after[0], sa.Double), sa.literal(after[1], sa.Text)))
    rows = connection.execute(query.order_by(runs.c.created_at, runs.c.id).limit(_PAGE))
    return [(at, run_id) for at, run_id in rows]


def _number(connection: sa.Connection, run_id: str) -> int | None:
    """How many turns are before the run in its branch; None: it is taken in already, or deleted."""
    taken = sa.select(remembered_runs.c.run_id).where(remembered_runs.c.run_id == run_id)
    if not _exists(connection, run_id) or connection.execute(taken).first() is not None:
        return None
    line = sa.select(runs.c.parent_run_id.label("id")).where(runs.c.id == run_id).cte("line", recursive=True)
    line = line.union_all(sa.select(runs.c.parent_run_id).where(runs.c.id == line.c.id))
    count = sa.select(sa.func.count()).select_from(line).where(line.c.id.is_not(None))
    return connection.execute(count).scalar_one()


def _exists(connection: sa.Connection, run_id: str) -> bool:
    return connection.execute(sa.select(runs.c.id).where(runs.c.id == run_id)).first() is not None
