"""The conversation that a run continues: its ancestors in the thread's tree, and the summary of the oldest of them.

A turn that is finished never changes, so what was read once stays in memory, up to a bound: in a long thread only the
newest turn is read from the database.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from alma.agent.task import Summary, Turn
from alma.db.database import Database
from alma.db.tables import runs, summaries

_MOST_TURNS = 6000  # of a conversation that are ever looked at
_MOST_CHARS = 3_000_000  # of it: more than any window holds
_KEPT_CHARS = 32_000_000  # of all conversations that stay in memory
_FIRST_PAGE, _PAGE = 4, 1000  # turns that are read at once


class Conversation(Struct, frozen=True):
    """`turns`: the newest ones, oldest first; before them were `older` more. `summary`: of those up to the one it
    names."""

    turns: Sequence[Turn] = ()
    older: int = 0
    summary: Summary | None = None


class _Node(Struct):
    """A turn in its thread's tree; `depth` counts from the thread's first turn (0)."""

    turn: Turn
    parent: str | None
    depth: int
    summary: str | None = None


class Conversations:
    """Reads conversations, and remembers their finished turns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nodes: OrderedDict[str, _Node] = OrderedDict()
        self._chars = 0

    async def history(self, run_id: str | None) -> Conversation:
        """The conversation up to and including the turn `run_id`."""
        newest: list[_Node] = []
        cursor, chars, page = run_id, 0, _FIRST_PAGE
        passing: dict[str, _Node] = {}  # of unfinished turns, which are not kept
        while cursor is not None and len(newest) < _MOST_TURNS and chars < _MOST_CHARS:
            node = self._nodes.get(cursor) or passing.get(cursor)
            if node is None:
                start, size = cursor, page
                read = await self._database.read(lambda connection: _read(connection, start, size))  # noqa: B023
                if not read:
                    break  # deleted meanwhile
                for finished, one in read:
                    if finished:
                        self._keep(one)
                    passing[one.turn.run_id] = one
                page = _PAGE
                continue
            newest.append(node)
            chars += len(node.turn.text) + len(node.turn.answer)
            cursor = node.parent
        summary = next((Summary(one.turn.run_id, one.summary) for one in newest if one.summary is not None), None)
        older = newest[-1].depth if newest else 0
        return Conversation([node.turn for node in reversed(newest)], older, summary)

    def summarised(self, summary: Summary) -> None:
        """A summary was kept: the next prompt may use it."""
        if (node := self._nodes.get(summary.run_id)) is not None:
            node.summary = summary.text

    def forget(self, run_ids: Sequence[str]) -> None:
        """Their thread was deleted."""
        for run_id in run_ids:
            if (node := self._nodes.pop(run_id, None)) is not None:
                self._chars -= _size(node)

    def _keep(self, node: _Node) -> None:
        if node.turn.run_id in self._nodes:
            return
        self._nodes[node.turn.run_id] = node
        self._chars += _size(node)
        while self._chars > _KEPT_CHARS and len(self._nodes) > 1:
            _, oldest = self._nodes.popitem(last=False)
            self._chars -= _size(oldest)


def _size(node: _Node) -> int:
    return len(node.turn.text) + len(node.turn.answer) + 200


def _read(connection: sa.Connection, run_id: str, most: int) -> list[tuple[bool, _Node]]:
    """The newest `most` turns from `run_id` back, newest first, each with whether it is finished."""
    line = _line(run_id, most)
    rows = connection.execute(
        sa.select(runs.c.id, runs.c.parent_run_id, runs.c.text, runs.c.answer, runs.c.finished, summaries.c.text)
        .join(line, line.c.id == runs.c.id)
        .outerjoin(summaries, summaries.c.run_id == runs.c.id)
        .order_by(line.c.depth)
    ).all()
    if not rows:
        return []
    before = 0
    if rows[-1].parent_run_id is not None:
        parent = _line(rows[-1].parent_run_id, None)
        before = connection.execute(sa.select(sa.func.count()).select_from(parent)).scalar_one()
    deepest = before + len(rows) - 1
    return [
        (bool(finished), _Node(Turn(id, text, answer), parent_id, deepest - at, summary))
        for at, (id, parent_id, text, answer, finished, summary) in enumerate(rows)
    ]


def read_turns(connection: sa.Connection, run_ids: list[str]) -> list[Turn]:
    """These turns, in this order."""
    query = sa.select(runs.c.id, runs.c.text, runs.c.answer).where(runs.c.id.in_(run_ids))
    found = {row.id: Turn(row.id, row.text, row.answer) for row in connection.execute(query)}
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
