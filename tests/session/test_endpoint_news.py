"""How endpoints are is told to those who watch, when it changes and not otherwise."""

from __future__ import annotations

import asyncio

import msgspec

from alma.models.health import Figures
from alma.models.remote import EndpointInfo
from alma.session.endpoint_news import keep_telling
from session_bench import SessionBench


class Endpoints:
    def __init__(self) -> None:
        self.infos = [EndpointInfo("lab", "http://lab.invalid/v1", True, "remote", "ready", limit=8)]
        self.looks = 0
        self.looked = asyncio.Event()

    def endpoints(self) -> list[EndpointInfo]:
        self.looks += 1
        self.looked.set()
        return list(self.infos)

    def change(self, **fields: object) -> None:
        self.infos = [msgspec.structs.replace(self.infos[0], **fields)]

    async def looked_at(self, times: int) -> None:
        until = self.looks + times
        while self.looks < until:
            self.looked.clear()
            await asyncio.wait_for(self.looked.wait(), 5)


def told(frames: list[dict]) -> list[dict]:
    return [frame["value"]["endpoints"][0] for frame in frames if frame.get("name") == "alma.endpoints"]


async def test_watchers_are_told_of_changes_and_of_nothing_else(quick: SessionBench) -> None:
    lab = Endpoints()
    telling = asyncio.create_task(keep_telling(lab, quick.notices, every=0.001))
    client = quick.connect(watch=True)
    await client.until(name="alma.endpoints")
    await lab.looked_at(5)
    assert len(told(client.frames)) == 1
    lab.change(breaker="open", retry_at=1234.5, active=2, figures=Figures(10, 3, "lab failed.", 81.0, 400.0, 52.0))
    second = (await client.until(name="alma.endpoints"))["value"]["endpoints"][0]
    assert second == {
        "name": "lab",
        "state": "ready",
        "active": 2,
        "limit": 8,
        "breaker": "open",
        "retryAt": 1234.5,
        "calls": 10,
        "errors": 3,
        "lastError": "lab failed.",
        "firstTokenP50Ms": 81.0,
        "firstTokenP95Ms": 400.0,
        "tokensPerS": 52.0,
    }
    telling.cancel()


async def test_without_watchers_nobody_is_even_asked(quick: SessionBench) -> None:
    lab = Endpoints()
    telling = asyncio.create_task(keep_telling(lab, quick.notices, every=0.0))
    client = quick.connect(watch=False)
    await client.until(name="alma.welcome")
    for _ in range(20):
        await asyncio.sleep(0)
    assert lab.looks == 0
    telling.cancel()
