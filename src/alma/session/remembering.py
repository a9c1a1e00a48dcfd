"""What runs leave in memory: while they speak, their sentences; when they have ended, episodes, results and facts.

A run that has ended is taken in whole, in one transaction that also says that it was: what a crash came between is
found at the next start. Runs that have ended meanwhile go together. What is in the way (a database that is full) is
waited for; a run that is refused for another reason is passed over until then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

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
from alma.events import AttemptFailed, MessageFinished, QuestionAsked
from alma.learner.using import uses_of
from alma.memory.episodes import FinishedRun, Said, episodes
from alma.memory.memories import Memories
from alma.memory.records import USER, Filter, NewMemory, Scope
from alma.memory.traces import Use
from alma.plan import MAIN, message_id
from alma.session.extraction import Extraction
from alma.session.listening import ALMA, Listening, scope_of

log = logging.getLogger(__name__)
_MOST_WAITING = 256  # ended runs whose state is held; others are read from their logs again
_TOGETHER = 32  # ended runs in one transaction,
_MOST_CHARS = 40_000  # and of their texts, or one run
_PAGE = 50
_FIRST_PAUSE_S, _LAST_PAUSE_S = 1.0, 30.0
Work = Callable[[], Awaitable[None]]


class Remembering:
    """Listens to open messages, and takes in runs that have ended."""

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
        self.listening.over(state.run_id)
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
        query = sa.select(row.line).where(row.kind == "working", row.message_id != "", row.line == row.message_id)
        query = query.where(row.pinned.is_(False))
        page = query.distinct().limit(_PAGE)
        while left := await self._database.read(lambda connection: connection.execute(page).scalars().all()):
            await self._memories.unhear(messages=left, by=ALMA)

    async def _take_in(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting or self._behind:
                while self._waiting:
                    states = _together(self._waiting.values())
                    await self._remember_all(states)
                    for state in states:
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
            states = [fold(run_id, await self._journal.read(run_id)) for _, run_id in page]
            while states:
                some = _together(states)
                await self._remember_all(some)
                del states[: len(some)]

    async def _remember_all(self, states: list[RunState]) -> None:
        """Together; where one is refused, each by itself."""
        try:
            await self.remember(states)
        except Exception as error:  # noqa: BLE001  # whatever it is: alone each says it again, or is kept
            log.info("%d runs could not be remembered together: %s", len(states), error)
            for state in states:
                await self._patiently(lambda: self.remember([state]))  # noqa: B023

    async def remember(self, states: Sequence[RunState]) -> None:
        """Keep what the runs have said; then nothing is left of what was overheard of them."""
        ended = {state.run_id: state for state in states if state.started is not None and state.finished is not None}
        for run_id in ended:
            self.listening.over(run_id)
        await self.listening.written()
        may = [run_id for run_id, state in ended.items() if state.started is not None and state.started.remember]
        numbers = await self._database.read(lambda connection: _numbers(connection, may))
        finished = [self._finished(ended[run_id], number) for run_id, number in numbers.items()]
        new = await asyncio.to_thread(lambda: [memory for run in finished for memory in episodes(run)])
        async with asyncio.TaskGroup() as group:
            facts = [group.create_task(self._facts(ended[run.run_id], run)) for run in finished]
        new += [fact for task in facts for fact in task.result()]
        uses = [use for run in finished for use in await self._uses(ended[run.run_id])]
        await self._memories.take_in(new, runs=list(ended), uses=uses, by=ALMA)
        there = await self._database.read(lambda connection: _existing(connection, list(numbers)))
        for run in finished:
            if run.run_id not in there:  # it was deleted meanwhile
                of_run = Filter(runs=(run.run_id,), state="any")
                await self._memories.forget_where(run.owner, of_run, by=ALMA, purge=True)

    async def _uses(self, state: RunState) -> list[Use]:
        """What its log says of them; it is not read where nobody was reminded of anything."""
        if not any(task.reminded for task in state.tasks.values()):
            return []
        return uses_of(await self._journal.read(state.run_id))

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
                _answered(task, question, task.answers[one], f"{state.run_id}.{one}", scope)
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
                yield Said(task.text, task.role, result.at, scope_of(policy), named, task.id, outside=result.outside)

    def _policy(self, role: str) -> MemoryPolicy:
        try:
            return self._roles.get(role).memory
        except NotFound:  # its file was taken away
            return MemoryPolicy()


def _answered(asker: TaskState, question: QuestionAsked, answer: str, message_id: str, scope: Scope | None) -> Said:
    """An answer is little without its question, whose words are not the user's. Each has an id, since a run may have
    several, also of one task."""
    before = f"{question.text}\n"
    return Said(
        before + answer,
        USER,
        question.at,
        scope,
        message_id,
        question.task_id,
        own=len(before),
        outside=list(asker.outside),
    )


def _answer(main: TaskState, scope: Scope | None) -> Said | None:
    """What the user was answered; of a run that did not get there, as much as was said."""
    whole = main.answer
    if whole is not None and whole.text.strip():
        return Said(whole.text, main.role, whole.at, scope, whole.message_id, MAIN, outside=whole.outside)
    said: list[MessageFinished | AttemptFailed] = [
        one for step, one in main.steps.items() if step.startswith("answer") and one.text.strip()
    ]
    if main.last_failure is not None and main.last_failure.text.strip():
        said.append(main.last_failure)
    if not said:
        return None
    text = "\n\n".join(one.text for one in said)
    known = [phrase for one in said if isinstance(one, MessageFinished) for phrase in one.outside]
    outside = list(dict.fromkeys([*main.outside, *known]))
    return Said(text, main.role, said[-1].at, scope, said[-1].message_id, MAIN, outside=outside)


# ── queries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _missed(connection: sa.Connection, after: tuple[float, str]) -> list[tuple[float, str]]:
    """Finished runs that were not taken in: when they began, and their ids; a page of the oldest."""
    there = sa.select(remembered_runs.c.run_id).where(remembered_runs.c.run_id == runs.c.id).exists()
    place = sa.tuple_(runs.c.created_at, runs.c.id)
    query = sa.select(runs.c.created_at, runs.c.id).where(runs.c.finished.is_(True), ~there)
    query = query.where(place > sa.tuple_(sa.literal(after[0], sa.Double), sa.literal(after[1], sa.Text)))
    rows = connection.execute(query.order_by(runs.c.created_at, runs.c.id).limit(_PAGE))
    return [(at, run_id) for at, run_id in rows]


def _numbers(connection: sa.Connection, run_ids: list[str]) -> dict[str, int]:
    """Of each run how many turns are before it in its branch; without those that are taken in already, or deleted."""
    taken = sa.select(remembered_runs.c.run_id).where(remembered_runs.c.run_id == runs.c.id).exists()
    asked = sa.select(runs.c.id, runs.c.parent_run_id).where(runs.c.id.in_(run_ids), ~taken)
    return {
        run_id: _turns_before(connection, run_id) if parent is not None else 0
        for run_id, parent in connection.execute(asked)
    }


def _turns_before(connection: sa.Connection, run_id: str) -> int:
    line = sa.select(runs.c.parent_run_id.label("id")).where(runs.c.id == run_id).cte("line", recursive=True)
    line = line.union_all(sa.select(runs.c.parent_run_id).where(runs.c.id == line.c.id))
    count = sa.select(sa.func.count()).select_from(line).where(line.c.id.is_not(None))
    return connection.execute(count).scalar_one()


def _existing(connection: sa.Connection, run_ids: list[str]) -> set[str]:
    return set(connection.execute(sa.select(runs.c.id).where(runs.c.id.in_(run_ids))).scalars())


def _together(states: Iterable[RunState]) -> list[RunState]:
    """The first of them, as many as go into one transaction."""
    chosen: list[RunState] = []
    chars = 0
    for state in states:
        chars += sum(len(task.text) for task in state.tasks.values())
        if chosen and (len(chosen) == _TOGETHER or chars > _MOST_CHARS):
            break
        chosen.append(state)
    return chosen
