"""Alerts and silences in the database. Plain functions on a connection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from alma.db.watch_tables import alert_silences, alerts, error_groups
from alma.observability.alert_rules import Severity

KEPT_DAYS = 90


class Alert(Struct):
    """A time that a rule fired. `told`: by channel `ok`, or why not. Changes until it has ended and all were told.
    `end_value`: the metric's when it ended, None: it had none; for telling, and not kept."""

    id: str
    rule: str
    severity: Severity
    summary: str
    value: float
    fired_at: float
    ended_at: float | None
    told: dict[str, str]
    end_value: float | None = None


class Silence(Struct, frozen=True):
    rule: str
    until: float
    by: str
    reason: str = ""


def write(connection: sa.Connection, changed: Iterable[Alert]) -> None:
    for alert in changed:
        values = {
            "rule": alert.rule,
            "severity": alert.severity,
            "summary": alert.summary,
            "value": alert.value,
            "fired_at": alert.fired_at,
            "ended_at": alert.ended_at,
            "told": json.dumps(alert.told),
        }
        known = connection.execute(sa.update(alerts).where(alerts.c.id == alert.id).values(values))
        if not known.rowcount:
            connection.execute(sa.insert(alerts).values(id=alert.id, **values))


def newest(connection: sa.Connection, limit: int) -> list[Alert]:
    query = sa.select(alerts).order_by(alerts.c.fired_at.desc(), alerts.c.id.desc()).limit(limit)
    return [_alert(dict(row)) for row in connection.execute(query).mappings()]


def still_open(connection: sa.Connection) -> list[Alert]:
    """Those that fired when Alma last stopped, the oldest first."""
    query = sa.select(alerts).where(alerts.c.ended_at.is_(None)).order_by(alerts.c.fired_at)
    return [_alert(dict(row)) for row in connection.execute(query).mappings()]


def forget_before(connection: sa.Connection, at: float) -> None:
    connection.execute(sa.delete(alerts).where(alerts.c.ended_at < at))


def silences(connection: sa.Connection) -> list[Silence]:
    return [Silence(row.rule, row.until, row.by, row.reason) for row in connection.execute(sa.select(alert_silences))]


def silence(connection: sa.Connection, one: Silence) -> None:
    connection.execute(sa.delete(alert_silences).where(alert_silences.c.rule == one.rule))
    if one.until > 0:
        values = {"rule": one.rule, "until": one.until, "by": one.by, "reason": one.reason}
        connection.execute(sa.insert(alert_silences).values(values))


def new_errors(connection: sa.Connection, since: float) -> int:
    """Groups of errors that were first seen since then, but for those that are muted."""
    query = sa.select(sa.func.count()).where(error_groups.c.first_at >= since, error_groups.c.state != "muted")
    return int(connection.execute(query).scalar_one())


def _alert(row: Mapping[str, Any]) -> Alert:
    return Alert(
        id=row["id"],
        rule=row["rule"],
        severity=row["severity"],
        summary=row["summary"],
        value=row["value"],
        fired_at=row["fired_at"],
        ended_at=row["ended_at"],
        told=json.loads(row["told"]),
    )
