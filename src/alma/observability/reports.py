"""The daily report: made once for each day, kept, read again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.db.watch_tables import reports
from alma.errors import AlmaError, InvalidRequest, NotFound
from alma.observability import report_text
from alma.observability.day_figures import DAY_S, day_before, day_of, figures, start_of
from alma.observability.sample import Sample

log = logging.getLogger(__name__)
LOOK_EVERY_S = 60.0
LISTED = 400


class Report(Struct, frozen=True):
    """`day`: as 2026-11-26 (UTC)."""

    day: str
    made_at: float
    text: str

    @property
    def title(self) -> str:
        return report_text.title(self.day)


@contextlib.asynccontextmanager
async def _nothing() -> AsyncGenerator[Sequence[tuple[int, Sample]]]:
    yield ()


class Reports:
    """`hour`: of the day (UTC) at which the report of the day before is made; -1: never by itself. `pending`: what was
    measured and is not in the database yet, set by whoever measures."""

    def __init__(self, database: Database, hour: int, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._hour = hour
        self._clock = clock
        self.pending: Callable[[], AbstractAsyncContextManager[Sequence[tuple[int, Sample]]]] = _nothing
        self._looked_at: str | None = None  # the newest day of which it is known that it has a report, or needs none

    async def run(self) -> None:
        """Make what is due, until cancelled."""
        while self._hour >= 0:
            try:
                day = due(self._clock(), self._hour)
                if day not in (None, self._looked_at) and await self.find(day) is None and await self._ran_on(day):
                    await self.make(day)
                    log.info("the report of %s is made", day)
                self._looked_at = day
            except AlmaError as error:
                log.warning("the daily report waits: %s", error.actual or error.message)
            await asyncio.sleep(LOOK_EVERY_S)

    async def make(self, day: str) -> Report:
        """Make it now, in place of one that there is. Raises `InvalidRequest` for a day that has not begun."""
        now = self._clock()
        check_day(day)
        if start_of(day) > now:
            raise InvalidRequest(
                "day_to_come", "That day has not begun.", expected=f"{day_of(now)} (UTC) or before", actual=day
            )
        async with self.pending() as pending:
            today, before = await self._database.read(
                lambda connection: (
                    figures(connection, day, now, pending),
                    figures(connection, day_before(day), now, pending),
                ),
                slow=True,
            )
        report = Report(day, now, report_text.text(today, before))
        await self._database.write(lambda connection: _keep(connection, report))
        return report

    async def _ran_on(self, day: str) -> bool:
        """Whether there is anything to report of a day."""
        found = await self._database.read(lambda connection: figures(connection, day, self._clock()), slow=True)
        return bool(found.runs or found.calls or found.measured_s or found.errors)

    async def find(self, day: str) -> Report | None:
        """Raises `InvalidRequest` for what is no day."""
        check_day(day)
        return await self._database.read(lambda connection: _find(connection, day))

    async def get(self, day: str) -> Report:
        report = await self.find(day)
        if report is None:
            raise NotFound(
                "unknown_report", f"There is no report of {day}.", actual=day, hint=f"Make it: alma report {day} --make"
            )
        return report

    async def listed(self) -> list[Report]:
        """The newest first, without their texts."""
        query = sa.select(reports.c.day, reports.c.made_at).order_by(reports.c.day.desc()).limit(LISTED)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Report(day, made_at, "") for day, made_at in rows]


def due(now: float, hour: int) -> str | None:
    """The day before, when the hour of its report has come; else None: the one before that was due yesterday, and a
    report that old is made by hand."""
    return day_of(now - DAY_S) if now % DAY_S >= hour * 3600 else None


def check_day(day: str) -> None:
    try:
        start_of(day)
    except ValueError:
        raise InvalidRequest(
            "no_day",
            f"There are no reports of {day!r}.",
            expected="a day since 1970, such as 2026-11-26",
            actual=repr(day),
        ) from None


def _find(connection: sa.Connection, day: str) -> Report | None:
    row = connection.execute(sa.select(reports).where(reports.c.day == day)).mappings().first()
    return Report(row["day"], row["made_at"], row["text"]) if row is not None else None


def _keep(connection: sa.Connection, report: Report) -> None:
    connection.execute(sa.delete(reports).where(reports.c.day == report.day))
    connection.execute(sa.insert(reports).values(day=report.day, made_at=report.made_at, text=report.text))
