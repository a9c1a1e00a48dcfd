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
import contextlib
import math
import struct
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import sqlalchemy as sa

from alma.db.database import Database
from alma.errors import EmbedderUnavailable
from alma.memory.dense import Dense
from alma.memory.embedder import DIMENSIONS, MODEL
from alma.memory.embedding import Embedding, Vector
from alma.memory.merging import tidy
from alma.memory.outside_documents import Turn, turns_of
from alma.memory.recall import Asked, Recall
from alma.memory.records import Filter, Memory, Reader, Recalled, Source
from alma.memory.store import Pen, by_nums, new_memory_id
from alma.memory.traces import weigh
from alma.memory.vectors.usearch_index import UsearchIndex

FOLDER = Path(".alma/models/minilm")  # where `make setup` puts the model
_BATCH = 128  # texts in one frame
_TEXT_CHARS = 4000  # the model reads 256 tokens; more text than this cannot matter
T = TypeVar("T")


class ConversationSearch:
    """`model`: the folder of the embedding model, or what else makes vectors. Use as a context manager, or `close` it.
    Its methods wait for what they do; one at a time does it, whichever thread asks. Conversations are kept apart by
    the access rule: each is an owner's."""

    def __init__(self, model: Path | Embedding = FOLDER) -> None:
        self._process: ModelProcess | None = None  # ours to end
        self._folder = tempfile.TemporaryDirectory(prefix="alma-search-")
        self._runner = asyncio.Runner()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alma-conversations")  # the event loop's
        if isinstance(model, Path):
            model = self._process = ModelProcess(model)
        self._embedding = model
        self._database = Database(f"sqlite:///{Path(self._folder.name) / 'conversations.db'}")
        self._database.open()
        self._dense = Dense(self._database, self._embedding, self._make_index, "usearch")
        self._recall = Recall(self._database, self._dense)
        self._run(self._dense.open())
        self._nums: dict[str, list[int]] = {}  # of its memories, by conversation
        self._ids_of: dict[str, list[str]] = {}  # of its memories, by conversation
        self._ids: dict[str, str] = {}  # of the document that a memory was made of, by the memory's
        self._pieces: dict[str, float] = {}  # memories for each document, by conversation
        self._last: dict[str, float] = {}  # when the last word was said, by conversation

    def __enter__(self) -> ConversationSearch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._run(self._dense.close())
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
        self._database.close()
        if self._process is not None:
            self._process.close()
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

    def weigh(self, conversation_id: str, weights: Mapping[str, tuple[float, float]]) -> None:
        """By document: how much it has helped, from -1 to 1, and on how much evidence that rests."""
        owner = str(conversation_id)
        wanted = {one: weights[self._ids[one]] for one in self._ids_of[owner] if self._ids[one] in weights}
        self._run(self._database.write(lambda connection: weigh(connection, owner, wanted)))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._thread.submit(self._runner.run, coroutine).result()

    def _make_index(self, model: str, dimensions: int) -> UsearchIndex:
        return UsearchIndex(Path(self._folder.name) / "vectors", model, dimensions)

    async def _index(self, owner: str, turns: Sequence[Turn]) -> int:
        texts = [tidy(turn.text) for turn in turns]
        vectors = await self._embedding.embed(texts, urgent=False) if texts else np.zeros((0, 0), np.float32)
        now = max((turn.at for turn in turns), default=0.0)

        def write(connection: sa.Connection) -> tuple[list[Memory], list[Memory]]:
            pen = Pen(connection, now, owner, self._embedding.model)
            old = list(by_nums(connection, self._nums.get(owner, []), Reader(owner), Filter(state="any")).values())
            pen.purge(old)
            fields = [_fields(owner, turn, text) for turn, text in zip(turns, texts, strict=True)]
            sources = [Source(thread_id=owner, message_id=tidy(turn.id)) for turn in turns]
            new = [
                pen.insert(one, source, vector) for one, source, vector in zip(fields, sources, vectors, strict=True)
            ]
            pen.flush()
            return old, new

        gone, kept = await self._database.write(write)
        for memory in gone:
            self._ids.pop(memory.id, None)
        self._ids.update((memory.id, turn.id) for memory, turn in zip(kept, turns, strict=True))
        self._nums[owner] = [memory.num for memory in kept]
        self._ids_of[owner] = [memory.id for memory in kept]
        await self._dense.gone([memory.num for memory in gone])
        await self._dense.changed(kept, list(vectors))
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


class ModelProcess:
    """The embedding model in a process of its own, started when it is first asked. `folder` has its files. (Not in this
    one: onnxruntime, which computes it, crashes where usearch was imported before it.)"""

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        del urgent
        return await asyncio.to_thread(self._embed, texts)

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(BrokenPipeError), child:  # closes its stdin, upon which it ends
                pass

    def _embed(self, texts: list[str]) -> Vector:
        # Texts of like length together: the shorter ones of a batch are computed at the length of the longest.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            vectors[batch] = self._exchange([texts[index][:_TEXT_CHARS] for index in batch])
        return vectors

    def _exchange(self, texts: list[str]) -> Vector:
        child = self._child or self._start()
        assert child.stdin is not None
        sendable = [text.encode("utf-8", "replace").decode() for text in texts]
        data = msgspec.msgpack.encode((1, True, sendable))  # one at a time: its number tells nothing
        try:
            child.stdin.write(struct.pack(">I", len(data)) + data)
            child.stdin.flush()
            return np.frombuffer(_receive(child), np.float32).reshape(len(texts), self.dimensions)
        except (OSError, EOFError) as error:
            self.close()
            raise EmbedderUnavailable("The embedding process ended.", hint="Run `alma doctor`.") from error

    def _start(self) -> subprocess.Popen[bytes]:
        if not (self._folder / "model.onnx").exists():
            raise EmbedderUnavailable(f"The embedding model is not in {self._folder}.", hint="Run `make setup`.")
        command = [sys.executable, "-m", "alma.memory.embed_child", str(self._folder)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            _receive(self._child)  # it is ready
        except EOFError as error:
            self.close()
            raise EmbedderUnavailable("The embedding process did not start.", hint="Run `alma doctor`.") from error
        return self._child


def _receive(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    head = child.stdout.read(8)
    if len(head) == 8:
        _number, length = struct.unpack(">II", head)
        data = child.stdout.read(length)
        if len(data) == length:
            return data
    raise EOFError("The process ended before its answer did.")
