"""What came of an experiment: figures of each variant, comparisons with the baseline, and a verdict in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from alma.experiments.dataset import Row
from alma.experiments.pairs import to_judge
from alma.experiments.records import Cell, Experiment, Place, Said
from alma.experiments.spec import Human, Judge, label_of
from alma.learning.statistics import Agreement, Paired, agreement, compare, detectable, holm, needed, sliced

POINTS = 5.0  # of 100, to which the power is told
_SURE = 0.05


class Figures(Struct, frozen=True):
    """Of one variant. `scores`: the mean of each evaluator, over cells that have one; a run that failed counts 0.
    `unscored`: cells without a score of some evaluator. `ms`: median; `cost`: US dollars in all."""

    variant: str
    runs: int
    failed: int
    waiting: int
    scores: dict[str, float | None]
    unscored: dict[str, int]
    ms: float
    tokens: int
    cost: float
    errors: dict[str, int]


class Comparison(Struct, frozen=True):
    """`p_holm`: corrected for all comparisons of the experiment; `more`: how many more tasks would show a difference of
    `POINTS`, 0: these do. `better`: the variant that is surely better, empty where none is."""

    evaluator: str
    base: str
    variant: str
    found: Paired
    slices: dict[str, Paired]
    p_holm: float | None
    more: int | None
    better: str
    words: str


class Judged(Struct, frozen=True):
    """Of one judge. `first_place`: in how many of the pairs with two verdicts it preferred whoever came first, both
    times; `second_place` likewise. `human`: how far it agrees with people on the pairs that both judged."""

    judge: str
    pairs: int
    none: int
    first_place: int
    second_place: int
    human: Agreement


class Results(Struct, frozen=True):
    figures: list[Figures]
    comparisons: list[Comparison]
    judges: list[Judged]
    verdict: list[str]
    winner: str


def results(experiment: Experiment, cells: Sequence[Cell], said: Sequence[Said]) -> Results:
    spec = experiment.spec
    labels = [label_of(one) for one in spec.evaluators]
    tables = {label: _table(experiment, label, cells, said) for label in labels}
    figures = [_figures(variant.name, cells, tables) for variant in spec.variants]
    comparisons: list[Comparison] = []
    for label in labels:
        for variant in spec.variants:
            if variant.name != spec.base:
                comparisons.append(_compared(experiment, label, variant.name, tables[label]))
    corrected = holm([one.found.p for one in comparisons])
    comparisons = [_worded(replace(one, p_holm=p)) for one, p in zip(comparisons, corrected, strict=True)]
    winner = _winner(spec.base, comparisons)
    judges = [_judge(label_of(one), said) for one in spec.evaluators if isinstance(one, Judge)]
    return Results(figures, comparisons, judges, _verdict(experiment, cells, comparisons), winner)


Table = dict[str, dict[int, float | None]]  # by variant and row: the mean over seeds


def _table(experiment: Experiment, label: str, cells: Sequence[Cell], said: Sequence[Said]) -> Table:
    spec = experiment.spec
    evaluator = next(one for one in spec.evaluators if label_of(one) == label)
    if isinstance(evaluator, Judge):
        return _preferred(spec.base, [one for one in said if one.by == label], _forfeits(spec.base, cells))
    if isinstance(evaluator, Human):  # those that failed count when people have judged the others, else they'd be most
        failed = _forfeits(spec.base, cells) if not to_judge(experiment, cells, said) else {}
        return _preferred(spec.base, [one for one in said if one.by == "human"], failed)
    found: dict[str, dict[int, list[float | None]]] = {}
    for cell in cells:
        if cell.state == "failed":
            value: float | None = 0.0
        elif cell.state in ("answered", "scored"):
            value = cell.scores[label].value if label in cell.scores else None
        else:
            continue
        found.setdefault(cell.variant, {}).setdefault(cell.row, []).append(value)
    return {variant: {row: _mean(values) for row, values in rows.items()} for variant, rows in found.items()}


def _forfeits(base: str, cells: Sequence[Cell]) -> dict[Place, float]:
    """Pairs that need no judge, for one of the two runs failed: the other is the better one."""
    failed = {cell.place: cell.state == "failed" for cell in cells if cell.state not in ("waiting", "running")}
    return {
        place: float(failed[base, *place[1:]])
        for place, one in failed.items()
        if place[0] != base and failed.get((base, *place[1:]), one) != one
    }


def _preferred(base: str, said: Sequence[Said], forfeits: dict[Place, float]) -> Table:
    """Each variant's share of what it was preferred in; that of the baseline is one half, against which they stand."""
    scores: dict[Place, float | None] = {(one.right, one.row, one.seed): one.score for one in said}
    found: dict[str, dict[int, list[float | None]]] = {}
    for (variant, row, _), score in {**scores, **forfeits}.items():
        found.setdefault(variant, {}).setdefault(row, []).append(score)
    table: Table = {name: {row: _mean(values) for row, values in rows.items()} for name, rows in found.items()}
    table[base] = {row: 0.5 for rows in found.values() for row in rows}
    return table


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _figures(name: str, cells: Sequence[Cell], tables: dict[str, Table]) -> Figures:
    mine = [cell for cell in cells if cell.variant == name]
    failed = [cell for cell in mine if cell.state == "failed"]
    ended = sorted(cell.ms for cell in mine if cell.state in ("answered", "scored"))
    errors: dict[str, int] = {}
    for cell in failed:
        code = cell.error.split(":", 1)[0]
        errors[code] = errors.get(code, 0) + 1
    unscored = {
        label: sum(1 for cell in mine if label in cell.scores and cell.scores[label].value is None) for label in tables
    }
    return Figures(
        variant=name,
        runs=len(mine),
        failed=len(failed),
        waiting=sum(cell.state in ("waiting", "running") for cell in mine),
        scores={label: _mean(table.get(name, {}).values()) for label, table in tables.items()},
        unscored={label: count for label, count in unscored.items() if count},
        ms=ended[len(ended) // 2] if ended else 0.0,
        tokens=sum(cell.tokens for cell in mine),
        cost=sum(cell.cost for cell in mine),
        errors=errors,
    )


def _compared(experiment: Experiment, label: str, variant: str, table: Table) -> Comparison:
    base = experiment.spec.base
    ones, others = table.get(base, {}), table.get(variant, {})
    rows = sorted(ones.keys() & others.keys())
    nan = float("nan")
    a = [nan if (value := ones[row]) is None else value for row in rows]
    b = [nan if (value := others[row]) is None else value for row in rows]
    found = compare(a, b)
    slices = sliced(a, b, [experiment.rows[row].slice for row in rows])
    more = None
    if found.sd is not None and found.n > 1:
        more = max(0, needed(found.sd, POINTS / 100) - found.n) if found.sd else 0
    return Comparison(label, base, variant, found, dict(slices), None, more, "", "")


def _worded(one: Comparison) -> Comparison:
    found = one.found
    sure = one.p_holm is not None and one.p_holm < _SURE and found.low is not None and found.high is not None
    # the interval is for this comparison alone, the p-value for all of them: both must say so
    if sure and found.low is not None and found.low > 0:
        better, worse, sign = one.variant, one.base, 1.0
    elif sure and found.high is not None and found.high < 0:
        better, worse, sign = one.base, one.variant, -1.0
    else:
        return replace(one, words=_undecided(one))
    assert found.difference is not None
    assert found.low is not None
    assert found.high is not None
    ends = sorted((sign * found.low * 100, sign * found.high * 100))
    size = f", effect {abs(found.d_z):.2f} standard deviations" if found.d_z is not None else ""
    words = (
        f"{one.evaluator}: {better} is better than {worse} by {abs(found.difference) * 100:.1f} points"
        f" ({ends[0]:.1f} to {ends[1]:.1f}) on {found.n} tasks; chance alone gives as much in"
        f" {(one.p_holm or 0) * 100:.2g} % of cases{size}."
    )
    return replace(one, better=better, words=words)


def _undecided(one: Comparison) -> str:
    found, head = one.found, f"{one.evaluator}: "
    if found.n == 0 and not found.left_out:
        return f"{head}there is nothing yet to compare {one.variant} and {one.base} by."
    if found.n <= 1:
        return f"{head}nothing can be concluded of {one.variant} and {one.base}. {found.why}"
    assert found.difference is not None
    if found.why and found.difference == 0:
        return f"{head}{one.variant} and {one.base} did equally well on each of {found.n} tasks."
    seen = f"{found.difference * 100:+.1f} points"
    within = (
        ""
        if found.why or found.low is None or found.high is None
        else (f" ({found.low * 100:.1f} to {found.high * 100:.1f})")
    )
    words = f"{head}no difference can be told between {one.variant} and {one.base}: {seen}{within} on {found.n} tasks"
    if one.more:
        return f"{words}; you need about {one.more} more tasks to see {POINTS:g} points."
    if found.sd:
        return f"{words}; these would show a difference of {detectable(found.sd, found.n) * 100:.1f} points."
    return f"{words}. {found.why}"


def _winner(base: str, comparisons: Sequence[Comparison]) -> str:
    """Who is better than the baseline by something and worse by nothing, the most first; the baseline if it is better
    than all others; empty if that cannot be told."""
    gains: dict[str, float] = {}
    worse: set[str] = set()
    for one in comparisons:
        if one.better == one.variant:
            gains[one.variant] = gains.get(one.variant, 0.0) + (one.found.difference or 0.0)
        elif one.better == base:
            worse.add(one.variant)
    fine = {name: gain for name, gain in gains.items() if name not in worse}
    if fine:
        return max(fine, key=lambda name: (fine[name], name))
    others = {one.variant for one in comparisons}
    return base if others and others <= worse - gains.keys() else ""


def _judge(label: str, said: Sequence[Said]) -> Judged:
    mine = [one for one in said if one.by == label]
    both = [one for one in mine if one.first and one.second]
    people = {(one.row, one.seed, one.left, one.right): one.better for one in said if one.by == "human"}
    pairs = [
        (one.better, people[key])
        for one in mine
        if one.better and people.get(key := (one.row, one.seed, one.left, one.right))
    ]
    return Judged(
        judge=label,
        pairs=len(mine),
        none=sum(1 for one in mine if not one.better),
        first_place=sum(1 for one in both if (one.first, one.second) == ("left", "right")),
        second_place=sum(1 for one in both if (one.first, one.second) == ("right", "left")),
        human=agreement([one for one, _ in pairs], [other for _, other in pairs]),
    )


def _verdict(experiment: Experiment, cells: Sequence[Cell], comparisons: Sequence[Comparison]) -> list[str]:
    lines: list[str] = []
    left = sum(cell.state in ("waiting", "running") for cell in cells)
    if left:
        lines.append(f"{left} of {len(cells)} runs are not done; what follows is of the others.")
    if len(experiment.rows) == 1:
        lines.append("The data set has one row: nothing can be concluded of other tasks.")
    failed = sum(cell.state == "failed" for cell in cells)
    if failed:
        lines.append(f"{failed} of {len(cells)} runs failed; each counts as 0 points.")
    if not comparisons:
        lines.append("There is one variant only, so there is nothing to compare it with.")
    return lines + [one.words for one in comparisons]


# ── two experiments ───────────────────────────────────────────────────────────────────────────────────────────────


def between(
    one: tuple[Experiment, Sequence[Cell], Sequence[Said]], other: tuple[Experiment, Sequence[Cell], Sequence[Said]]
) -> list[Comparison]:
    """The same variants (or, where no two are called the same, the baselines) of two experiments, on the rows that are
    in both (task and what is expected), by the evaluators that are in both. Judges and people are none of them: they
    compare with the baseline of their own experiment."""
    first, second = one[0], other[0]
    names = [v.name for v in first.spec.variants if v.name in {w.name for w in second.spec.variants}]
    pairs = [(name, name) for name in names] or [(first.spec.base, second.spec.base)]
    alone = [e for e in first.spec.evaluators if not isinstance(e, Judge | Human)]
    labels = [label_of(e) for e in alone if e in second.spec.evaluators]
    rows = _in_both(first.rows, second.rows)
    nan = float("nan")
    found: list[Comparison] = []
    for label in labels:
        tables = _table(first, label, *one[1:]), _table(second, label, *other[1:])
        for left, right in pairs:
            a = [_value(tables[0], left, at, nan) for at, _ in rows]
            b = [_value(tables[1], right, at, nan) for _, at in rows]
            paired = compare(a, b)
            more = max(0, needed(paired.sd, POINTS / 100) - paired.n) if paired.sd else None
            slices = sliced(a, b, [first.rows[at].slice for at, _ in rows])
            heads = f"{left} of {first.spec.name}", f"{right} of {second.spec.name}"
            found.append(Comparison(label, *heads, paired, dict(slices), None, more, "", ""))
    if not rows:
        words = "the two experiments have no task in common (the same task, with the same that is expected)."
        return [replace(one, words=f"{one.evaluator}: {words}") for one in found]
    corrected = holm([comparison.found.p for comparison in found])
    return [_worded(replace(comparison, p_holm=p)) for comparison, p in zip(found, corrected, strict=True)]


def _in_both(ones: Sequence[Row], others: Sequence[Row]) -> list[tuple[int, int]]:
    """Where the same rows stand; of rows that are there more than once the first with the first."""
    places: dict[tuple[str, str | None], list[int]] = {}
    for at, row in reversed(list(enumerate(others))):
        places.setdefault((row.task, row.expected), []).append(at)
    found: list[tuple[int, int]] = []
    for at, row in enumerate(ones):
        if left := places.get((row.task, row.expected)):
            found.append((at, left.pop()))
    return found


def _value(table: Table, variant: str, row: int, missing: float) -> float:
    value = table.get(variant, {}).get(row)
    return missing if value is None else value
