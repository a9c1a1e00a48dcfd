"""The clock in any zone, by the names that people write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alma.tools.fault import ToolFault
from alma.tools.shipped.clock import clock, told

NOON = datetime(2025, 3, 3, 12, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timezone", "text"),
    [
        ("UTC", "Monday, 3 March 2025, 12:04:05 (UTC, UTC+00:00)"),
        ("", "Monday, 3 March 2025, 12:04:05 (UTC, UTC+00:00)"),
        ("europe/berlin", "Monday, 3 March 2025, 13:04:05 (Europe/Berlin, UTC+01:00)"),
        ("America/New York", "Monday, 3 March 2025, 07:04:05 (America/New_York, UTC-05:00)"),
        ("Asia/Kolkata", "Monday, 3 March 2025, 17:34:05 (Asia/Kolkata, UTC+05:30)"),
    ],
)
def test_it_tells_the_time_there(timezone: str, text: str) -> None:
    assert told(NOON, timezone) == text


def test_it_tells_the_present() -> None:
    assert str(datetime.now(UTC).year) in clock()


@pytest.mark.parametrize(
    ("timezone", "says"),
    [
        ("Europe/Berlinn", "Europe/Berlin"),
        ("Tokyo", "Asia/Tokyo"),
        ("../../etc/passwd", "no time zone"),
        ("\x00", "named like"),
    ],
)
def test_an_unknown_zone_brings_suggestions(timezone: str, says: str) -> None:
    with pytest.raises(ToolFault, match=says):
        told(NOON, timezone)
