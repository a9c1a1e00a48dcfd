"""Rehearsals: runs that nobody asked for, begun to see what would come of them; each is awaited to its end.

They are real runs, in a hidden thread for each purpose, after the users' own in every queue. The same key gives the
same run: who was interrupted rehearses again and waits for what is under way, or is told how it ended. They count in
their owner's budgets and spend; nothing that is said in them becomes a memory, an answer in the cache or a belief.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Generator

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.db.tables import command_keys, threads
from alma.engine.bus import Item
from alma.engine.fold import fold
from alma.engine.journal import read_entries
from alma.engine.runner import Engine
from alma.engine.state import RunState
from alma.errors import Conflict, NotFound
from alma.events import ErrorFacts, Kind, Recorded
from alma.learned import Trial
from alma.session.ids import new_id
from alma.session.sessions import Sessions
from alma.session.starting import Ask
from alma.session.threads import find_run, find_thread, hidden_id

PRIORITY = -5  # users come first
SECONDS = 300.0
_STOPPING_S = 15.0  # that a stopped run has to come to its end
_LOOK_S = 5.0  # between two looks at a run of which nothing is heard: another process may have it
_FULL_S = 1.0  # before it is tried again, when there are as many runs as may be


class Rehearsed(Struct, frozen=True):
    """`status`: completed or failed (or canceled, by its owner). `error`: a code, empty when it went well: `deadline`
    when it had to be stopped, `asks_user` when it waited for somebody, else that of the run. `ms`: from its first step
    to its end; `cost`: US dollars."""

    run_id: str
    answer: str
    status: str
    error: str = ""
    message: str = ""
    ms: float = 0.0
    tokens: int = 0
    cost: float = 0.0


class Rehearsals:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._database: Database = sessions.database
        self._engine: Engine = sessions.engine

    async def rehearse(
        self,
        owner: str,
        trial: Trial,
        text: str,
        *,
        model: str | None = None,
        kind: Kind | None = None,
        key: str = "",
        seconds: float = SECONDS,
        fresh: bool = True,
    ) -> Rehearsed:
        """Run `text` to its end. `key`: the same gives the same run (empty: a new one); `seconds`: that it may work,
        from its first step on; `fresh`: answers of before may not serve. Whoever cancels this stops waiting, and the
        run goes on: see `cancel`. Raises what the start of a run raises."""
        ask = Ask(
            key=_key(key or new_id("k")),
            text=text,
            model=model,
            kind=kind,
            priority=PRIORITY,
            fresh=fresh,
            trial=trial,
        )
        while True:
            try:
                ack = await self._sessions.start(owner, ask)
                break
            except Conflict as error:
                if error.code != "too_many_runs":
                    raise
                await asyncio.sleep(_FULL_S)
        assert ack.thread_id is not None
        assert ack.run_id is not None
        with self._hearing(ack.thread_id, ack.run_id) as news:
            return await self._awaited(owner, ack.thread_id, ack.run_id, seconds, news)

    async def cancel(self, owner: str, key: str) -> None:
        """Stop the run of this key, if there is one and it has not ended."""

        def look(connection: sa.Connection) -> tuple[str, str] | None:
            mine = sa.and_(command_keys.c.owner == owner, command_keys.c.key == _key(key))
            run_id = connection.execute(sa.select(command_keys.c.run_id).where(mine)).scalar()
            if run_id is None:
                return None
            place = find_run(connection, owner, run_id)
            return None if place.finished else (run_id, place.thread_id)

        if (found := await self._database.read(look)) is not None:
            await self._engine.stop(*found)

    async def forget(self, owner: str, of: str, id: str) -> None:
        """Delete the hidden thread of a purpose with all that was rehearsed for it, if there is one."""
        thread_id = hidden_id(owner, f"{of}:{id}")
        if await self._database.read(lambda connection: find_thread(connection, owner, thread_id)) is not None:
            await self._sessions.delete_thread(owner, thread_id)

    async def forget_named(self, owner: str, names: Collection[str]) -> None:
        """Delete what was rehearsed for these versions, or did these runs again: their words are in it."""
        asked = sa.select(threads.c.id, threads.c.title).where(threads.c.owner == owner, threads.c.hidden.is_(True))
        wanted = set(names)
        for thread_id, title in await self._database.read(lambda connection: connection.execute(asked).all()):
            if not wanted.isdisjoint(str(title).split(":")[1:]):
                with contextlib.suppress(NotFound):
                    await self._sessions.delete_thread(owner, thread_id)

    @contextlib.contextmanager
    def _hearing(self, thread_id: str, run_id: str) -> Generator[asyncio.Event]:
        """Set with every entry of the run that is written."""
        news = asyncio.Event()

        def hear(item: Item) -> None:
            if isinstance(item, Recorded) and item.run_id == run_id:
                news.set()

        unsubscribe = self._engine.bus.subscribe(thread_id, hear)
        try:
            yield news
        finally:
            unsubscribe()

    async def _awaited(self, owner: str, thread_id: str, run_id: str, seconds: float, news: asyncio.Event) -> Rehearsed:
        """Look at the run whenever it has news; stop it when its time is up or it waits for somebody."""
        clock = asyncio.get_running_loop().time
        until: float | None = None  # unknown before its first step
        why: ErrorFacts | None = None
        while True:
            news.clear()
            state = await self._state(owner, run_id)
            now = clock()
            if state.finished is not None:
                return _rehearsed(state, why)
            if until is None and state.head > 1:
                until = now + seconds
            if why is not None and until is not None and now >= until:
                return _rehearsed(state, why)  # it does not even stop; nobody waits for it any longer
            if why is None and (why := _reason(state, late=until is not None and now >= until, seconds=seconds)):
                await self._engine.stop(run_id, thread_id)
                until = clock() + _STOPPING_S
                continue
            wait = _LOOK_S if until is None else max(min(until - now, _LOOK_S), 0.01)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await news.wait()

    async def _state(self, owner: str, run_id: str) -> RunState:
        """As the engine has it, which costs nothing, else as the journal does. Raises `NotFound` (unknown_run)."""
        carried = self._engine.state(run_id)
        if carried is not None and carried.finished is None:
            return carried

        def look(connection: sa.Connection) -> RunState:
            find_run(connection, owner, run_id)
            return fold(run_id, read_entries(connection, {run_id: 0})[run_id])

        return await self._database.read(look)


def _key(key: str) -> str:
    return f"rehearsal:{key}"


def _reason(state: RunState, *, late: bool, seconds: float) -> ErrorFacts | None:
    """Why it cannot go on."""
    if any(task.waits_for_user for task in state.tasks.values() if not task.ended):
        return ErrorFacts("asks_user", "It waited for a word of its user, and nobody is there in a rehearsal.")
    if late:
        return ErrorFacts("deadline", f"It was not done after {seconds:g} s, and was stopped.")
    return None


def _rehearsed(state: RunState, why: ErrorFacts | None) -> Rehearsed:
    """`why`: it was stopped for this; if it came to its end all the same, that counts."""
    finished, main = state.finished, state.main
    completed = finished is not None and finished.status == "completed"
    error = None if completed else why or (finished.error if finished is not None else None)
    status = "completed" if completed else "failed" if why is not None or finished is None else finished.status
    first = state.route or state.started
    began = first.at if first is not None else 0.0
    ended = finished.at if finished is not None else began
    return Rehearsed(
        state.run_id,
        main.answer.text if main.answer is not None else main.text,
        status,
        error.code if error is not None else "" if completed else status,
        error.message if error is not None else "",
        max(ended - began, 0.0) * 1000,
        state.spent.tokens,
        state.spent.cost,
    )
