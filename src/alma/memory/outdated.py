"""What the user said when something else was true: the sentences from which facts were taken that hold no more.

A fact keeps the place of its sentence, and a passage that of its own. A passage is told without such a sentence: beside
it there may be other matter, which nobody has taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.tables import memories, memory_history
from alma.memory.records import USER, Source
from alma.memory.statements import ask

_GAP = " … "
_PASSAGES = f"""
    SELECT num, owner, text, source FROM memories
    WHERE num {{among}} AND kind = 'episodic' AND speaker = '{USER}' AND run_id <> ''"""
_ROW = memories.c
_IS_FACT = _ROW.kind.in_(("semantic", "procedural"))
_IS_GONE = sa.text("count > 1 AND (valid_to IS NOT NULL OR forgotten_at IS NOT NULL)")  # as the index has it
_source = msgspec.json.Decoder(Source).decode


class _Merged(Struct, frozen=True):
    """Of an entry in a history: where the same was said again."""

    source: Source = Source()


_merged = msgspec.json.Decoder(_Merged).decode


def left_of(connection: sa.Connection, nums: Sequence[int]) -> dict[int, str]:
    """By number, of those with a sentence from which a fact was taken that was replaced or forgotten since: what is
    left of their text without it; empty where that is nothing."""
    found = ask(connection, _PASSAGES, {}, nums=nums) if nums else []
    passages = [(num, text, _source(source)) for num, _, text, source in found]
    runs = {source.run_id for _, _, source in passages}
    owners = {owner for _, owner, _, _ in found}
    gone: dict[tuple[str, ...], list[Source]] = {}
    for fact in _gone(connection, runs, owners) if runs else ():
        gone.setdefault(_text_of(fact), []).append(fact)
    left: dict[int, str] = {}
    for num, text, source in passages:
        places = [fact for fact in gone.get(_text_of(source), ()) if _overlap(source, fact)]
        if places:
            left[num] = _without(text, source, places)
    return left


def _text_of(source: Source) -> tuple[str, ...]:
    """In which of a run's texts it stands: places in others say nothing of it."""
    return source.run_id, source.task_id, source.message_id


def _gone(connection: sa.Connection, runs: Iterable[str], owners: Iterable[str]) -> Iterator[Source]:
    """Where in these runs the facts stood that hold no more: where they were said first, and again."""
    holds = _ROW.valid_to.is_(None) & _ROW.forgotten_at.is_(None)
    first = sa.select(_ROW.source).where(_ROW.run_id.in_(sorted(runs)), _IS_FACT, ~holds)
    for (source,) in connection.execute(first):
        yield _source(source)
    entry = memory_history.c
    again = sa.select(entry.before).join(memories, _ROW.num == entry.num)
    again = again.where(_ROW.owner.in_(sorted(owners)), _IS_GONE, _IS_FACT, entry.what == "merged")
    for (before,) in connection.execute(again):
        source = _merged(before).source
        if source.run_id in runs:
            yield source


def _overlap(passage: Source, fact: Source) -> bool:
    return fact.end > fact.start and passage.start < fact.end and fact.start < passage.end


def _without(text: str, passage: Source, places: Sequence[Source]) -> str:
    """Nothing where the text is no more as it was said: who can tell where in it the sentence is?"""
    if len(text) != passage.end - passage.start:
        return ""
    pieces: list[str] = []
    at = 0
    for fact in sorted(places, key=lambda one: one.start):
        pieces.append(text[at : max(fact.start - passage.start, at)])
        at = max(fact.end - passage.start, at)
    pieces.append(text[at:])
    return _GAP.join(piece.strip() for piece in pieces if any(map(str.isalnum, piece)))
