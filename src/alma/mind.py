"""Memory put together: what makes vectors, what searches them, memories, the knowledge base, and who is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from alma.db.database import Database
from alma.errors import AlmaError
from alma.memory.dense import Dense
from alma.memory.embedder import Embedder
from alma.memory.knowledge.library import Document, Library
from alma.memory.memories import Memories
from alma.memory.recall import Recall
from alma.memory.records import Change
from alma.memory.remote_embedder import RemoteEmbedder, choose_embedding
from alma.memory.vectors.factory import Backend, index_maker
from alma.session.notices import Notices
from alma.session.wire import DocumentProgress, MemoriesChanged

log = logging.getLogger(__name__)
_TOLD_EVERY_S = 0.5
_PAUSE_S = 5.0  # after the database could not be read
_MOST_IDS = 100
_SETTLE_S = 20.0
_LOOK_S = 0.05


class Choice(Struct, frozen=True):
    """What the settings say of memory. `folder`: for all that it keeps besides the database."""

    folder: Path
    backend: Backend
    database_url: str
    backend_url: str | None
    embedding_url: str | None
    embedding_model: str | None
    embedding_key: str | None
    knowledge_dir: Path | None
    max_document_bytes: int


class Mind:
    """`owner`: whose the watched folder is. Of changes hear, after each commit, those who `memories.listen`; pages are
    told of them by `notices`."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        notices: Notices,
        choice: Choice,
        owner: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._notices = notices
        embedding = choose_embedding(choice.embedding_url, choice.embedding_model, choice.embedding_key, embedder)
        previous = embedder if embedding is not embedder else None
        self._remote = embedding if isinstance(embedding, RemoteEmbedder) else None
        make_index = index_maker(
            choice.backend, folder=choice.folder, database_url=choice.database_url, backend_url=choice.backend_url
        )
        self.dense = Dense(database, embedding, make_index, choice.backend, previous)
        self.memories = Memories(database, embedding, self.dense, Recall(database, self.dense), clock)
        self.library = Library(
            database,
            self.memories,
            choice.folder.parent / "knowledge",
            folder=choice.knowledge_dir,
            owner=owner,
            max_bytes=choice.max_document_bytes,
            told=self._document_changed,
            clock=clock,
        )
        self.memories.listen(self._changed)
        self._untold: dict[str, dict[str, None]] = {}  # by owner, ids
        self._news = asyncio.Event()

    async def open(self) -> None:
        await self.dense.open()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                if self._remote is not None:
                    group.create_task(self._remote.run())
                group.create_task(self.dense.run())
                group.create_task(self.library.run())
                group.create_task(self._tell())
        finally:
            await asyncio.shield(self.dense.close())

    async def settle(self) -> None:
        """Returns when what is kept has its vectors, or cannot get them now; in any case after `_SETTLE_S`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while self.dense.busy:  # noqa: ASYNC110  # rare, and nothing else is to be told
                    await asyncio.sleep(_LOOK_S)

    def _changed(self, changes: Sequence[Change]) -> None:
        if self._notices.watched:
            for change in changes:
                self._untold.setdefault(change.owner, {})[change.id] = None
            self._news.set()

    async def _tell(self) -> None:
        """Pages, a little later and once for many."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_TOLD_EVERY_S)
            self._news.clear()
            untold, self._untold = self._untold, {}
            for owner, ids in untold.items():
                try:
                    counts = await self.memories.counts(owner)
                except AlmaError as error:  # the database; they are told when it can be read
                    log.warning("a change of memories could not be told: %s", error.message)
                    self._untold[owner] = ids | self._untold.get(owner, {})
                    continue
                self._notices.broadcast(MemoriesChanged(ids=list(ids)[-_MOST_IDS:], total=counts.alive), owner)
            if self._untold:
                await asyncio.sleep(_PAUSE_S)
                self._news.set()

    def _document_changed(self, document: Document, deleted: bool) -> None:
        progress = DocumentProgress(
            id=document.id,
            name=document.name,
            state=document.state,
            chunks=document.chunks,
            done=document.done,
            error=document.error,
            deleted=deleted,
        )
        self._notices.broadcast(progress, document.owner)
