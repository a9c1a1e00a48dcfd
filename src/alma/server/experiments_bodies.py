"""What the doors to experiments take and give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from alma.experiments.beforehand import Check
from alma.experiments.dataset import Row, read_rows
from alma.experiments.experiments import Standing
from alma.experiments.pairs import Pair
from alma.experiments.records import Cell, CellState, Experiment
from alma.experiments.spec import MOST_BYTES, Spec, check_spec, label_of, read_spec
from alma.experiments.verdict import Comparison, Figures, Judged, Results
from alma.learning.statistics import Paired
from alma.security.fields import Id, Line, Text
from alma.server.bodies import Body, Reply
from alma.session.threads import hidden_id

_MOST_DATA = 32 * 1024 * 1024
_SHOWN = 300  # characters of a task or an answer
Name = Annotated[str, Line(60)]
Key = Annotated[str, Field(pattern=r"^\d{1,3}\.\d{1,5}\.\d{1,3}$")]
StateName = Literal["draft", "running", "paused", "done", "failed", "canceled"]


class ExperimentBody(Body):
    """`spec`: the experiment as a file says it (`text` in the `format`), or as an object; one of the two. `data`: its
    tasks, a line of JSON for each; `threads`: instead, those of these threads, with approved answers as expected."""

    text: Annotated[str, Field(max_length=MOST_BYTES)] | None = None
    format: Literal["yaml", "toml", "json"] = "yaml"
    spec: dict[str, Any] | None = Field(None, max_length=50)
    data: str | None = Field(None, max_length=_MOST_DATA)
    threads: list[Id] = Field([], max_length=500)

    def read_spec(self) -> Spec:
        return check_spec(self.spec) if self.spec is not None else read_spec(self.text or "", self.format)

    def read_rows(self) -> list[Row]:
        return read_rows(self.data or "")


class ThreadsBody(Body):
    threads: list[Id] = Field(min_length=1, max_length=500)


class StartBody(Body):
    """`money`: US dollars that it may cost in all; null: as its limits say, or as was said before."""

    money: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)


class VerdictBody(Body):
    """`key`: of the pair; `better`: which answer, as they were shown."""

    key: Key
    better: Literal["one", "other", "tie"]
    why: Annotated[str, Text(1000)] = ""


class PromoteBody(Body):
    """`variant` empty: the winner."""

    variant: Name = ""


class CompareBody(Body):
    a: Id
    b: Id


class ProblemReply(Reply):
    """`line` 0: it is not known."""

    where: str
    message: str
    line: int


class CheckReply(Reply):
    """`runs`: with those of judges, at most; `tokens`, `money` (US dollars): about, if every answer is as long as its
    role allows."""

    problems: list[ProblemReply]
    notes: list[str]
    cells: int
    runs: int
    tokens: int
    money: float


class ExperimentReply(Reply):
    """`states`: how many of its runs are in which state: waiting, running, answered (not judged yet), scored, failed;
    `error`: why it was paused or failed; `money`: that it may cost, 0 is no limit."""

    id: str
    name: str
    state: StateName
    created_at: float
    started_at: float | None
    ended_at: float | None
    error: str
    variants: list[str]
    baseline: str
    evaluators: list[str]
    rows: int
    seeds: int
    money: float
    states: dict[str, int]


class ExperimentList(Reply):
    experiments: list[ExperimentReply]


class StandingReply(ExperimentReply):
    """`progress`: by variant, as `states`; `busy`: runs under way now; `cost`: US dollars until now; `spec`: as it was
    given."""

    progress: dict[str, dict[str, int]]
    busy: int
    cost: float
    spec: dict[str, Any]


class FiguresReply(Reply):
    """Of a variant. `scores`: means from 0 to 1, null where there is none; `ms`: median of a run; `errors`: by code."""

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


class PairedReply(Reply):
    """Scores on the same tasks. `difference`: variant minus baseline, within `low` to `high` with 95 %; `dZ`: effect
    size (Cohen), `delta`: Cliff's; `p`: before correction; `why`: what cannot be told, and why."""

    n: int
    base: float | None
    other: float | None
    difference: float | None
    low: float | None
    high: float | None
    d_z: float | None
    delta: float | None
    p: float | None
    left_out: int
    why: str


class ComparisonReply(Reply):
    """`pHolm`: corrected for all comparisons; `more`: tasks that are missing to see a difference of 5 points; `better`:
    empty where that cannot be told."""

    evaluator: str
    base: str
    variant: str
    found: PairedReply
    slices: dict[str, PairedReply]
    p_holm: float | None
    more: int | None
    better: str
    words: str


class JudgedReply(Reply):
    """`none`: pairs without a verdict; `firstPlace`, `secondPlace`: pairs in which the judge went by the place;
    `agree`, `kappa`: with people, over `both` pairs."""

    judge: str
    pairs: int
    none: int
    first_place: int
    second_place: int
    both: int
    agree: float | None
    kappa: float | None


