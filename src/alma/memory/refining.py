"""Refinement at work: it looks through an owner's memories when nobody is at work, and does what is to be done.

It reads in pages, in the database's threads, and does each act in a transaction of its own; between any two it lets
everything else go first, and ends at once when a run begins. What it decides is `refinement.py`; what is kept of it,
and how it is taken back, `passes.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.db.database import Database
from alma.db.tables import memories as rows
from alma.db.tables import memory_history
from alma.errors import AlmaError, Conflict, InvalidRequest, NotFound
from alma.memory import passes
from alma.memory.access import matches
from alma.memory.memories import Memories
from alma.memory.passes import By, Done, Pass
from alma.memory.records import USER, Filter, Memory
from alma.memory.refinement import (
    Act,
    Contradiction,
    Repetition,
    Retention,
    Step,
    at_odds,
    judged,
    merges,
    settled,
    superseded,
    undecided,
)
from alma.memory.store import memory_of, select_memories

log = logging.getLogger(__name__)
_PAGE = 200  # memories, or groups of them, that are looked at together
_MOST_LISTED = 100  # contradictions
_AGAIN_S = 6 * 3600.0  # memories fade: an owner's are looked at again though nothing changed
_PAUSE_S = 30.0  # after the database could not be read
_OWN_EDITS = frozenset({"text", "kind", "scope", "key"})  # who pins and unpins leaves it to itself again
_ROW = rows.c
_ALIVE = sa.and_(matches(Filter()), _ROW.document_id == "")


class Preview(Struct, frozen=True):
    """What a pass would do, or did. `contradictions`: that only the owner can settle."""

    done: Pass
    acts: list[Act]
    contradictions: int


class Refining:
    """`idle_s`: after how long without a run it begins by itself; 0: only when asked. `clock`: Unix seconds. `busy`:
    whether a run is at work; `follows`: whether this owner's memories are refined by themselves."""

    def __init__(
        self,
        database: Database,
        memories: Memories,
        retention: Retention,
        idle_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._memories = memories
        self._retention = retention
        self._idle_s = idle_s
        self._clock = clock
        self.busy: Callable[[], bool] = lambda: False
        self.follows: Callable[[str], bool] = lambda _owner: True
        self._turned = asyncio.Event()  # a run began or ended
        self._at_work = asyncio.Lock()
        self._looked_at: dict[str, tuple[int, float]] = {}  # by owner: the newest change then, and when that was

    # ── when ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def turned(self) -> None:
        """A run began or ended: the time without one begins anew."""
        self._turned.set()

    async def run(self) -> None:
        """Refine whenever it is idle, until cancelled."""
        if not self._idle_s:
            return
        while True:
            self._turned.clear()
            try:
                async with asyncio.timeout(self._idle_s):
                    await self._turned.wait()
                continue  # something happened: the time begins anew
            except TimeoutError:
                pass
            if self.busy():
                continue
            try:
                await self._refine_due()
            except AlmaError as error:
                log.warning("refinement waits: %s", error.actual or error.message)
                await asyncio.sleep(_PAUSE_S)
            except Exception:  # a courtesy, whose bugs must not end what else runs
                log.exception("refinement failed on a bug")

    async def _refine_due(self) -> None:
        for owner, stamp in await self._database.read(_owners, slow=True):
            if self.busy():
                return
            seen, at = self._looked_at.get(owner, (-1, 0.0))
            if not self.follows(owner) or (stamp == seen and self._clock() - at < _AGAIN_S):
                continue
            self._looked_at[owner] = stamp, self._clock()  # also where it fails on a bug: others are not to wait for it
            try:
                done = (await self.refine(owner, by="idle")).done
            except AlmaError:
                del self._looked_at[owner]
                raise
            if done.more or done.acts:  # there may be more to do by what was done
                del self._looked_at[owner]

    # ── doing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def refine(self, owner: str, *, by: By = "asked", dry_run: bool = False) -> Preview:
        """One pass. `by` `idle`: it ends when a run begins. `dry_run`: say what would be done, and do nothing."""
        async with self._at_work:
            began = time.perf_counter()
            one = Pass(passes.new_pass_id(), owner, self._clock(), by)
            acts: list[Act] = []
            done: list[Done] = []
            touched: set[str] = set()
            more = False
            async with aclosing(self._found(owner, one.at)) as found:
                async for act in found:
                    if by == "idle" and self.busy():
                        more = True
                        break
                    if act is None or touched & (changing := {step.id for step in act.steps}):
                        continue
                    if len(acts) == passes.MOST_ACTS:
                        more = True
                        break
                    acts.append(act)
                    touched |= changing
                    if not dry_run and (did := await self._do(one, act)) is not None:
                        done.append(did)
            ms = (time.perf_counter() - began) * 1000
            if done:
                author = passes.author_of(one.id)
                await self._memories.change(author, lambda pen: passes.close(pen.connection, one, ms, more))
            open_ones = await self.contradictions(owner) if by == "asked" else []
            kept = replace(one, id=one.id if done else "", ms=ms, acts=done, more=more)
            return Preview(kept, acts, len(open_ones))

    async def _do(self, one: Pass, act: Act) -> Done | None:
        return await self._memories.change(passes.author_of(one.id), lambda pen: passes.perform(pen, one, act))

    async def _found(self, owner: str, now: float) -> AsyncGenerator[Act | None]:
        """What is to be done, one thing after another; what was done before is seen. None: nothing here, and whoever
        asks may want to stop."""
        async with aclosing(self._matters(owner)) as matters:
            async for matter in matters:
                yield settled(matter) if matter else None
        after: bytes | None = b""
        while after is not None:
            digests, after = await self._database.read(partial(_shared_hashes, owner=owner, after=after), slow=True)
            for digest in digests:
                yield None
                same = await self._database.read(partial(_with, owner=owner, clause=_ROW.hash == digest))
                restored, owners = await self._left_alone(same)
                for act in merges(_as_owners([one for one in same if one.num not in restored], owners), now):
                    yield act
        said = Repetition()
        num: int | None = 0
        while num is not None:
            judge = partial(_judge_page, owner=owner, after=num, now=now, retention=self._retention, said=said)
            acts, num = await self._database.read(judge, slow=True)
            yield None
            for act in acts:
                yield act
        for act in said.notes():
            if not await self._database.read(partial(passes.is_known, act=act, owner=owner)):
                yield act

    async def _matters(self, owner: str) -> AsyncGenerator[list[Memory]]:
        """Memories that contradict each other, what counts as the owner's own marked so; empty: none with this key."""
        after: str | None = ""
        while after is not None:
            keys, after = await self._database.read(partial(_shared_keys, owner=owner, after=after), slow=True)
            for key in keys:
                yield []
                group = await self._database.read(partial(_with, owner=owner, clause=_ROW.key == key))
                for matter in at_odds(group):
                    restored, owners = await self._left_alone(matter)
                    yield _as_owners(matter, restored | owners)

    async def _left_alone(self, some: Sequence[Memory]) -> tuple[set[int], set[int]]:
        return await self._database.read(partial(_by_hand, nums=[memory.num for memory in some]))

    # ── taking back ───────────────────────────────────────────────────────────────────────────────────────────────

    async def undo(self, owner: str, pass_id: str, n: int | None = None) -> Pass:
        """All of a pass, the last act first, or one of its acts. Raises `NotFound` (unknown_pass, unknown_act),
        `Conflict` (already_undone)."""
        one = await self.read(owner, pass_id)
        numbers = [n] if n is not None else [act.n for act in reversed(one.acts) if act.undone_at is None]
        if n is None and not numbers:
            numbers = [one.acts[-1].n]  # says that it was undone before
        for number in numbers:
            await self._memories.change(f"undo:{pass_id}", partial(passes.undo, owner=owner, pass_id=pass_id, n=number))
        return await self.read(owner, pass_id)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, owner: str, pass_id: str) -> Pass:
        """Raises `NotFound` (unknown_pass)."""
        return await self._database.read(partial(passes.read, owner=owner, pass_id=pass_id))

    async def list(self, owner: str, limit: int = 20, before: str = "") -> tuple[list[Pass], str | None]:
        """The newest first; and what to give as `before` for the next page."""
        return await self._database.read(partial(passes.page, owner=owner, limit=limit, before=before))

    # ── contradictions ────────────────────────────────────────────────────────────────────────────────────────────

    async def contradictions(self, owner: str) -> list[Contradiction]:
        """Those that only the owner can settle, by key; at most `_MOST_LISTED`."""
        found: list[Contradiction] = []
        async with aclosing(self._matters(owner)) as matters:
            async for matter in matters:
                if matter and (one := undecided(matter)) is not None:
                    found.append(one)
                if len(found) == _MOST_LISTED:
                    break
        return found

    async def resolve(self, owner: str, key: str, holds: str | None) -> Pass:
        """The owner says which of the memories with this key holds: the others give way to it. None: all hold, each by
        itself, without the key but for the newest. Kept as a pass, so it can be undone. Raises `NotFound`
        (unknown_contradiction), `InvalidRequest` (not_among_them), `Conflict` (changed_meanwhile)."""
        open_ones = [one for one in await self.contradictions(owner) if one.key == key]
        if not open_ones:
            raise NotFound(
                "unknown_contradiction",
                "No memories contradict each other about this.",
                expected="the key of an open contradiction",
                actual=ascii(key[:64]),
                hint="It may have been settled meanwhile.",
            )
        one = next((one for one in open_ones if holds in {memory.id for memory in one.memories}), open_ones[0])
        act = _resolution(one, holds)
        decided = Pass(passes.new_pass_id(), owner, self._clock(), "owner")
        if await self._do(decided, act) is None:
            raise Conflict(
                "changed_meanwhile",
                "These memories were changed meanwhile.",
                expected="memories as they were when the contradiction was read",
                hint="Look at them as they are now, then decide again.",
            )
        return await self.read(owner, decided.id)


