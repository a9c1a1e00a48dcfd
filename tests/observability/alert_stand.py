"""Alerts over a real database, with a clock that stands still and a channel that says what it was told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from alma.db.database import Database
from alma.observability.alert_rules import ChannelName
from alma.observability.alerts import Alerts
from alma.observability.channels import NotTold, Telling

RULES = """
[high]
summary = "It is high"
metric = "rss"
above = 100
clear = 80
for_s = 10
"""


class Recording:
    """Keeps what it is told; fails while `broken`."""

    name: ChannelName = "webhook"
    detail = "here"

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.values: list[float | None] = []
        self.tries = 0
        self.broken = False
        self._news = asyncio.Event()

    async def tell(self, telling: Telling) -> None:
        self.tries += 1
        if self.broken:
            raise NotTold("It is broken.")
        self.told.append((telling.rule, telling.what))
        self.values.append(telling.value)
        self._news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(120):
            while len(self.told) < count:
                self._news.clear()
                await self._news.wait()


class Stand:
    """`database` None: one in `folder`."""

    def __init__(self, folder: Path, rules: str = RULES, database: Any = None) -> None:
        self.now = 1_000_000.0
        self.path = folder / "alerts.toml"
        self.path.write_text(rules)
        self.database: Any = database or Database(f"sqlite:///{folder / 'alma.db'}")
        self.channel = Recording()
        self.changes = 0
        self.alerts = self.made()

    def made(self) -> Alerts:
        return Alerts(
            self.database,
            self.path,
            [],
            [self.channel],
            dict,
            self._changed,
            clock=lambda: self.now,
            timer=lambda: self.now,
        )

    def _changed(self) -> None:
        self.changes += 1

    def sample(self, value: float | None, after: float = 0.0) -> None:
        self.now += after
        self.alerts.take({"cpu": 1.0} if value is None else {"rss": value})

    def fire(self) -> None:
        self.sample(120)
        self.sample(130, after=10)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncGenerator[Stand]:
        await asyncio.to_thread(self.database.open)
        try:
            async with self.at_work():
                yield self
        finally:
            await asyncio.to_thread(self.database.close)

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncGenerator[Alerts]:
        await self.alerts.open()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.alerts.run())
            try:
                yield self.alerts
            finally:
                task.cancel()

    async def told(self) -> None:
        """Until it is known, and kept, that what fires was told."""
        await self.until(lambda: self.alerts.firing()[0][0].told == {"webhook": "ok"})
        await self.alerts.flush()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not true():
                await asyncio.sleep(0.005)
