"""The index on a Qdrant server: one collection for each model, facts as payload, limits as its filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alma.memory.embedding import Vector
from alma.memory.records import Filter, Reader
from alma.memory.vectors.index import FACTS, WORDS, Limits, Near, Nums, Rows, VectorIndex, limits_of, name_of
from alma.memory.vectors.server import PAGE, Calls, StampFile, missing_package, parts

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_TIMEOUT_S = 10
_EXPANSION = 128


class QdrantIndex(VectorIndex):
    """`folder`: where its stamp is. `connect`: makes the client; by itself, one of the server at `url`."""

    def __init__(
        self, url: str, folder: Path, model: str, dimensions: int, connect: Callable[[], QdrantClient] | None = None
    ) -> None:
        self._url = url
        self._connect = connect
        self._calls = Calls("Qdrant", url, 1)  # one after another: the client's local mode is not for several threads
        self._stamps = StampFile(folder, "qdrant", url, model, dimensions)
        self._dimensions = dimensions
        self._name = f"alma-{name_of(model, dimensions)}"
        self._client: Any = None

    async def open(self) -> int:
        return await self._calls.run(self._open)

    def _open(self) -> int:
        try:
            from qdrant_client import QdrantClient
        except ImportError:
            raise missing_package("qdrant") from None
        if self._client is None:
            self._client = (
                self._connect()
                if self._connect is not None
                else QdrantClient(url=self._url, timeout=_TIMEOUT_S, check_compatibility=False)
            )
        if self._client.collection_exists(self._name):
            return self._stamps.read()
        self._create()
        return 0

    def _create(self) -> None:
        from qdrant_client import models

        self._client.create_collection(
            self._name,
            vectors_config=models.VectorParams(size=self._dimensions, distance=models.Distance.COSINE),
        )
        if self._connect is None:
            kinds = dict.fromkeys(WORDS, "keyword") | {"created_at": "float", "pinned": "bool"}
            for fact, kind in kinds.items():
                self._client.create_payload_index(self._name, fact, field_schema=kind)

    async def close(self, stamp: int) -> None:
        self._stamps.write(stamp)
        if self._client is not None:
            await self._calls.run(self._client.close)
        self._calls.stop()

    async def add(self, rows: Rows) -> None:
        for part in parts(rows):
            await self._calls.run(lambda part=part: self._add(part))

    def _add(self, rows: Rows) -> None:
        from qdrant_client import models

        given = {
            num: models.PointStruct(id=num, vector=vector.tolist(), payload=dict(zip(FACTS, facts, strict=True)))
            for num, vector, *facts in zip(rows.nums.tolist(), rows.vectors, *rows.facts, strict=True)
        }
        self._client.upsert(self._name, [*given.values()], wait=True)

    async def remove(self, nums: Sequence[int]) -> None:
        from qdrant_client import models

        for at in range(0, len(nums), PAGE):
            gone = models.PointIdsList(points=[*nums[at : at + PAGE]])
            await self._calls.run(lambda gone=gone: self._client.delete(self._name, gone, wait=True))

    async def search(self, vector: Vector, k: int, reader: Reader, wanted: Filter) -> list[Near]:
        limits = limits_of(reader, wanted)
        if limits is None or k <= 0:
            return []
        return await self._calls.run(lambda: self._search(vector, k, limits))

    def _search(self, vector: Vector, k: int, limits: Limits) -> list[Near]:
        from qdrant_client import models

        found = self._client.query_points(
            self._name,
            query=vector.tolist(),
            query_filter=_allowed(limits),
            # the client's local mode compares all, and warns of being told how to search
            search_params=models.SearchParams(hnsw_ef=max(_EXPANSION, k)) if self._connect is None else None,
            limit=k,
            with_payload=False,
        )
        return [Near(int(point.id), min(float(point.score), 1.0)) for point in found.points]

    async def nums(self) -> Nums:
        return await self._calls.run(self._nums)

    def _nums(self) -> Nums:
        nums: list[int] = []
        after: Any = None
        while True:
            points, after = self._client.scroll(
                self._name, limit=PAGE, offset=after, with_payload=False, with_vectors=False
            )
            nums += [int(point.id) for point in points]
            if after is None:
                return np.asarray(nums, np.int64)

    async def save(self, stamp: int) -> None:
        self._stamps.write(stamp)

    async def clear(self) -> None:
        self._stamps.drop()

        def anew() -> None:
            self._client.delete_collection(self._name)
            self._create()

        await self._calls.run(anew)


def _allowed(limits: Limits) -> Any:
    """A Qdrant `Filter`."""
    from qdrant_client import models

    def among(name: str, values: Sequence[str]) -> models.FieldCondition:
        return models.FieldCondition(key=name, match=models.MatchAny(any=[*values]))

    must: list[Any] = [among("owner", [limits.owner])]
    if limits.shared is not None:
        seen: list[Any] = [among("scope", limits.shared)] if limits.shared else []
        if limits.own is not None:
            seen.append(models.Filter(must=[among("scope", ["private"]), among("agent", [limits.own])]))
        must.append(models.Filter(should=seen))
    must += [among(name, values) for name, values in limits.among.items()]
    if limits.since is not None or limits.until is not None:
        within = models.Range(gte=limits.since, lte=limits.until)
        must.append(models.FieldCondition(key="created_at", range=within))
    if limits.pinned is not None:
        must.append(models.FieldCondition(key="pinned", match=models.MatchValue(value=limits.pinned)))
    unwanted: list[Any] = [among("run_id", limits.not_runs)] if limits.not_runs else []
    if limits.files is not None:
        (unwanted if limits.files else must).append(among("document_id", [""]))
    return models.Filter(must=must, must_not=unwanted)
