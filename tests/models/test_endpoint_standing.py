"""How endpoints are told to be: by the one definition that health, alert and metric share, with the true cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from endpoints_at_hand import ask, collect
from pools import broken

from alma.errors import EndpointCut, EndpointError
from alma.models import breaker
from alma.models import remote as remotes
from alma.models.registry import Registry
from alma.models.scripted_server import ScriptedServer, port_of
from alma.observability import health_checks
from alma.observability.health import Check, Component, Health


class Lab:
    """A server, an Alma that knows it as `lab`, and its health."""

    def __init__(self, registry: Registry, server: ScriptedServer) -> None:
        self.registry = registry
        self.server = server
        look = health_checks.endpoints(registry.endpoints)
        self.health = Health([Check("endpoints", look, every=0.01, fresh=registry.refresh)])

    async def call(self) -> None:
        with pytest.raises(EndpointError):
            await collect(self.registry.resolve("lab/scripted")[0], ask("x", model="scripted"))

    async def fresh(self) -> Component:
        await self.health.refresh()
        return self.health.report().components[0]

    async def until(self, status: str) -> Component:
        async with asyncio.timeout(120):
            while self.health.status("endpoints") != status:
                await asyncio.sleep(0.01)
        return self.health.report().components[0]


@asynccontextmanager
async def lab(registry: Registry) -> AsyncGenerator[tuple[Lab, asyncio.Event]]:
    """The event ends the server."""
    server, over = ScriptedServer(), asyncio.Event()
    runner = await server.start()

    async def end() -> None:
        await over.wait()
        await runner.cleanup()

    await registry.add_endpoint("lab", f"http://127.0.0.1:{port_of(runner)}/v1", models=["scripted"])
    one = Lab(registry, server)
    async with asyncio.TaskGroup() as group:
        ending = group.create_task(end())
        looking = group.create_task(one.health.run())
        await asyncio.sleep(0)
        yield one, over
        looking.cancel()
        over.set()
        await ending


async def test_a_fresh_look_asks_an_idle_endpoint(open_registry):
    async with lab(open_registry()) as (one, over):
        assert (await one.fresh()).status == "ok"
        over.set()
        async with asyncio.timeout(120):
            while (await one.fresh()).status == "ok":  # until its port is closed
                await asyncio.sleep(0)
        assert "cannot be reached" in (await one.fresh()).detail


async def test_a_refused_key_stays_the_cause_whatever_became_of_streams_under_way(open_registry):
    registry = open_registry()
    async with lab(registry) as (one, _):
        traffic = registry._remotes["lab"].traffic
        under_way = traffic.begin()
        one.server.script.append(broken("status", status=401))
        await one.call()
        under_way.failed(EndpointCut("lab broke off.", endpoint="lab"))
        found = await one.fresh()
        assert found.detail.startswith("It gets nothing for 60 min: lab refused the key (HTTP 401)")
        assert "`api_key` in models.toml" in found.hint


async def test_one_that_is_idle_after_failures_is_well_again_once_it_lists_its_models(open_registry, monkeypatch):
    monkeypatch.setattr(remotes, "DOUBTED_EVERY", 0.01)
    monkeypatch.setattr(breaker, "FIRST_PAUSE", 0.01)
    registry = open_registry()
    async with lab(registry) as (one, over):
        one.server.script.append(broken("status", status=500))
        while registry.endpoints()[0].breaker == "closed":
            await one.call()
        assert "lab failed (HTTP 500)" in (await one.fresh()).detail
        monkeypatch.setattr(health_checks, "UNTRIED_S", 0.0)
        asked = one.server.counts[""].total()
        keeping = asyncio.create_task(registry.run())
        found = await one.until("ok")
        assert "the next one tries it" in found.detail
        assert registry.endpoints()[0].breaker == "half_open", "a list is no answer"
        assert one.server.counts[""].total() == asked, "Alma makes no calls of its own"
        over.set()
        async with asyncio.timeout(120):
            while (await one.fresh()).status == "ok":
                await asyncio.sleep(0)
        assert "Check that the server runs" in (await one.fresh()).hint, "of what is known last"
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"api_key_env": "LAB_KEY"}, "Set LAB_KEY"),
        ({"source": "OPENAI_BASE_URL"}, "Set OPENAI_API_KEY"),
        ({"source": "OLLAMA_HOST"}, "OLLAMA_HOST names it without a key"),
        ({}, "`api_key` in models.toml"),
    ],
)
def test_it_is_said_where_a_refused_key_is_mended(fields: dict[str, Any], said: str):
    endpoint = remotes.Endpoint(name="lab", base_url="http://lab.invalid/v1", **fields)
    assert said in remotes.mend_key(endpoint)
