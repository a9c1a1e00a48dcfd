"""Who goes on after refusal upon refusal waits for the next one; nobody else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from alma.errors import TooMany
from alma.security.caller import Caller, note_caller
from alma.security.rates import Rates
from alma.server.guard import unguarded
from alma.server.limiting import Limiting
from alma.server.slowing import Slowing


async def answers_200(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def ask(limiting: Limiting, token: str = "") -> Message:
    """How the answer to one request begins."""
    scope: dict[str, Any] = {"type": "http", "path": "/api/threads", "method": "GET", "headers": []}
    note_caller(scope, Caller("ada", token_id=token))
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    await limiting(scope, receive, send)
    return said[0]


async def test_a_flood_of_requests_waits_for_its_refusals_and_others_wait_for_nothing() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    guard = replace(unguarded(), rates=Rates({"requests": "5/minute"}), slowing=Slowing(sleep))
    limiting = Limiting(answers_200, guard)

    async def status(token: str) -> int:
        return (await ask(limiting, token))["status"]

    assert [await status("bad") for _ in range(25)] == [200] * 5 + [429] * 20
    assert waits == []
    assert await status("bad") == 429
    assert len(waits) == 1
    assert waits[0] >= 1
    assert await status("good") == 200
    assert len(waits) == 1


async def test_a_success_now_and_then_does_not_make_a_flood_fast_again_and_a_quiet_while_does() -> None:
    now = 0.0
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    guard = replace(
        unguarded(),
        rates=Rates({"requests": "20/second"}, clock=lambda: now),
        slowing=Slowing(sleep, clock=lambda: now),
    )
    caller = Caller("ada", token_id="bad")
    refused = 0
    for _ in range(1000):
        now += 0.01  # five times as often as it may: each fifth request is taken
        try:
            await guard.take("requests", caller)
        except TooMany as error:
            refused += 1
            await guard.slowing.pause(caller.key, error)
    assert 700 < refused < 900
    assert len(waits) == refused - 20
    assert all(1 <= seconds <= 2 for seconds in waits)
    now += 10
    waits.clear()
    for _ in range(20 + 20):
        try:
            await guard.take("requests", caller)
        except TooMany as error:
            await guard.slowing.pause(caller.key, error)
    assert waits == []


async def test_a_refusal_says_that_nothing_is_left() -> None:
    rates = Rates({"requests": "2/second; 9/minute"}, clock=lambda: 0.25)
    limiting = Limiting(answers_200, replace(unguarded(), rates=rates))
    for _ in range(2):
        assert (await ask(limiting))["status"] == 200
    refused = await ask(limiting)
    headers = dict(refused["headers"])
    assert refused["status"] == 429
    assert headers[b"ratelimit"] == b'"burst";r=0;t=2, "sustained";r=7;t=120'
    assert headers[b"ratelimit-policy"] == b'"burst";q=2;w=1, "sustained";q=9;w=60'
