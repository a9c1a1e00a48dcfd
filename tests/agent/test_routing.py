"""Which kind a task is: with the real embedding model, on requests written for this test and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from alma.agent.role import load_role
from alma.agent.route import Example, classify
from alma.agent.router import Router
from alma.errors import EmbedderUnavailable
from alma.memory.embedder import Embedder

HELD_OUT = {
    "chat": [
        "hey, what's up?",
        "Who discovered penicillin?",
        "Do you speak French?",
        "What's the currency of Sweden?",
        "thanks a million!",
        "How many legs does a spider have?",
        "Which planet is closest to the sun?",
        "Nice talking to you, bye",
        "What does the abbreviation NASA stand for?",
        "How do you say thank you in Japanese?",
    ],
    "creative": [
        "Write a sonnet about a lighthouse keeper",
        "Tell me a scary story set in an old library",
        "Invent a new holiday and describe how people celebrate it",
        "Come up with a catchy name for my bakery",
        "Compose a rap about doing the dishes",
        "Write a dialogue between a cat and a goldfish",
        "Make up a legend about how mountains were born",
        "A limerick about a man from Peru, please",
        "Write a love poem to pizza",
        "Imagine a letter from a tree to a lumberjack",
    ],
    "analytical": [
        "Compare trains and planes for a trip from Berlin to Paris by cost, time and emissions",
        "Should a small company use Postgres or MongoDB? Weigh the trade-offs",
        "Explain step by step how a bill becomes a law",
        "What are the pros and cons of a four-day work week?",
        "Plan a two-week vegetarian menu with a budget of 80 euros",
        "Find the error in this SQL query and explain it",
        "Analyse the causes of the 2008 financial crisis",
        "Calculate the compound interest on 1000 euros over ten years and show your steps",
        "Evaluate the risks of moving our servers to the cloud",
        "Make a schedule for renovating a kitchen in six weeks",
    ],
}


@pytest.fixture
async def embedder(data_dir: Path) -> AsyncGenerator[Embedder]:
    embedder = Embedder(data_dir / "models" / "minilm")
    task = asyncio.create_task(embedder.run())
    yield embedder
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.slow
async def test_held_out_requests_are_told_apart(embedder: Embedder) -> None:
    router = Router(lambda: load_role("manager"), embedder)
    wrong = [
        (text, kind, chosen.kind)
        for kind, texts in HELD_OUT.items()
        for text in texts
        if (chosen := await router.route(text, "ada", None, 0)).kind != kind
    ]
    assert len(wrong) <= 2, wrong


@pytest.mark.slow
async def test_a_correction_changes_this_and_similar_tasks_of_its_owner_only(embedder: Embedder) -> None:
    router = Router(lambda: load_role("manager"), embedder)
    text = "Describe my garden in June"
    before = (await router.route(text, "ada", None, 0)).kind
    other = "analytical" if before != "analytical" else "creative"
    router.learn("ada", text, other, await router.vector(text))
    after = await router.route(text, "ada", None, 0)
    assert after.kind == other
    assert after.neighbours[0].source == "correction"
    assert (await router.route(text, "bob", None, 0)).kind == before
    router.forget("ada", text)
    assert (await router.route(text, "ada", None, 0)).kind == before


@pytest.mark.slow
async def test_the_embedder_survives_its_process_and_any_text(embedder: Embedder) -> None:
    first = await embedder.embed(["hello", "hello", "", "\x00\ud800 broken", "🦜" * 5000, "字" * 10_000])
    assert first.shape == (6, 384)
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert np.array_equal(first[0], first[1])
    assert embedder._child is not None
    embedder._child.kill()
    async with asyncio.timeout(120):
        while True:
            try:
                again = await embedder.embed(["another text"])
                break
            except EmbedderUnavailable:
                await asyncio.sleep(0.02)
    assert again.shape == (1, 384)


async def test_without_an_embedder_a_task_is_chat_and_says_so() -> None:
    embedder = Embedder(Path("nowhere"))
    task = asyncio.create_task(embedder.run())
    try:
        route = await Router(lambda: load_role("manager"), embedder).route("Write a poem", "ada", None, 0)
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert (route.kind, route.source) == ("chat", "default")
    assert embedder.state == "absent"


def test_the_nearest_examples_vote_by_their_similarity() -> None:
    vectors = np.eye(384, dtype=np.float32)[:4]
    examples = [Example("a", "chat"), Example("b", "creative"), Example("c", "creative"), Example("d", "analytical")]
    task = (vectors[0] * 0.9 + vectors[1] * 0.3 + vectors[2] * 0.3).astype(np.float32)
    verdict = classify(task, examples, vectors)
    assert verdict.kind == "chat"
    assert sum(verdict.scores.values()) == pytest.approx(1, abs=0.01)
    assert [neighbour.text for neighbour in verdict.neighbours][:1] == ["a"]
