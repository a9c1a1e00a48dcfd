"""Tokens a second and first token of the embedded model: through Alma, and the same model server asked directly.

Both ways go to the one llama.cpp child that Alma started, with the same messages (as /api/runs/{id}/prompt gives them),
sampling and `max_tokens`, on a new connection as Alma makes one, and take turns. Direct calls read the stream with
aiohttp; Alma's answers come over its WebSocket, with agent and journal on. Each answer is stopped when so many tokens
have come, so that all are measured over the same stretch of context. Rate: tokens after the first over the time from
the first to the last. Call: all of them over the time from the request to the last. The median of the ratios of
neighbours counts.

First token: tasks that no call has seen, each with a number of its own at its end, so that every call finds the same
prefix in the prompt cache and nothing more; the answer is stopped at its first token. `given`: the kind is given with
the task; `typed`: the page asked for a preview before it was sent, as it does while one types; `untyped`: neither, so
that the task is embedded and routed in that time. The median of the differences to the direct call of the same round.

Planned: a comparison is sent as a user would send it. Counted are the agents that worked on it, the time to the first
token that anybody sees, and the time to the end of the joined answer; medians of so many tries, each with a request of
its own, so that no cache has seen it. They are bare times: on a busy machine they say how busy it was. A haiku must go
straight to one agent.

Shared prefix: four agents at once that begin alike, and what is read in advance; see `shared_prefix.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from typing import Any

import aiohttp
import msgspec
import psutil

from alma.models.local import STEADYING
from bench import rig, shared_prefix
from bench.follower import Frame, command, decode
from bench.ws import RawSocket, connect

STORY = "Write a long story about a lighthouse keeper who finds a map, with many details."
QUESTION = "Tell me something about the town with the number"
NUMBERS = itertools.count(random.randrange(1000, 5000))


class Called:
    """An answer, as far as it was followed. Times are of `perf_counter`."""

    def __init__(self) -> None:
        self.sent = self.first = self.last = 0.0
        self.tokens = 0

    def take(self, tokens: int, at: float) -> None:
        self.tokens += tokens
        self.first = self.first or at
        self.last = at

    @property
    def rate(self) -> float:
        return (self.tokens - 1) / (self.last - self.first)

    @property
    def call_rate(self) -> float:
        return self.tokens / (self.last - self.sent)

    @property
    def first_ms(self) -> float:
        return 1000 * (self.first - self.sent)


class Through:
    """Alma's WebSocket, one run at a time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: RawSocket | None = None
        self.frames: asyncio.Queue[tuple[float, Frame]] = asyncio.Queue()

    async def open(self) -> None:
        self.socket = await connect(
            self.port, "/ws?watch=none", lambda payload: self.frames.put_nowait((time.perf_counter(), decode(payload)))
        )

    def send(self, what: str, **fields: object) -> None:
        assert self.socket is not None
        self.socket.send(command(what, **fields))

    async def until(self, *names: str) -> tuple[float, Frame]:
        while True:
            at, frame = await asyncio.wait_for(self.frames.get(), 120)
            if frame.name == "alma.error" or frame.type == "RUN_ERROR":
                raise RuntimeError(str(frame))
            if frame.type in names or frame.name in names:
                return at, frame

    async def ask(self, text: str, kind: str | None, tokens: int, *, typed: bool = False) -> Called:
        """`typed`: ask how the task would be treated before it is sent, as the page does while one types."""
        called = Called()
        if typed:
            self.send("route.preview", text=text)
            await self.until("alma.route_preview")
        called.sent = time.perf_counter()
        self.send("run.start", key=f"e{time.time_ns()}", text=text, kind=kind)
        while called.tokens < tokens:
            at, frame = await self.until("TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END")
            self.run_id = frame.run_id
            if frame.type == "TEXT_MESSAGE_END":
                break
            called.take(frame.tokens, at)
        self.send("run.stop", runId=self.run_id)
        await self.until("RUN_FINISHED")
        return called


class Direct:
    """The model server without Alma."""

    def __init__(self, base_url: str, key: str) -> None:
        self.url = base_url + "/chat/completions"
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def ask(self, messages: list[dict[str, str]], sampling: dict[str, Any], tokens: int) -> Called:
        called = Called()
        body = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}, "cache_prompt": True}
        body |= STEADYING  # as Alma asks a tiny model
        data = msgspec.json.encode({"model": "embedded", **body, **sampling})
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            called.sent = time.perf_counter()
            async with session.post(self.url, data=data, headers=self.headers) as response:
                response.raise_for_status()
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        choices = msgspec.json.decode(line[6:])["choices"]
                        if choices and choices[0]["delta"].get("content"):
                            called.take(1, time.perf_counter())
                            if called.tokens == tokens:
                                break
        return called


async def rates(
    alma: Through, direct: Direct, messages: list[dict[str, str]], sampling: dict[str, Any], seconds: float, tokens: int
) -> dict[str, Any]:
    """Rounds of both for so many seconds, three at least."""
    until = time.monotonic() + seconds
    seen: dict[str, list[Called]] = {"direct": [], "alma": []}
    for index in itertools.takewhile(lambda index: index < 3 or time.monotonic() < until, itertools.count()):
        for way in ("direct", "alma") if index % 2 == 0 else ("alma", "direct"):
            asked = alma.ask(STORY, "creative", tokens) if way == "alma" else direct.ask(messages, sampling, tokens)
            seen[way].append(await asked)
            await asyncio.sleep(0.05)  # the slot is free again
    pairs = list(zip(seen["alma"], seen["direct"], strict=True))
    return {
        **{f"{way}_tokens_per_s": round(rig.median([one.rate for one in all_of]), 1) for way, all_of in seen.items()},
        **{
            f"{way}_call_per_s": round(rig.median([one.call_rate for one in all_of]), 1) for way, all_of in seen.items()
        },
        "tokens": sum(one.tokens for one in (*seen["direct"], *seen["alma"])),
        "rounds": len(pairs),
        "ratio": round(rig.median([a.rate / d.rate for a, d in pairs]), 3),
        "call_ratio": round(rig.median([a.call_rate / d.call_rate for a, d in pairs]), 3),
    }


