"""One contract for all indexes of vectors, each on the real thing: usearch, PostgreSQL with pgvector, Qdrant's local
mode, and Chroma's own server."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from alma.errors import IndexUnavailable
from alma.memory.access import may_read, passes
from alma.memory.embedding import Vector
from alma.memory.records import Filter, Memory, Reader, Source
from alma.memory.vectors.chroma_index import ChromaIndex
from alma.memory.vectors.factory import index_maker
from alma.memory.vectors.index import Limits, Near, VectorIndex, rows_of
from alma.memory.vectors.usearch_index import UsearchIndex

DIMENSIONS = 16
ANN = Reader("ann")
ALL = Filter()
Make = Callable[[], VectorIndex]


@pytest.fixture(scope="module")
def pgvector_url(postgres: str) -> Generator[str]:
    name = f"vectors_{secrets.token_hex(4)}"
    url = sa.make_url(postgres).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = tmp_path_factory.mktemp("chroma")
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(folder), "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/v2/heartbeat", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "Chroma's server ended"
        try:
            with opener.open(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answered at {url}")


@pytest.fixture(
    params=["usearch", *(pytest.param(name, marks=pytest.mark.slow) for name in ("pgvector", "qdrant", "chroma"))]
)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes an index of one model; called again, what was kept of it."""
    model = f"model {secrets.token_hex(4)}"
    if request.param == "qdrant":
        from qdrant_client import QdrantClient

        from alma.memory.vectors.qdrant_index import QdrantIndex

        def connect() -> QdrantClient:
            return QdrantClient(path=str(tmp_path / "qdrant"))

        return lambda: QdrantIndex("a folder", tmp_path / "memory", model, DIMENSIONS, connect)
    server = request.getfixturevalue("chroma_url") if request.param == "chroma" else None
    database = request.getfixturevalue("pgvector_url") if request.param == "pgvector" else "sqlite://"
    maker = index_maker(request.param, folder=tmp_path / "memory", database_url=database, backend_url=server)
    return lambda: maker(model, DIMENSIONS)


@pytest.fixture
async def index(make: Make) -> AsyncGenerator[VectorIndex]:
    opened = make()
    await opened.open()
    yield opened
    await opened.close(0)


def memory(num: int, **fields: object) -> Memory:
    source = {name: fields.pop(name) for name in ("thread_id", "run_id", "document_id") if name in fields}
    given = {"owner": "ann", "agent": "writer", "kind": "semantic", "scope": "owner", "created_at": 100.0} | fields
    at = given["created_at"]
    return Memory(
        num=num,
        id=f"m_{num}",
        text="",
        seen_at=at,  # type: ignore[arg-type]
        valid_from=at,  # type: ignore[arg-type]
        source=Source(**source),  # type: ignore[arg-type]
        **given,  # type: ignore[arg-type]
    )


def some_vectors(count: int, seed: int = 0) -> Vector:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


async def put(index: VectorIndex, memories: Sequence[Memory], vectors: Vector) -> None:
    await index.add(rows_of(memories, vectors))


async def found(
    index: VectorIndex, vector: Vector, k: int = 50, reader: Reader = ANN, wanted: Filter = ALL
) -> list[int]:
    return [near.num for near in await index.search(vector, k, reader, wanted)]


async def held(index: VectorIndex) -> list[int]:
    return sorted((await index.nums()).tolist())


# ── what is in it ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_nearest_come_first_with_their_cosines(index: VectorIndex) -> None:
    vectors = some_vectors(120)
    await put(index, [memory(num) for num in range(1, 121)], vectors)
    for query in some_vectors(10, seed=1):
        near = await index.search(query, 10, ANN, ALL)
        exact = np.sort(vectors @ query)[::-1][:10]
        assert [one.cosine for one in near] == pytest.approx(exact.tolist(), abs=2e-3)
        cosines = vectors @ query
        assert [cosines[one.num - 1] for one in near] == pytest.approx(exact.tolist(), abs=2e-3)


