"""The page of `bench.load`: one HTML file with its plots in it, which needs nothing else. Pure."""

from __future__ import annotations

import html
import json
import platform
import time
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 860, 200, 56, 22
_PLOTS = (
    ("rss_mb", "Memory of the server's process", "MB"),
    ("cpu", "CPU of the server's process (100 is one core)", "%"),
    ("children_rss_mb", "Memory of its children together", "MB"),
    ("children_cpu", "CPU of its children together", "%"),
    ("files", "Open files and sockets", ""),
    ("threads", "Threads", ""),
)
_STYLE = """
:root { color-scheme: light dark; --line: #2563eb; --soft: #8884; --bad: #b91c1c; --good: #15803d }
@media (prefers-color-scheme: dark) { :root { --line: #7aa5ff; --bad: #f87171; --good: #4ade80 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--soft) }
svg { width: 100%; height: auto; overflow: visible } text { fill: currentColor; font-size: 11px }
pre { white-space: pre-wrap; font-size: 12px } .missed { color: var(--bad) } .met { color: var(--good) }
"""

Row = Mapping[str, float]
Span = tuple[str, float, float]


def page(
    figures: Mapping[str, Any],
    targets: Mapping[str, tuple[float, str, float]],
    rows: Sequence[Row],
    spans: Sequence[Span],
) -> str:
    """`rows`: resources over time (`s`: seconds from the start); `spans`: the scenes, from when to when."""
    plots = "".join(_plot(name, title, unit, rows, spans) for name, title, unit in _PLOTS)
    scenes = "".join(
        f"<h3>{html.escape(name)}</h3><pre>{html.escape(json.dumps(of, indent=1))}</pre>"
        for name, of in figures.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Load on Alma</title><style>{_STYLE}</style>"
        f"<h1>Load on Alma</h1><p>{time.strftime('%Y-%m-%d %H:%M')}, {html.escape(platform.platform())}, Python"
        f" {platform.python_version()}.</p><h2>Targets</h2>{_table(targets)}<h2>Over time</h2>"
        f"<p>In each scene of the server that it is about: in flood that with limits, else the other one.</p>{plots}"
        f"<h2>Scenes</h2>{scenes}</html>"
    )


def _table(targets: Mapping[str, tuple[float, str, float]]) -> str:
    lines = ""
    for name, (seen, sign, wanted) in targets.items():
        met = seen <= wanted if sign == "<=" else seen >= wanted
        said = f'<td class="{"met" if met else "missed"}">{"met" if met else "missed"}'
        lines += f"<tr><td>{html.escape(name)}<td>{seen:.4g}<td>{html.escape(sign)} {wanted:g}{said}"
    return f"<table><tr><th>What<th>Seen<th>Target<th>{lines}</table>"


def _plot(name: str, title: str, unit: str, rows: Sequence[Row], spans: Sequence[Span]) -> str:
    if not rows:
        return ""
    end = max(row["s"] for row in rows) or 1.0
    top = (max(row[name] for row in rows) or 1.0) * 1.1

    def x(seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT) * seconds / end

    def y(value: float) -> float:
        return (_HEIGHT - _BOTTOM) * (1 - value / top)

    line = " ".join(f"{x(row['s']):.1f},{y(row[name]):.1f}" for row in rows)
    scenes = "".join(
        f'<line x1="{x(since):.1f}" x2="{x(since):.1f}" y1="0" y2="{_HEIGHT - _BOTTOM}" stroke="var(--soft)"/>'
        f'<text x="{x(since) + 4:.1f}" y="{_HEIGHT - 6}">{html.escape(scene)}</text>'
        for scene, since, _ in spans
    )
    levels = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y(level):.1f}" y2="{y(level):.1f}" stroke="var(--soft)"/>'
        f'<text x="0" y="{y(level) + 4:.1f}">{level:,.4g} {unit}</text>'
        for level in (0.0, top / 2.2, top / 1.1)
    )
    return (
        f'<h3>{html.escape(title)}</h3><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label='
        f'"{html.escape(title)}: {rows[0][name]:.4g} to {rows[-1][name]:.4g} {unit}">{levels}{scenes}'
        f'<polyline points="{line}" fill="none" stroke="var(--line)" stroke-width="1.5"/></svg>'
    )
