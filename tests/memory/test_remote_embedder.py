"""An endpoint for embeddings, as it should be and as it should not: a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from alma.errors import EmbedderUnavailable, SettingsInvalid
from alma.memory import remote_embedder
from alma.memory.embedder import Embedder
from alma.memory.remote_embedder import RemoteEmbedder, choose_embedding

KEY = "sk-very-secret-0123456789"


def row(text: str, index: int) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": [float(len(text)), 1.0, 2.0]}


class Endpoint:
    """`answer` makes the body (or a response) of the texts; `asked`: the requests that came."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answer: Callable[[list[str]], Any] = self.good
        self.url = ""

    @staticmethod
    def good(texts: list[str]) -> Any:
        return {"data": [row(text, index) for index, text in enumerate(texts)]}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        answer = self.answer(self.asked[-1]["input"])
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)


@pytest.fixture
async def endpoint() -> AsyncGenerator[Endpoint]:
    endpoint = Endpoint()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/embeddings", endpoint.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def embedder(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[RemoteEmbedder]:
    monkeypatch.setattr(remote_embedder, "_FIRST_PAUSE_S", 0.0)
    embedder = RemoteEmbedder(endpoint.url, "nomic", KEY)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(embedder.run())
        yield embedder
        running.cancel()


async def test_texts_become_rows_of_length_one_in_their_order(endpoint: Endpoint, embedder: RemoteEmbedder) -> None:
    assert (embedder.model, embedder.dimensions) == ("endpoint:nomic", 0)
    rows = await embedder.embed(["a", "bbb", "a", "\ud800", ""], urgent=False)
    assert rows.shape == (5, 3)
    assert embedder.dimensions == 3
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.array_equal(rows[0], rows[2])
    assert np.allclose(rows[1], np.array([3, 1, 2]) / np.sqrt(14))
    assert endpoint.asked == [{"model": "nomic", "input": ["a", "bbb", "?", "."], "encoding_format": "float"}]
    assert endpoint.keys == [f"Bearer {KEY}"]
    assert (await embedder.embed([])).shape == (0, 3)


async def test_many_texts_go_in_batches_and_queries_are_kept(endpoint: Endpoint, embedder: RemoteEmbedder) -> None:
    assert (await embedder.embed([f"text {number}" for number in range(150)], urgent=False)).shape == (150, 3)
    assert [len(one["input"]) for one in endpoint.asked] == [64, 64, 22]
    await embedder.embed(["x" * 60_000, "y" * 60_000], urgent=False)
    assert [len(one["input"]) for one in endpoint.asked[3:]] == [1, 1]
    await embedder.embed(["query"])
    await embedder.embed(["query"])
    assert len(endpoint.asked) == 6


async def test_rows_are_put_where_their_index_says(endpoint: Endpoint, embedder: RemoteEmbedder) -> None:
    endpoint.answer = lambda texts: {"data": Endpoint.good(texts)["data"][::-1]}
    rows = await embedder.embed(["a", "bbbb"])
    assert rows[0][0] < rows[1][0]


