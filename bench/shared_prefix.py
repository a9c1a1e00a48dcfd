"""Agents at once on the embedded model that share a long prefix, and prompts that were read in advance.

One side is Alma's `LocalModel`, as the server makes it: scheduler, default slots. The other is the same model server,
with four slots and as many threads, asked directly: each of four calls goes to a slot that has not seen the prefix.
Same prompts, same sampling, interleaved, a fresh prefix for each round; seconds from the first request to the end of
the last answer. First token: without reading in advance it is that of the agent that is soonest; with it that of a call
whose prefix was read while nobody waited.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from alma.model_call import Sampling
from alma.models.chat import Caller, ChatMessage, ChatRequest
from alma.models.client import open_session
from alma.models.fetch import chat_model_path
from alma.models.local import DEFAULT_CTX, STEADYING, LocalModel
from bench import rig

AGENTS = 4
PREFIX_TOKENS = 700
ANSWER_TOKENS = 40
THINGS = ("harbour", "lighthouse", "market", "garden", "engine", "bridge", "castle", "river", "forest", "island")
SAMPLING = Sampling(temperature=0.2, top_p=0.9, max_tokens=ANSWER_TOKENS)


@contextlib.contextmanager
def bare_server(gguf: Path, threads: int, log: Path) -> Generator[str]:
    """The model server without Alma; gives its address."""
    options = ("--ctx", str(DEFAULT_CTX), "--slots", str(AGENTS), "--threads", str(threads))
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "alma.models.local_child", "--gguf", str(gguf), *options],
            cwd=rig.REPO,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        )
    try:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{json.loads(child.stdout.readline())['port']}/v1/chat/completions"
    finally:
        child.kill()
        child.wait()


@contextlib.asynccontextmanager
async def alma_model(gguf: Path, folder: Path) -> AsyncGenerator[LocalModel]:
    async with open_session() as session, asyncio.TaskGroup() as group:
        local = LocalModel(session, gguf, folder=folder)
        owner = group.create_task(local.run())
        await asyncio.sleep(0)
        await local.wait_ready()
        yield local
        owner.cancel()


async def fresh_prefix(local: LocalModel) -> str:
    """Some text that nobody has seen, of as many tokens as wanted."""
    words = [f"Place {random.randrange(10**9)}."]
    while (missing := PREFIX_TOKENS - await local.count_tokens(" ".join(words))) > 0:
        words += random.choices(THINGS, k=max(missing // 2, 1))
    return " ".join(words)


def requests(prefix: str) -> list[ChatRequest]:
    return [
        ChatRequest(
            "embedded",
            [
                ChatMessage("system", prefix),
                ChatMessage("user", f"Tell a long story about the {thing}."),
            ],
            SAMPLING,
            caller=Caller(run_id="bench", task_id=thing),
        )
        for thing in random.sample(THINGS, AGENTS)
    ]


class Heard(msgspec.Struct):
    first_s: float = 0.0
    tokens: int = 0
    cached: int = 0


async def by_alma(local: LocalModel, request: ChatRequest) -> Heard:
    heard, began = Heard(), time.perf_counter()
    async for chunk in local.stream(request):
        heard.first_s = heard.first_s or time.perf_counter() - began
        if chunk.usage is not None:
            heard.tokens, heard.cached = chunk.usage.output_tokens, chunk.usage.cached_tokens
    return heard


async def straight(session: aiohttp.ClientSession, url: str, request: ChatRequest, slot: int) -> Heard:
    heard, began = Heard(), time.perf_counter()
    body: dict[str, Any] = {
        "messages": [{"role": one.role, "content": one.content} for one in request.messages],
        **msgspec.structs.asdict(request.sampling),
        **STEADYING,
        "stream": True,
        "stream_options": {"include_usage": True},
        "cache_prompt": True,
        "id_slot": slot,
    }
    async with session.post(url, json=body) as response:
        response.raise_for_status()
        async for line in response.content:
            if line.startswith(b"data: {"):
                event = msgspec.json.decode(line[6:])
                if event.get("choices") and event["choices"][0]["delta"].get("content"):
                    heard.first_s = heard.first_s or time.perf_counter() - began
                if usage := event.get("usage"):
                    heard.tokens = usage["completion_tokens"]
                    heard.cached = usage["prompt_tokens_details"]["cached_tokens"]
    return heard


async def at_once(calls: list[Any]) -> tuple[float, list[Heard]]:
    """Seconds until all have ended."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return time.perf_counter() - began, [task.result() for task in tasks]


async def read_in_advance(local: LocalModel, request: ChatRequest) -> None:
    """As the server does while one types: all but what is typed."""
    local.warm([msgspec.structs.replace(request, messages=request.messages[:-1])])
    while not local.warmed:
        await asyncio.sleep(0.01)


async def measure(folder: Path, rounds: int) -> dict[str, float]:
    gguf = chat_model_path(rig.REPO / ".alma")
    folder.mkdir(exist_ok=True)
    seconds: dict[str, list[float]] = {"alma": [], "straight": []}
    first: dict[str, list[float]] = {"cold": [], "warmed": []}
    tokens: dict[str, list[int]] = {"alma": [], "straight": []}
    cached: list[int] = []
    connector = aiohttp.TCPConnector(force_close=True)
    async with alma_model(gguf, folder) as local, aiohttp.ClientSession(connector=connector) as session:
        with bare_server(gguf, local.threads, folder / "bare.log") as url:
            for index in range(rounds):
                asked = requests(await fresh_prefix(local))
                for way in ("alma", "straight") if index % 2 else ("straight", "alma"):
                    calls = (
                        [by_alma(local, one) for one in asked]
                        if way == "alma"
                        else [straight(session, url, one, slot) for slot, one in enumerate(asked)]
                    )
                    took, heard = await at_once(calls)
                    seconds[way].append(took)
                    tokens[way].append(sum(one.tokens for one in heard))
                    if way == "alma":
                        first["cold"].append(min(one.first_s for one in heard))
                        cached.append(min(one.cached for one in heard))
                one = requests(await fresh_prefix(local))[0]
                await read_in_advance(local, one)
                first["warmed"].append((await by_alma(local, one)).first_s)
    return {
        **{f"{way}_s": round(rig.median(values), 2) for way, values in seconds.items()},
        "sooner": round(rig.median([s / a for s, a in zip(seconds["straight"], seconds["alma"], strict=True)]), 2),
        **{f"{way}_tokens": rig.median(values) for way, values in tokens.items()},
        "least_cached_tokens": min(cached),
        "first_token_cold_s": round(rig.median(first["cold"]), 3),
        "first_token_warmed_s": round(rig.median(first["warmed"]), 3),
        "first_token_sooner": round(
            rig.median([c / w for c, w in zip(first["cold"], first["warmed"], strict=True)]), 1
        ),
        "rounds": rounds,
    }


async def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder:
        figures = await measure(folder, 1 if quick else 7)
    print(", ".join(f"{what} {seen}" for what, seen in figures.items()))
    return rig.report("shared_prefix", figures, targets(figures))


def targets(figures: dict[str, float]) -> dict[str, tuple[float, str, float]]:
    return {"shared_prefix_sooner": (figures["sooner"], ">=", 2.5)}


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
