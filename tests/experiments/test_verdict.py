"""From cells to a verdict in words, with made-up cells; reports of it."""

from __future__ import annotations

import csv
import io
from typing import Literal
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from alma.experiments.dataset import Row
from alma.experiments.records import Cell, Experiment, Said, Score
from alma.experiments.report import csv_text, markdown, svg
from alma.experiments.spec import Exact, check_spec
from alma.experiments.verdict import between, results


def experiment(rows: int, *evaluators: str, name: str = "x", seeds: int = 1) -> Experiment:
    spec = check_spec(
        {
            "name": name,
            "seeds": seeds,
            "variants": [{"name": "A"}, {"name": "B"}],
            "evaluators": [{"type": one} for one in evaluators or ("exact",)],
        }
    )
    data = [Row(f"task {at}", "e", "even" if at % 2 == 0 else "odd") for at in range(rows)]
    return Experiment("e_1", "ada", spec, data, "done", 0.0)


def cells(a: list[float | None], b: list[float | None]) -> list[Cell]:
    """None: the run failed."""
    return [
        Cell(name, row, 0, "failed", error="deadline: late")
        if value is None
        else Cell(name, row, 0, "scored", answer=name, scores={"exact": Score(value)}, ms=row)
        for name, values in (("A", a), ("B", b))
        for row, value in enumerate(values)
    ]


def test_a_clear_difference_is_told_with_its_interval() -> None:
    found = results(experiment(40), cells([0.0, 0.0, 1.0, 0.0] * 10, [1.0, 0.0, 1.0, 1.0] * 10), [])
    assert found.winner == "B"
    assert "B is better than A by 50.0 points (" in found.verdict[0]
    assert set(found.comparisons[0].slices) == {"even", "odd"}


def test_the_baseline_wins_where_the_other_is_worse() -> None:
    found = results(experiment(20), cells([1.0] * 19 + [0.0], [0.0] * 19 + [0.0]), [])
    assert found.winner == "A"
    assert "A is better than B by 95.0 points" in found.verdict[0]


def test_no_difference_says_how_many_more_are_needed() -> None:
    found = results(experiment(10), cells([0.0, 1.0] * 5, [1.0, 0.0] * 5), [])
    assert found.winner == ""
    assert "no difference can be told" in found.verdict[0]
    assert "more tasks to see 5 points" in found.verdict[0]


@pytest.mark.parametrize(("rows", "words"), [(1, "nothing can be concluded"), (0, "nothing yet to compare")])
def test_nothing_is_concluded_of_one_row_or_none(rows: int, words: str) -> None:
    found = results(experiment(rows), cells([0.0] * rows, [1.0] * rows), [])
    assert found.winner == ""
    assert any(words in line for line in found.verdict)


def test_a_failed_run_counts_as_nothing_and_is_told() -> None:
    found = results(experiment(12), cells([1.0] * 12, [None] * 12), [])
    assert found.winner == "A"
    assert found.figures[1].scores == {"exact": 0.0}
    assert found.figures[1].errors == {"deadline": 12}
    assert "12 of 24 runs failed" in found.verdict[0]


def test_what_an_evaluator_could_not_score_is_left_out_and_counted() -> None:
    some = cells([0.0] * 8, [1.0] * 8)
    some[8] = Cell("B", 0, 0, "scored", scores={"exact": Score(None, "it raised")})
    found = results(experiment(8), some, [])
    assert found.comparisons[0].found.n == 7
    assert found.comparisons[0].found.left_out == 1
    assert found.figures[1].unscored == {"exact": 1}


def said(row: int, better: Literal["left", "right", "tie", ""], by: str, first: str = "", second: str = "") -> Said:
    return Said(row, 0, "A", "B", by, better, first, second)