def _resolution(one: Contradiction, holds: str | None) -> Act:
    if holds is None:
        kept, *others = one.memories
        steps = [Step(other.id, other.version, "edited", {"key": ""}) for other in others]
        return Act("settle", "You said that all of them hold.", [kept, *others], steps)
    chosen = [memory for memory in one.memories if memory.id == holds]
    if not chosen:
        raise InvalidRequest(
            "not_among_them",
            "That memory is none of those that contradict each other.",
            expected=" or ".join(memory.id for memory in one.memories[:4]),
            actual=ascii(holds[:64]),
        )
    others = [memory for memory in one.memories if memory.id != holds]
    steps = [superseded(other, chosen[0]) for other in others]
    return Act("settle", "You said which one holds.", [chosen[0], *others], steps)


def _as_owners(group: Sequence[Memory], owners: set[int]) -> list[Memory]:
    """These count as the owner's own."""
    return [replace(memory, speaker=USER) if memory.num in owners else memory for memory in group]


# ── queries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _owners(connection: sa.Connection) -> list[tuple[str, int]]:
    """Each with the newest change of its memories."""
    asked = sa.select(_ROW.owner, sa.func.max(_ROW.stamp)).group_by(_ROW.owner).order_by(_ROW.owner)
    return [(owner, stamp) for owner, stamp in connection.execute(asked)]