class ResultsReply(Reply):
    figures: list[FiguresReply]
    comparisons: list[ComparisonReply]
    judges: list[JudgedReply]
    verdict: list[str]
    winner: str


class CellReply(Reply):
    """One run of an experiment. `row`: from 1; `task`, `answer`: how they begin; `scores`: by evaluator, null where
    there is none, for which `why` has the reason; `threadId`: empty where the run is in another Alma; `runId`:
    empty before it began."""

    variant: str
    row: int
    seed: int
    slice: str
    state: CellState
    task: str
    answer: str
    error: str
    scores: dict[str, float | None]
    why: dict[str, str]
    ms: float
    tokens: int
    cost: float
    run_id: str
    thread_id: str


class CellList(Reply):
    """`total`: how many there are of this kind, of which these are the first."""

    total: int
    runs: list[CellReply]


class PairReply(Reply):
    """Two answers, without whose they are; `left`: pairs that nobody has judged, with this one."""

    key: str
    task: str
    expected: str | None
    one: str
    other: str
    left: int


class NextPairReply(Reply):
    """null: none is left."""

    pair: PairReply | None


class VerdictReply(Reply):
    left: int


class PromotedReply(Reply):
    """Ids of the drafts that were made."""

    versions: list[str]


class ComparedReply(Reply):
    comparisons: list[ComparisonReply]


class DataSetReply(Reply):
    """Lines of JSON, as an experiment takes them."""

    rows: int
    data: str


# ── out of what there is ──────────────────────────────────────────────────────────────────────────────────────────


def check_reply(found: Check) -> CheckReply:
    return CheckReply.model_validate(found)


def experiment_fields(experiment: Experiment, states: dict[str, int]) -> dict[str, Any]:
    spec = experiment.spec
    return {
        "id": experiment.id,
        "name": spec.name,
        "state": experiment.state,
        "created_at": experiment.created_at,
        "started_at": experiment.started_at,
        "ended_at": experiment.ended_at,
        "error": experiment.error,
        "variants": [variant.name for variant in spec.variants],
        "baseline": spec.base,
        "evaluators": [label_of(one) for one in spec.evaluators],
        "rows": len(experiment.rows),
        "seeds": spec.seeds,
        "money": experiment.money,
        "states": states,
    }


def standing_reply(standing: Standing) -> StandingReply:
    totals: dict[str, int] = {}
    for states in standing.states.values():
        for state, count in states.items():
            totals[state] = totals.get(state, 0) + count
    return StandingReply(
        **experiment_fields(standing.experiment, totals),
        progress=standing.states,
        busy=standing.busy,
        cost=standing.cost,
        spec=standing.experiment.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    )


def _figures(one: Figures) -> FiguresReply:
    return FiguresReply.model_validate(one)


def comparison_reply(one: Comparison) -> ComparisonReply:
    slices = {name: _paired(found) for name, found in one.slices.items()}
    fields = {
        name: getattr(one, name) for name in ("evaluator", "base", "variant", "p_holm", "more", "better", "words")
    }
    return ComparisonReply(**fields, found=_paired(one.found), slices=slices)


def _paired(found: Paired) -> PairedReply:
    return PairedReply.model_validate(found)


def _judged(one: Judged) -> JudgedReply:
    human = one.human
    fields = {name: getattr(one, name) for name in ("judge", "pairs", "none", "first_place", "second_place")}
    return JudgedReply(**fields, both=human.n, agree=human.share, kappa=human.kappa)


def results_reply(found: Results) -> ResultsReply:
    return ResultsReply(
        figures=[_figures(one) for one in found.figures],
        comparisons=[comparison_reply(one) for one in found.comparisons],
        judges=[_judged(one) for one in found.judges],
        verdict=found.verdict,
        winner=found.winner,
    )


def cell_list(experiment: Experiment, cells: Sequence[Cell], limit: int) -> CellList:
    return CellList(total=len(cells), runs=[_cell(experiment, cell) for cell in cells[:limit]])


def _cell(experiment: Experiment, cell: Cell) -> CellReply:
    row = experiment.rows[cell.row]
    here = cell.run_id and not experiment.spec.variant(cell.variant).settings
    return CellReply(
        variant=cell.variant,
        row=cell.row + 1,
        seed=cell.seed,
        slice=row.slice,
        state=cell.state,
        task=row.task[:_SHOWN],
        answer=cell.answer[:_SHOWN],
        error=cell.error,
        scores={name: score.value for name, score in cell.scores.items()},
        why={name: score.why for name, score in cell.scores.items() if score.why},
        ms=cell.ms,
        tokens=cell.tokens,
        cost=cell.cost,
        run_id=cell.run_id,
        thread_id=hidden_id(experiment.owner, f"experiment:{experiment.id}") if here else "",
    )


def pair_reply(pair: Pair | None) -> NextPairReply:
    return NextPairReply(pair=PairReply.model_validate(pair) if pair is not None else None)
