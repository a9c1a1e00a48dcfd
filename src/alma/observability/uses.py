"""What the model calls of a time came to, for each agent, model and endpoint: counted in the table of calls.

Hours that are over do not change any more, but for what is deleted when it is old: their sums, and those of quarters of
a day, are remembered, so that a week is not counted anew each time that somebody looks at it. Runs do not add up as
calls do: those that fit into one part of a time are counted there, of the others it is remembered which they are.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct, field

from alma.db.database import Database
from alma.db.watch_tables import calls, run_ends
from alma.observability.keeping import HOUR, covering
from alma.observability.sketch import Sketch

By = Literal["agent", "model", "endpoint"]
Key = tuple[str, str, str]  # agent, model, endpoint
_SETTLED_S = 180.0  # after which no call of an hour is still to be written
_BLOCKS = (3600, 6 * 3600)  # seconds
_MOST_BLOCKS = 200
_WARMING_PAUSE_S = 0.1
MOST_NAMES = 100  # of one table; what more there is stands together
OTHER = "other"


class Use(Struct):
    """`asked`, `first`: durations of the calls that a model answered, to the end and to the first token; not of those
    that failed or were answered by the cache. `writing_ms`: that they spent writing, `written` tokens. `runs`: in which
    such a call was made, known of a row only."""

    calls: int = 0
    errors: int = 0
    runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    cache_hits: int = 0
    written: int = 0
    writing_ms: float = 0.0
    asked: Sketch = field(default_factory=Sketch)
    first: Sketch = field(default_factory=Sketch)

    def merge(self, other: Use) -> None:
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.runs += other.runs
        self.asked.merge(other.asked)
        self.first.merge(other.first)


_SUMMED = (
    "calls",
    "errors",
    "input_tokens",
    "output_tokens",
    "cost",
    "cache_hits",
    "written",
    "writing_ms",
)


class Counted(Struct):
    """What the calls of a time, or of a part of it, came to. `within`: how many runs began and ended in that part, by
    agent, by model and by endpoint; `across`: the others, of which another part may have calls too."""

    uses: dict[Key, Use] = field(default_factory=dict[Key, Use])
    within: dict[tuple[By, str], int] = field(default_factory=dict[tuple[By, str], int])
    across: set[tuple[Key, str]] = field(default_factory=set[tuple[Key, str]])

    def merge(self, other: Counted) -> None:
        for key, use in other.uses.items():
            self.uses.setdefault(key, Use()).merge(use)
        for row, runs in other.within.items():
            self.within[row] = self.within.get(row, 0) + runs
        self.across |= other.across


class Uses:
    """`clock`: Unix seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._blocks: dict[tuple[int, int], Counted] = {}  # by start and length

    async def of(self, since: float, until: float) -> Counted:
        """Of the calls that ended from `since` on and before `until`."""
        return await self._database.read(lambda connection: self._of(connection, since, until), slow=True)

    async def warm(self, since: float) -> None:
        """Count what is settled since then, a quarter of a day at a time, so that nobody waits for all of it."""
        first, last = math.ceil(since / _BLOCKS[1]), math.floor((self._clock() - _SETTLED_S) / _BLOCKS[1])
        for number in range(first, last):
            at = number * _BLOCKS[1]
            await self._database.read(lambda connection, at=at: self._block(connection, at, _BLOCKS[1]), slow=True)
            await asyncio.sleep(_WARMING_PAUSE_S)

    def _of(self, connection: sa.Connection, since: float, until: float) -> Counted:
        """For one thread at a time, which the searcher's is."""
        whole = Counted()
        first = min(math.ceil(since / HOUR) * _BLOCKS[0], until)
        last = max(math.floor(min(until, self._clock() - _SETTLED_S) / HOUR) * _BLOCKS[0], first)
        whole.merge(_count(connection, since, first))
        for length, start, end in covering(int(first), int(last), _BLOCKS) if first < last else []:
            for at in range(start, end, length):
                whole.merge(self._block(connection, at, length))
        whole.merge(_count(connection, last, until))
        return whole

    def _block(self, connection: sa.Connection, at: int, length: int) -> Counted:
        block = self._blocks.get((at, length))
        if block is None:
            block = self._blocks[at, length] = _count(connection, at, at + length)
            while len(self._blocks) > _MOST_BLOCKS:
                del self._blocks[min(self._blocks)]
        return block