async def test_what_has_the_same_number_is_replaced(index: VectorIndex) -> None:
    first, second = some_vectors(2)
    await put(index, [memory(7, agent="writer"), memory(8)], np.stack([first, second]))
    await put(index, [memory(7, agent="critic")], second[None])
    [near, other] = await index.search(second, 2, ANN, ALL)
    assert (near.cosine, other.cosine) == pytest.approx((1.0, 1.0), abs=2e-3)
    assert await found(index, first, wanted=Filter(agents=("writer",))) == [8]
    assert await found(index, first, wanted=Filter(agents=("critic",))) == [7]
    assert await held(index) == [7, 8]


async def test_twice_in_one_call_the_last_counts(index: VectorIndex) -> None:
    first, second = some_vectors(2)
    await put(index, [memory(1, key="a"), memory(1, key="b")], np.stack([first, second]))
    [near] = await index.search(second, 5, ANN, Filter(key="b"))
    assert near.cosine == pytest.approx(1.0, abs=2e-3)
    assert await found(index, second, wanted=Filter(key="a")) == []


async def test_what_is_removed_is_found_no_more_and_may_come_back(index: VectorIndex) -> None:
    vectors = some_vectors(20)
    await put(index, [memory(num) for num in range(1, 21)], vectors)
    await index.remove([3, 4, 3, 999])
    assert await held(index) == [num for num in range(1, 21) if num not in (3, 4)]
    assert not {3, 4} & set(await found(index, vectors[2]))
    await put(index, [memory(3)], vectors[2:3])
    assert (await found(index, vectors[2], k=1)) == [3]


async def test_more_than_there_are_gives_all_there_are(index: VectorIndex) -> None:
    assert await found(index, some_vectors(1)[0]) == []
    await put(index, [memory(1), memory(2)], some_vectors(2))
    assert sorted(await found(index, some_vectors(1)[0], k=500)) == [1, 2]
    assert await found(index, some_vectors(1)[0], k=0) == []


async def test_nothing_is_no_trouble(index: VectorIndex) -> None:
    await put(index, [], np.zeros((0, DIMENSIONS), np.float32))
    await index.remove([])
    assert await held(index) == []


async def test_it_is_the_same_when_it_is_opened_again(make: Make) -> None:
    index = make()
    assert await index.open() == 0
    vectors = some_vectors(30)
    await put(index, [memory(num, pinned=num == 5) for num in range(1, 31)], vectors)
    await index.close(77)
    again = make()
    assert await again.open() == 77
    assert await held(again) == [*range(1, 31)]
    assert await found(again, vectors[4], wanted=Filter(pinned=True)) == [5]
    assert await found(again, vectors[9], k=1) == [10]
    await again.close(78)


async def test_cleared_it_is_empty_and_stays_so(make: Make) -> None:
    index = make()
    await index.open()
    vectors = some_vectors(3)
    await put(index, [memory(num) for num in range(1, 4)], vectors)
    await index.save(5)
    await index.clear()
    assert await held(index) == []
    await put(index, [memory(2)], vectors[1:2])
    assert await found(index, vectors[0]) == [2]
    await index.clear()
    await index.close(0)
    again = make()
    assert await again.open() == 0
    assert await held(again) == []
    await again.close(0)


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────

