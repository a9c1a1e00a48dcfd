"""Experiments through real sessions: progress, judges, people, money, pauses, cancels, two at once, what never ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alma.agent.role import Role
from alma.errors import Conflict, InvalidRequest, NotFound
from alma.experiments import records
from alma.experiments.dataset import Row, read_rows
from alma.experiments.experiments import Experiments, Standing
from alma.experiments.place import Place
from alma.experiments.records import Said, Score
from alma.experiments.spec import Spec, check_spec, read_spec
from alma.experiments.variants import Acting
from alma.learned import Trial
from alma.models.endpoints import Price
from alma.models.script import Rule
from alma.session.rehearsals import Rehearsals, Rehearsed
from session_bench import SessionBench


class Quick:
    """Rehearsals that are done at once, with `answer`; `keys`: which were asked for."""

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.keys: list[str] = []

    async def rehearse(self, owner: str, trial: Trial, text: str, *, key: str = "", **_: object) -> Rehearsed:
        self.keys.append(key)
        await asyncio.sleep(0)
        return Rehearsed(key, self.answer, "completed", cost=1.0)

    async def cancel(self, owner: str, key: str) -> None: ...

    async def forget(self, owner: str, of: str, id: str) -> None: ...


class ExperimentBench:
    """Experiments over a bench of sessions; `lent` and `drafts`: what was asked of versions."""

    def __init__(self, bench: SessionBench, folder: Path, rehearsals: Quick | None = None) -> None:
        self.bench = bench
        self.lent: list[tuple[str, ...]] = []
        self.drafts: list[tuple[str, ...]] = []
        self.clock = 1000.0
        place = Place(rehearsals or Rehearsals(bench.sessions), self._lend)
        self.experiments = Experiments(
            bench.database, self, bench.models, bench.embedder, place, None, self._draft, folder, self._now
        )

    def active(self, owner: str, name: str) -> Role:
        return self.bench.roles.get(name)

    def acting(self, owner: str) -> Acting:
        return Acting()

    def file(self, owner: str, hash: str) -> str | None:
        return None

    def notes(self, owner: str, hash: str) -> str | None:
        return None

    def _lend(self, *what: str) -> str:
        self.lent.append(what)
        return ""

    async def _draft(self, *what: str) -> str:
        self.drafts.append(what)
        return f"v_{len(self.drafts)}"

    def _now(self) -> float:
        self.clock += 1.0
        return self.clock

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[ExperimentBench]:
        await self.experiments.open(sweep=True)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.experiments.run())
            try:
                yield self
            finally:
                task.cancel()

    async def begin(self, spec: Spec, rows: list[Row], owner: str = "ada") -> str:
        made = await self.experiments.create(owner, spec, rows, admin=True)
        await self.experiments.start(owner, made.id, admin=True)
        return made.id

    async def ended(self, experiment_id: str, owner: str = "ada") -> Standing:
        async with asyncio.timeout(60):
            while True:
                standing = await self.experiments.get(owner, experiment_id)
                if standing.experiment.state != "running" and not standing.busy:
                    return standing
                await asyncio.sleep(0.02)


@pytest.fixture
async def lab(quick: SessionBench, tmp_path: Path) -> AsyncGenerator[ExperimentBench]:
    async with ExperimentBench(quick, tmp_path).running() as running:
        yield running


def spec(*variants: dict[str, Any], **more: Any) -> Spec:
    given = {"name": "x", "kind": "chat", "evaluators": [{"type": "exact"}]}
    return check_spec({**given, "variants": list(variants) or [{"name": "A"}, {"name": "B"}], **more})


def says(count: int) -> list[Row]:
    return [Row(f"!say word{at}", f"word{at}" if at % 2 else "other") for at in range(count)]


async def test_the_example_of_the_documentation_runs(lab: ExperimentBench) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "experiments.md").read_text()
    blocks = {kind: page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("yaml", "json")}
    found = await lab.ended(await lab.begin(read_spec(blocks["yaml"]), read_rows(blocks["json"])))
    assert found.states == {"as usual": {"scored": 2}, "brief": {"scored": 2}}


async def test_every_variant_does_every_task_as_often_as_asked(lab: ExperimentBench) -> None:
    found = await lab.ended(await lab.begin(spec({"name": "A"}, {"name": "B", "temperature": 0}, seeds=2), says(3)))
    assert found.experiment.state == "done"
    assert found.states == {"A": {"scored": 6}, "B": {"scored": 6}}
    _, cells, told = await lab.experiments.results("ada", found.experiment.id)
    assert told.figures[0].scores == {"exact": pytest.approx(1 / 3)}
    assert len({cell.run_id for cell in cells}) == 12
    assert {request.sampling.temperature for request in lab.bench.model.requests} == {0.0, 0.2}


async def test_a_variant_that_never_finishes_fails_and_holds_nothing_up(lab: ExperimentBench) -> None:
    rows = [Row("!wait 60 !say never"), Row("!say now", "now")]
    found = await lab.ended(await lab.begin(spec(limits={"seconds": 0.3}), rows))
    assert found.states == {"A": {"scored": 1, "failed": 1}, "B": {"scored": 1, "failed": 1}}
    _, _, told = await lab.experiments.results("ada", found.experiment.id)
    assert told.figures[0].errors == {"deadline": 1}


async def test_two_at_once_take_turns_and_do_not_mix(lab: ExperimentBench) -> None:
    one = await lab.begin(spec(name="one"), [Row(f"!slow 0.01 !say one{at}", f"one{at}") for at in range(6)])
    two = await lab.begin(spec(name="two"), [Row(f"!slow 0.01 !say two{at}", f"two{at}") for at in range(6)], "bob")
    await lab.ended(one)
    await lab.ended(two, "bob")
    ends: list[tuple[float, str]] = []
    for owner, experiment_id, word in (("ada", one, "one"), ("bob", two, "two")):
        _, cells, _ = await lab.experiments.results(owner, experiment_id)
        assert all(cell.answer.startswith(word) and cell.scores["exact"].value == 1 for cell in cells)
        ends += [(cell.at, word) for cell in cells]
    first_half = [word for _, word in sorted(ends)[:12]]
    assert 4 <= first_half.count("one") <= 8
    with pytest.raises(NotFound):
        await lab.experiments.get("ada", two)


async def test_a_judge_is_asked_in_both_orders_and_nonsense_is_no_verdict(lab: ExperimentBench) -> None:
    lab.bench.model.script = [
        Rule(match=r"(?s)That is not of that form.*", answer="Still nonsense."),
        Rule(match=r"(?s)<data>\n!say odd.*", answer="I like both."),
        Rule(match=r"(?s)You compare two answers", answer='{"better": "first"}'),
    ]
    judged = spec(evaluators=[{"type": "judge", "name": "court"}])
    found = await lab.ended(await lab.begin(judged, [Row("!say even"), Row("!say odd")]))
    assert found.states == {"A": {"scored": 2}, "B": {"scored": 2}}
    _, cells, told = await lab.experiments.results("ada", found.experiment.id)
    scores = {(cell.variant, cell.row): cell.scores.get("court") for cell in cells}
    by_place, none = scores["B", 0], scores["B", 1]
    assert by_place is not None
    assert by_place.value == 0.5, "who comes first wins both times: that is a tie"
    assert none is not None
    assert none.value is None
    assert "Still nonsense" in none.why
    (judge,) = told.judges
    assert (judge.pairs, judge.none, judge.first_place) == (2, 1, 1)
    asked = [r for r in lab.bench.model.requests if "You compare two answers" in r.messages[-1].content]
    assert len(asked) == 6
    assert {r.sampling.temperature for r in asked} == {0.0}


async def test_people_judge_blind_and_agreement_is_shown(lab: ExperimentBench) -> None:
    lab.bench.model.script = [Rule(match=r"(?s)You compare two answers", answer='{"better": "tie"}')]
    blind = spec(evaluators=[{"type": "human"}, {"type": "judge"}])
    experiment_id = (await lab.ended(await lab.begin(blind, says(4)))).experiment.id
    seen: list[str] = []
    while (pair := await lab.experiments.next_pair("ada", experiment_id)) is not None:
        seen.append(pair.key)
        assert pair.left == 5 - len(seen)
        assert await lab.experiments.say("ada", experiment_id, pair.key, "tie" if len(seen) < 4 else "one") == (
            pair.left - 1
        )
    assert len(set(seen)) == 4
    _, _, told = await lab.experiments.results("ada", experiment_id)
    assert told.judges[0].human.share == pytest.approx(0.75)
    with pytest.raises(NotFound):
        await lab.experiments.say("ada", experiment_id, "9.9.9", "tie")


async def test_money_stops_it_and_more_lets_it_go_on(lab: ExperimentBench) -> None:
    lab.bench.models.info.price = Price(input=1000.0, output=1000.0)
    limited = spec(limits={"money": 0.05, "parallel": 1})
    assert lab.experiments.before.check("ada", limited, says(5), admin=True).money > 0.05
    found = await lab.ended(await lab.begin(limited, says(5)))
    assert found.experiment.state == "paused"
    assert "that it may" in found.experiment.error
    assert found.states["A"]["waiting"]
    await lab.experiments.start("ada", found.experiment.id, money=100.0, admin=True)
    assert (await lab.ended(found.experiment.id)).experiment.state == "done"


async def test_a_judge_that_was_interrupted_is_not_asked_again(quick: SessionBench, tmp_path: Path) -> None:
    judged = spec(evaluators=[{"type": "judge", "name": "one"}, {"type": "judge", "name": "two"}])
    court = Quick('{"better": "first"}')
    async with ExperimentBench(quick, tmp_path, court).running() as lab:
        made = await lab.experiments.create("ada", judged, says(1), admin=True)
        before = Said(0, 0, "A", "B", "one", "right", cost=5.0)
        await quick.database.write(lambda connection: records.keep_said(connection, made.id, before, 0.0))
        await lab.experiments.start("ada", made.id, admin=True)
        found = await lab.ended(made.id)
        assert found.cost == 2 + 5.0 + 2
        _, cells, _ = await lab.experiments.results("ada", made.id)
        assert cells[1].scores == {"one": Score(1.0), "two": Score(0.5)}
    assert [key for key in court.keys if "judge one" in key] == []


async def test_pause_go_on_and_cancel(lab: ExperimentBench) -> None:
    slow = [Row(f"!wait 0.2 !say word{at}") for at in range(8)]
    experiment_id = await lab.begin(spec(), slow)
    await asyncio.sleep(0.1)
    assert (await lab.experiments.pause("ada", experiment_id)).state == "paused"
    paused = await lab.ended(experiment_id)
    assert paused.states["A"]["waiting"]
    assert "running" not in paused.states["A"]
    await lab.experiments.start("ada", experiment_id, admin=True)
    await asyncio.sleep(0.1)
    await lab.experiments.cancel("ada", experiment_id)
    canceled = await lab.ended(experiment_id)
    assert canceled.experiment.state == "canceled"
    with pytest.raises(Conflict, match="has ended"):
        await lab.experiments.start("ada", experiment_id, admin=True)
    await lab.experiments.delete("ada", experiment_id)
    assert await lab.experiments.listed("ada") == []


async def test_what_ends_while_it_is_looked_at_is_not_told_as_running_and_done(
    lab: ExperimentBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading takes longer than what is left to do: what was read still runs, so that it must be told as busy."""
    database, reads = lab.bench.database, lab.bench.database.read

    async def slowly(look: Callable[..., Any], *, slow: bool = False) -> Any:
        found = await reads(look, slow=slow)
        while slow and lab.experiments._running.busy(experiment_id):
            await asyncio.sleep(0.01)
        return found

    experiment_id = await lab.begin(spec(), [Row(f"!wait 0.2 !say word{at}") for at in range(2)])
    while "running" not in (await lab.experiments.get("ada", experiment_id)).states["A"]:
        await asyncio.sleep(0)
    monkeypatch.setattr(database, "read", slowly)
    looked = await lab.experiments.get("ada", experiment_id)
    assert "running" in looked.states["A"]
    assert looked.busy


