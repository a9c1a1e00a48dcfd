"""What the response cache costs and saves: the time to a hit's first piece, and how many calls a hundred askers make.

Not a bench of its own: `bench.pool` reports these figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from alma.db.database import Database
from alma.models.cache import ResponseCache
from alma.models.cached import CachedModel
from alma.models.chat import Caller, ChatMessage, ChatModel, ChatRequest
from alma.models.script import Rule
from alma.models.scripted import ScriptedModel
from bench import rig


@contextlib.asynccontextmanager
async def cached(folder: Path, model: ChatModel, **options: object) -> AsyncGenerator[CachedModel]:
    """`model` behind a cache with its database in `folder`. `options`: of the cache."""
    database = Database(f"sqlite:///{folder / 'cache.db'}")
    await asyncio.to_thread(database.open)
    cache = ResponseCache(database, **options)  # type: ignore[arg-type]
    await cache.open()
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(cache.run())
            await asyncio.sleep(0)
            yield CachedModel(model, "scripted/model", cache)
            running.cancel()
    finally:
        await asyncio.to_thread(database.close)


def request(number: int, turns: int = 20) -> ChatRequest:
    """A prompt as an agent sends it, of some 4,000 characters."""
    said = [ChatMessage("system", "You are careful. " * 60)]
    for turn in range(turns):
        said.append(ChatMessage("assistant" if turn % 2 else "user", f"Turn {turn}: " + "words of before " * 8))
    said.append(ChatMessage("user", f"Question {number}?"))
    return ChatRequest("model", said, caller=Caller(owner="ada", run_id=f"r{number}", cacheable=True))


async def first_piece_ms(model: CachedModel, asked: ChatRequest) -> float:
    began = time.perf_counter()
    async with aclosing(model.stream(asked)) as chunks:
        await anext(chunks)
    return 1000 * (time.perf_counter() - began)


async def exact_hits(folder: Path, count: int = 200) -> dict[str, float]:
    """ms to the first piece, from memory and, after a restart, from the database."""
    model = ScriptedModel([Rule(answer="The Moon draws the sea. " * 40)])
    async with cached(folder, model) as before:
        for number in range(count):
            async for _ in before.stream(request(number)):
                pass
        memory = [await first_piece_ms(before, request(number)) for number in range(count)]
    async with cached(folder, model) as after:
        stored = [await first_piece_ms(after, request(number)) for number in range(count)]
    return {
        "memory_p50_ms": round(rig.median(memory), 3),
        "memory_p99_ms": round(rig.quantile(memory, 0.99), 3),
        "database_p50_ms": round(rig.median(stored), 3),
        "database_p99_ms": round(rig.quantile(stored, 0.99), 3),
        "upstream_calls": float(sum(model.calls.values()) - count),
    }


async def single_flight(folder: Path, askers: int = 100) -> int:
    """How many calls the model gets when so many ask the same at once."""
    model = ScriptedModel([Rule(answer="The Moon draws the sea. " * 10, delay=0.002)])
    async with cached(folder, model) as one:

        async def ask() -> str:
            return "".join([chunk.text async for chunk in one.stream(request(0))])

        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(ask()) for _ in range(askers)]
        assert len({task.result() for task in asking}) == 1
    return sum(model.calls.values())


async def per_piece_us(folder: Path, pieces: int = 20_000) -> tuple[float, float]:
    """CPU in µs for a piece that is read through the cache, and straight from the model."""
    model = ScriptedModel([Rule(answer="word " * pieces)])
    spent: list[float] = []
    async with cached(folder, model) as through:
        for number, asked in enumerate((through, model)):
            began = time.process_time()
            async for _ in asked.stream(request(number)):
                pass
            spent.append(1e6 * (time.process_time() - began) / pieces)
    return round(spent[0], 2), round(spent[1], 2)


async def main() -> None:
    with rig.scratch() as folder:
        for name in "abc":
            (folder / name).mkdir()
        print("exact hits", await exact_hits(folder / "a"))
        print("calls of 100 askers", await single_flight(folder / "b"))
        print("µs a piece, through the cache / straight", await per_piece_us(folder / "c"))


if __name__ == "__main__":
    asyncio.run(main())
