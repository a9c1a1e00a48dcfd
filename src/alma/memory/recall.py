"""Recall: by meaning and by words, fused; then what neighbours, time, use and diversity make of it, with its reasons.

This module asks the indexes and the database; what it makes of their answers is `ranking.py`, which is pure.
"""

from __future__ import annotations

from msgspec import Struct

from alma.db.database import Database
from alma.memory.dense import Dense
from alma.memory.records import Filter, Reader, Recalled


class Asked(Struct, frozen=True):
    """`k`: at most so many hits; `tokens`: that they may take together (0: no bound), by `records.tokens_of`. `known`:
    texts that the asker has before it anyway. `widen`: give the sentences around a piece of a document or conversation,
    where the budget allows it. `strict`: leave out what has little to do with the query; else the best are given,
    however weak."""

    query: str
    reader: Reader
    wanted: Filter = Filter()
    k: int = 10
    tokens: int = 0
    known: tuple[str, ...] = ()
    widen: bool = False
    strict: bool = False


class Recall:
    def __init__(self, database: Database, dense: Dense) -> None:
        raise NotImplementedError

    async def recall(self, asked: Asked, now: float) -> Recalled:
        """Never raises for want of vectors: then words alone are searched."""
        raise NotImplementedError
