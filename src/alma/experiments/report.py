"""What came of an experiment, to read and to take along: Markdown, CSV, and a picture. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from html import escape

from alma.experiments.records import Cell, Experiment
from alma.experiments.spec import label_of
from alma.experiments.verdict import Comparison, Judged, Results
from alma.learning.statistics import Paired
from alma.security.text import visible

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WIDTH, _LEFT, _RIGHT, _LINE = 760, 240, 40, 34


def markdown(experiment: Experiment, results: Results) -> str:
    lines = [f"# {_text(experiment.spec.name)}", "", *[f"- {_text(line)}" for line in results.verdict], ""]
    labels = [label_of(one) for one in experiment.spec.evaluators]
    heads = ["variant", "runs", "failed", *labels, "median ms", "tokens", "US dollars"]
    lines += ["## Variants", "", *_table(heads, [])]
    for one in results.figures:
        cells = [one.variant, f"{one.runs - one.waiting}/{one.runs}", str(one.failed)]
        cells += [_points(one.scores.get(label)) for label in labels]
        lines.append(_row([*cells, f"{one.ms:.0f}", f"{one.tokens}", f"{one.cost:.4f}"]))
    if results.comparisons:
        lines += ["", f"## Against {_text(experiment.spec.base)}", ""]
        heads = [
            "evaluator",
            "variant",
            "slice",
            "tasks",
            "difference",
            "95 % interval",
            "p (Holm)",
            "d_z",
            "Cliff's δ",
        ]
        lines += _table(heads, [])
        for one in results.comparisons:
            lines.append(_row([one.evaluator, one.variant, "all", *_found(one.found, one.p_holm)]))
            for name, found in one.slices.items():
                lines.append(_row([one.evaluator, one.variant, name, *_found(found, None)]))
        lines += ["", "Slices are shown to look at: their p-values are not corrected, and so are left out."]
    for judge in results.judges:
        lines += ["", f"## Judge {_text(judge.judge)}", "", *[f"- {line}" for line in judge_lines(judge)]]
    errors = [(one.variant, code, count) for one in results.figures for code, count in one.errors.items()]
    if errors:
        lines += ["", "## What failed", "", *_table(["variant", "error", "runs"], [])]
        lines += [_row([variant, code, str(count)]) for variant, code, count in errors]
    return "\n".join(lines) + "\n"


def judge_lines(judge: Judged) -> list[str]:
    both = judge.pairs - judge.none
    lines = [
        f"{judge.pairs} pairs, {judge.none} without a verdict",
        f"position: {judge.first_place} of {both} went to whoever came first, {judge.second_place} to the second",
    ]
    human = judge.human
    if human.share is None:
        lines.append("agreement with people: unknown, for nobody has judged the same pairs")
    else:
        kappa = "unknown" if human.kappa is None else f"{human.kappa:.2f}"
        lines.append(f"agreement with people: {human.share:.0%} of {human.n} pairs, kappa {kappa}")
    return lines


def _found(found: Paired, p: float | None) -> list[str]:
    def number(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    between = "–" if found.low is None or found.high is None else f"{found.low * 100:.1f} to {found.high * 100:.1f}"
    difference = "–" if found.difference is None else f"{found.difference * 100:+.1f}"
    numbers = [number(p, ".3g"), number(found.d_z, ".2f"), number(found.delta, ".2f")]
    return [str(found.n), difference, between, *numbers]


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}"


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(_text(cell).replace("|", "\\|") for cell in cells) + " |"


def _text(text: str) -> str:
    return visible(" ".join(text.split())).replace("<", "&lt;")


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def csv_text(experiment: Experiment, cells: Sequence[Cell]) -> str:
    """A line for each run. What a spreadsheet would take for a formula begins with an apostrophe."""
    labels = [label_of(one) for one in experiment.spec.evaluators]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = ["variant", "row", "seed", "slice", "task", "expected", "answer", "state", "error", *labels]
    writer.writerow([*map(_plain, heads), "ms", "tokens", "cost", "run_id"])
    for cell in cells:
        row = experiment.rows[cell.row]
        scores = [cell.scores[label].value if label in cell.scores else None for label in labels]
        texts = [cell.variant, str(cell.row + 1), str(cell.seed), row.slice, row.task, row.expected or "", cell.answer]
        numbers = ["" if score is None else f"{score:g}" for score in scores]
        words = map(_plain, [*texts, cell.state, cell.error])
        writer.writerow([*words, *numbers, f"{cell.ms:.1f}", cell.tokens, cell.cost, cell.run_id])
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


# ── a picture ─────────────────────────────────────────────────────────────────────────────────────────────────────

_STYLE = """
text{font:13px system-ui,sans-serif;fill:#1c1917}.dim{fill:#57534e}.axis{stroke:#a8a29e}.zero{stroke:#57534e}
.span{stroke:#4f46e5;stroke-width:3}.dot{fill:#4f46e5}.sure .span{stroke:#047857}.sure .dot{fill:#047857}
.back{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#f5f5f4}.dim{fill:#a8a29e}.axis{stroke:#57534e}.zero{stroke:#a8a29e}
.span{stroke:#a5b4fc}.dot{fill:#a5b4fc}.sure .span{stroke:#6ee7b7}.sure .dot{fill:#6ee7b7}.back{fill:#1c1917}}
"""


def svg(experiment: Experiment, results: Results) -> str:
    """Each comparison as a point with its interval, in points of 100, beside a line at no difference."""
    shown = [one for one in results.comparisons if one.found.difference is not None]
    most = max([5.0, *(abs(value) * 100 for one in shown for value in _ends(one))]) * 1.1
    height = 70 + _LINE * max(len(shown), 1) + 30

    def x(points: float) -> float:
        return _LEFT + (points + most) / (2 * most) * (_WIDTH - _LEFT - _RIGHT)

    title = f"{experiment.spec.name}: difference to {experiment.spec.base}, in points"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{_xml(title)}</title><style>{_STYLE}</style>",
        f'<rect class="back" width="{_WIDTH}" height="{height}"/>',
        f'<text x="16" y="28">{_xml(title[:100])}</text>',
        f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="44" y2="{height - 34}"/>',
    ]
    parts += [_mark(one, 64 + _LINE * number, x) for number, one in enumerate(shown)]
    if not shown:
        parts.append('<text class="dim" x="16" y="70">There is nothing to compare yet.</text>')
    bottom = height - 34
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>')
    for points in (-most, -most / 2, 0.0, most / 2, most):
        at = f'<text class="dim" text-anchor="middle" x="{x(points):.1f}" y="{height - 14}">'
        parts.append(f"{at}{points:+.3g}</text>" if points else f"{at}0</text>")
    return "".join([*parts, "</svg>"])


def _ends(one: Comparison) -> list[float]:
    found = one.found
    return [value for value in (found.low, found.high, found.difference) if value is not None]


def _mark(one: Comparison, y: float, x: Callable[[float], float]) -> str:
    found = one.found
    low, high = min(_ends(one)) * 100, max(_ends(one)) * 100
    label = f"{one.variant} · {one.evaluator}"
    assert found.difference is not None
    return (
        f'<g class="{"sure" if one.better else "open"}"><title>{_xml(one.words)}</title>'
        f'<text x="16" y="{y + 4:.1f}">{_xml(label[:34])}</text>'
        f'<line class="span" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<circle class="dot" cx="{x(found.difference * 100):.1f}" cy="{y:.1f}" r="5"/></g>'
    )


def _xml(text: str) -> str:
    return escape(visible("".join(char for char in text if char >= " ")))