def test_a_judge_is_held_against_people_and_its_taste_for_a_place_is_counted() -> None:
    judged = [said(0, "right", "judge", "right", "right"), said(1, "tie", "judge", "left", "right")]
    judged += [said(2, "", "judge"), said(3, "left", "judge", "left", "left")]
    people = [said(0, "right", "human"), said(1, "right", "human"), said(3, "left", "human")]
    found = results(experiment(4, "judge", "human"), cells([0.0] * 4, [0.0] * 4), judged + people)
    (judge,) = found.judges
    assert (judge.pairs, judge.none, judge.first_place, judge.second_place) == (4, 1, 1, 0)
    assert judge.human.n == 3
    assert judge.human.share == pytest.approx(2 / 3)
    assert judge.human.kappa == pytest.approx(0.5)
    assert found.figures[1].scores == {"judge": 0.5, "human": pytest.approx(2 / 3)}


def test_who_failed_lost_by_a_judge_and_by_people_too() -> None:
    made = experiment(12, "judge", "human")
    half = cells([0.0] * 12, [0.0] * 4 + [None] * 8)
    judged = [said(row, "right", "judge", "right", "right") for row in range(4)]
    found = results(made, half, judged)
    assert found.figures[1].scores == {"judge": pytest.approx(1 / 3), "human": None}
    assert found.comparisons[0].found.n == 12
    people = [said(row, "tie", "human") for row in range(4)]
    assert results(made, half, people[:3]).comparisons[1].found.n == 3
    assert results(made, half, people).figures[1].scores["human"] == pytest.approx(1 / 6)
    both = cells([None] * 12, [None] * 6 + [0.0] * 6)
    assert results(made, both, []).figures[1].scores["judge"] == 1.0, "of two that failed none is better"


def test_two_experiments_are_compared_by_what_means_the_same_in_both() -> None:
    one, other = experiment(8, "exact", "judge", "human"), experiment(8, "exact", "judge", "human")
    assert [found.evaluator for found in between((one, [], []), (other, [], []))] == ["exact", "exact"]
    strict = other.spec.model_copy(update={"evaluators": [Exact(type="exact", case=True)]})
    assert between((one, [], []), (replace(other, spec=strict), [], [])) == []
    expects = [Row("same", "a"), Row("same", "b"), Row("same", "a"), Row("task", "c")]
    first = replace(experiment(4), rows=expects)
    second = replace(experiment(4), rows=[expects[2], expects[0], expects[1], Row("task", "d")])
    scores = cells([0.0, 0.5, 1.0, 0.0], [0.0] * 4), cells([0.0, 1.0, 0.5, 1.0], [0.0] * 4)
    found = between((first, scores[0], []), (second, scores[1], []))[0].found
    assert (found.n, found.difference) == (3, 0.0)


def test_two_experiments_without_a_task_in_common_are_told_so() -> None:
    one, other = experiment(1), replace(experiment(1), rows=[Row("task 0", "another")])
    assert all("no task in common" in found.words for found in between((one, [], []), (other, [], [])))


def test_two_experiments_are_compared_on_the_tasks_of_both() -> None:
    one = (experiment(12, name="old"), cells([0.0] * 12, [0.0] * 12), [])
    other = (experiment(10, name="new"), cells([1.0] * 10, [0.0] * 10), [])
    first, second = between(one, other)
    assert first.found.n == second.found.n == 10
    assert "A of new is better than A of old by 100.0 points" in first.words
    assert second.better == ""


def test_reports_can_be_read_by_others() -> None:
    made = experiment(6, name="<b>|x")
    some = cells([0.0] * 6, [1.0] * 5 + [None])
    some[0] = Cell("A", 0, 0, "scored", answer="=cmd()", scores={"exact": Score(0.0)})
    found = results(made, some, [])
    told = markdown(made, found)
    assert told.startswith("# &lt;b>|x\n")
    assert "| B | 6/6 | 1 | 83.3 |" in told
    assert "| B | deadline | 1 |" in told
    table = list(csv.DictReader(io.StringIO(csv_text(made, some))))
    assert len(table) == 12
    assert table[0]["answer"] == "'=cmd()"
    picture = ElementTree.fromstring(svg(made, found))
    assert len(picture.findall(".//{*}circle")) == 1
    assert "prefers-color-scheme:dark" in svg(made, found)
