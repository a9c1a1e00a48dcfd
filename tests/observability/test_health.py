"""Checks in the background: what they find, what a hanging one does, since when, and each check's own words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response
from msgspec import structs

from alma.db.database import Database
from alma.engine.dispatch import Limits, LocalDispatcher, Ticket
from alma.errors import StorageFailure
from alma.models.remote import EndpointInfo
from alma.observability import health_checks
from alma.observability.health import Check, Finding, Health, Look, Status
from alma.observability.health_checks import EmbeddedModel, IndexFacts, LoopLag
from alma.server.health import NEEDED, routes


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Part:
    """A part that is as it is told to be."""

    def __init__(self) -> None:
        self.status: Status = "ok"
        self.hangs: asyncio.Event | None = None
        self.looks = 0

    async def look(self) -> Sequence[Finding]:
        self.looks += 1
        if self.hangs is not None:
            await self.hangs.wait()
        return [Finding(self.status, "as told", "mend it")]


@contextlib.asynccontextmanager
async def running(health: Health) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(health.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            task.cancel()


async def test_every_component_is_told_and_the_worst_of_the_vital_ones_counts() -> None:
    vital, other = Part(), Part()
    health = Health([Check("vital", vital.look, vital=True), Check("other", other.look)])
    async with running(health):
        await health.refresh()
        assert health.report().status == "ok"
        other.status = "down"
        await health.refresh()
        assert health.report().status == "degraded"
        vital.status = "down"
        await health.refresh()
        report = health.report()
        assert report.status == "down"
        assert [(one.name, one.status, one.hint) for one in report.components] == [
            ("vital", "down", "mend it"),
            ("other", "down", "mend it"),
        ]
        assert health.values() == {"health.vital": 0.0, "health.other": 0.0}


async def test_a_check_that_hangs_is_down_holds_up_nobody_and_is_not_begun_again() -> None:
    stuck, fine = Part(), Part()
    stuck.hangs = asyncio.Event()
    health = Health([Check("stuck", stuck.look, timeout=0.02), Check("fine", fine.look, timeout=0.02)])
    async with running(health):
        for _ in range(3):
            await health.refresh()
        assert {one.name: one.status for one in health.report().components} == {"stuck": "down", "fine": "ok"}
        assert "not answered within 0.02 s" in health.report().components[0].detail
        assert stuck.looks == 1, "looks do not pile up behind it"
        stuck.hangs.set()
        await health.refresh()
        assert health.status("stuck") == "ok"


async def test_a_check_that_raises_is_down() -> None:
    async def raises() -> Sequence[Finding]:
        raise ValueError("of all things")

    health = Health([Check("odd", raises)])
    async with running(health):
        await health.refresh()
        assert health.status("odd") == "down"
        assert "of all things" in health.report().components[0].detail


async def test_a_check_whose_work_is_given_up_is_down_and_goes_on() -> None:
    gone: asyncio.Future[Sequence[Finding]] = asyncio.get_running_loop().create_future()
    gone.cancel()
    answers = [gone]

    async def look() -> Sequence[Finding]:
        return await answers.pop() if answers else [Finding("ok")]

    health = Health([Check("part", look, every=0.001)])
    async with running(health):
        async with asyncio.timeout(120):
            while health.status("part") != "down":
                await asyncio.sleep(0)
            while health.status("part") != "ok":
                await asyncio.sleep(0.001)


async def test_a_recovery_that_does_not_last_does_not_change_since() -> None:
    part, clock = Part(), Clock()
    health = Health([Check("part", part.look)], clock)

    async def at(now: float, status: Status) -> float:
        clock.now, part.status = now, status
        await health.refresh()
        return health.report().components[0].since

    async with running(health):
        assert await at(1000, "ok") == 1000
        assert await at(2000, "down") == 2000
        assert await at(2010, "degraded") == 2000, "it has not been ok since"
        assert await at(2020, "ok") == 2020
        assert await at(2030, "down") == 2000, "it flaps"
        assert await at(2040, "ok") == 2040
        assert await at(2101, "ok") == 2040
        assert await at(2102, "down") == 2102, "it had been well for a minute"


# ── the checks ────────────────────────────────────────────────────────────────────────────────────────────────────


async def only(look: Look) -> Finding:
    (found,) = await look()
    return found


async def test_the_database_is_read_and_written(database_url: str) -> None:
    database = Database(database_url)
    await asyncio.to_thread(database.open)
    assert (await only(health_checks.database(database))).status == "ok"
    await asyncio.to_thread(database.close)
    closed = await only(health_checks.database(database))
    assert (closed.status, bool(closed.hint)) == ("down", True)


async def test_a_database_that_can_be_read_but_not_written_is_down(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'alma.db'}")
    await asyncio.to_thread(database.open)

    async def full(work: object) -> None:
        raise StorageFailure("full", actual="database or disk is full", hint="free some")

    database.write = full
    assert (await only(health_checks.database(database))).detail == "database or disk is full"
    await asyncio.to_thread(database.close)


async def test_disk_space_below_the_setting_is_degraded(tmp_path: Path) -> None:
    assert (await only(health_checks.disk(tmp_path, 0))).status == "ok"
    low = await only(health_checks.disk(tmp_path, 10**9))
    assert low.status == "degraded"
    assert "less than" in low.detail
    assert (await only(health_checks.disk(tmp_path / "gone", 0))).status == "down"


def groq(**fields: Any) -> EndpointInfo:
    return structs.replace(EndpointInfo("groq", "http://groq.invalid/v1", True, "remote", "ready"), **fields)


TRIAL: dict[str, Any] = {"breaker": "half_open", "retry_at": 900.0, "trouble": "groq failed (HTTP 503)."}


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (groq(), ""),
        (groq(breaker="open", retry_at=1030.0, trouble="groq failed."), "It gets nothing for 30 s: groq failed."),
        (groq(breaker="open", retry_at=4600.0), "It gets nothing for 60 min: it failed too often."),
        (groq(state="down", detail="HTTP 503"), "HTTP 503"),
        (groq(**TRIAL, listed_at=950.0), ""),
        (groq(**TRIAL, listed_at=950.0, trying=True), "one call tries it now: groq failed (HTTP 503)."),
        (groq(**TRIAL, listed_at=890.0), "the next call tries it: groq failed (HTTP 503)."),
        (groq(**{**TRIAL, "retry_at": 980.0}, listed_at=990.0), "the next call tries it"),
        (groq(**TRIAL, listed_at=950.0, state="down", detail="HTTP 503"), "HTTP 503"),
    ],
)
async def test_each_endpoint_is_a_component(one: EndpointInfo, said: str) -> None:
    found = await only(health_checks.endpoints(lambda: [one], lambda: 1000.0))
    assert (found.name, found.status, bool(found.hint)) == ("endpoint groq", "down" if said else "ok", bool(said))
    assert said in found.detail
    assert ("`alma models remove groq`" in found.hint) == bool(said), "how to do without it"
    assert (await only(health_checks.endpoints(list))).status == "ok"


async def test_how_to_do_without_an_endpoint_of_the_environment() -> None:
    one = groq(state="down", source="OPENAI_API_KEY")
    found = await only(health_checks.endpoints(lambda: [one]))
    assert found.hint.endswith("To do without it, unset OPENAI_API_KEY and start Alma again.")


@pytest.mark.parametrize(("state", "status"), [("ready", "ok"), ("off", "ok"), ("failed", "degraded")])
async def test_the_embedded_model(state: str, status: str) -> None:
    found = await only(health_checks.embedded_model(lambda: EmbeddedModel(state)))
    assert (found.status, bool(found.hint)) == (status, status != "ok")


async def test_an_embedded_model_is_well_while_it_is_loaded_at_the_start_and_not_when_it_starts_again() -> None:
    clock, states = Clock(), ["starting"]
    at_once, slow = (health_checks.embedded_model(lambda: EmbeddedModel(states[0]), clock) for _ in range(2))
    assert (await only(at_once)).status == (await only(slow)).status == "ok"
    states[0] = "failed"
    await only(at_once)
    states[0] = "starting"
    assert (await only(at_once)).status == "degraded"
    clock.now += 121
    assert (await only(slow)).status == "degraded"


async def test_a_difference_of_the_index_counts_when_it_stays() -> None:
    facts = [IndexFacts(10, missing=3, waiting=0), IndexFacts(10, missing=3, waiting=3), IndexFacts(10, 2, 0)]

    async def now() -> IndexFacts:
        return facts.pop(0) if len(facts) > 1 else facts[0]

    look = health_checks.index(now)
    assert [(await only(look)).status for _ in range(3)] == ["ok", "ok", "ok"]
    lost = await only(look)
    assert (lost.status, lost.detail) == ("degraded", "2 memories have no vector and wait for none.")
    facts[:] = [IndexFacts(10, 0, 0, unsaved="No space left on device")]
    assert "No space left" in (await only(look)).detail
    facts[:] = [IndexFacts(0, 0, 0, problem="It is gone.")]
    assert (await only(look)).detail == "It is gone."


async def test_the_event_loop_is_late() -> None:
    lag = LoopLag()
    assert (await only(health_checks.event_loop(lag))).status == "ok"
    lag.took(1.5)
    assert (await only(health_checks.event_loop(lag))).status == "degraded"
    lag.took(11)
    assert (await only(health_checks.event_loop(lag))).status == "down"
    for _ in range(120):
        lag.took(0)
    assert (await only(health_checks.event_loop(lag))).status == "ok", "it is of the last minute"


async def test_tasks_that_nobody_takes() -> None:
    clock = Clock()
    dispatcher = LocalDispatcher(Limits(lambda _role: 1), clock, clock)
    look = health_checks.dispatcher(lambda: dispatcher.waiting)

    def ticket(number: int, not_before: float = 0.0) -> Ticket:
        return Ticket(f"r{number}", "main", "ann", "writer", "m", not_before=not_before)

    for number in (1, 2):
        dispatcher.enqueue(ticket(number))
    dispatcher.enqueue(ticket(3, not_before=1100))
    assert (await only(look)).detail == "0 at work, 2 waiting, the oldest for 0 s"
    clock.now += 16
    stuck = await only(look)
    assert (stuck.status, stuck.detail) == ("down", "0 at work, 2 waiting, the oldest for 16 s")
    first = await dispatcher.claim()
    assert (await only(look)).status == "ok", "somebody works, so the other waits for its turn"
    clock.now += 400
    long = await only(look)
    assert (long.status, long.detail) == ("degraded", "1 at work, 2 waiting, the oldest for 416 s")
    dispatcher.ack(first)
    for _ in range(2):
        dispatcher.ack(await dispatcher.claim())
    assert (await only(look)).detail == "0 at work, 0 waiting"


async def test_a_part_that_knows_its_own_trouble() -> None:
    said = ""
    look = health_checks.problem(lambda: said, "Do this.")
    assert (await only(look)).status == "ok"
    said = "It is full."
    assert await only(look) == Finding("degraded", "It is full.", "Do this.")


async def test_who_is_behind_still_takes_work_and_who_was_not_looked_at_does_not() -> None:
    part = Part()
    health = Health([Check(name, part.look) for name in NEEDED])
    paths = {getattr(one, "path", ""): getattr(one, "endpoint", None) for one in routes(health, lambda: False).routes}
    readyz: Any = paths["/readyz"]

    async def code() -> int:
        response = Response()
        await readyz(response)
        return response.status_code

    assert await code() == 503
    async with running(health):
        stands: list[tuple[Status, int]] = [("degraded", 200), ("down", 503), ("ok", 200)]
        for part.status, answer in stands:
            await health.refresh()
            assert await code() == answer