MIXED = [
    memory(1, agent="user", scope="private", pinned=True),
    memory(2, agent="writer", scope="private", kind="episodic", thread_id="t_1", run_id="r_1", created_at=10.0),
    memory(3, agent="critic", scope="private", kind="working", thread_id="t_2", run_id="r_2", created_at=20.5),
    memory(4, agent="writer", scope="team", kind="procedural", document_id="d_1", key="user.city"),
    memory(5, agent="critic", scope="owner", run_id="r_1", key="user.city", pinned=True),
    memory(6, owner="bob", agent="writer", scope="team", run_id="r_1", thread_id="t_1"),
    memory(7, owner="Zoë 🐋", agent="schreiber‑ñ", scope="private", key="ключ 'x\" \\", document_id="文書"),
    memory(8, owner="Zoë 🐋", agent="مترجم", scope="team", run_id="r' OR 1=1 --", created_at=0.0),
]
READERS = [
    ANN,
    Reader("ann", "writer"),
    Reader("ann", "critic", ("private",)),
    Reader("ann", "critic", ("team", "owner")),
    Reader("ann", "writer", ()),
    Reader("ann", "user"),
    Reader("bob", "writer"),
    Reader("Zoë 🐋"),
    Reader("Zoë 🐋", "schreiber‑ñ"),
    Reader("Zoë 🐋", "مترجم", ("team",)),
    Reader("nobody"),
    Reader("an\udc80n"),
    Reader("ann", "wri\0ter"),
]
FILTERS = [
    Filter(),
    Filter(kinds=("episodic", "working")),
    Filter(scopes=("private",)),
    Filter(scopes=("team", "owner"), agents=("writer",)),
    Filter(agents=("critic", "مترجم")),
    Filter(threads=("t_1", "t_2")),
    Filter(threads=("t_1",), runs=("r_1",)),
    Filter(runs=("r_1", "r' OR 1=1 --")),
    Filter(documents=("d_1", "文書")),
    Filter(not_runs=("r_1",)),
    Filter(not_runs=("r_1", "r_2", "\udc80")),
    Filter(key="user.city"),
    Filter(key="ключ 'x\" \\"),
    Filter(key="nothing has it"),
    Filter(agents=("\udc80",)),
    Filter(since=20.5),
    Filter(until=20.5),
    Filter(since=10.0, until=20.5),
    Filter(since=float("nan")),
    Filter(pinned=True),
    Filter(pinned=False),
    Filter(files=True),
    Filter(files=False),
    Filter(files=False, kinds=("semantic", "episodic"), since=10.0),
    Filter(state="any"),
    Filter(state="superseded"),
    Filter(state="forgotten"),
]


async def test_who_asks_gets_what_it_may_read_and_wants_and_all_of_it(index: VectorIndex) -> None:
    vectors = some_vectors(len(MIXED))
    await put(index, MIXED, vectors)
    for reader in READERS:
        for wanted in FILTERS:
            right = [one.num for one in MIXED if may_read(reader, one) and passes(wanted, one)]
            assert sorted(await found(index, vectors[0], reader=reader, wanted=wanted)) == right, (reader, wanted)


async def test_a_filter_that_little_passes_loses_nothing_of_it(index: VectorIndex) -> None:
    vectors = some_vectors(200)
    memories = [memory(num, run_id=f"r_{num % 16}") for num in range(1, 201)]
    await put(index, memories, vectors)
    for run in range(0, 16, 4):
        query = some_vectors(1, seed=run)[0]
        right = sorted((one.num for one in memories if one.num % 16 == run), key=lambda num: -vectors[num - 1] @ query)
        assert await found(index, query, k=10, wanted=Filter(runs=(f"r_{run}",))) == right[:10]


# ── at once ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_adding_removing_and_searching_at_once(index: VectorIndex) -> None:
    vectors = some_vectors(150)

    async def write(start: int) -> None:
        for at in range(start, start + 50, 25):
            await put(index, [memory(num + 1) for num in range(at, at + 25)], vectors[at : at + 25])
            await index.remove([at + 1])

    async def read() -> None:
        for query in some_vectors(12, seed=9):
            cosines = [near.cosine for near in await index.search(query, 20, ANN, ALL)]
            assert cosines == sorted(cosines, reverse=True)

    async with asyncio.TaskGroup() as group:
        for start in (0, 50, 100):
            group.create_task(write(start))
            group.create_task(read())
    removed = {at + 1 for at in range(0, 150, 25)}
    assert await held(index) == [num for num in range(1, 151) if num not in removed]


