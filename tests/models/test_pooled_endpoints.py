"""Endpoints that have weights, aliases and prices, and pools of those that have one model."""

from __future__ import annotations

import asyncio

import pytest
from endpoints_at_hand import ask, collect, text_of
from pools import upstreams

from alma.errors import EndpointRejected, EndpointUnreachable, InvalidRequest, NotFound
from alma.model_call import Usage
from alma.models import endpoints
from alma.models.endpoints import Endpoint, Price, check, load
from alma.models.script import Fault, Rule

LAB = Endpoint(name="lab", base_url="http://127.0.0.1:1/v1")
WHOLE = Endpoint(
    name="whole",
    base_url="http://127.0.0.1:1/v1",
    api_key="sk-1",
    models=("a", "b"),
    context_window=4096,
    concurrency=3,
    first_token_timeout=7.5,
    stall_timeout=2.0,
    tokenizer=True,
    price=Price(0.25, 2.0, 0.025),
    weight=2.5,
    aliases={"qwen2.5:7b": "qwen", 'odd "name"': "plain"},
)


@pytest.mark.parametrize("given", [WHOLE, LAB, Endpoint(name="k", base_url="http://x/v1", api_key_env="K")])
def test_an_endpoint_is_read_as_it_was_written(file, given):
    endpoints.put_endpoint(file, given)
    assert check(file) == []
    assert load(file).endpoints == (given,)


def test_wrong_weights_aliases_and_names_are_named(file):
    file.write_text(
        """
[[endpoint]]
name = "pool"
base_url = "http://x/v1"
weight = 0
price = { input = inf }
aliases = { a = "x", b = "x" }
"""
    )
    text = "\n".join(check(file))
    for words in (
        "not embedded, scripted, pool, came 'pool'",
        "weight: expected a number of at least 0.01, came 0",
        "price: input: expected a number of at least 0, came inf",
        "aliases: expected",
    ):
        assert words in text


def test_what_a_call_costs():
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000, cached_tokens=400_000)
    assert Price(1.0, 4.0).of(usage) == pytest.approx(3.0)
    assert Price(1.0, 4.0, cached_input=0.5).of(usage) == pytest.approx(2.8)
    assert Price(1.0, 4.0).of(None) == 0.0


async def test_a_model_of_two_endpoints_is_offered_as_a_pool(open_registry, session):
    async with upstreams(session, "a", "b", "c") as (a, b, c):
        registry = open_registry()
        await registry.add_endpoint("a", a.url, models=["scripted"], context_window=9000, price=Price(1.0, 5.0))
        await registry.add_endpoint("b", b.url, models=["big-one"], aliases={"big-one": "scripted"}, weight=2.0)
        await registry.add_endpoint("c", c.url, models=["other"])
        (info,) = [info for info in registry.models() if info.kind == "pool"]
        assert (info.id, info.members, info.context_window) == ("pool/scripted", ("a", "b"), 8192)
        assert info.price == Price(1.0, 5.0)
        pool, _ = registry.resolve("pool/scripted")
        assert registry.resolve("pool/scripted")[0] is pool, "it remembers who failed"
        for _ in range(8):
            await collect(pool, ask("x", model="scripted"))
        assert {body["model"] for body in a.server.requests} == {"scripted"}
        assert {body["model"] for body in b.server.requests} == {"big-one"}
        assert c.server.requests == []

        await registry.set_default("pool/scripted")
        await registry.remove_endpoint("a")
        assert [info.id for info in registry.models()] == ["b/scripted", "c/other"]
        alone, _ = registry.resolve()
        assert text_of(await collect(alone, ask("x", model="scripted"))) == "b here"
        await registry.remove_endpoint("b")
        assert registry.default == "c/other"
        with pytest.raises(NotFound):
            registry.resolve("pool/scripted")


async def test_a_pool_is_known_before_its_endpoints_have_listed_anything(open_registry, file):
    file.write_text("".join(f'[[endpoint]]\nname="{name}"\nbase_url="http://{name}.invalid/v1"\n' for name in "ab"))
    _, info = open_registry().resolve("pool/any")
    assert (info.members, info.kind) == (("a", "b"), "pool")


