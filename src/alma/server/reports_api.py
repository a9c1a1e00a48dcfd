"""Reports over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from alma.server.asking import Admin
from alma.server.watch_bodies import Day, ReportList, ReportReply


def routes() -> APIRouter:
    router = APIRouter(prefix="/api", tags=["reports"])

    @router.get("/reports")
    async def list_reports(caller: Admin) -> ReportList:
        """Newest first."""
        raise NotImplementedError

    @router.get("/reports/{day}")
    async def read_report(caller: Admin, day: Day) -> ReportReply:
        raise NotImplementedError

    @router.put("/reports/{day}")
    async def make_report(caller: Admin, day: Day) -> ReportReply:
        """Makes the day's report now, of today as far as it has come."""
        raise NotImplementedError

    return router
