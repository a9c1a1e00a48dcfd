"""Takes tellings to a slow channel, one after the other, and again where that fails; nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from alma.observability.channels import Away, NotTold, Telling

log = logging.getLogger(__name__)
TRIES = 5
FIRST_PAUSE_S = 1.0  # before the second try; doubled each time
MOST = 100  # tellings that wait


class Delivery(Struct, frozen=True):
    """`said`: `ok`, or why it could not be told."""

    telling: Telling
    channel: str
    said: str


class Courier:
    """`done` hears of every telling what came of it. When `MOST` wait, the oldest is given up for a new one."""

    def __init__(self, channel: Away, done: Callable[[Delivery], None], first_pause_s: float = FIRST_PAUSE_S) -> None:
        self.channel = channel
        self.problem = ""  # of the last try
        self._done = done
        self._first_pause_s = first_pause_s
        self._waiting: deque[Telling] = deque()
        self._news = asyncio.Event()

    def take(self, telling: Telling) -> None:
        if len(self._waiting) == MOST:
            self._report(self._waiting.popleft(), "Too many alerts waited; this one was left out.")
        self._waiting.append(telling)
        self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            telling = self._waiting.popleft()
            self._report(telling, await self._deliver(telling))

    async def attempt(self, telling: Telling) -> str:
        """Tell it once: `ok`, or why not."""
        said = await _attempt(self.channel, telling)
        self.problem = "" if said == "ok" else said
        return said

    async def _deliver(self, telling: Telling) -> str:
        pause = self._first_pause_s
        for left in reversed(range(TRIES)):
            said = await self.attempt(telling)
            if said == "ok":
                break
            if not left:
                return said
            await asyncio.sleep(pause)
            pause *= 2
        return "ok"

    def _report(self, telling: Telling, said: str) -> None:
        self.problem = "" if said == "ok" else said
        if said != "ok":
            log.warning("alert %s was not told by %s: %s", telling.rule, self.channel.name, said)
        self._done(Delivery(telling, self.channel.name, said))


async def _attempt(channel: Away, telling: Telling) -> str:
    try:
        await channel.tell(telling)
    except NotTold as error:
        return str(error)
    except Exception as error:  # the channel's boundary: what it is built on has errors of its own
        log.debug("telling by %s failed", channel.name, exc_info=True)
        return f"It failed: {error!r}"[:300]
    return "ok"