async def test_an_endpoint_that_is_removed_or_replaced_in_mid_call_goes_on_to_its_end(open_registry, session):
    async with upstreams(session, "a") as (a,):
        registry = open_registry()
        await registry.add_endpoint("a", a.url)
        a.says(Rule(answer="one two three four", delay=0.02))
        model, _ = registry.resolve("a/scripted")
        begun = asyncio.Event()
        said: list[str] = []

        async def call() -> None:
            async for chunk in model.stream(ask("x", model="scripted")):
                said.append(chunk.text)
                begun.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(call())
            await begun.wait()
            await registry.add_endpoint("a", a.url, concurrency=2)
            await registry.remove_endpoint("a")
        assert "".join(said) == "one two three four"
        with pytest.raises(EndpointUnreachable, match="a was removed"):
            await collect(model, ask("x", model="scripted"))


async def test_figures_of_every_endpoint_are_in_the_list(open_registry, session):
    async with upstreams(session, "a") as (a,):
        registry = open_registry(scripted=True)
        await registry.add_endpoint("a", a.url, concurrency=5, weight=3.0)
        for model_id in ("a/scripted", "scripted/scripted"):
            model, _ = registry.resolve(model_id)
            await collect(model, ask("x", model="scripted"))
        a.says(Rule(answer="", fault=Fault("status", status=400)))
        with pytest.raises(EndpointRejected):
            await collect(registry.resolve("a/scripted")[0], ask("x", model="scripted"))
        scripted, remote = registry.endpoints()
    assert (scripted.name, scripted.figures.calls, scripted.figures.errors) == ("scripted", 1, 0)
    assert (remote.figures.calls, remote.figures.errors) == (2, 1)
    assert "rejected the request" in remote.figures.last_error
    assert remote.figures.first_token_p50_ms > 0
    assert (remote.limit, remote.breaker, remote.weight, remote.active) == (5, "closed", 3.0, 0)


async def test_an_endpoint_is_tested_before_it_is_connected(open_registry, session, file):
    async with upstreams(session, "a") as (a,):
        registry = open_registry()
        trial = await registry.test_endpoint(base_url=a.url.removesuffix("/v1"))
        assert (trial.ok, trial.said, trial.model) == (True, "a here", "fake-200-50")
        assert "scripted" in trial.models
        assert trial.first_token_ms > 0
        assert not file.exists()
        await registry.add_endpoint("a", a.url)
        assert (await registry.test_endpoint("a", model="scripted")).model == "scripted"
        a.says(Rule(answer="", fault=Fault("status", status=401)))
        failed = await registry.test_endpoint("a")
        assert not failed.ok
        assert failed.error is not None
        assert failed.error.code == "endpoint_unauthorized"
        assert "scripted" in failed.models
    gone = await registry.test_endpoint(base_url=a.url)
    assert gone.error is not None
    assert (gone.error.code, gone.models) == ("endpoint_unreachable", [])
    with pytest.raises(InvalidRequest):
        await registry.test_endpoint(base_url="nowhere")
    with pytest.raises(NotFound):
        await registry.test_endpoint("nobody")


async def test_a_test_of_a_connected_endpoint_is_news_of_it(open_registry, session):
    async with upstreams(session, "a") as (a,):
        registry = open_registry()
        await registry.add_endpoint("a", a.url)
        traffic = registry._remotes["a"].traffic
        traffic.breaker.held(traffic.clock(), 600.0)
        a.says(Rule(answer="", fault=Fault("status", status=503)))
        assert not (await registry.test_endpoint("a")).ok
        assert (registry.endpoints()[-1].state, traffic.state) == ("down", "open")
        a.says(Rule(answer="a here"))
        assert (await registry.test_endpoint("a")).ok
        assert (registry.endpoints()[-1].state, traffic.state) == ("ready", "closed")
