"""The conversation that a run continues: its ancestors in the thread's tree, and the summary of the oldest of them.

A turn that is finished never changes, so the conversations that were read last stay in memory, up to a bound. The next
turn of one is that conversation and one turn more: only that is read from the database, however long the thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.agent.task import Summary, Turn
from alma.db.database import Database
from alma.db.tables import runs, summaries

_MOST_TURNS = 6000  # of a conversation that are ever looked at
_KEPT_TURNS = 400_000  # of all conversations in memory; turns that they share count for each
_KEPT_CHARS = 16_000_000
_TURN = (runs.c.id, runs.c.text, runs.c.answer, runs.c.outside)
_FIRST_PAGE, _PAGE = 4, 1000  # turns that are read at once


class Conversation(Struct, frozen=True):
    """`turns`: the newest ones, oldest first; before them were `older` more. `summary`: of those up to the one it
    names. `chars`: of all of them."""

    turns: Sequence[Turn] = ()
    older: int = 0
    summary: Summary | None = None
    chars: int = 0


class _Row(Struct):
    """A turn in its thread's tree."""

    turn: Turn
    parent: str | None
    summary: str | None
    finished: bool


class Conversations:
    """Reads conversations, and remembers those of finished turns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[str, Conversation] = OrderedDict()  # by the newest turn
        self._turns = self._chars = 0

    async def history(self, run_id: str | None) -> Conversation:
        """The conversation up to and including the turn `run_id`."""
        new: list[_Row] = []  # newest first
        cursor, page = run_id, _FIRST_PAGE
        before = self._known(cursor)
        while cursor is not None and before is None and len(new) < _MOST_TURNS:
            start, size = cursor, page
            read = await self._database.read(lambda connection: _read(connection, start, size))  # noqa: B023
            if not read:
                break  # deleted meanwhile
            for row in read:
                new.append(row)
                cursor = row.parent
                if (before := self._known(cursor)) is not None:
                    break
            page = _PAGE
        if before is None:
            before = Conversation(older=await self._count(cursor))
        whole = _grown(before, new)
        if run_id is not None and all(row.finished for row in new):
            self._keep(run_id, whole)
        return whole

    def summarised(self, summary: Summary) -> None:
        """A summary was kept: the next prompt may use it, unless its branch has one of more turns already."""
        for run_id, known in self._kept.items():
            mine = known.summary.run_id if known.summary is not None else None
            newest = next((turn for turn in reversed(known.turns) if turn.run_id in (mine, summary.run_id)), None)
            if newest is not None and newest.run_id == summary.run_id:
                self._kept[run_id] = replace(known, summary=summary)

    def forget(self, run_ids: Sequence[str]) -> None:
        """Their thread was deleted."""
        for run_id in run_ids:
            self._drop(run_id)

    def _known(self, run_id: str | None) -> Conversation | None:
        return self._kept.get(run_id) if run_id is not None else None

    async def _count(self, run_id: str | None) -> int:
        """How many turns there are up to `run_id`."""
        if run_id is None:
            return 0
        count = sa.select(sa.func.count()).select_from(_line(run_id, None))
        return await self._database.read(lambda connection: connection.execute(count).scalar_one())

    def _keep(self, run_id: str, whole: Conversation) -> None:
        self._drop(run_id)
        self._kept[run_id] = whole
        self._turns += len(whole.turns)
        self._chars += whole.chars
        while len(self._kept) > 1 and (self._turns > _KEPT_TURNS or self._chars > _KEPT_CHARS):
            self._drop(next(iter(self._kept)))

    def _drop(self, run_id: str) -> None:
        if (gone := self._kept.pop(run_id, None)) is not None:
            self._turns -= len(gone.turns)
            self._chars -= gone.chars


def _grown(before: Conversation, new: list[_Row]) -> Conversation:
    """The conversation with these turns after it (newest first), in its bounds."""
    turns = [*before.turns, *(row.turn for row in reversed(new))]
    summary = next((Summary(row.turn.run_id, row.summary) for row in new if row.summary is not None), before.summary)
    chars = before.chars + sum(len(row.turn.text) + len(row.turn.answer) for row in new)
    over = max(len(turns) - _MOST_TURNS, 0)
    chars -= sum(len(turn.text) + len(turn.answer) for turn in turns[:over])
    return Conversation(turns[over:], before.older + over, summary, chars)


def _read(connection: sa.Connection, run_id: str, most: int) -> list[_Row]:
    """The newest `most` turns from `run_id` back, newest first."""
    line = _line(run_id, most)
    rows = connection.execute(
        sa.select(*_TURN, runs.c.parent_run_id, runs.c.finished, summaries.c.text)
        .join(line, line.c.id == runs.c.id)
        .outerjoin(summaries, summaries.c.run_id == runs.c.id)
        .order_by(line.c.depth)
    ).all()
    return [
        _Row(Turn(id, text, answer, outside.splitlines()), parent, summary, bool(finished))
        for id, text, answer, outside, parent, finished, summary in rows
    ]


def read_turns(connection: sa.Connection, run_ids: list[str]) -> list[Turn]:
    """These turns, in this order."""
    query = sa.select(*_TURN).where(runs.c.id.in_(run_ids))
    found = {row.id: Turn(row.id, row.text, row.answer, row.outside.splitlines()) for row in connection.execute(query)}
    return [found[run_id] for run_id in run_ids if run_id in found]


def _line(run_id: str, most: int | None) -> sa.CTE:
    """Ids from `run_id` back to its root, with their distance."""
    first = sa.select(runs.c.id, runs.c.parent_run_id, sa.literal(0).label("depth")).where(runs.c.id == run_id)
    line = first.cte("line", recursive=True)
    parent = runs.alias("parent")
    step = sa.select(parent.c.id, parent.c.parent_run_id, line.c.depth + 1).where(parent.c.id == line.c.parent_run_id)
    if most is not None:
        step = step.where(line.c.depth < most - 1)
    return line.union_all(step)
