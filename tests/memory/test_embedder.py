"""The embedder's process: what is urgent goes before what is not, and both get their own vectors."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import numpy as np
import pytest
import uvloop

from alma.child import PIPE, start
from alma.errors import EmbedderUnavailable
from alma.memory.embedder import Embedder
from alma.memory.embedding import Embedding
from alma.models.fetch import embedding_dir


@pytest.fixture
async def embedder(data_dir: Path) -> AsyncGenerator[Embedder]:
    embedder = Embedder(embedding_dir(data_dir))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(embedder.run())
        yield embedder
        running.cancel()


async def test_it_names_its_model_and_its_dimensions(embedder: Embedder) -> None:
    made: Embedding = embedder
    assert (made.model, made.dimensions) == ("minilm-l6-v2-int8", 384)
    rows = await made.embed(["The harbour freezes.", "Der Hafen friert zu."], urgent=False)
    assert rows.shape == (2, 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    assert (await made.embed([])).shape == (0, 384)


async def test_a_query_does_not_wait_for_what_is_stored(embedder: Embedder) -> None:
    await embedder.embed(["ready"])
    async with asyncio.TaskGroup() as group:
        many = [f"Sentence {number} of what is stored. " + "It goes on and on. " * 60 for number in range(28)]
        stored = group.create_task(embedder.embed(many, urgent=False))
        await asyncio.sleep(0)
        first = await embedder.embed(["What was stored?"])
        assert not any(text in embedder._kept for text in many[16:]), "at most the batch under way was before it"
    again = await embedder.embed([*many[:20], "What was stored?"])
    assert np.array_equal(stored.result()[:20], again[:20])
    assert np.array_equal(again[20], first[0])


async def test_both_ways_give_the_same_vectors(embedder: Embedder) -> None:
    texts = [f"Ship number {number} waits outside." for number in range(8)]
    urgent = await embedder.embed(texts)
    embedder._kept.clear()
    others = await embedder.embed(texts, urgent=False)
    assert np.allclose(urgent, others, atol=1e-5)


async def test_what_nobody_waits_for_any_more_is_not_embedded(embedder: Embedder) -> None:
    await embedder.embed(["ready"])
    many = [f"Sentence {number} that nobody waits for." for number in range(100)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await embedder.embed(many, urgent=False)
    assert embedder._others.batch() == []


async def test_a_text_that_waits_is_hurried_by_who_is_in_a_hurry(embedder: Embedder) -> None:
    await embedder.embed(["ready"])
    async with asyncio.TaskGroup() as group:
        many = [f"Sentence {number} that waits its turn." for number in range(200)]
        stored = group.create_task(embedder.embed(many, urgent=False))
        await asyncio.sleep(0)
        last = await embedder.embed([many[-1]])
        assert not stored.done()
    assert np.array_equal(stored.result()[-1], last[0])


async def test_small_batches_are_small_in_characters_too(embedder: Embedder) -> None:
    await embedder.embed(["ready"])
    waiting = {f"{number} " + "word " * 500: [] for number in range(10)}
    embedder._others.waiting = dict(waiting)
    assert embedder._others.batch() == []  # nobody waits for them
    for text in waiting:
        embedder._others.waiting[text] = [asyncio.get_running_loop().create_future()]
    assert len(embedder._others.batch()) == 1


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_process_that_is_gone_is_a_broken_pipe(
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
) -> None:
    async def feed() -> None:
        child = await start(sys.executable, "-c", "pass", stdin=PIPE)
        assert child.stdin is not None
        await child.wait()
        with contextlib.suppress(ConnectionError):
            await child.stdin.wait_closed()
        embedder = Embedder(Path("nowhere"))
        embedder.prefetch("The harbour freezes.")
        with pytest.raises(BrokenPipeError):
            await embedder._feed(embedder._urgent, child)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(feed())


async def test_one_that_is_absent_says_so_at_once() -> None:
    embedder = Embedder(Path("nowhere"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(embedder.run())
        with pytest.raises(EmbedderUnavailable, match="not in nowhere"):
            await embedder.embed(["anything"], urgent=False)
        running.cancel()
