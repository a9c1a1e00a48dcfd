"""A pool of real servers under a whole session: what the page sees when endpoints fail, and when none is left."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from alma.models.choice import Member
from alma.models.client import OpenAIClient, Timeouts, open_session
from alma.models.endpoints import Price
from alma.models.pool import Pool
from alma.models.script import Fault, Rule
from alma.models.scripted_server import ScriptedServer, port_of
from alma.models.traffic import Traffic
from session_bench import SessionBench, texts

ANSWER = "one two three four five six"


class Servers:
    """Servers of one model by name, and the pool of them."""

    def __init__(self, servers: dict[str, ScriptedServer], pool: Pool) -> None:
        self.servers = servers
        self.pool = pool

    def says(self, rule: Rule, *names: str) -> None:
        for name in names or tuple(self.servers):
            self.servers[name].script[:] = [rule]

    @property
    def asked(self) -> int:
        return sum(sum(server.calls.values()) for server in self.servers.values())


@asynccontextmanager
async def servers(*names: str) -> AsyncIterator[Servers]:
    running = {name: ScriptedServer([Rule(answer=ANSWER)]) for name in names}
    runners = {name: await server.start() for name, server in running.items()}
    async with open_session() as session:
        members = [
            Member(
                OpenAIClient(
                    session,
                    endpoint=name,
                    base_url=f"http://127.0.0.1:{port_of(runner)}/v1",
                    timeouts=Timeouts(connect=2, first_token=5, stall=5),
                ),
                Traffic(8),
                "scripted",
                price=Price(1.0, 2.0),
            )
            for name, runner in runners.items()
        ]
        yield Servers(running, Pool("pool/scripted", members, jitter=lambda: 0.02))
        for runner in runners.values():
            await runner.cleanup()


def failures(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame["value"] for frame in frames if frame.get("name") == "alma.attempt_failed"]


async def test_a_failure_before_the_first_token_is_seen_by_nobody_but_in_the_figures(quick: SessionBench):
    async with servers("a", "b") as both:
        quick.models.model = both.pool
        both.says(Rule(answer=ANSWER, fault=Fault("status", status=503, times=1)))
        client = quick.connect()
        client.say("run.start", key="k", text="Tell me a number", kind="chat")
        await client.until(type="RUN_FINISHED")
    assert failures(client.frames) == []
    assert list(texts(client.frames).values()) == [ANSWER]
    (end,) = [frame for frame in client.frames if frame["type"] == "TEXT_MESSAGE_END"]
    assert {one["endpoint"] for one in end["tried"]} == {"a", "b"}
    assert {one["code"] for one in end["tried"]} == {"endpoint_failed"}
    assert end["endpoint"] in ("a", "b")
    assert end["cost"] > 0


async def test_a_failure_in_mid_stream_begins_again_at_another_endpoint_at_once(quick: SessionBench):
    async with servers("a", "b") as both:
        quick.models.model = both.pool
        both.says(Rule(answer=ANSWER, delay=0.005, fault=Fault("cut", after=3, times=1)))
        client = quick.connect()
        client.say("run.start", key="k", text="Tell me a number", kind="chat")
        failed = (await client.until(name="alma.attempt_failed"))["value"]
        both.says(Rule(answer=ANSWER))
        assert (failed["others"], failed["endpoint"] in ("a", "b")) == (1, True)
        assert failed["retryInMs"] == 0
        again = await client.until(type="TEXT_MESSAGE_START")
        assert again["attempt"] == 2
        end = await client.until(type="TEXT_MESSAGE_END")
        await client.until(type="RUN_FINISHED")
    assert end["endpoint"] == ({"a", "b"} - {failed["endpoint"]}).pop()
    assert list(texts(client.frames).values()) == [ANSWER]
    assert both.asked == 2


async def test_when_every_endpoint_fails_in_mid_stream_the_run_says_so(quick: SessionBench):
    async with servers("a", "b") as both:
        quick.models.model = both.pool
        both.says(Rule(answer=ANSWER, fault=Fault("cut", after=3)))
        client = quick.connect()
        client.say("run.start", key="k", text="Tell me a number", kind="chat")
        error = await client.until(type="RUN_ERROR")
    assert error["code"] == "endpoint_cut"
    endpoints = [failure["endpoint"] for failure in failures(client.frames)]
    assert set(endpoints) == {"a", "b"}
    assert all(one != two for one, two in itertools.pairwise(endpoints)), "never the same twice in a row"


async def test_when_all_are_down_the_user_is_told_which_one_is_how(quick: SessionBench):
    async with servers("a", "b") as both:
        quick.models.model = both.pool
        both.says(Rule(answer="", fault=Fault("status", status=401)))
        client = quick.connect()
        client.say("run.start", key="k", text="Tell me a number", kind="chat")
        error = await client.until(type="RUN_ERROR")
    assert error["code"] == "endpoint_unauthorized"
    assert "a gets nothing for 60 min (a refused the key" in error["message"]
    assert "b gets nothing for 60 min (b refused the key" in error["message"]


async def test_a_run_that_is_cancelled_gives_its_place_back(quick: SessionBench):
    async with servers("a") as one:
        quick.models.model = one.pool
        one.says(Rule(answer=ANSWER, delay=0.2))
        client = quick.connect()
        client.say("run.start", key="k", text="Tell me a number", kind="chat")
        run = await client.until(type="TEXT_MESSAGE_START")
        (member,) = one.pool.members
        assert member.traffic.gate.active == 1
        client.say("run.stop", runId=run["runId"])
        await client.until(type="RUN_FINISHED")
        assert member.traffic.gate.active == 0
