"""The embedder's process: what is urgent goes before what is not, and both get their own vectors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

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


async def test_a_query_waits_for_one_small_batch_at_most(embedder: Embedder) -> None:
    await embedder.embed(["ready"])
    done: list[str] = []

    async def keep(name: str, text: str, urgent: bool) -> None:
        await embedder.embed([text], urgent=urgent)
        done.append(name)

    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(keep("stored", f"Sentence {number} of what is stored.", urgent=False))
        await asyncio.sleep(0)
        group.create_task(keep("query", "What was stored?", urgent=True))
    assert done.index("query") <= 32  # the batch under way, and one that had been answered by then
    assert done.count("stored") == 100


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
    embedder._others = dict(waiting)
    assert embedder._batch() == []  # nobody waits for them
    for text in waiting:
        embedder._others[text] = [asyncio.get_running_loop().create_future()]
    assert len(embedder._batch()) == 1


async def test_one_that_is_absent_says_so_at_once() -> None:
    embedder = Embedder(Path("nowhere"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(embedder.run())
        with pytest.raises(EmbedderUnavailable, match="not in nowhere"):
            await embedder.embed(["anything"], urgent=False)
        running.cancel()