BAD: list[tuple[str, Callable[[list[str]], Any]]] = [
    ("too few", lambda texts: {"data": [row("a", 0)]}),
    ("an index twice", lambda texts: {"data": [row("a", 0), row("b", 0)]}),
    ("an index out of bounds", lambda texts: {"data": [row("a", 1), row("b", 2)]}),
    ("two lengths", lambda texts: {"data": [row("a", 0), {"index": 1, "embedding": [1.0]}]}),
    ("no length", lambda texts: {"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}]}),
    ("zero", lambda texts: {"data": [row("a", 0), {"index": 1, "embedding": [0.0, 0.0, 0.0]}]}),
    ("not a number", lambda texts: web.Response(text='{"data": [{"embedding": [NaN]}, {"embedding": [1]}]}')),
    ("too large a number", lambda texts: web.Response(text='{"data": [{"embedding": [1e999]}, {"embedding": [1]}]}')),
    ("an error with 200", lambda texts: {"error": {"message": "no such model"}}),
    ("a page", lambda texts: web.Response(text="<html>Welcome</html>", content_type="text/html")),
    ("bytes", lambda texts: web.Response(body=b"\xff\xfe\x00")),
    ("base64", lambda texts: {"data": [{"index": 0, "embedding": "AACA"}, {"index": 1, "embedding": "AACA"}]}),
]


@pytest.mark.parametrize(("name", "answer"), BAD, ids=[name for name, _ in BAD])
async def test_an_answer_that_is_none_is_refused(
    endpoint: Endpoint, embedder: RemoteEmbedder, name: str, answer: Callable[[list[str]], Any]
) -> None:
    endpoint.answer = answer
    with pytest.raises(EmbedderUnavailable) as caught:
        await embedder.embed(["a", "b"])
    assert caught.value.expected
    assert caught.value.actual
    assert embedder.dimensions == 0
    assert len(endpoint.asked) == 1, "asking again would not help"
    endpoint.answer = Endpoint.good
    assert (await embedder.embed(["a", "b"])).shape == (2, 3)


async def test_another_number_of_dimensions_is_refused_later(endpoint: Endpoint, embedder: RemoteEmbedder) -> None:
    await embedder.embed(["a"])
    endpoint.answer = lambda texts: {"data": [{"index": 0, "embedding": [1.0, 2.0]}]}
    with pytest.raises(EmbedderUnavailable) as caught:
        await embedder.embed(["b"])
    assert (caught.value.expected, caught.value.actual) == ("3 dimensions", "2")
    assert embedder.dimensions == 3


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_pass_is_tried_again(endpoint: Endpoint, embedder: RemoteEmbedder, status: int) -> None:
    def at_first(texts: list[str]) -> Any:
        return web.Response(status=status) if len(endpoint.asked) < 4 else Endpoint.good(texts)

    endpoint.answer = at_first
    assert (await embedder.embed(["a"], urgent=False)).shape == (1, 3)
    assert len(endpoint.asked) == 4
    endpoint.answer = lambda texts: web.Response(status=status)
    with pytest.raises(EmbedderUnavailable, match=str(status)):
        await embedder.embed(["b"])
    assert len(endpoint.asked) == 6, "a query does not wait for long"


async def test_the_key_is_in_no_error_and_no_log(
    endpoint: Endpoint, embedder: RemoteEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (400, 401, 403, 404, 500):
        endpoint.answer = lambda texts: web.Response(status=status, text=f"Incorrect key: {KEY}")  # noqa: B023
        with pytest.raises(EmbedderUnavailable) as caught:
            await embedder.embed([f"a {status}"])
        facts = caught.value.facts()
        assert KEY not in str(facts)
        assert str(status) in facts["message"]
        assert status not in (401, 403) or "ALMA_EMBEDDING_API_KEY" in facts["hint"]
    assert KEY not in caplog.text


async def test_the_key_goes_nowhere_else(endpoint: Endpoint, embedder: RemoteEmbedder) -> None:
    endpoint.answer = lambda texts: web.Response(status=307, headers={"Location": f"{endpoint.url}/embeddings"})
    with pytest.raises(EmbedderUnavailable, match="307"):
        await embedder.embed(["a"])
    assert len(endpoint.asked) == 1


async def test_one_that_is_silent_or_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_embedder, "_FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(remote_embedder, "_URGENT", (2, 0.05))

    over = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await given_up(url, "did not answer")
        over.set()
    await given_up(url, "reached")


async def given_up(url: str, why: str) -> None:
    other = RemoteEmbedder(url, "nomic")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(other.run())
        with pytest.raises(EmbedderUnavailable, match=why):
            await other.embed(["a"])
        running.cancel()


def test_the_right_one_is_chosen() -> None:
    built_in = Embedder(Path("nowhere"))
    assert choose_embedding(None, None, None, built_in) is built_in
    chosen = choose_embedding("http://127.0.0.1:1/v1", "nomic", None, built_in)
    assert chosen.model == "endpoint:nomic"
    with pytest.raises(SettingsInvalid, match="ALMA_EMBEDDING_MODEL"):
        choose_embedding("http://127.0.0.1:1/v1", None, None, built_in)
