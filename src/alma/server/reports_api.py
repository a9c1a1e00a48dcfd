"""Reports over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from alma.observability.reports import Report, Reports
from alma.server.asking import ADMIN
from alma.server.watch_bodies import Day, ReportEntry, ReportList, ReportReply


def routes(reports: Reports) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["reports"], dependencies=[ADMIN])

    @router.get("/reports")
    async def list_reports() -> ReportList:
        """Newest first."""
        listed = await reports.listed()
        return ReportList(reports=[ReportEntry(day=one.day, made_at=one.made_at, title=one.title) for one in listed])

    @router.get("/reports/{day}")
    async def read_report(day: Day) -> ReportReply:
        return _reply(await reports.get(day))

    @router.put("/reports/{day}")
    async def make_report(day: Day) -> ReportReply:
        """Makes the day's report now, of today as far as it has come."""
        return _reply(await reports.make(day))

    return router


def _reply(report: Report) -> ReportReply:
    return ReportReply(day=report.day, made_at=report.made_at, title=report.title, text=report.text)
