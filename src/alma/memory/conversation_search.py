"""Alma's recall on outside data: give it conversations, ask it for the ids of the turns that answer a question.

    from alma.memory.conversation_search import ConversationSearch

    with ConversationSearch() as search:
        search.index("trip", [{"id": "1", "speaker": "Ana", "text": "I'm off to Oslo on Friday.", "at": "2025-03-04"}])
        search.search("trip", "When does Ana travel?", k=5)  # ["1"]

It is what the product runs, on a database of its own in a temporary folder: the same rows, full-text table, vectors,
access rule and ranking. Only merging is left out (two turns with the same words stay two), and nothing else writes.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from alma.db.database import Database
from alma.errors import EmbedderUnavailable
from alma.memory.embedding import Embedding, Vector
from alma.memory.merging import tidy
from alma.memory.outside_documents import Turn, turns_of
from alma.memory.recall import Asked, Recall
from alma.memory.records import Filter, Memory, Reader, Recalled, Source
from alma.memory.store import Pen, by_nums, new_memory_id
from alma.memory.vectors.index import Near

MODEL = Path(".alma/models/minilm")  # where `make setup` puts it
T = TypeVar("T")


class ConversationSearch:
    """`model`: the folder of the embedding model, or what else makes vectors. Use as a context manager, or `close` it.
    Its methods wait for what they do; one at a time does it, whichever thread asks. Conversations are kept apart by
    the access rule: each is an owner's."""

    def __init__(self, model: Path | Embedding = MODEL) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="alma-search-")
        self._runner = asyncio.Runner()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alma-conversations")  # the event loop's
        self._embedding: Embedding = InProcess(model) if isinstance(model, Path) else model
        self._database = Database(f"sqlite:///{Path(self._folder.name) / 'conversations.db'}")
        self._database.open()
        self._nearest = Exact(self._embedding)
        self._recall = Recall(self._database, self._nearest)
        self._ids: dict[str, str] = {}  # of the document that a memory was made of, by the memory's
        self._pieces: dict[str, float] = {}  # memories for each document, by conversation
        self._last: dict[str, float] = {}  # when the last word was said, by conversation

    def __enter__(self) -> ConversationSearch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
        self._database.close()
        self._folder.cleanup()

    def index(self, conversation_id: str, documents: Iterable[object]) -> int:
        """Take the documents, in their order, in place of what this conversation had. Each has an id and a text, and
        may have a speaker, a time (`at`: ISO 8601 or Unix seconds) and a session: as a mapping, a Struct, or a tuple
        (id, text, speaker, at). Names that data sets have for these are known, such as `dia_id`, `content`, `role`,
        `timestamp`, `date_time`. Returns how many memories it made: none of an empty text, several of a long one.
        Raises `InvalidRequest` (bad_document), `EmbedderUnavailable`."""
        return self._run(self._index(str(conversation_id), turns_of(documents)))

    def search(self, conversation_id: str, query: str, k: int = 10) -> list[str]:
        """The ids of the `k` documents that answer best, best first; fewer where fewer have anything to do with it."""
        pieces = self._pieces.get(str(conversation_id), 1.0)
        recalled = self.recall(conversation_id, query, math.ceil(k * pieces))
        found = [hit.memory.id for hit in recalled.hits] + [missed.id for missed in recalled.missed]
        return list(dict.fromkeys(self._ids[memory_id] for memory_id in found))[:k]

    def recall(self, conversation_id: str, query: str, k: int = 10) -> Recalled:
        """The same with the reasons; `hit.memory.source.message_id` is the document's id."""
        owner = str(conversation_id)
        asked = Asked(query, Reader(owner), k=k)
        return self._run(self._recall.recall(asked, self._last.get(owner, 0.0)))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._thread.submit(self._runner.run, coroutine).result()

    async def _index(self, owner: str, turns: Sequence[Turn]) -> int:
        texts = [tidy(turn.text) for turn in turns]
        vectors = await self._embedding.embed(texts, urgent=False) if texts else np.zeros((0, 0), np.float32)
        now = max((turn.at for turn in turns), default=0.0)

        def write(connection: sa.Connection) -> tuple[list[Memory], list[Memory]]:
            pen = Pen(connection, now, owner, self._embedding.model)
            old = list(by_nums(connection, self._nearest.nums(owner), Reader(owner), Filter(state="any")).values())
            pen.purge(old)
            fields = [_fields(owner, turn, text) for turn, text in zip(turns, texts, strict=True)]
            sources = [Source(thread_id=owner, message_id=tidy(turn.id)) for turn in turns]
            return old, [
                pen.insert(one, source, vector) for one, source, vector in zip(fields, sources, vectors, strict=True)
            ]

        gone, kept = await self._database.write(write)
        for memory in gone:
            self._ids.pop(memory.id, None)
        self._ids.update((memory.id, turn.id) for memory, turn in zip(kept, turns, strict=True))
        self._nearest.hold(owner, [memory.num for memory in kept], vectors)
        self._last[owner] = now
        self._pieces[owner] = len(turns) / max(len({turn.id for turn in turns}), 1)
        return len(kept)


def _fields(owner: str, turn: Turn, text: str) -> dict[str, Any]:
    return {
        "id": new_memory_id(),
        "owner": owner,
        "agent": "user",
        "kind": "episodic",
        "scope": "owner",
        "text": text,
        "created_at": turn.at,
        "seen_at": turn.at,
        "valid_from": turn.at,
        "line": f"{owner}/{turn.session}",
        "position": turn.position,
        "speaker": tidy(turn.speaker),
    }


class InProcess:
    """The embedding model in this process. `folder` has its files; it is read when it is first asked."""

    model = "minilm-l6-v2-int8"
    dimensions = 384

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: Any = None

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        del urgent
        return await asyncio.to_thread(self._embed, texts)

    def _embed(self, texts: list[str]) -> Vector:
        if self._loaded is None:
            if not (self._folder / "model.onnx").exists():
                raise EmbedderUnavailable(f"The embedding model is not in {self._folder}.", hint="Run `make setup`.")
            from alma.memory.minilm import MiniLM  # slow to import

            self._loaded = MiniLM(self._folder)
        # Texts of like length together: the shorter ones of a batch are computed at the length of the longest.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(order), 32):
            batch = order[start : start + 32]
            vectors[batch] = self._loaded.embed([texts[index] for index in batch])
        return vectors


class Exact:
    """Each conversation's vectors in one matrix, all of them compared: what there is of one conversation is little."""

    def __init__(self, embedding: Embedding) -> None:
        self._embedding = embedding
        self._held: dict[str, tuple[list[int], Vector]] = {}

    def nums(self, owner: str) -> list[int]:
        return self._held[owner][0] if owner in self._held else []

    def hold(self, owner: str, nums: list[int], vectors: Vector) -> None:
        self._held[owner] = (nums, vectors)

    async def search(self, query: str, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        del wanted
        if not self.nums(reader.owner):
            return []
        nums, vectors = self._held[reader.owner]
        cosines = vectors @ (await self._embedding.embed([query]))[0]
        order: list[int] = np.argsort(-cosines, kind="stable")[:k].tolist()
        return [Near(nums[index], float(cosines[index])) for index in order]

    async def vectors(self, nums: Sequence[int]) -> dict[int, Vector]:
        wanted = set(nums)
        return {
            num: row for held, rows in self._held.values() for num, row in zip(held, rows, strict=True) if num in wanted
        }
