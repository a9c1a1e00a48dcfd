"""Metrics over HTTP: series, the dashboard's figures, and the runs behind them. For administrators: they are of all."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from alma.server.asking import Admin
from alma.server.watch_bodies import BehindList, DashboardReply, Range, SeriesReply

_Name = Annotated[str, Query(max_length=200)]
_Time = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False)]


def routes() -> APIRouter:
    router = APIRouter(prefix="/api", tags=["metrics"])

    @router.get("/metrics/series")
    async def read_series(
        caller: Admin,
        range: Range = "5m",
        since: _Time = None,
        until: _Time = None,
        names: Annotated[list[str] | None, Query(max_length=64)] = None,
    ) -> SeriesReply:
        """`names` none: all. `since` and `until`, together, come before `range`."""
        raise NotImplementedError

    @router.get("/metrics/dashboard")
    async def read_dashboard(
        caller: Admin, range: Range = "5m", since: _Time = None, until: _Time = None
    ) -> DashboardReply:
        """`since` and `until`, together, come before `range`; `before` is then of as long a time before them."""
        raise NotImplementedError

    @router.get("/metrics/behind")
    async def read_behind(
        caller: Admin,
        metric: _Name,
        range: Range = "5m",
        since: _Time = None,
        until: _Time = None,
        agent: _Name = "",
        model: _Name = "",
        endpoint: _Name = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> BehindList:
        """The runs that a number is made of: the slowest for a percentile, the failed for errors, those under way for
        levels, the newest else. `since` and `until` come before `range`."""
        raise NotImplementedError

    return router
