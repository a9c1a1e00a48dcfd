"""Synthetic memories with clustered vectors, put into a real SQLite database in bulk. Not a bench of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.db.database import Database
from alma.memory.embedding import Vector
from alma.memory.vectors.index import Rows

DIMENSIONS = 384
MODEL = "synthetic"
OWNER = "ada"
AGENTS = 20  # a filter for one of them lets 5 % through
_CLUSTERS = 2000
_NOISE = 0.9  # beside a centre of unit variance
_WORDS = 20_000  # in the vocabulary
_BATCH = 2000


class Corpus(Struct):
    """`vectors`: (n, 384); `agents`: (n,) whose each is; `texts`: of 12 to 24 words, the rarer half of them from a
    few hundred that its cluster has."""

    vectors: Vector
    agents: NDArray[np.int64]
    texts: list[str]

    def rows(self, start: int = 0, end: int | None = None) -> Rows:
        """Numbers are places, from 1."""
        agents = [f"agent{agent}" for agent in self.agents[start:end].tolist()]
        count = len(agents)
        facts = ([OWNER] * count, agents, ["team"] * count, ["semantic"] * count, *([""] * count for _ in range(4)))
        nums = np.arange(start + 1, start + 1 + count)
        created = (1e9 + nums).tolist()
        return Rows(nums, self.vectors[start:end], (*facts, created, [False] * count))


def corpus(count: int, seed: int = 1) -> Corpus:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((_CLUSTERS, DIMENSIONS), np.float32)
    clusters = rng.integers(0, _CLUSTERS, count)
    vectors = centres[clusters]
    for start in range(0, count, _BATCH):
        part = vectors[start : start + _BATCH]
        part += _NOISE * rng.standard_normal(part.shape, np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    words = np.array([f"w{number:x}" for number in range(_WORDS)])
    common = np.minimum(rng.pareto(1.0, (count, 12)) * 20, _WORDS - 1).astype(np.int64)
    own = (clusters[:, None] * 7 + rng.integers(0, 300, (count, 12))) % _WORDS
    lengths = rng.integers(6, 13, count)
    spelled = words[np.concatenate([common, own], axis=1)]
    texts = [" ".join([*row[:length], *row[12 : 12 + length]]) for row, length in zip(spelled, lengths, strict=True)]
    return Corpus(vectors, rng.integers(0, AGENTS, count), texts)


def fill(file: Path, given: Corpus) -> None:
    """A new database with all of them: rows, words and vectors."""
    database = Database(f"sqlite:///{file}")
    database.open()
    database.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        count = len(given.texts)
        for start in range(0, count, _BATCH):
            end = min(start + _BATCH, count)
            _insert(connection, given, range(start, end))
        connection.commit()
        connection.execute("ANALYZE")
    connection.close()


def _insert(connection: sqlite3.Connection, given: Corpus, places: Sequence[int]) -> None:
    names = ["num", "id", "owner", "agent", "kind", "scope", "text", "hash", "line", "position"]
    names += ["created_at", "seen_at", "valid_from", "stamp"]
    rows = [
        (
            place + 1,
            f"m_{place:019x}",
            OWNER,
            f"agent{given.agents[place]}",
            "semantic",
            "team",
            given.texts[place],
            place.to_bytes(16),
            f"line{place // 20}",
            place % 20,
            1e9 + place + 1,
            1e9 + place + 1,
            1e9 + place + 1,
            place + 1,
        )
        for place in places
    ]
    asked = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO memories ({', '.join(names)}) VALUES ({asked})", rows)
    connection.executemany("INSERT INTO memory_words (rowid, words) VALUES (?, ?)", [(row[0], row[6]) for row in rows])
    halves = given.vectors[places[0] : places[-1] + 1].astype("<f2")
    connection.executemany(
        "INSERT INTO memory_vectors (model, num, vector) VALUES (?, ?, ?)",
        [(MODEL, row[0], half.tobytes()) for row, half in zip(rows, halves, strict=True)],
    )
