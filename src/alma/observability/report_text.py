"""A day's figures as a page of Markdown that a person reads in a minute. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from alma.observability.day_figures import DAY_S, DayFigures, Use
from alma.observability.sketch import PERCENT

GROWN = 1.2  # times its memory in the morning that the server's is told of in the evening
_MEASURE = (
    "Responses are those of completed runs, taken exactly; the dashboard's are of all that ended, within "
    f"{PERCENT} % of the true ones."
)
MUCH = 1.5  # times the day before that is worth a word


def title(day: str) -> str:
    return f"Alma on {day}"


def text(today: DayFigures, before: DayFigures) -> str:
    """Sections without anything in them are left out."""
    parts = [f"# {title(today.day)}", _summary(today, before)]
    if today.runs or today.calls or before.runs or before.calls:
        parts.append(_figures(today, before))
    parts += [_uses("Agents", today.agents), _uses("Models", today.models)]
    parts += [_errors(today), _alerts(today), _resources(today, before)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(today: DayFigures, before: DayFigures) -> str:
    if not today.runs and not today.calls:
        said = "Nothing was asked."
    else:
        said = f"{_count(today.runs, 'run')} ended{_before(f'{before.runs:,}')}"
        said += f"; {today.failed} of them failed." if today.failed else "; none failed."
        if today.response is not None:
            said += f" Half of the answers took no more than {_ms(today.response[0])}, 95 % no more than"
            said += f" {_ms(today.response[1])}{_slower(today.response, before.response)}."
        if today.cost:
            said += f" Model calls cost {_money(today.cost)}{_before(_money(before.cost))}."
    new = sum(one.new for one in today.errors)
    if new:
        said += f" {_count(new, 'kind')} of error had not been seen before."
    urgent = sum(one.severity == "critical" for one in today.alerts)
    if today.alerts:
        said += f" {_count(len(today.alerts), 'alert')} fired" + (f", {urgent} critical." if urgent else ".")
    else:
        said += " No alert fired."
    if today.rss is not None and today.rss[1] > GROWN * today.rss[0]:
        said += f" **The server's memory grew from {_mib(today.rss[0])} to {_mib(today.rss[1])}.**"
    if today.measured_s < 0.9 * DAY_S:
        said += f" Measured: {_span(today.measured_s)} of the day."
    return said


def _figures(today: DayFigures, before: DayFigures) -> str:
    rows = [
        ("Runs that ended", f"{today.runs:,}", f"{before.runs:,}"),
        ("– failed", f"{today.failed:,}", f"{before.failed:,}"),
        ("– stopped", f"{today.canceled:,}", f"{before.canceled:,}"),
        ("Response, p50", _at(today.response, 0), _at(before.response, 0)),
        ("Response, p95", _at(today.response, 1), _at(before.response, 1)),
        ("First token, p50", _at(today.first_token, 0), _at(before.first_token, 0)),
        ("First token, p95", _at(today.first_token, 1), _at(before.first_token, 1)),
        ("Model calls", f"{today.calls:,}", f"{before.calls:,}"),
        ("– failed", f"{today.call_errors:,}", f"{before.call_errors:,}"),
        ("– answered by the cache", _share(today), _share(before)),
        ("Tokens read", f"{today.input_tokens:,}", f"{before.input_tokens:,}"),
        ("Tokens written", f"{today.output_tokens:,}", f"{before.output_tokens:,}"),
        ("Cost", _money(today.cost), _money(before.cost)),
    ]
    table = _table("Figures", ("", "the day", "the day before"), rows)
    return table if today.response is None and before.response is None else f"{table}\n\n{_MEASURE}"


def _uses(name: str, uses: Sequence[Use]) -> str:
    if not uses:
        return ""
    rows = [
        (_plain(one.name), f"{one.calls:,}", f"{one.errors:,}", f"{one.output_tokens:,}", _money(one.cost))
        for one in uses
    ]
    return _table(name, ("", "calls", "failed", "tokens written", "cost"), rows)


def _errors(today: DayFigures) -> str:
    if not today.errors:
        return ""
    rows = [(_plain(one.kind), _plain(one.place), f"{one.count:,}", "yes" if one.new else "") for one in today.errors]
    return _table("Errors", ("kind", "where", "count in all", "new"), rows)


def _alerts(today: DayFigures) -> str:
    if not today.alerts:
        return ""
    rows = [
        (
            _plain(one.rule),
            _plain(one.summary),
            one.severity,
            f"{one.times:,}",
            _span(one.seconds) + (", still does" if one.still else ""),
        )
        for one in today.alerts
    ]
    return _table("Alerts", ("rule", "", "severity", "times", "fired for"), rows)


def _resources(today: DayFigures, before: DayFigures) -> str:
    rows: list[tuple[str, ...]] = []
    for name, label, unit in (
        ("rss", "Memory of the server", "MiB"),
        ("model_rss", "Memory of the model", "MiB"),
        ("cpu", "CPU of the server", "%"),
        ("connections", "Connections", ""),
        ("files", "Open files", ""),
        ("loop_lag_ms", "Event loop lag", "ms"),
        ("db_queue", "Writes waiting", ""),
    ):
        if name in today.peaks:
            rows.append((label, _level(today.peaks[name], unit), _level(before.peaks.get(name), unit)))
    if "disk_free" in today.lows:
        free = ("Free disk space, least", _level(today.lows["disk_free"], "MiB"))
        rows.append((*free, _level(before.lows.get("disk_free"), "MiB")))
    if today.rss is not None:
        rows.append(("Memory, first and last hour", f"{_mib(today.rss[0])} → {_mib(today.rss[1])}", ""))
    return _table("Peaks of resources", ("", "the day", "the day before"), rows) if rows else ""


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _table(name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"## {name}", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _plain(words: str) -> str:
    """A name within a table of Markdown."""
    clean = " ".join(words.split())
    return "".join(f"\\{one}" if one in "\\|*_`[]<>#" else one for one in clean) or "–"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _before(words: str) -> str:
    return f" ({words} the day before)"


def _slower(now: tuple[float, float], before: tuple[float, float] | None) -> str:
    if before is None or not before[1]:
        return ""
    times = now[1] / before[1]
    if times >= MUCH:
        return f", {times:.1f} times as long as the day before"
    return f", {1 / times:.1f} times as fast as the day before" if times <= 1 / MUCH else ""


def _at(percentiles: tuple[float, float] | None, place: int) -> str:
    return "–" if percentiles is None else _ms(percentiles[place])


def _ms(ms: float) -> str:
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 120_000 else f"{ms / 60_000:.1f} min"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _share(day: DayFigures) -> str:
    return f"{day.cache_hits:,} ({day.cache_hits / day.calls:.0%})" if day.calls else "0"


def _money(value: float) -> str:
    return f"${value:.4f}" if 0 < value < 1 else f"${value:,.2f}"


def _mib(value: float) -> str:
    return f"{value:,.0f} MiB"


def _level(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:,.0f} {unit}".strip()
