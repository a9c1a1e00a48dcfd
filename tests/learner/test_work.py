"""What a role did in a run, and what that is worth: two runs of one task are compared by the role's own tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alma.events import (
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    PlanMade,
    Recorded,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
    ToolCalled,
    ToolReturned,
)
from alma.learned import Trial
from alma.learner.outcomes import outcome_of
from alma.learner.pairs import Half, measured
from alma.learner.scoring import Likeness, Past
from alma.learner.work import Work, work_of
from alma.learning.reward import Weights
from alma.model_call import Timing, Usage
from alma.plan import Plan, PlanTask


def said(task_id: str, text: str, ms: float = 100.0, cost: float = 0.01) -> MessageFinished:
    return MessageFinished(
        at=2.0,
        task_id=task_id,
        message_id=f"r.{task_id}",
        attempt=1,
        text=text,
        finish_reason="stop",
        usage=Usage(),
        timing=Timing(1, ms),
        cost=cost,
    )


def ended(task_id: str, error: str = "") -> TaskFinished:
    facts = ErrorFacts(error, "It failed.") if error else None
    return TaskFinished(
        at=3.0, task_id=task_id, status="failed" if error else "completed", message_id=f"r.{task_id}", error=facts
    )


def log(*entries: JournalEntry, error: str = "", trial: Trial | None = None) -> list[Recorded]:
    """Two tasks of a writer and one of an analyst, then what they did."""
    tasks = [
        PlanTask("main.1", "writer", "one", done_when="it rhymes"),
        PlanTask("main.2", "writer", "two"),
        PlanTask("main.3", "analyst", "three", depends_on=["main.1"]),
    ]
    end = RunFinished(
        at=9.0, status="failed" if error else "completed", error=ErrorFacts(error, "It failed.") if error else None
    )
    whole: list[JournalEntry] = [
        RunStarted(at=1.0, thread_id="t", owner="ada", text="Write.", trial=trial),
        PlanMade(at=1.5, plan=Plan(tasks, "model")),
        *(TaskStarted(at=1.6, task_id=one.id, role=one.role, prompt_version="v") for one in tasks),
        *entries,
        end,
    ]
    return [Recorded("r", seq, entry) for seq, entry in enumerate(whole, 1)]


def both(*more: JournalEntry) -> list[JournalEntry]:
    done: list[JournalEntry] = [said("main.1", "A"), said("main.2", "B", 200.0), said("main.3", "C", 5000.0)]
    return [*done, *more]


def test_a_role_is_judged_by_its_own_tasks_not_by_what_others_made_of_them() -> None:
    ends = [ended("main.1"), ended("main.2"), ended("main.3", "model_unavailable")]
    found = work_of(log(*both(*ends), said("main", "All."), error="model_unavailable"), "writer")
    assert found is not None
    whole, own = found
    assert (whole.answers, whole.error, whole.ms) == (["All."], "model_unavailable", 8000.0)
    assert own is not None
    assert (own.answers, own.error, own.ms, own.cost, own.own) == (["A", "B"], "", 300.0, 0.02, True)
    assert own.checks == 0.0, "who needed the first one did not come to an end with it"


def test_what_a_run_sees_of_its_own_work_counts() -> None:
    tools: list[JournalEntry] = []
    for number, ok in enumerate((True, True, True, False)):
        tools.append(ToolCalled(at=1.7, task_id="main.2", call_id=f"c{number}", name="calc", arguments="{}"))
        tools.append(ToolReturned(at=1.8, task_id="main.2", call_id=f"c{number}", ok=ok, text=""))
    ends = [ended("main.1"), ended("main.2"), ended("main.3")]
    found = work_of(log(*tools, *both(*ends), said("main", "All.")), "writer")
    assert found is not None
    assert found[1] is not None
    assert found[1].checks == pytest.approx((0.1 * 1.0 + 0.05 * 0.75) / 0.15)
    assert found[0].checks is None, "the whole is not the writer's"


def test_a_role_that_did_no_task_of_a_plan_is_judged_by_the_whole_run() -> None:
    journal = log(*both(ended("main.1"), ended("main.2"), ended("main.3")), said("main", "All."))
    found = work_of(journal, "poet")
    assert found is not None
    assert found[1] is None
    assert work_of(journal[:-1], "writer") is None
    assert work_of([], "writer") is None


def test_a_rehearsal_has_work_but_no_outcome() -> None:
    journal = log(
        *both(ended("main.1", "x"), ended("main.2"), ended("main.3")), said("main", "."), trial=Trial("replay", "v")
    )
    assert outcome_of(journal, lambda _: Weights()) is None
    found = work_of(journal, "writer")
    assert found is not None
    assert found[1] is not None
    assert found[1].error == "x"


def test_both_halves_of_a_pair_are_measured_alike() -> None:
    past = Past("r", "Write.", approved="All.", own="A")
    whole, own = Work(["All!"], ms=900.0), Work(["A!"], ms=10.0, own=True)
    full, bare = Half("candidate", "c", whole, own), Half("base", "b", whole)
    failed = Half("base", "b", Work([], "deadline"), own)
    assert measured(past, full, full) == (own, ["A!"], "A")
    assert measured(past, full, bare) == measured(past, bare, full) == (whole, ["All!"], "All.")
    unsaid = Past("r", "Write.", approved="All.")
    assert measured(unsaid, full, full) == (own, ["All!"], "All.")
    assert measured(unsaid, full, failed)[::2] == (own, ""), "the answer to the whole is compared on no side"
    assert measured(unsaid, failed, full)[::2] == (own, "")


class Letters:
    """Texts are as like as their letters."""

    async def embed(self, texts: list[str], *, urgent: bool) -> Any:
        rows = np.array([[text.count(letter) for letter in "abc"] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("work", "wanted", "schema", "score"),
    [
        (Work(["a"]), "", None, 1.0),
        (Work(["a"], error="deadline"), "a", None, 0.0),
        (Work([" "]), "a", None, 0.0),
        (Work([]), "", None, 0.0),
        (Work(["a"]), "a", None, 1.0),
        (Work(["b", "ab"]), "a", None, 0.5**0.5),
        (Work(["b"]), "a", None, 0.0),
        (Work(["a"], checks=0.5), "a", None, 0.5),
        (Work(["a"], checks=0.25), "", None, 0.25),
        (Work(["a"]), "", {"type": "object"}, 0.0),
        (Work(["{}"]), "", {"type": "object"}, 1.0),
    ],
)
async def test_what_work_is_worth(work: Work, wanted: str, schema: dict[str, Any] | None, score: float) -> None:
    found = await Likeness(Letters()).score(work, work.answers, wanted, schema)  # type: ignore[arg-type]
    assert found == pytest.approx(score)
