"""What the doors of metrics, errors, alerts and reports give and take. Times are Unix seconds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from alma.security.fields import Line
from alma.server.bodies import Body, Reply

Range = Literal["5m", "1h", "6h", "24h", "7d"]
Severity = Literal["info", "warning", "critical"]


class SeriesReply(Reply):
    """`at`: the ends of intervals of `step` seconds; `series`: by name, one value for each of them, null where nothing
    was measured; `highs`: likewise of each level the highest second, of which `series` has the mean; empty where a step
    is a second."""

    since: float
    until: float
    step: float
    at: list[float]
    series: dict[str, list[float | None]]
    highs: dict[str, list[float | None]]


class MetricReply(Reply):
    """What a name stands for. `unit`: ms, s, /s, count, MiB, %, USD, tokens/s, tokens. `what`: how it is taken:
    percentile, rate (a second), sum (in the interval), level (at its end), peak (the highest in it)."""

    name: str
    title: str
    unit: str
    what: Literal["percentile", "rate", "sum", "level", "peak"]
    group: str
    description: str


class UseReply(Reply):
    """What the model calls of one agent, model or endpoint came to in a range. Percentiles in ms, null: none."""

    name: str
    calls: int
    errors: int
    runs: int
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    input_tokens: int
    output_tokens: int
    tokens_per_s: float | None
    cost: float
    cache_hits: int


class RouteUseReply(Reply):
    """HTTP requests of one route since the start, or in the range as far as it is kept."""

    route: str
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class DashboardReply(Reply):
    """`values`: the figures over the whole range, by metric name; `before`: those of the range before it."""

    since: float
    until: float
    values: dict[str, float]
    before: dict[str, float]
    agents: list[UseReply]
    models: list[UseReply]
    endpoints: list[UseReply]
    routes: list[RouteUseReply]
    metrics: list[MetricReply]


class BehindReply(Reply):
    """A run behind a number. `value`: in the metric's unit, what it adds to it; `seq`: of the entry it is read from, 0:
    the run as a whole. `agent`, `model`, `endpoint` are empty for a run as a whole. `text`: the beginning of what was
    asked, in one line; `title`: of its thread."""

    run_id: str
    thread_id: str
    title: str
    text: str
    at: float
    value: float
    seq: int
    agent: str
    model: str
    endpoint: str
    status: str
    error: str


class BehindList(Reply):
    """Those that count most first. `others`: how many more there are of other owners, which are not shown."""

    metric: str
    unit: str
    runs: list[BehindReply]
    others: int
    more: bool


class ErrorGroupReply(Reply):
    """The same error, together. `example`: of the newest: message, traceback, and what it was about (run, task, agent,
    request)."""

    fingerprint: str
    title: str
    place: str
    count: int
    first_at: float
    last_at: float
    state: Literal["open", "resolved", "muted"]
    example: dict[str, Any]


class ErrorGroupList(Reply):
    groups: list[ErrorGroupReply]


class ErrorGroupChange(Body):
    state: Literal["open", "resolved", "muted"]


class AlertRuleReply(Reply):
    """`metric`, over `window_s` seconds (0: its newest value), `above` or below `threshold` for `for_s` seconds; it
    ends at `clear`. `now`: the metric's value, null: none. `link`: where the page has more on it. `problem`: what of
    the user's change cannot be used."""

    name: str
    summary: str
    hint: str
    severity: Severity
    metric: str
    above: bool
    threshold: float
    clear: float
    for_s: float
    window_s: float
    channels: list[str]
    own: bool
    state: Literal["ok", "pending", "firing"]
    since: float
    now: float | None
    silenced_until: float
    silenced_by: str
    silenced_why: str
    link: str
    problem: str


class AlertReply(Reply):
    """`told`: what came of telling each channel: `ok` or a sentence. `endedAt` null: it still fires."""

    id: str
    rule: str
    severity: Severity
    summary: str
    value: float
    fired_at: float
    ended_at: float | None
    told: dict[str, str]


class ChannelReply(Reply):
    """`detail`: where it goes, or what is missing to use it."""

    name: Literal["page", "log", "webhook", "mail"]
    on: bool
    detail: str


class AlertsReply(Reply):
    """`problems`: what is wrong in the file of rules, each with file, rule, line and field."""

    rules: list[AlertRuleReply]
    history: list[AlertReply]
    channels: list[ChannelReply]
    problems: list[str]


class Silence(Body):
    """`minutes` 0 ends it."""

    minutes: float = Field(ge=0, le=60 * 24 * 30, allow_inf_nan=False)
    reason: Annotated[str, Line(500)] = ""


class ChannelTest(Body):
    channel: Literal["page", "log", "webhook", "mail"]


class ChannelTestReply(Reply):
    """`said`: `ok`, or what went wrong."""

    channel: str
    said: str


class ReportEntry(Reply):
    """`day`: as 2026-11-26 (UTC)."""

    day: str
    made_at: float
    title: str


class ReportList(Reply):
    reports: list[ReportEntry]


class ReportReply(ReportEntry):
    """`text`: Markdown."""

    text: str


Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