def _shared_keys(connection: sa.Connection, owner: str, after: str) -> tuple[list[str], str | None]:
    """Keys of memories that do not say the same, and after which to go on."""
    of = (_ROW.owner == owner) & (_ROW.key > after) & (_ROW.kind != "working")
    asked = sa.select(_ROW.key).where(of, _ALIVE).group_by(_ROW.key)
    asked = asked.having(sa.func.count(sa.distinct(_ROW.hash)) > 1).order_by(_ROW.key).limit(_PAGE)
    found = [*connection.execute(asked).scalars()]
    return found, found[-1] if len(found) == _PAGE else None


def _shared_hashes(connection: sa.Connection, owner: str, after: bytes) -> tuple[list[bytes], bytes | None]:
    """Hashes of several memories, and after which to go on."""
    of = (_ROW.owner == owner) & (_ROW.hash > after) & (_ROW.line == "") & (_ROW.kind != "working")
    asked = sa.select(_ROW.hash).where(of, _ALIVE).group_by(_ROW.hash).having(sa.func.count() > 1)
    found = [*connection.execute(asked.order_by(_ROW.hash).limit(_PAGE)).scalars()]
    return found, found[-1] if len(found) == _PAGE else None


def _with(connection: sa.Connection, owner: str, clause: sa.ColumnElement[bool]) -> list[Memory]:
    asked = select_memories(_ROW.owner == owner, clause, _ALIVE).order_by(_ROW.num).limit(_PAGE)
    return [memory_of(row) for row in connection.execute(asked)]


def _judge_page(
    connection: sa.Connection, owner: str, after: int, now: float, retention: Retention, said: Repetition
) -> tuple[list[Act], int | None]:
    """What is to become of the next memories by themselves, and after which number to go on."""
    asked = select_memories(_ROW.owner == owner, _ALIVE, _ROW.num > after).order_by(_ROW.num).limit(_PAGE)
    page = [memory_of(row) for row in connection.execute(asked)]
    restored, owners = _by_hand(connection, [memory.num for memory in page])
    acts: list[Act] = []
    for memory in page:
        said.hear(memory)
        alone = memory.num in restored or memory.num in owners
        act = judged(memory, retention, now) if not alone else None
        if act is not None and not (act.new and passes.is_known(connection, act, owner)):
            acts.append(act)
    return acts, page[-1].num if len(page) == _PAGE else None


def _by_hand(connection: sa.Connection, nums: Sequence[int]) -> tuple[set[int], set[int]]:
    """Those that somebody brought back once, and those of whose words or reach the owner has changed anything."""
    entry = memory_history.c
    edited = (entry.what == "edited") & (entry.by == USER)
    asked = sa.select(entry.num, entry.what, entry.before)
    asked = asked.where(entry.num.in_(nums), edited | (entry.what == "restored"))
    restored: set[int] = set()
    owners: set[int] = set()
    for num, what, before in connection.execute(asked) if nums else ():
        if what == "restored":
            restored.add(num)
        elif _OWN_EDITS & msgspec.json.decode(before, type=dict[str, Any]).keys():
            owners.add(num)
    return restored, owners
