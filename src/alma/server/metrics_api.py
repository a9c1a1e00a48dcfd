"""Metrics over HTTP: series, the dashboard's figures, and the runs behind them. For administrators: they are of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from alma.db.database import Database
from alma.errors import InvalidRequest, NotFound
from alma.observability.behind import RUNS, Asked, One, behind
from alma.observability.catalog import BY_NAME, METRICS
from alma.observability.history import NAMES, History
from alma.observability.prometheus import Exposition
from alma.observability.totals import RouteTotals, Totals
from alma.observability.uses import Use, Uses, by
from alma.security.fields import Exact
from alma.server.asking import ADMIN, Admin
from alma.server.watch_bodies import (
    BehindList,
    BehindReply,
    DashboardReply,
    MetricReply,
    Range,
    RouteUseReply,
    SeriesReply,
    UseReply,
)
from alma.session.metric_news import metrics_off

_Name = Annotated[str, Exact(200)]
_Time = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False)]
_SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Where figures are read."""

    database: Database
    history: History
    uses: Uses
    totals: Totals
    exposition: Exposition


def routes(metrics: Metrics | None = None) -> APIRouter:
    """None: nothing is measured."""
    router = APIRouter(tags=["metrics"])

    @router.get("/api/metrics/series", dependencies=[ADMIN])
    async def read_series(
        range: Range = "5m",
        since: _Time = None,
        until: _Time = None,
        names: Annotated[list[_Name] | None, Query(max_length=64)] = None,
    ) -> SeriesReply:
        """`names` none: all. `since` and `until`, together, come before `range`."""
        history = measured(metrics).history
        window = history.window(range, since, until)
        series = await history.series(window, _known(names) if names else NAMES)
        return SeriesReply(
            since=window.since,
            until=window.until,
            step=window.step,
            at=series.at,
            series=series.values,
            highs=series.highs,
        )

    @router.get("/api/metrics/dashboard", dependencies=[ADMIN])
    async def read_dashboard(range: Range = "5m", since: _Time = None, until: _Time = None) -> DashboardReply:
        """`since` and `until`, together, come before `range`; `before` is then of as long a time before them."""
        at_hand = measured(metrics)
        window = at_hand.history.window(range, since, until)
        values = await at_hand.history.figures(window)
        before = await at_hand.history.figures(window.before)
        uses = await at_hand.uses.of(window.since, window.until)
        return DashboardReply(
            since=window.since,
            until=window.until,
            values=values,
            before=before,
            agents=[_use(name, use) for name, use in by(uses, "agent").items()],
            models=[_use(name, use) for name, use in by(uses, "model").items()],
            endpoints=[_use(name, use) for name, use in by(uses, "endpoint").items()],
            routes=_routes(at_hand.totals),
            metrics=_CATALOG,
        )

    @router.get("/api/metrics/behind")
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
        levels, the newest else; `runs`: those that the tables count. `since` and `until` come before `range`."""
        at_hand = measured(metrics)
        (name,) = [RUNS] if metric == RUNS else _known([metric])
        if "\0" in agent + model + endpoint:  # PostgreSQL refuses to look for NUL
            raise InvalidRequest("invalid_field", "A name has no NUL in it.")
        window = at_hand.history.window(range, since, until)
        asked = Asked(name, caller.owner, window.since, window.until, agent, model, endpoint, limit)
        found = await at_hand.database.read(lambda connection: behind(connection, asked), slow=True)
        return BehindList(
            metric=name,
            unit=found.unit,
            runs=[_behind(one) for one in found.runs],
            others=found.others,
            more=found.more,
        )

    @router.get("/metrics", include_in_schema=False, dependencies=[ADMIN])
    async def expose(accept: Annotated[str, Header()] = "") -> Response:
        """The figures for Prometheus, as its text format or as OpenMetrics."""
        exposition = measured(metrics).exposition
        text, kind = await exposition.text(accept)
        return Response(text, headers={"content-type": kind})

    return router


def measured(metrics: Metrics | None) -> Metrics:
    if metrics is None:
        raise metrics_off()
    return metrics


def _known(names: list[str]) -> list[str]:
    for name in names:
        if name not in BY_NAME:
            raise NotFound(
                "unknown_metric",
                f"There is no metric {name!r}.",
                expected="a name of the catalog",
                actual=name,
                hint="docs/operations.md lists them.",
            )
    return list(dict.fromkeys(names))


_CATALOG = [
    MetricReply(
        name=metric.name,
        title=metric.title,
        unit=metric.unit,
        what=metric.what,
        group=metric.group,
        description=metric.description,
    )
    for metric in METRICS
]


def _use(name: str, use: Use) -> UseReply:
    first_p50, first_p95, _ = use.first.quantiles(_SHARES)
    p50, p95, _ = use.asked.quantiles(_SHARES)
    return UseReply(
        name=name,
        calls=use.calls,
        errors=use.errors,
        runs=use.runs,
        first_token_p50_ms=first_p50,
        first_token_p95_ms=first_p95,
        p50_ms=p50,
        p95_ms=p95,
        input_tokens=use.input_tokens,
        output_tokens=use.output_tokens,
        tokens_per_s=1000 * use.written / use.writing_ms if use.writing_ms > 0 else None,
        cost=use.cost,
        cache_hits=use.cache_hits,
    )


def _routes(totals: Totals) -> list[RouteUseReply]:
    """Since the start, those with the most requests first."""
    ordered = sorted(totals.routes.items(), key=lambda one: (-one[1].ms.count, one[0]))
    return [_route(f"{method} {route}", total) for (method, route), total in ordered]


def _route(name: str, total: RouteTotals) -> RouteUseReply:
    p50, p95, p99 = total.ms.quantiles(_SHARES)
    return RouteUseReply(route=name, requests=total.ms.count, errors=total.errors, p50_ms=p50, p95_ms=p95, p99_ms=p99)


def _behind(one: One) -> BehindReply:
    return BehindReply(
        run_id=one.run_id,
        thread_id=one.thread_id,
        title=one.title,
        text=one.text,
        at=one.at,
        value=one.value,
        seq=one.seq,
        agent=one.agent,
        model=one.model,
        endpoint=one.endpoint,
        status=one.status,
        error=one.error,
    )
