"""What has become of memories: their history, what they took the place of, where they were used, how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import insert_for
from alma.db.tables import memories, memory_history, memory_uses, runs, threads
from alma.memory.access import AUTHOR, readable
from alma.memory.records import Memory, Reader
from alma.memory.store import SLICE, Pen, by_id, memory_of, select_memories

LEARNING_RATE = 0.2  # of utility
_MOST_USES = 500  # that are told of one memory, the newest


class Version(Struct, frozen=True):
    """A change of a memory; `before`: the fields that changed, as they were."""

    version: int
    at: float
    what: str
    by: str
    before: dict[str, Any]


class Use(Struct, frozen=True):
    """A memory in a prompt. `helped`: whether the answer made use of it, from -1 to 1; None: nothing can be said.
    `thread_id` and `title` are filled in when it is read."""

    memory_id: str
    run_id: str
    message_id: str
    role: str
    score: float
    at: float
    thread_id: str = ""
    title: str = ""
    helped: float | None = None


class Counts(Struct, frozen=True):
    """`in_files`: of the alive, pieces of files; `by_…`: of the alive that are none, `by_agent` by their author."""

    alive: int
    superseded: int
    archived: int
    forgotten: int
    by_kind: dict[str, int]
    by_scope: dict[str, int]
    by_agent: dict[str, int]
    in_files: int = 0


def history(connection: sa.Connection, reader: Reader, memory_id: str) -> list[Version]:
    """Oldest first. Raises `NotFound`."""
    return _history(connection, by_id(connection, reader, memory_id))


def superseded_by(connection: sa.Connection, reader: Reader, memory_id: str) -> list[Memory]:
    """Those whose place it took, the latest first: they have a key that it has, or once had."""
    memory = by_id(connection, reader, memory_id)
    keys = {memory.key, *(version.before.get("key", "") for version in _history(connection, memory))} - {""}
    row = memories.c
    asked = select_memories(readable(reader), row.key.in_(keys), row.superseded_by == memory.id)
    return [memory_of(one) for one in connection.execute(asked.order_by(row.valid_to.desc(), row.num.desc()))]


def _history(connection: sa.Connection, memory: Memory) -> list[Version]:
    rows = connection.execute(
        sa.select(memory_history).where(memory_history.c.num == memory.num).order_by(memory_history.c.version)
    )
    return [Version(row.version, row.at, row.what, row.by, msgspec.json.decode(row.before)) for row in rows]


def keep_uses(pen: Pen, uses: Sequence[Use]) -> None:
    """Each once, however often it is told: a use is known by memory, run and message."""
    for at in range(0, len(uses), SLICE):
        _keep_uses(pen.connection, uses[at : at + SLICE])


def _keep_uses(connection: sa.Connection, uses: Sequence[Use]) -> None:
    ids = {use.memory_id for use in uses}
    row = memories.c
    nums = {found.id: found.num for found in connection.execute(sa.select(row.id, row.num).where(row.id.in_(ids)))}
    rows = [
        {
            "num": nums[use.memory_id],
            "run_id": use.run_id,
            "message_id": use.message_id,
            "role": use.role,
            "score": use.score,
            "at": use.at,
        }
        for use in uses
        if use.memory_id in nums
    ]
    if not rows:
        return
    table = memory_uses.c
    insert = insert_for(connection)(memory_uses).values(rows).on_conflict_do_nothing()
    fresh = connection.execute(insert.returning(table.num, table.at, table.run_id, table.message_id)).all()
    times: Counter[int] = Counter(found.num for found in fresh)
    last: dict[int, float] = {}
    for found in fresh:
        last[found.num] = max(found.at, last.get(found.num, 0.0))
    if not times:
        return
    num, more = sa.bindparam("b_num", type_=sa.BigInteger), sa.bindparam("b_more", type_=sa.Integer)
    used_at = sa.bindparam("b_at", type_=sa.Double)
    connection.execute(
        memories.update()
        .where(row.num == num)
        .values(uses=row.uses + more, used_at=sa.case((row.used_at > used_at, row.used_at), else_=used_at)),
        [{"b_num": one, "b_more": times[one], "b_at": last[one]} for one in sorted(times)],
    )
    new = {(found.num, found.run_id, found.message_id) for found in fresh}
    _learn(connection, [use for use in uses if (nums.get(use.memory_id), use.run_id, use.message_id) in new], nums)


def _learn(connection: sa.Connection, uses: Sequence[Use], nums: dict[str, int]) -> None:
    """Utility moves towards what each use has shown, by a share of the way: the newest count most. Once somebody has
    said what they think of answers that it had a part in, that alone counts: see `weigh`."""
    signals = [{"b_num": nums[use.memory_id], "b_helped": use.helped} for use in uses if use.helped is not None]
    if not signals:
        return
    row = memories.c
    num, helped = sa.bindparam("b_num", type_=sa.BigInteger), sa.bindparam("b_helped", type_=sa.Double)
    moved = row.utility + LEARNING_RATE * (helped - row.utility)
    untold = (row.num == num) & (row.strength == 0)
    connection.execute(memories.update().where(untold).values(utility=moved), signals)


def weigh(connection: sa.Connection, owner: str, weights: Mapping[str, tuple[float, float]]) -> None:
    """See `Memories.weigh`. As of uses, there is nothing of it in the history."""
    row = memories.c
    named, utility = sa.bindparam("b_id", type_=sa.Text), sa.bindparam("b_utility", type_=sa.Double)
    strength = sa.bindparam("b_strength", type_=sa.Double)
    connection.execute(
        memories.update().where(row.owner == owner, row.id == named).values(utility=utility, strength=strength),
        [{"b_id": one, "b_utility": weights[one][0], "b_strength": weights[one][1]} for one in sorted(weights)],
    )


def weighed(connection: sa.Connection, owner: str) -> dict[str, tuple[float, float]]:
    """See `Memories.weighed`."""
    row = memories.c
    asked = sa.select(row.id, row.utility, row.strength).where(row.owner == owner, row.strength > 0)
    return {one: (utility, strength) for one, utility, strength in connection.execute(asked)}


def weighed_owners(connection: sa.Connection) -> list[str]:
    return [*connection.execute(sa.select(memories.c.owner).where(memories.c.strength > 0).distinct()).scalars()]


def uses_of(connection: sa.Connection, reader: Reader, memory_id: str) -> list[Use]:
    """The latest first, with the threads that are still there. Raises `NotFound`."""
    memory = by_id(connection, reader, memory_id)
    use = memory_uses.c
    asked = (
        sa.select(use.run_id, use.message_id, use.role, use.score, use.at, threads.c.id, threads.c.title)
        .outerjoin(runs, (runs.c.id == use.run_id) & (runs.c.owner == memory.owner))
        .outerjoin(threads, threads.c.id == runs.c.thread_id)
        .where(use.num == memory.num)
        .order_by(use.at.desc(), use.run_id, use.message_id)
        .limit(_MOST_USES)
    )
    return [
        Use(memory.id, row.run_id, row.message_id, row.role, row.score, row.at, row.id or "", row.title or "")
        for row in connection.execute(asked)
    ]


def counts(connection: sa.Connection, owner: str) -> Counts:
    row = memories.c
    state = sa.case(
        (row.forgotten_at.is_not(None), "forgotten"),
        (row.valid_to.is_not(None), "superseded"),
        (row.archived_at.is_not(None), "archived"),
        else_="",
    )
    piece = row.document_id != ""
    shared = (state, piece, row.kind, row.scope, AUTHOR)
    asked = sa.select(*shared, sa.func.count()).where(readable(Reader(owner))).group_by(*shared)
    states: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    scopes: Counter[str] = Counter()
    agents: Counter[str] = Counter()
    in_files = 0
    for over, of_file, kind, scope, agent, number in connection.execute(asked):
        states[over] += number
        if not over and of_file:
            in_files += number
        elif not over:
            kinds[kind] += number
            scopes[scope] += number
            agents[agent] += number
    over = states["superseded"], states["archived"], states["forgotten"]
    return Counts(states[""], *over, dict(kinds), dict(scopes), dict(agents), in_files)
