"""Tables of what is measured, of errors, alerts and reports. All is derived or news: none of it is needed to answer."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text

from alma.db.tables import Compact, metadata

# Model calls that ended, one row each, written with the entry that ended them: what tables and percentiles of the
# dashboard are made from, and the way from a number back to its runs. `first_bucket`, `bucket`: logarithmic buckets
# of `first_token_ms` and `ms` (see observability/sketch.py), so that percentiles can be had by counting; null: none.
# By time first: whoever reads it wants all calls of a time.
# `error`: code, empty where it answered. `cache`: exact, semantic or empty.
calls = Table(
    "calls",
    metadata,
    Column("at", Double, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("first_token_ms", Double),
    Column("first_bucket", Integer),
    Column("ms", Double, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost", Double, nullable=False),
    Column("cache", Text, nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

# Runs that ended, for the same purpose. `ms`: from the task to the end; `status` and `error` as the run's last entry
# has them.
run_ends = Table(
    "run_ends",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("ms", Double, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Index("run_ends_by_time", "at"),
    sqlite_with_rowid=False,
)

# What was measured, at a resolution of `step` seconds, the interval ending `at`. `data`: JSON of numbers by name, and
# of sketches, so that coarser rows are sums of finer ones.
metric_samples = Table(
    "metric_samples",
    metadata,
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("data", Compact, nullable=False),
    sqlite_with_rowid=False,
)

# The last write that was made to see whether writing works. One that changes nothing would not reach the disk.
write_marks = Table(
    "write_marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Double, nullable=False),
)

# Errors, the same ones together. `example`: JSON of the newest one with its context; `state`: open, resolved (comes
# back as open when it happens again) or muted.
error_groups = Table(
    "error_groups",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("example", Compact, nullable=False),
    Index("error_groups_by_time", "last_at"),
)

# Every time an alert fired. `value`: what it was when it fired; `ended_at` null while it does. `told`: JSON of what
# came of telling each channel.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("fired_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("told", Text, nullable=False, server_default="{}"),
    Index("alerts_by_time", "fired_at"),
)

# Rules that are to keep silent. `until`: Unix seconds.
alert_silences = Table(
    "alert_silences",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("until", Double, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
)

# Reports in Markdown, one per day (UTC, as 2026-11-26).
reports = Table(
    "reports",
    metadata,
    Column("day", Text, primary_key=True),
    Column("made_at", Double, nullable=False),
    Column("text", Compact, nullable=False),
)