def by(counted: Counted, what: By) -> dict[str, Use]:
    """One row for each agent, model or endpoint, those with the most calls first. A run counts once in each row that it
    has a call of; in that of what stands together, once for each name."""
    place = _BY.index(what)
    rows: dict[str, Use] = {}
    for key, use in counted.uses.items():
        rows.setdefault(key[place], Use()).merge(use)
    for name, use in rows.items():
        use.runs = counted.within.get((what, name), 0)
    for name, _ in {(key[place], run_id) for key, run_id in counted.across}:
        rows[name].runs += 1
    ordered = sorted(rows.items(), key=lambda row: (-row[1].calls, row[0]))
    rows = dict(ordered[:MOST_NAMES])
    for _, use in ordered[MOST_NAMES:]:
        rows.setdefault(OTHER, Use()).merge(use)
    return rows


_BY: tuple[By, ...] = ("agent", "model", "endpoint")
_key = (calls.c.agent, calls.c.model, calls.c.endpoint)
_time = sa.and_(calls.c.at >= sa.bindparam("since"), calls.c.at < sa.bindparam("until"))
_answered = sa.and_(calls.c.error == "", calls.c.cache == "")
_spoken = calls.c.first_token_ms.is_not(None)


def _amount(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


_sums = (
    sa.select(
        *_key,
        sa.func.count(),
        _amount(calls.c.error != ""),
        sa.func.sum(calls.c.input_tokens),
        sa.func.sum(calls.c.output_tokens),
        sa.func.sum(calls.c.cost),
        _amount(calls.c.cache != ""),
        sa.func.sum(sa.case((_spoken, calls.c.output_tokens), else_=0)),
        sa.func.sum(sa.case((_spoken, calls.c.ms - calls.c.first_token_ms), else_=0.0)),
    )
    .where(_time)
    .group_by(*_key)
)
_asked = sa.select(*_key, calls.c.bucket, sa.func.count()).where(_time, _answered).group_by(*_key, calls.c.bucket)
_first = (
    sa.select(*_key, calls.c.first_bucket, sa.func.count())
    .where(_time, calls.c.first_bucket.is_not(None))
    .group_by(*_key, calls.c.first_bucket)
)


# A run that began and ended within the time, all of whose calls therefore are in it.
_within = sa.and_(
    run_ends.c.at < sa.bindparam("until"), run_ends.c.at - run_ends.c.ms / 1000.0 >= sa.bindparam("since")
)
_runs_within: dict[By, sa.Select[str, int]] = {
    what: sa.select(column, sa.func.count(calls.c.run_id.distinct()))
    .join(run_ends, run_ends.c.run_id == calls.c.run_id)
    .where(_time, _within)
    .group_by(column)
    for what, column in zip(_BY, _key, strict=True)
}
_runs_across = (
    sa.select(*_key, calls.c.run_id)
    .outerjoin(run_ends, run_ends.c.run_id == calls.c.run_id)
    .where(_time, sa.or_(run_ends.c.run_id.is_(None), sa.not_(_within)))
    .distinct()
)


def _count(connection: sa.Connection, since: float, until: float) -> Counted:
    """Of the calls that ended from `since` on and before `until`."""
    counted = Counted()
    if since >= until:
        return counted
    uses = counted.uses
    when = {"since": since, "until": until}
    for agent, model, endpoint, *sums in connection.execute(_sums, when):
        use = uses[agent, model, endpoint] = Use()
        for name, value in zip(_SUMMED, sums, strict=True):
            setattr(use, name, float(value) if name in ("cost", "writing_ms") else int(value))
    if uses:
        for agent, model, endpoint, bucket, count in connection.execute(_asked, when):
            uses[agent, model, endpoint].asked.add_bucket(bucket, count)
        for agent, model, endpoint, bucket, count in connection.execute(_first, when):
            uses[agent, model, endpoint].first.add_bucket(bucket, count)
        for what, query in _runs_within.items():
            for name, runs in connection.execute(query, when):
                counted.within[what, name] = runs
        counted.across = {
            ((agent, model, end), run) for agent, model, end, run in connection.execute(_runs_across, when)
        }
    return counted
