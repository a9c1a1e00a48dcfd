"""The index on a Chroma server: one collection for each model, facts as metadata, limits as its where-clauses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from alma.memory.embedding import Vector
from alma.memory.records import Filter, Reader
from alma.memory.vectors.index import FACTS, Limits, Near, Nums, Rows, VectorIndex, limits_of, name_of
from alma.memory.vectors.server import PAGE, Calls, StampFile, missing_package, parts

_THREADS = 3
_TIMEOUT_S = 10.0
_EXPANSION = 200
_TRIES = 4
_EQUALS = 50


class ChromaIndex(VectorIndex):
    """`folder`: where its stamp is."""

    def __init__(self, url: str, folder: Path, model: str, dimensions: int) -> None:
        self._url = url
        self._calls = Calls("Chroma", url, _THREADS)
        self._stamps = StampFile(folder, "chroma", url, model, dimensions)
        self._name = f"alma-{name_of(model, dimensions)}"
        self._client: Any = None
        self._collection: Any = None

    async def open(self) -> int:
        return await self._calls.run(self._open)

    def _open(self) -> int:
        try:
            from chromadb import errors
        except ImportError:
            raise missing_package("chroma") from None
        self._client = _connected(self._url)
        try:
            self._collection = self._client.get_collection(self._name, embedding_function=None)
        except errors.NotFoundError:
            self._create()
            return 0
        return self._stamps.read()

    def _create(self) -> None:
        self._collection = self._client.create_collection(
            self._name,
            configuration={"hnsw": {"space": "cosine", "ef_search": _EXPANSION, "ef_construction": _EXPANSION}},
            embedding_function=None,
        )

    async def close(self, stamp: int) -> None:
        self._stamps.write(stamp)
        if self._client is not None:
            await self._calls.run(self._disconnect)
        self._calls.stop()

    def _disconnect(self) -> None:
        sessions = _sessions(self._client)
        self._client.close()
        for session in sessions:
            session.close()

    async def add(self, rows: Rows) -> None:
        for part in parts(rows):
            await self._calls.run(lambda part=part: self._add(part))

    def _add(self, rows: Rows) -> None:
        given = {
            str(num): (vector, dict(zip(FACTS, facts, strict=True)))
            for num, vector, *facts in zip(rows.nums.tolist(), rows.vectors, *rows.facts, strict=True)
        }
        for _ in range(_TRIES):
            vectors, facts = zip(*given.values(), strict=True)
            self._collection.upsert(ids=[*given], embeddings=[*vectors], metadatas=[*facts])
            given = {num: given[num] for num in self._unreachable([*given], vectors)}
            if not given:
                return

    def _unreachable(self, numbers: list[str], vectors: Sequence[Vector]) -> list[str]:
        """What a search for its own vector does not find.

        Once in some hundred times, what takes the place of something that was removed or replaced is left without a
        way to it in Chroma's graph (its issue 7758), for ever; given once more, it gets one.
        """
        nearest = self._collection.query(query_embeddings=[*vectors], n_results=1, include=[])["ids"]
        doubtful = {num: vector for num, vector, near in zip(numbers, vectors, nearest, strict=True) if near != [num]}
        if not doubtful:
            return []
        equals = self._collection.query(query_embeddings=[*doubtful.values()], n_results=_EQUALS, include=[])["ids"]
        lost = [num for num, found in zip(doubtful, equals, strict=True) if num not in found]
        return self._collection.get(ids=lost, include=[])["ids"] if lost else []  # not what was removed meanwhile

    async def remove(self, nums: Sequence[int]) -> None:
        numbers = [str(num) for num in dict.fromkeys(nums)]  # it refuses one that comes twice
        for at in range(0, len(numbers), PAGE):
            gone = numbers[at : at + PAGE]
            await self._calls.run(lambda gone=gone: self._collection.delete(ids=gone))

    async def search(self, vector: Vector, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        limits = limits_of(reader, wanted)
        if limits is None or k <= 0:
            return []
        return await self._calls.run(lambda: self._search(vector, k, limits))

    def _search(self, vector: Vector, k: int, limits: Limits) -> list[Near]:
        found = self._collection.query(
            query_embeddings=[vector], n_results=k, where=_allowed(limits), include=["distances"]
        )
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return [Near(int(num), min(1.0 - float(distance), 1.0)) for num, distance in pairs]

    async def nums(self) -> Nums:
        return await self._calls.run(self._nums)

    def _nums(self) -> Nums:
        nums: list[str] = []
        while True:
            page = self._collection.get(include=[], limit=PAGE, offset=len(nums))["ids"]
            nums += page
            if len(page) < PAGE:
                return np.asarray(nums, np.int64)

    async def save(self, stamp: int) -> None:
        self._stamps.write(stamp)

    async def clear(self) -> None:
        self._stamps.drop()

        def anew() -> None:
            self._client.delete_collection(self._name)
            self._create()

        await self._calls.run(anew)


def _connected(url: str) -> Any:
    """A client. Its library asks the server while it is made, and would wait for ever."""
    from chromadb.api.client import Client
    from chromadb.config import Settings

    def limit(client: Any) -> None:
        for session in _sessions(client):
            session.timeout = _TIMEOUT_S

    class Impatient(Client):
        def get_user_identity(self) -> Any:
            limit(self)
            return super().get_user_identity()

        def _validate_tenant_database(self, tenant: str, database: str) -> None:
            limit(self)
            super()._validate_tenant_database(tenant, database)

    address = urlsplit(url)
    client = Impatient(
        settings=Settings(
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=address.hostname or "127.0.0.1",
            chroma_server_http_port=address.port or (443 if address.scheme == "https" else 8000),
            chroma_server_ssl_enabled=address.scheme == "https",
            anonymized_telemetry=False,
        )
    )
    limit(client)
    return client


def _sessions(client: Any) -> list[Any]:
    """Of HTTP: the client library by itself neither closes them nor gives them a time limit."""
    servers: list[Any] = [getattr(one, "_server", None) for one in (client, getattr(client, "_admin_client", None))]
    return [server._session for server in servers if hasattr(server, "_session")]


def _allowed(limits: Limits) -> dict[str, Any]:
    """A Chroma where-clause."""
    every: list[dict[str, Any]] = [{"owner": limits.owner}]
    if limits.shared is not None:
        seen: list[dict[str, Any]] = [{"scope": {"$in": [*limits.shared]}}] if limits.shared else []
        if limits.own is not None:
            seen.append({"$and": [{"scope": "private"}, {"agent": limits.own}]})
        every.append(seen[0] if len(seen) == 1 else {"$or": seen})
    every += [{name: {"$in": [*values]}} for name, values in limits.among.items()]
    if limits.not_runs:
        every.append({"run_id": {"$nin": [*limits.not_runs]}})
    if limits.since is not None:
        every.append({"created_at": {"$gte": limits.since}})
    if limits.until is not None:
        every.append({"created_at": {"$lte": limits.until}})
    if limits.pinned is not None:
        every.append({"pinned": limits.pinned})
    if limits.files is not None:
        every.append({"document_id": {"$ne" if limits.files else "$eq": ""}})
    return every[0] if len(every) == 1 else {"$and": every}
