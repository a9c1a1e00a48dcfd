"""The client of `bench.stream`, a process of its own: opens connections, starts a run on each, notes when frames come.

Reads one JSON job per line from stdin, answers with one JSON line:
`{"port", "kind": "alma"|"floor", "streams", "model", "prompt"?}` → tokens and frames received, gaps (ms), seconds;
`{…, "first": N}` → N runs one after another on one connection, each with its ms to the first token.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import time
from typing import Any

import aiohttp

from bench.ws import RawSocket, connect

numbers = itertools.count()
run_id = f"{time.time_ns():x}"
PROMPT = "Tell me a fun fact about the number NUMBER."


class Stream:
    """One connection with one run at a time."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.socket: RawSocket | None = None
        self.times: list[float] = []
        self.text = 0
        self.done = asyncio.Event()
        self.previewed = asyncio.Event()
        self.failed = b""

    def on_frame(self, payload: bytes) -> None:
        head = payload[:34]
        if b"TEXT_MESSAGE_CONTENT" in head:
            self.times.append(time.perf_counter())
            # "n" is the whole text's length after this frame: the last one says how much came.
            self.text = int(payload[payload.index(b'"n":') + 4 :].split(b",", 1)[0])
        elif b"RUN_FINISHED" in head:
            self.done.set()
        elif b"RUN_ERROR" in head or b"alma.error" in payload[:60]:
            self.failed = payload
            self.done.set()
        elif b"alma.route_preview" in payload[:60]:
            self.previewed.set()

    async def open(self, port: int) -> None:
        path = "/ws?watch=none" if self.kind == "alma" else "/ws"
        self.socket = await connect(port, path, self.on_frame)

    async def ask(self, model: str, text: str, *, typed: bool = False) -> float:
        """Start a run; returns when it was sent. `typed`: ask for the preview first, as the page does."""
        assert self.socket is not None
        self.times.clear()
        self.done.clear()
        number = next(numbers)
        if self.kind == "floor":
            sent = time.perf_counter()
            self.socket.send(json.dumps({"model": model, "text": text}).encode())
            return sent
        if typed:
            self.previewed.clear()
            self.socket.send(json.dumps({"type": "route.preview", "id": f"p{number}", "text": text}).encode())
            await self.previewed.wait()
        sent = time.perf_counter()
        command = {
            "type": "run.start",
            "id": f"s{number}",
            "key": f"{run_id}-{number}",
            "text": text,
            "model": f"fake/{model}",
        }
        self.socket.send(json.dumps(command).encode())
        return sent


async def many(job: dict[str, Any]) -> dict[str, Any]:
    streams = [Stream(job["kind"]) for _ in range(job["streams"])]
    for stream in streams:
        await stream.open(job["port"])
    began = time.perf_counter()
    for index, stream in enumerate(streams):
        await stream.ask(job["model"], job.get("prompt", PROMPT).replace("NUMBER", str(index)))
        if job.get("spread"):
            await asyncio.sleep(job["spread"] / len(streams))
    for stream in streams:
        await asyncio.wait_for(stream.done.wait(), 180)
        if stream.failed:
            raise RuntimeError(stream.failed.decode())
    seconds = time.perf_counter() - began
    gaps = [1000 * (b - a) for stream in streams for a, b in itertools.pairwise(stream.times)]
    for stream in streams:
        assert stream.socket is not None
        stream.socket.close()
    return {
        "seconds": seconds,
        "frames": sum(len(stream.times) for stream in streams),
        "chars": [stream.text for stream in streams],
        "gaps": sorted(gaps),
    }


async def direct(job: dict[str, Any]) -> dict[str, Any]:
    """The fake model asked without anybody between."""
    waits = []
    async with aiohttp.ClientSession() as session:
        for index in range(job["first"]):
            messages = [{"role": "user", "content": f"Tell me a fun fact about the number {index}."}]
            body = {"model": job["model"], "stream": True, "messages": messages}
            sent = time.perf_counter()
            async with session.post(f"http://127.0.0.1:{job['port']}/v1/chat/completions", json=body) as response:
                await response.content.readany()
                waits.append(1000 * (time.perf_counter() - sent))
                await response.read()
    return {"first_ms": waits}


async def first(job: dict[str, Any]) -> dict[str, Any]:
    if job["kind"] == "direct":
        return await direct(job)
    stream = Stream(job["kind"])
    await stream.open(job["port"])
    waits = []
    for index in range(job["first"]):
        text = f"Tell me a fun fact about the number {job.get('offset', 0) + index}."
        sent = await stream.ask(job["model"], text, typed=job.get("typed", False))
        await asyncio.wait_for(stream.done.wait(), 30)
        if stream.failed:
            raise RuntimeError(stream.failed.decode())
        waits.append(1000 * (stream.times[0] - sent))
    assert stream.socket is not None
    stream.socket.close()
    return {"first_ms": waits}


async def main() -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = json.loads(line)
        answer = await (first(job) if "first" in job else many(job))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
