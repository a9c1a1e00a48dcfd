"""Who goes on after refusal upon refusal waits for the next one; nobody else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from alma.security.caller import Caller, note_caller
from alma.security.rates import Rates
from alma.server.guard import unguarded
from alma.server.limiting import Limiting


async def test_a_flood_of_requests_waits_for_its_refusals_and_others_wait_for_nothing() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    limiting = Limiting(app, replace(unguarded(), rates=Rates({"requests": "5/minute"})), sleep)

    async def ask(token: str) -> int:
        scope: dict[str, Any] = {"type": "http", "path": "/api/threads", "method": "GET", "headers": []}
        note_caller(scope, Caller("ada", token_id=token))
        statuses: list[int] = []

        async def send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        await limiting(scope, receive, send)
        return statuses[0]

    assert [await ask("bad") for _ in range(25)] == [200] * 5 + [429] * 20
    assert waits == []
    assert await ask("bad") == 429
    assert len(waits) == 1
    assert waits[0] > 0
    assert await ask("good") == 200
    assert len(waits) == 1
