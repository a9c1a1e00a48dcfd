"""Pools over real HTTP servers, for tests: servers by name, and members of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from alma.models.chat import Caller, ChatMessage, ChatRequest
from alma.models.choice import Member
from alma.models.client import OpenAIClient, Timeouts
from alma.models.endpoints import Price
from alma.models.pool import Pool
from alma.models.script import Fault, Rule
from alma.models.scripted_server import ScriptedServer, port_of
from alma.models.traffic import Traffic

QUICK = Timeouts(connect=2, first_token=5, stall=5)


class Upstream:
    """A running server of the scripted model and how a pool sees it. `rules` may change while it runs."""

    def __init__(self, name: str, server: ScriptedServer, url: str, session: aiohttp.ClientSession) -> None:
        self.name = name
        self.server = server
        self.url = url
        self.client = OpenAIClient(session, endpoint=name, base_url=url, timeouts=QUICK)
        self.traffic = Traffic(8)

    def says(self, *rules: Rule) -> None:
        self.server.script[:] = rules

    @property
    def asked(self) -> int:
        """Calls that reached it."""
        return sum(self.server.calls.values())

    def member(self, *, concurrency: int | None = None, weight: float = 1.0, price: Price | None = None) -> Member:
        if concurrency is not None:
            self.traffic = Traffic(concurrency)
        return Member(self.client, self.traffic, "scripted", weight, price or Price())


@asynccontextmanager
async def upstreams(session: aiohttp.ClientSession, *names: str) -> AsyncIterator[list[Upstream]]:
    """Running servers; each answers with its own name until it is told otherwise."""
    async with AsyncExitStack() as stack:
        found: list[Upstream] = []
        for name in names:
            server = ScriptedServer([Rule(answer=f"{name} here")])
            runner = await server.start()
            stack.push_async_callback(runner.cleanup)
            found.append(Upstream(name, server, f"http://127.0.0.1:{port_of(runner)}/v1", session))
        yield found


def pooled(*members: Member, **fields) -> Pool:
    return Pool("pool/m", members, jitter=lambda: 0.02, **fields)


def of_run(run_id: str, text: str = "x", *, task_id: str = "", priority: int = 0) -> ChatRequest:
    caller = Caller(run_id=run_id, task_id=task_id, priority=priority)
    return ChatRequest(model="m", messages=[ChatMessage("user", text)], caller=caller)


def broken(kind: str, **fields) -> Rule:
    """Fails so; what it would have said is four words."""
    return Rule(answer="one two three four", fault=Fault(kind, **fields))


async def settled(condition) -> None:
    """Until a condition of other tasks holds."""
    async with asyncio.timeout(120):
        while not condition():
            await asyncio.sleep(0)
