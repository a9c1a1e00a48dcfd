"""The floor of `bench.orchestrate`: the model calls of a planned run, gathered on aiohttp. No agent, nothing kept.

One call decides, ten run at once, one joins; each stream is decoded with msgspec and its text put together. Reads one
JSON job per line from stdin (`{"runs", "at_once"}`) and answers with one JSON line: seconds, and seconds of CPU.

    python -m bench.gather FAKE_PORT MODEL
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time

import aiohttp
import msgspec


class Delta(msgspec.Struct):
    content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta


class Event(msgspec.Struct):
    choices: list[Choice]


decode = msgspec.json.Decoder(Event).decode
FAKE = f"http://127.0.0.1:{sys.argv[1]}/v1/chat/completions"
MODEL = sys.argv[2]
HEADERS = {"Content-Type": "application/json"}


async def call(session: aiohttp.ClientSession, text: str) -> str:
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": text}]}
    pieces: list[str] = []
    async with session.post(FAKE, data=msgspec.json.encode(body), headers=HEADERS) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                choices = decode(line[6:]).choices
                if choices and (piece := choices[0].delta.content):
                    pieces.append(piece)
    return "".join(pieces)


async def one(session: aiohttp.ClientSession, request: str) -> str:
    await call(session, f"Decide how to treat the request below.\n{request}")
    goals = [f"Describe port {number} of {request}" for number in range(1, 11)]
    parts = await asyncio.gather(*(call(session, goal) for goal in goals))
    return await call(session, f"Join these: {' '.join(parts)}")


async def job(session: aiohttp.ClientSession, runs: int, at_once: int) -> dict[str, float]:
    numbers = iter(range(runs))

    async def worker() -> None:
        for number in numbers:
            assert len((await one(session, f"a run of the floor, number {number}")).split()) == 20

    began, spent = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in itertools.repeat(None, at_once):
            group.create_task(worker())
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}


async def main() -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await job(session, **json.loads(line))), flush=True)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