async def first_tokens(
    alma: Through, direct: Direct, messages: list[dict[str, str]], sampling: dict[str, Any], rounds: int
) -> dict[str, float]:
    waits: dict[str, list[float]] = {"direct": [], "given": [], "typed": [], "untyped": []}
    for index in range(rounds + 1):
        for way in random.sample(list(waits), len(waits)):
            task = f"{QUESTION} {next(NUMBERS)}."
            if way == "direct":
                said = [*messages[:-1], {"role": "user", "content": task}]
                called = await direct.ask(said, sampling, 1)
            else:
                kind = "chat" if way == "given" else None
                called = await alma.ask(task, kind, 1, typed=way == "typed")
            await asyncio.sleep(0.05)  # the slot is free again
            if index:
                waits[way].append(called.first_ms)
    added = {way: [a - d for a, d in zip(waits[way], waits["direct"], strict=True)] for way in waits if way != "direct"}
    return {
        "direct_p50_ms": round(rig.median(waits["direct"]), 1),
        **{f"{way}_added_p50_ms": round(rig.median(values), 1) for way, values in added.items()},
    }


THINGS = ("a house", "a school", "a shop", "a barn", "a library", "a workshop", "a hotel", "a greenhouse")


async def planned(alma: Through, tries: int) -> dict[str, float]:
    """Comparisons: how soon something is seen, how soon all of it, and by how many agents beside the Manager."""
    firsts: list[float] = []
    wholes: list[float] = []
    agents: list[float] = []
    for thing in THINGS[:tries]:
        text = f"Compare heating {thing} with gas and with a heat pump: cost, climate, comfort; recommend one"
        began = time.perf_counter()
        alma.send("run.start", key=f"p{time.time_ns()}", text=text)
        started, first = 0, 0.0
        while True:
            at, frame = await alma.until("SUBAGENT_STARTED", "TEXT_MESSAGE_CONTENT", "RUN_FINISHED")
            started += frame.type == "SUBAGENT_STARTED"
            first = first or (at if frame.type == "TEXT_MESSAGE_CONTENT" else 0.0)
            if frame.type == "RUN_FINISHED":
                break
        firsts.append(first - began)
        wholes.append(at - began)
        agents.append(started)
    return {
        "first_visible_s": round(rig.median(firsts), 2),
        "whole_s": round(rig.median(wholes), 2),
        "slowest_s": round(max(wholes), 2),
        "agents_least": min(agents),
    }


async def straight(alma: Through) -> int:
    """How many agents a haiku is delegated to."""
    alma.send("run.start", key=f"h{time.time_ns()}", text="Write a haiku about autumn leaves")
    started = 0
    while (await alma.until("SUBAGENT_STARTED", "RUN_FINISHED"))[1].type != "RUN_FINISHED":
        started += 1
    return started


async def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder:
        server = rig.start_alma(folder)
        try:
            deadline = time.monotonic() + 60
            while not (url := embedded_url(server)):
                assert time.monotonic() < deadline, "the embedded model is not ready"
                await asyncio.sleep(0.2)
            children = (psutil.Process(pid) for pid in [child.pid for child in server.ps.children()])
            child = next(one for one in children if "alma.models.local_child" in one.cmdline())
            direct = Direct(url, child.environ()["ALMA_LOCAL_KEY"])
            alma = Through(server.port)
            await alma.open()
            prompts = {}
            for kind, text in (("creative", STORY), ("chat", f"{QUESTION} {next(NUMBERS)}.")):
                await alma.ask(text, kind, 1)
                asked = rig.get(f"{server.url}/api/runs/{alma.run_id}/prompt")
                entries = rig.get(f"{server.url}/api/runs/{alma.run_id}/entries")["entries"]
                route = next(one["entry"] for one in entries if one["entry"]["type"] == "route_chosen")
                prompts[kind] = (asked["messages"], route["sampling"])
            first = await first_tokens(alma, direct, *prompts["chat"], 6 if quick else 60)
            speed = await rates(alma, direct, *prompts["creative"], *((6.0, 60) if quick else (120.0, 300)))
            plan = await planned(alma, 1 if quick else len(THINGS))
            haiku = await straight(alma)
        finally:
            server.stop()
        prefix = await shared_prefix.measure(folder / "prefix", 1 if quick else 7)
    for name, value in (("first token", first), ("rate", speed), ("planned", plan), ("shared prefix", prefix)):
        print(name, ", ".join(f"{what} {seen}" for what, seen in value.items()))
    targets = {
        "tokens_per_s_ratio": (speed["ratio"], ">=", 0.95),
        "first_token_added_p50_ms": (first["typed_added_p50_ms"], "<=", 20.0),
        "planned_first_visible_s": (plan["first_visible_s"], "<=", 2.0),
        "planned_whole_s": (plan["whole_s"], "<=", 30.0),
        "planned_agents": (plan["agents_least"], ">=", 3),
        "haiku_agents": (haiku, "<=", 0),
        **shared_prefix.targets(prefix),
    }
    figures = {"first_token": first, "rate": speed, "planned": plan, "shared_prefix": prefix}
    return rig.report("embedded", figures, targets)


def embedded_url(server: rig.Served) -> str:
    endpoints = rig.get(server.url + "/api/models")["endpoints"]
    return next((one["baseUrl"] for one in endpoints if one["name"] == "embedded" and one["state"] == "ready"), "")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