async def test_closed_it_says_so(make: Make) -> None:
    index = make()
    await index.open()
    vectors = some_vectors(1)
    await put(index, [memory(1)], vectors)
    await index.close(1)
    async with asyncio.timeout(120):
        for asked in (index.search(vectors[0], 1, ANN, ALL), index.nums(), put(index, [memory(2)], vectors)):
            with pytest.raises(IndexUnavailable, match="closed"):
                await asked


async def test_what_was_asked_before_it_closed_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, search = threading.Event(), UsearchIndex._search

    def search_later(self: UsearchIndex, vector: Vector, k: int, limits: Limits) -> list[Near]:
        closed.wait(20)
        return search(self, vector, k, limits)

    monkeypatch.setattr(UsearchIndex, "_search", search_later)
    index = UsearchIndex(tmp_path, "model", DIMENSIONS)
    await index.open()
    vectors = some_vectors(1)
    await put(index, [memory(1)], vectors)
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(index.close(1))
        asked = [group.create_task(found(index, vectors[0])) for _ in range(3)]
        await closing
        closed.set()
    assert [task.result() for task in asked] == [[1]] * 3


# ── backends that are not there ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_what_chroma_has_no_way_to_is_given_once_more(chroma_url: str, tmp_path: Path) -> None:
    index = index_maker("chroma", folder=tmp_path, database_url="sqlite://", backend_url=chroma_url)("lost", DIMENSIONS)
    assert isinstance(index, ChromaIndex)
    await index.open()
    vectors = some_vectors(6)
    vectors[5] = vectors[4]  # an equal is no reason
    index._collection = losing = Losing(index._collection, "3")
    await put(index, [memory(num) for num in range(1, 7)], vectors)
    assert losing.given == [["1", "2", "3", "4", "5", "6"], ["3"]]
    assert (await found(index, vectors[2], k=1)) == [3]
    await index.close(0)


