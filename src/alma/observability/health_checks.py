"""What is looked at: one function for each component, over the little that it has to know of it.

Each gives findings in words for a person, with what to do about them. The sentences are here, not with the parts.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database, insert_for
from alma.db.watch_tables import write_marks
from alma.errors import AlmaError
from alma.observability.health import Finding, Look

MIB = 1024 * 1024
LAGGING_S, STUCK_S = 1.0, 10.0  # of the event loop
STARTING_S = 120.0  # that the embedded model may take to be loaded at the start
UNCLAIMED_S = 15.0  # that a task may wait while nobody works on anything
LONG_WAIT_S = 300.0  # that a task may wait while others are worked on
UNTRIED_S = 30.0  # that an endpoint's breaker must have waited in vain for a call before its list of models counts
# The checks by name. Alert rules know each as `health.NAME`, with _ for the blank.
NAMES = (
    "database",
    "disk",
    "event loop",
    "dispatcher",
    "embedder",
    "embedded model",
    "endpoints",
    "index",
    "log file",
    "limit storage",
    "alert channels",
    "traces",
)


def database(of: Database) -> Look:
    """A read, and a write that reaches the disk."""

    async def look() -> Sequence[Finding]:
        try:
            await of.read(lambda connection: connection.execute(sa.text("SELECT id FROM threads LIMIT 1")).all())
            await of.write(_mark)
        except AlmaError as error:
            return [Finding("down", error.actual or error.message, error.hint or "")]
        return [Finding("ok", of.url.get_backend_name())]

    return look


def _mark(connection: sa.Connection) -> None:
    now = time.time()
    statement = insert_for(connection)(write_marks).values(name="health", at=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now}))


def disk(folder: Path, least_mib: int) -> Look:
    """Free space where the data folder is."""

    async def look() -> Sequence[Finding]:
        try:
            free = (await asyncio.to_thread(shutil.disk_usage, folder)).free / MIB
        except OSError as error:
            hint = "Is the data folder still there? See ALMA_DATA_DIR."
            return [Finding("down", f"The data folder cannot be looked at: {error.strerror}.", hint)]
        if free >= least_mib:
            return [Finding("ok", f"{_size(free)} free")]
        hint = "Free some space where the data folder is (`alma runs prune` gives up old runs' steps), or move it."
        return [Finding("degraded", f"{_size(free)} free, less than {_size(least_mib)}", hint)]

    return look


def embedder(state: Callable[[], str]) -> Look:
    async def look() -> Sequence[Finding]:
        if (now := state()) in ("ready", "starting"):
            return [Finding("ok", now)]
        mend = "Run `make setup`: its files are missing." if now == "absent" else "It is started again; see the log."
        detail = f"The embedding model is {now}: tasks are treated as chat, memories are found by words alone."
        return [Finding("degraded", detail, mend)]

    return look


class EmbeddedModel(Struct, frozen=True):
    state: str
    detail: str = ""


def embedded_model(state: Callable[[], EmbeddedModel], clock: Callable[[], float] = time.monotonic) -> Look:
    """Its first start is in order as long as it takes no longer than such a thing may."""
    began, first = clock(), True

    async def look() -> Sequence[Finding]:
        nonlocal first
        now = state()
        first = first and now.state == "starting" and clock() - began < STARTING_S
        if first or now.state in ("ready", "off"):
            return [Finding("ok", f"{now.state} {now.detail}".strip())]
        if now.state == "starting":
            return [Finding("degraded", f"starting {now.detail}".strip(), "It is being loaded: wait a little.")]
        mend = "Run `make setup`, or `alma models pull`." if now.state == "absent" else "Run `alma doctor --deep`."
        return [Finding("degraded", f"{now.state} {now.detail}".strip(), mend)]

    return look


class Endpoint(Protocol):
    """Of a connected model endpoint, as far as is looked at."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def breaker(self) -> str: ...
    @property
    def retry_at(self) -> float: ...
    @property
    def trying(self) -> bool: ...
    @property
    def trouble(self) -> str: ...
    @property
    def mend(self) -> str: ...
    @property
    def listed_at(self) -> float: ...


def endpoints(of: Callable[[], Sequence[Endpoint]], clock: Callable[[], float] = time.time) -> Look:
    """One component for each, called `endpoint NAME`; or one that says that there are none."""

    async def look() -> Sequence[Finding]:
        return [_endpoint(one, clock()) for one in of()] or [Finding("ok", "None is connected.")]

    return look


def why_down(one: Endpoint, now: float) -> str:
    """Why an endpoint is down; empty: it is not. What is called down is decided here for all: for health, for the alert
    that looks at it, and for the metric.

    After failures it is down until a call was answered. Where nobody makes one, that it still lists its models is all
    that is known, and counts once it has been idle for a while: it says less than an answer, but nobody is kept from
    anything, and the first who calls finds out."""
    if one.breaker == "open":
        wait = max(one.retry_at - now, 0)
        shown = f"{wait:.0f} s" if wait < 120 else f"{wait / 60:.0f} min"
        return _because(f"It gets nothing for {shown}", one.trouble or "it failed too often")
    if one.state == "down":
        return one.detail or "It cannot be reached."
    if one.breaker == "closed" or _seems_well(one, now):
        return ""
    said = "It has failed, and one call tries it now" if one.trying else "It has failed, and the next call tries it"
    return _because(said, one.trouble)


