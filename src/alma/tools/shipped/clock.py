"""The date and the time of day, anywhere."""

from __future__ import annotations

import difflib
import zoneinfo
from datetime import UTC, datetime, tzinfo

from alma.tools.fault import ToolFault
from alma.tools.tool import tool


@tool(idempotent=True, outside="")
def clock(timezone: str = "UTC") -> str:
    """Tell the present date, weekday and time.

    timezone: name of a time zone, for example Europe/Berlin or America/New_York
    """
    return told(datetime.now(UTC), timezone)


def told(now: datetime, timezone: str) -> str:
    """`now` in that zone, as `Monday, 3 March 2025, 14:05:09 (Europe/Berlin, UTC+01:00)`, in English whatever the
    system's language. Raises `ToolFault` for an unknown zone."""
    zone, name = _zone(timezone)
    there = now.astimezone(zone)
    offset = there.strftime("%z")
    return (
        f"{_DAYS[there.weekday()]}, {there.day} {_MONTHS[there.month - 1]} {there.year}, {there:%H:%M:%S} "
        f"({name}, UTC{offset[:3]}:{offset[3:5]})"
    )


def _zone(asked: str) -> tuple[tzinfo, str]:
    if asked.strip().upper() in ("", "UTC", "GMT", "Z"):
        return UTC, "UTC"
    known = zoneinfo.available_timezones()
    if not known:
        raise ToolFault("This machine has no list of time zones; ask for UTC.")
    wanted = asked.strip().replace(" ", "_").casefold()
    for name in known:
        if name.casefold() == wanted:
            return zoneinfo.ZoneInfo(name), name
    raise ToolFault(f"There is no time zone {asked[:80]!r}. {_suggestion(wanted, known)}")


def _suggestion(wanted: str, known: set[str]) -> str:
    """Zones of which the last part (the city) is like what was asked for, else like the whole of it."""
    city = wanted.rpartition("/")[2]
    by_city = {name.rpartition("/")[2].casefold(): name for name in sorted(known, reverse=True)}
    near = [by_city[match] for match in difflib.get_close_matches(city, by_city, n=3, cutoff=0.7)]
    near = near or difflib.get_close_matches(wanted, known, n=3)
    if not near:
        return "Zones are named like Europe/Berlin, America/New_York or Asia/Tokyo."
    return f"Did you mean {' or '.join(near)}?"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
