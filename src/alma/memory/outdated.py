"""What the user said when something else was true: the sentences from which facts were taken that hold no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from alma.db.tables import memories
from alma.memory.ranking import Ranked
from alma.memory.records import USER, Source

_ROW = memories.c
_FACTS = ("semantic", "procedural")
_decode = msgspec.json.Decoder(Source).decode


def outdated_among(connection: sa.Connection, ranked: Sequence[Ranked]) -> frozenset[int]:
    """The numbers of those in which the sentence stands from which a fact was taken that was replaced or forgotten
    since. A fact keeps the place of its sentence, and a passage that of its own."""
    said = [one.candidate.num for one in ranked if _is_said(one)]
    if not said:
        return frozenset()
    query = sa.select(_ROW.num, _ROW.run_id, _ROW.source).where(_ROW.num.in_(said), _ROW.run_id != "")
    passages = [(num, run_id, _decode(source)) for num, run_id, source in connection.execute(query)]
    gone = _gone(connection, {run_id for _, run_id, _ in passages})
    return frozenset(
        num for num, run_id, passage in passages if any(_overlap(passage, one) for one in gone.get(run_id, ()))
    )


def _is_said(one: Ranked) -> bool:
    return one.candidate.kind == "episodic" and one.candidate.speaker == USER


def _gone(connection: sa.Connection, runs: Iterable[str]) -> dict[str, list[Source]]:
    """By run, where the facts stood that hold no more."""
    holds = _ROW.valid_to.is_(None) & _ROW.forgotten_at.is_(None)
    query = sa.select(_ROW.run_id, _ROW.source).where(_ROW.run_id.in_(sorted(runs)), _ROW.kind.in_(_FACTS), ~holds)
    found: dict[str, list[Source]] = {}
    for run_id, source in connection.execute(query):
        found.setdefault(run_id, []).append(_decode(source))
    return found


def _overlap(passage: Source, fact: Source) -> bool:
    return fact.end > fact.start and passage.start < fact.end and fact.start < passage.end
