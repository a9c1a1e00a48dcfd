"""What agents are overheard saying: working memories that live as long as their message's run, written at little cost.

They have no history, are never merged and hold no key; they come in batches and go in bulk. Those who listen to changes
hear of a batch by its last memory alone, and nothing of the going: a run's episode says the same, and nobody depends on
what was only overheard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from alma.db.database import insert_for
from alma.db.tables import memories, memory_history, memory_uses, memory_vectors, remembered_runs, runs
from alma.errors import EmbedderUnavailable
from alma.memory.adding import fields_of
from alma.memory.embedding import Embedding, Vector
from alma.memory.records import Change, Memory, NewMemory
from alma.memory.store import SLICE, Pen
from alma.memory.words import drop_words


class QuietPen(Pen):
    """Writes memories without a history."""

    def _note(self, memory: Memory, what: Any, before: dict[str, Any]) -> None:
        del before
        self.changes.append(Change(what, memory.owner, memory.id, memory, self.by))


async def vectors_of(embedding: Embedding, texts: list[str]) -> list[Vector | None]:
    """When the embedder has time for them; None: it cannot answer, and they get theirs later."""
    try:
        return [*await embedding.embed(texts, urgent=False)]
    except EmbedderUnavailable:
        return [None] * len(texts)


def keep(pen: Pen, heard: Sequence[tuple[NewMemory, Vector | None]]) -> None:
    """Texts that are clean, each with its vector where there is one. What was heard of a run that is deleted is not
    kept: it may have been on its way when the thread went."""
    there = _runs(pen.connection, {new.source.run_id for new, _ in heard})
    kept = [(new, vector) for new, vector in heard if new.source.run_id in there]
    pen.reserve(len(kept))
    for new, vector in kept:
        pen.insert(fields_of(new), new.source, vector)


def _runs(connection: sa.Connection, run_ids: set[str]) -> set[str]:
    """Those of them that exist."""
    return set(connection.execute(sa.select(runs.c.id).where(runs.c.id.in_(sorted(run_ids)))).scalars())


def drop(pen: Pen, *, run_ids: Sequence[str] = (), messages: Sequence[str] = ()) -> None:
    """What was overheard of these runs, or of these messages, is gone for good; what was pinned meanwhile stays,
    and so do boards, which have keys."""
    row = memories.c
    nums: list[int] = []
    for column, values in ((row.run_id, run_ids), (row.line, messages)):
        for at in range(0, len(values), SLICE):
            heard = (row.kind == "working") & row.pinned.is_(False) & (row.key == "")
            asked = sa.select(row.num).where(heard, column.in_(values[at : at + SLICE]))
            nums += pen.connection.execute(asked).scalars()
    for at in range(0, len(nums), SLICE):
        some = nums[at : at + SLICE]
        drop_words(pen.connection, some)
        for table in (memory_vectors, memory_history, memory_uses, memories):
            pen.connection.execute(table.delete().where(table.c.num.in_(some)))
    pen.gone += nums


def mark_remembered(pen: Pen, run_ids: Sequence[str]) -> None:
    """All words of these runs are kept. One that was deleted leaves no mark."""
    there = sa.select(runs.c.id, sa.literal(pen.now, sa.Double)).where(runs.c.id.in_(run_ids))
    mark = insert_for(pen.connection)(remembered_runs).from_select(["run_id", "at"], there)
    pen.connection.execute(mark.on_conflict_do_nothing())