async def test_an_evaluator_that_raises_marks_its_cells_only(lab: ExperimentBench, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def score(task, expected, answer):\n    return 1 / ('0' in answer)\n")
    mine = spec(evaluators=[{"type": "exact"}, {"type": "plugin", "file": "mine.py"}])
    found = await lab.ended(await lab.begin(mine, says(2)))
    assert found.experiment.state == "done"
    _, _, told = await lab.experiments.results("ada", found.experiment.id)
    assert told.figures[0].scores == {"exact": 0.5, "plugin": 1.0}
    assert told.figures[0].unscored == {"plugin": 1}
    assert not lab.experiments.before.check("ada", mine, says(2), admin=True).problems
    assert lab.experiments.before.check("ada", mine, says(2), admin=False).problems


async def test_what_is_wrong_is_said_before_it_begins(lab: ExperimentBench) -> None:
    wrong = spec(
        {"name": "A", "model": "unknown/x"},
        {"name": "B", "role": "nobody"},
        {"name": "C", "settings": {"ALMA_CACHE": "true"}},
        evaluators=[{"type": "judge", "model": "unknown/y"}, {"type": "plugin", "file": "gone.py"}],
    )
    found = lab.experiments.before.check("ada", wrong, says(1), admin=False)
    assert [one.where for one in found.problems] == [
        "variants[0].model",
        "variants[1].role",
        "variants[2].settings",
        "evaluators[0].model",
        "evaluators[1]",
    ]
    with pytest.raises(InvalidRequest):
        await lab.experiments.create("ada", wrong, says(1), admin=False)
    notes = lab.experiments.before.check("ada", spec({"name": "A"}), [Row("x")], admin=False).notes
    assert len(notes) == 3


async def test_the_winner_becomes_a_draft(lab: ExperimentBench) -> None:
    briefer = spec({"name": "A"}, {"name": "B", "prompt": "Be brief.", "notes": ["Say so."]})
    found = await lab.ended(await lab.begin(briefer, says(2)))
    assert [what[1:3] for what in lab.lent] == [("prompt", "manager"), ("prompt", "manager"), ("notes", "manager")]
    with pytest.raises(Conflict, match="surely better"):
        await lab.experiments.promote("ada", found.experiment.id)
    with pytest.raises(Conflict, match="neither a prompt nor notes"):
        await lab.experiments.promote("ada", found.experiment.id, "A")
    assert await lab.experiments.promote("ada", found.experiment.id, "B") == ["v_1", "v_2"]
    assert "Be brief." in lab.drafts[0][3]
    assert json.loads(lab.drafts[1][3]) == [{"id": "n1", "text": "Say so."}]


async def test_it_goes_on_after_a_restart_and_does_nothing_twice(database_url: str, tmp_path: Path) -> None:
    bench = SessionBench(database_url)
    async with bench.running(), ExperimentBench(bench, tmp_path).running() as lab:
        rows = [Row(f"!wait 0.1 !say word{at}", f"word{at}") for at in range(6)]
        experiment_id = await lab.begin(spec(), rows)
        while (await lab.experiments.get("ada", experiment_id)).states["A"].get("scored", 0) < 2:
            await asyncio.sleep(0.02)
    again = SessionBench(database_url)
    async with again.running(), ExperimentBench(again, tmp_path).running() as lab:
        done = await lab.ended(experiment_id)
        assert done.states == {"A": {"scored": 6}, "B": {"scored": 6}}
        _, cells, told = await lab.experiments.results("ada", experiment_id)
        assert told.figures[0].scores == {"exact": 1.0}
        assert len({cell.run_id for cell in cells}) == 12
    asked = [request.messages[-1].content for request in bench.model.requests + again.model.requests]
    assert len(asked) <= 12 + 4, "what was under way is asked again, nothing that was done"