class Losing:
    """A collection whose searches do not find one before it was given twice."""

    def __init__(self, collection: Any, lost: str) -> None:
        self._collection = collection
        self._lost = lost
        self.given: list[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    def upsert(self, ids: list[str], **kept: Any) -> None:
        self.given.append(ids)
        self._collection.upsert(ids=ids, **kept)

    def query(self, **asked: Any) -> Any:
        found = self._collection.query(**asked)
        if len(self.given) < 2:
            found["ids"] = [[num for num in row if num != self._lost] for row in found["ids"]]
        return found


@pytest.mark.parametrize("backend", ["qdrant", "chroma", "pgvector"])
async def test_a_server_that_does_not_answer_is_named(backend: str, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    database = f"postgresql://alma:secret@127.0.0.1:{port}/alma"
    make = index_maker(
        backend,  # type: ignore[arg-type]
        folder=tmp_path,
        database_url=database,
        backend_url=f"http://127.0.0.1:{port}",
    )
    index = make("model", DIMENSIONS)
    with pytest.raises(IndexUnavailable) as raised:
        await index.open()
    assert str(port) in raised.value.message
    assert "secret" not in str(raised.value.facts())
    await index.close(0)


@pytest.mark.parametrize("backend", ["qdrant", "chroma", "pgvector"])
async def test_a_server_that_accepts_and_stays_silent_is_given_up(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.memory.vectors.chroma_index._TIMEOUT_S", 0.2)
    monkeypatch.setattr("alma.memory.vectors.qdrant_index._TIMEOUT_S", 1)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        make = index_maker(
            backend,  # type: ignore[arg-type]
            folder=tmp_path,
            database_url=f"postgresql://alma@127.0.0.1:{port}/alma",
            backend_url=f"http://127.0.0.1:{port}",
        )
        index = make("model", DIMENSIONS)
        async with asyncio.timeout(120):
            with pytest.raises(IndexUnavailable) as raised:
                await index.open()
            await index.close(0)
    assert str(port) in raised.value.message


async def test_python_does_not_wait_for_calls_that_hang() -> None:
    code = """
import asyncio, time
from alma.memory.vectors.server import Calls

async def main():
    calls = Calls("Silent", "nowhere", 2)
    try:
        await asyncio.wait_for(calls.run(lambda: time.sleep(600)), 0.1)
    except TimeoutError:
        print("given up")
    calls.stop()

asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(120):
            out, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    assert (out.strip(), child.returncode) == (b"given up", 0)


@pytest.mark.parametrize(
    ("backend", "module", "hint"),
    [("qdrant", "qdrant_client", 'pip install "alma[qdrant]"'), ("chroma", "chromadb", 'pip install "alma[chroma]"')],
)
async def test_a_package_that_is_not_installed_is_named(
    backend: str, module: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    make = index_maker(
        backend,  # type: ignore[arg-type]
        folder=tmp_path,
        database_url="sqlite://",
        backend_url="http://127.0.0.1:1",
    )
    index = make("model", DIMENSIONS)
    with pytest.raises(IndexUnavailable) as raised:
        await index.open()
    assert raised.value.hint == hint
    await index.close(0)


def test_what_a_backend_needs_is_said(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="where it is"):
        index_maker("qdrant", folder=tmp_path, database_url="sqlite://")("model", DIMENSIONS)
    with pytest.raises(IndexUnavailable, match="another"):
        index_maker("pgvector", folder=tmp_path, database_url="sqlite://")("model", DIMENSIONS)


# ── usearch: many, and the snapshot ───────────────────────────────────────────────────────────────────────────────


async def test_of_more_than_can_all_be_compared_the_nearest_are_found(tmp_path: Path) -> None:
    vectors = some_vectors(6000)
    index = UsearchIndex(tmp_path, "model", DIMENSIONS)
    await index.open()
    await put(index, [memory(num, run_id=f"r_{num % 2}") for num in range(1, 5501)], vectors[:5500])
    await put(index, [memory(num, run_id=f"r_{num % 2}") for num in range(5501, 6001)], vectors[5500:])
    await put(index, [memory(num, run_id="r_0") for num in range(1, 101)], vectors[100:200])  # others than before
    await index.remove([*range(200, 300)])
    now = np.concatenate([vectors[100:200], vectors[100:]])
    gone = np.zeros(6000, bool)
    gone[199:299] = True
    hits = 0
    for query in some_vectors(50, seed=3):
        cosines = np.where(gone, -2, now @ query)
        right = set((np.argsort(-cosines)[:10] + 1).tolist())
        hits += len(right & set(await found(index, query, k=10)))
    assert hits >= 490
    await index.close(1)


async def test_a_few_are_found_beside_very_many_that_are_alike(tmp_path: Path) -> None:
    """As what a user said beside the rows of a large table."""
    rng = np.random.default_rng(5)
    table = rng.standard_normal(DIMENSIONS) + 0.2 * rng.standard_normal((5000, DIMENSIONS))
    vectors = np.concatenate([rng.standard_normal((80, DIMENSIONS)), table])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    index = UsearchIndex(tmp_path, "model", DIMENSIONS)
    await index.open()
    await put(index, [memory(num) for num in range(1, 5081)], vectors)
    assert [(await found(index, vector, k=100))[0] for vector in vectors[:80]] == [*range(1, 81)]
    await index.close(1)


@pytest.fixture
async def snapshot(tmp_path: Path) -> Path:
    """Of 2,000 memories, put in in two steps."""
    index = UsearchIndex(tmp_path / "memory", "model", DIMENSIONS)
    await index.open()
    await put(index, [memory(num) for num in range(1, 1501)], some_vectors(2000)[:1500])
    await put(index, [memory(num) for num in range(1501, 2001)], some_vectors(2000)[1500:])
    await index.close(42)
    return tmp_path / "memory"


async def reopened(folder: Path, model: str = "model", dimensions: int = DIMENSIONS) -> tuple[int, int]:
    index = UsearchIndex(folder, model, dimensions)
    stamp = await index.open()
    count = len(await index.nums())
    near = await index.search(np.ones(dimensions, np.float32) / dimensions**0.5, 5, ANN, ALL)
    assert len(near) == min(count, 5)
    await index.close(stamp)
    return stamp, count


async def test_a_snapshot_holds_what_was_put_in_and_not_what_was_removed(tmp_path: Path) -> None:
    vectors = some_vectors(5)
    index = UsearchIndex(tmp_path, "model", DIMENSIONS)
    await index.open()
    await put(index, [memory(num) for num in range(1, 6)], vectors)
    await index.remove([2, 5])
    await index.close(9)
    again = UsearchIndex(tmp_path, "model", DIMENSIONS)
    assert await again.open() == 9
    for num in (1, 3, 4):
        assert await found(again, vectors[num - 1], k=1) == [num]
    assert sorted(await held(again)) == [1, 3, 4]
    await again.close(9)


async def test_an_index_that_became_empty_has_a_snapshot_too(tmp_path: Path) -> None:
    index = UsearchIndex(tmp_path, "model", DIMENSIONS)
    await index.open()
    await put(index, [memory(1)], some_vectors(1))
    await index.remove([1])
    await index.close(3)
    assert await reopened(tmp_path) == (3, 0)


async def test_what_an_earlier_format_left_goes(snapshot: Path) -> None:
    [vectors] = snapshot.glob("*.vectors")
    vectors.with_suffix(".graph").write_bytes(b"a graph")
    assert await reopened(snapshot) == (42, 2000)
    index = UsearchIndex(snapshot, "model", DIMENSIONS)
    await index.open()
    await put(index, [memory(1)], some_vectors(1))
    await index.close(43)
    assert len([*snapshot.iterdir()]) == 2


async def test_a_snapshot_is_read_whole(snapshot: Path) -> None:
    assert await reopened(snapshot) == (42, 2000)
    assert await reopened(snapshot, "another model") == (0, 0)
    assert await reopened(snapshot) == (42, 2000)


@pytest.mark.parametrize("suffix", ["head", "vectors"])
@pytest.mark.parametrize("seed", range(6))
async def test_a_snapshot_that_is_cut_or_changed_is_dropped(snapshot: Path, suffix: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    [file] = snapshot.glob(f"*.{suffix}")
    data = bytearray(file.read_bytes())
    place = int(rng.integers(len(data)))
    if seed % 3 == 0:
        data = data[:place]
    elif seed % 3 == 1:
        data[place] ^= 0xFF
    else:
        data = bytearray(rng.bytes(len(data)))
    file.write_bytes(data)
    assert await reopened(snapshot) == (0, 0)
    assert [*snapshot.glob("*.vectors")] == []


async def test_a_snapshot_of_another_format_is_dropped(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alma.memory.vectors.snapshot.FORMAT", 3)
    assert await reopened(snapshot) == (0, 0)


async def test_a_snapshot_of_another_model_under_the_name_is_dropped(snapshot: Path) -> None:
    from alma.memory.vectors.index import name_of

    [head] = snapshot.glob("*.head")
    head.rename(snapshot / f"{name_of('other', DIMENSIONS)}.head")
    assert await reopened(snapshot, "other") == (0, 0)


async def test_a_folder_that_cannot_be_written_costs_only_the_snapshot(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file")
    index = UsearchIndex(tmp_path / "memory", "model", DIMENSIONS)
    assert await index.open() == 0
    await put(index, [memory(1)], some_vectors(1))
    await index.save(1)
    assert await held(index) == [1]
    await index.close(1)