def _seems_well(one: Endpoint, now: float) -> bool:
    """Of one that is half open."""
    return not one.trying and now - one.retry_at >= UNTRIED_S and one.listed_at > one.retry_at


def _because(said: str, why: str) -> str:
    return f"{said}: {why.removesuffix('.')}." if why else f"{said}."


def _endpoint(one: Endpoint, now: float) -> Finding:
    name = f"endpoint {one.name}"
    if why := why_down(one, now):
        mend = f"{one.mend or 'Is its server there, and its key right?'} `alma models list` says how it is;"
        remove = f"`alma models remove {one.name}` does without it."
        without = remove if one.source == "file" else f"To do without it, unset {one.source} and start Alma again."
        return Finding("down", why, f"{mend} {without}", name)
    if one.breaker == "half_open":
        return Finding("ok", "It lists its models; its last calls failed, and the next one tries it.", name=name)
    return Finding("ok", one.state, name=name)


class IndexFacts(Struct, frozen=True):
    """Of the index of vectors. `missing`: memories without a vector in it; `waiting`: those of which it knows and will
    make one; `problem`: why it cannot be searched; `unsaved`: why it could not be saved."""

    entries: int
    missing: int
    waiting: int
    problem: str = ""
    unsaved: str = ""


def index(facts: Callable[[], Awaitable[IndexFacts]]) -> Look:
    """The index against the truth. What is being written while it is counted looks like a difference, so only one
    that is there twice is one."""
    before = 0

    async def look() -> Sequence[Finding]:
        nonlocal before
        now = await facts()
        lost, before = min(before, now.missing - now.waiting), now.missing - now.waiting
        if now.problem:
            return [Finding("degraded", now.problem, "Memories are found by words alone until that is mended.")]
        if lost > 0:
            detail = f"{lost} memories have no vector and wait for none."
            return [Finding("degraded", detail, "Run `alma memory reindex`.")]
        if now.unsaved:
            detail = f"Its snapshot cannot be written: {now.unsaved}."
            return [Finding("degraded", detail, "Is the disk full? Without it the next start takes longer.")]
        waits = f"; {now.waiting} wait for their vectors" if now.waiting else ""
        return [Finding("ok", f"{now.entries} vectors{waits}")]

    return look


class LoopLag:
    """How late the event loop comes to a timer: the worst of the last minute. `run` must be running."""

    EVERY = 0.5

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=int(60 / self.EVERY))

    @property
    def worst_s(self) -> float:
        return max(self._late, default=0.0)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self.EVERY
            await asyncio.sleep(self.EVERY)
            self.took(loop.time() - due)

    def took(self, late_s: float) -> None:
        self._late.append(late_s)


def event_loop(lag: LoopLag) -> Look:
    async def look() -> Sequence[Finding]:
        worst = lag.worst_s
        detail = f"up to {worst * 1000:.0f} ms late in the last minute"
        if worst < LAGGING_S:
            return [Finding("ok", detail)]
        mend = "Something holds up the server: too much at once for this machine, or a bug; see the log and the CPU."
        return [Finding("down" if worst >= STUCK_S else "degraded", detail, mend)]

    return look


class Queue(Protocol):
    """Tasks that wait for a worker."""

    @property
    def count(self) -> int: ...
    @property
    def oldest_s(self) -> float: ...
    @property
    def active(self) -> int: ...


def dispatcher(waiting: Callable[[], Queue]) -> Look:
    async def look() -> Sequence[Finding]:
        now = waiting()
        detail = f"{now.active} at work, {now.count} waiting"
        if now.count:
            detail += f", the oldest for {now.oldest_s:.0f} s"
        if now.count and not now.active and now.oldest_s > UNCLAIMED_S:
            return [Finding("down", detail, "Nobody takes tasks: restart Alma; runs go on where they were.")]
        if now.count and now.oldest_s > LONG_WAIT_S:
            mend = "There is more to do than models answer: connect another endpoint, or raise concurrency limits."
            return [Finding("degraded", detail, mend)]
        return [Finding("ok", detail)]

    return look


def problem(of: Callable[[], str], hint: str, fine: str = "") -> Look:
    """A part that says itself what is wrong with it; empty: nothing."""

    async def look() -> Sequence[Finding]:
        said = of()
        return [Finding("degraded", said, hint)] if said else [Finding("ok", fine)]

    return look


def _size(mib: float) -> str:
    return f"{mib / 1024:,.1f} GiB" if mib >= 1024 else f"{mib:,.0f} MiB"
