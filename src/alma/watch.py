"""Metrics put together: what is measured in which part, how it is kept, and who is told of it each second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alma.db.database import Database
from alma.engine.dispatch import LocalDispatcher
from alma.engine.journal import Journal
from alma.engine.runner import Engine
from alma.errors import StorageFailure
from alma.events import Recorded, RunStarted
from alma.memory.embedder import Embedder
from alma.memory.vectors.stored import count_alive
from alma.mind import Mind
from alma.models.cache import ResponseCache
from alma.models.registry import Registry
from alma.observability.ended import Book, Call, Row
from alma.observability.health_checks import why_down
from alma.observability.history import History
from alma.observability.keeping import DAY
from alma.observability.meter import Meter
from alma.observability.prometheus import EndpointNow, Exposition
from alma.observability.resources import Resources, watch_garbage, watch_loop
from alma.observability.sampling import Sampler
from alma.observability.totals import Totals
from alma.observability.uses import Uses
from alma.server.guard import Guard
from alma.server.health import PROBES
from alma.server.metrics_api import Metrics
from alma.server.traffic import CODES as REFUSALS
from alma.session.metric_news import MetricNews

log = logging.getLogger(__name__)
_MEMORIES_EVERY_S = 30.0  # between two counts of all memories
_ENDPOINTS_EVERY = 5  # looks
_WARM_AFTER_S = 20.0
_MOST_WARM_DAYS = 7.0
_MOST_WRITES = 4096  # of a second whose durations are known


@dataclass(frozen=True, slots=True)
class Parts:
    """What is measured. `mind` None: memory is off. `errors`: how many were logged so far."""

    database: Database
    journal: Journal
    engine: Engine
    dispatcher: LocalDispatcher
    registry: Registry
    embedder: Embedder
    cache: ResponseCache
    mind: Mind | None
    guard: Guard
    errors: Callable[[], float] = float


class Watch:
    """`book`: the one that the journal writes into. `folder`: whose disk is looked at; `days`: for how many figures are
    kept."""

    def __init__(self, parts: Parts, book: Book, folder: Path, days: float) -> None:
        self._parts = parts
        self._book = book
        self._days = days
        self._written = 0  # tokens of calls that have ended
        self._memories: int | None = None
        self._down = 0
        self._looks = 0
        self._waits = parts.database.time_writes(_MOST_WRITES)
        self.meter = Meter()
        self.totals = Totals()
        self.news = MetricNews()
        pids = {"server": os.getpid, "model": lambda: parts.registry.embedded_state().pid}
        self.resources = Resources({**pids, "embedder": lambda: parts.embedder.pid}, folder)
        self.sampler = Sampler(
            parts.database,
            self.meter,
            levels=[self.resources.look, self._levels],
            counted={
                "tokens_out": self._tokens_out,
                "cache_hits": lambda: parts.cache.asked.hits,
                "refused": lambda: parts.guard.traffic.refused_in_all,
                "errors": parts.errors,
            },
            days=days,
        )
        self.sampler.listen(self.news.tell)
        self.doors = Metrics(
            parts.database,
            History(parts.database, self.sampler, days),
            Uses(parts.database),
            self.totals,
            Exposition(
                self.meter,
                self.totals,
                self.sampler,
                self.resources,
                lambda: _endpoints(parts.registry),
                lambda: {**dict.fromkeys(REFUSALS, 0), **parts.guard.traffic.refused},
            ),
        )
        parts.journal.subscribe_all(self._committed)
        if parts.mind is not None:
            parts.mind.memories.timed = lambda ms: self.meter.observe("recall", ms)

    async def run(self) -> None:
        """Until cancelled."""
        unwatch = watch_garbage(lambda ms: self.meter.peak("gc_pause_ms", ms))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.sampler.run())
                group.create_task(self.sampler.write())
                group.create_task(self.resources.run())
                group.create_task(watch_loop(lambda ms: self.meter.peak("loop_lag_ms", ms)))
                group.create_task(self._count_memories())
                group.create_task(self._warm())
        finally:
            unwatch()

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────

    def answered(self, method: str, route: str, status: int, ms: float) -> None:
        """An HTTP request."""
        self.meter.count("requests")
        self.meter.observe("request", ms)
        if status >= 500 and route not in PROBES:  # a probe that is told of what is down is no second failure
            self.meter.count("request_errors")
        self.totals.answered(method, route, status, ms)

    def _committed(self, _thread_id: str, recorded: Recorded) -> None:
        if isinstance(recorded.entry, RunStarted):
            self.meter.count("runs_started")
        for row in self._book.take(recorded.run_id, recorded.seq):
            self._ended(row)

    def _ended(self, row: Row) -> None:
        meter = self.meter
        if not isinstance(row, Call):
            meter.count("runs_failed" if row.status == "failed" else "runs_finished")
            meter.observe("response", row.ms)
            self.totals.run_ended(row.status)
            return
        self.totals.ended(row)
        self._written += row.output_tokens
        meter.count("calls")
        meter.count("tokens_in", row.input_tokens)
        if row.cost:
            meter.count("cost", row.cost)
        if row.error:
            meter.count("call_errors")
        elif not row.cache:
            meter.count("cache_misses")
            meter.observe("call", row.ms)
        if row.first_token_ms is not None:
            meter.observe("first_token", row.first_token_ms)

    # ── how it is ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _tokens_out(self) -> int:
        """With those of messages that are being written, so that a long answer is no burst at its end."""
        return self._written + sum(message.tokens for _, message in self._parts.engine.open_text.all())

    def _levels(self) -> dict[str, float]:
        parts = self._parts
        while self._waits:
            self.meter.observe("db_write", self._waits.popleft())
        if self._looks % _ENDPOINTS_EVERY == 0:
            self._down = sum(bool(why_down(info, time.time())) for info in parts.registry.endpoints())
        self._looks += 1
        waiting = parts.dispatcher.waiting
        levels: dict[str, float] = {
            "runs_running": parts.engine.running,
            "tasks_running": waiting.active,
            "tasks_queued": waiting.count,
            "endpoints_down": self._down,
            "connections": len(parts.guard.sockets),
            "db_queue": parts.database.waiting,
        }
        if parts.mind is not None and self._memories is not None:
            levels["memories"] = self._memories
            levels["memories_waiting"] = parts.mind.dense.waiting
        return levels

    async def _warm(self) -> None:
        """What the dashboard shows of a week is counted once, when nobody is kept waiting by it."""
        await asyncio.sleep(_WARM_AFTER_S)
        with contextlib.suppress(StorageFailure):
            await self.doors.uses.warm(time.time() - min(self._days, _MOST_WARM_DAYS) * DAY)

    async def _count_memories(self) -> None:
        while self._parts.mind is not None:
            try:
                self._memories = await self._parts.database.read(count_alive, slow=True)
            except StorageFailure as error:
                log.warning("memories cannot be counted: %s", error.actual)
            await asyncio.sleep(_MEMORIES_EVERY_S)


def _endpoints(registry: Registry) -> list[EndpointNow]:
    return [EndpointNow(info.name, info.breaker, info.active, info.queued, info.limit) for info in registry.endpoints()]
