"""What became of a run, out of its journal: of plans and their tasks, of critics, of what is passed on, of who gets
credit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from alma.events import (
    AttemptFailed,
    ChoicesMade,
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    PlanAmended,
    PlanDecided,
    PlanMade,
    Recorded,
    RouteChosen,
    RunFinished,
    RunStarted,
    Signaled,
    StopRequested,
    TaskFinished,
    TaskStarted,
    ToolCalled,
    ToolReturned,
)
from alma.learned import Choice, SignalName, Trial
from alma.learner.outcomes import DISCOUNT, outcome_of, weighed
from alma.learning.outcome import Outcome, TaskOutcome
from alma.learning.reward import Weights
from alma.model_call import Sampling, Timing, Usage
from alma.plan import MAIN, Plan, PlanTask, message_id

Log = list[JournalEntry]


def outcome(
    *parts: JournalEntry | Sequence[JournalEntry], status: Any = "completed", after: Log | None = None
) -> Outcome:
    log: Log = [
        RunStarted(at=0.0, thread_id="t", owner="ada", text="Compare bread"),
        RouteChosen(
            at=0.0,
            kind="analytical",
            source="user",
            scores={},
            neighbours=[],
            role="manager",
            prompt_version="base",
            sampling=Sampling(),
        ),
    ]
    for part in parts:
        log += [part] if isinstance(part, JournalEntry) else part
    log += [RunFinished(at=10.0, status=status), *(after or [])]
    found = outcome_of([Recorded("r", seq, entry) for seq, entry in enumerate(log, 1)], lambda _owner: Weights())
    assert found is not None
    return found


def plan(*tasks: PlanTask, of: str = MAIN) -> PlanMade:
    return PlanMade(at=1.0, task_id=of, plan=Plan(list(tasks), source="pattern", pattern="compare"))


def part(id: str, role: str = "analyst", **more: Any) -> PlanTask:
    return PlanTask(id, role, f"Look at {id}", **more)


def asked(
    id: str, role: str, *, model: str = "m/1", version: str = "v1", number: int = 1, attempt: int = 1
) -> MessageStarted:
    return MessageStarted(
        at=2.0,
        task_id=id,
        message_id=message_id("r", id, number, "answer"),
        attempt=attempt,
        role=role,
        model=model,
        endpoint="e",
        prompt_version=version,
        sections=[],
    )


def answered(id: str, text: str, *, model: str = "m/1", number: int = 1) -> MessageFinished:
    return MessageFinished(
        at=3.0,
        task_id=id,
        message_id=message_id("r", id, number, "answer"),
        attempt=1,
        text=text,
        finish_reason="stop",
        usage=Usage(10, 10),
        timing=Timing(1, 1000),
        model_id=model,
    )


def done(id: str, text: str = "so", role: str = "analyst", *, status: Any = "completed", **more: Any) -> Log:
    """A task of a plan from its beginning to its end."""
    log: Log = [
        TaskStarted(at=2.0, task_id=id, role=role, prompt_version="base"),
        asked(id, role, **more),
        answered(id, text, model=more.get("model", "m/1")),
    ]
    return [*log, TaskFinished(at=4.0, task_id=id, status=status, message_id=message_id("r", id, 1, "answer"))]


def joined(text: str = "all of it") -> Log:
    return [asked(MAIN, "manager"), answered(MAIN, text)]


def said(signal: SignalName, value: float, of: str = MAIN) -> Signaled:
    return Signaled(at=20.0, task_id=of, signal=signal, value=value)


def tasks(found: Outcome) -> dict[str, TaskOutcome]:
    return {one.task_id: one for one in found.tasks}


def heard(one: TaskOutcome) -> dict[str, float]:
    return {signal.name: signal.value for signal in one.signals}


def items(one: TaskOutcome) -> set[str]:
    return {part.item for part in one.parts}


# ── what is passed on ─────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_user_said_is_passed_on_in_equal_parts_and_outweighed_by_a_word_on_the_task() -> None:
    two = plan(part("1"), part("2"), part("3", "writer"))
    log = (two, done("1"), done("2"), done("3", role="writer"), joined())
    found = tasks(outcome(*log, after=[said("thumb", -1.0), said("thumb", 1.0, "2")]))
    assert list(found) == [MAIN, "1", "2", "3"]
    (passed,) = [one for one in found["1"].signals if one.name == "passed_on"]
    assert (passed.kind, passed.value) == ("implicit", 0.0)
    assert passed.weight == pytest.approx(DISCOUNT / 3)
    assert found["1"].reward is not None
    assert found["1"].reward < 0.3
    assert found["2"].reward is not None
    assert found["2"].reward > 0.7, "its user said something else of this one"
    assert found["3"].kind == "task:writer"


def test_at_rest_it_is_what_it_was_and_weighs_the_same() -> None:
    """Else all would be weighed anew at each start."""
    log = (plan(part("1"), part("2")), done("1"), done("2"), joined())
    found = outcome(*log, after=[said("thumb", 0.3), said("copied", 0.8), said("thumb", 1.0, "2")])
    kept = msgspec.json.decode(msgspec.json.encode(found), type=Outcome)
    assert kept == found == weighed(kept, Weights())


def test_what_nobody_said_is_not_passed_on() -> None:
    found = tasks(outcome(plan(part("1")), done("1"), joined()))
    assert "passed_on" not in heard(found["1"])
    assert found["1"].weight < 0.25


def test_it_goes_down_all_levels_each_time_at_a_discount() -> None:
    below = [done("1")[0], plan(part("1.1"), of="1"), *done("1.1"), *done("1")[1:]]
    found = tasks(outcome(plan(part("1")), below, joined(), after=[said("thumb", 1.0)]))
    first, second = (next(one for one in found[id].signals if one.name == "passed_on") for id in ("1", "1.1"))
    assert first.weight == pytest.approx(DISCOUNT)
    assert second.value == pytest.approx(1.0)
    assert second.weight == pytest.approx(DISCOUNT**2)


def test_to_what_no_answer_was_made_of_nothing_is_passed_on() -> None:
    """The run was stopped, or failed, before its results were joined: they are not to blame."""
    stop = StopRequested(at=9.0)
    found = tasks(outcome(plan(part("1"), part("2")), done("1"), stop, status="canceled"))
    assert set(found) == {MAIN, "1"}, "who never began has no part in it"
    assert heard(found[MAIN])["stopped"] < 0.5
    assert "passed_on" not in heard(found["1"])
    found = tasks(outcome(plan(part("1")), done("1"), status="failed", after=[said("thumb", -1.0)]))
    assert "passed_on" not in heard(found["1"])


# ── critics, and what a plan says of its tasks ────────────────────────────────────────────────────────────────────


def reviewed(*verdicts: str) -> tuple[JournalEntry | Log, ...]:
    """Task 1, which is done again as often as a critic sends it back."""
    log: list[JournalEntry | Log] = [
        plan(part("1", done_when="It is short."), part("2", "critic", depends_on=["1"], review_of="1"))
    ]
    work, critic = 1, 2
    for verdict in verdicts:
        log += [done(str(work)), done(str(critic), f'{{"verdict": "{verdict}", "notes": "Shorter."}}', "critic")]
        if verdict == "revise":
            again = part(str(work + 2), depends_on=[str(work)], done_when="It is short.")
            review = part(str(critic + 2), "critic", depends_on=[again.id], review_of=again.id)
            instead = {str(work): again.id, str(critic): review.id}
            log.append(PlanAmended(at=5.0, add=[again, review], replace=instead))
            work, critic = work + 2, critic + 2
    return (*log, joined())


def test_work_that_was_sent_back_is_known_to_be_and_gets_nothing_of_the_praise() -> None:
    found = tasks(outcome(*reviewed("revise", "accept"), after=[said("thumb", 1.0)]))
    assert {id: heard(found[id]).get("critic") for id in ("1", "3")} == {"1": 0.0, "3": 1.0}
    assert {id: heard(found[id]).get("done_when") for id in ("1", "3")} == {"1": 0.0, "3": 1.0}
    assert [id for id, one in found.items() if "passed_on" in heard(one)] == ["3"], "nor do those that only judged"
    assert found["1"].reward is not None
    assert found["3"].reward is not None
    assert found["1"].reward < found["3"].reward


def test_a_critic_that_says_nothing_sensible_says_nothing() -> None:
    (first, *_), critic = reviewed("accept"), done("2", "Looks fine to me!", "critic")
    found = tasks(outcome(first, done("1"), critic, joined()))
    assert "critic" not in heard(found["1"])
    assert heard(found["1"])["done_when"] == 1.0, "the next step went on with it"


@pytest.mark.parametrize(("next_step", "value"), [("completed", 1.0), ("failed", 0.0)])
def test_without_a_critic_the_next_step_says_whether_it_was_done(next_step: str, value: float) -> None:
    two = plan(part("1", done_when="There is a list."), part("2", depends_on=["1"]))
    found = tasks(outcome(two, done("1"), done("2", status=next_step), joined()))
    assert heard(found["1"])["done_when"] == value


@pytest.mark.parametrize(
    ("decided", "value"),
    [
        (PlanDecided(at=2.0, approved=True), 1.0),
        (PlanDecided(at=2.0, approved=True, tasks=[part("1")]), 0.3),
        (PlanDecided(at=2.0, approved=False), 0.0),
    ],
)
def test_what_its_user_made_of_a_plan_is_said_of_who_planned(decided: PlanDecided, value: float) -> None:
    main = tasks(outcome(plan(part("1")), decided, *([done("1")] if decided.approved else []), joined()))[MAIN]
    assert heard(main)["plan"] == pytest.approx(value)
    assert "pattern:compare" in items(main)


# ── who gets credit ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_prompt_that_was_really_made_gets_the_credit() -> None:
    """Of the version that acted, not of the file that the task was given out with."""
    choices = ChoicesMade(
        at=1.0,
        task_id="1",
        role="analyst",
        choices=[
            Choice("arm", "terse||", 0.25, "explored", "task:analyst"),
            Choice("prompt", "v2", 0.2, "canary", "task:analyst", version="ver_1"),
        ],
    )
    found = tasks(outcome(plan(part("1")), choices, done("1", role="terse", version="v2"), joined()))["1"]
    assert (found.role, found.prompt_version, found.kind) == ("terse", "v2", "task:analyst")
    odds = {part.item: part.propensity for part in found.parts}
    assert odds == {"role:terse": 0.25, "model:m/1": 0.25, "prompt:v2": 0.2, "arm:terse||": 0.25}
    assert {part.context for part in found.parts} == {"task:analyst"}
    assert found.choices[1].version == "ver_1"


def test_an_assignment_that_was_given_up_is_an_outcome_of_its_own() -> None:
    failed = AttemptFailed(
        at=3.0,
        message_id=message_id("r", MAIN, 1, "answer"),
        attempt=1,
        error=ErrorFacts("endpoint_timeout", "It took too long."),
        to_model="m/2",
    )
    again = [asked(MAIN, "manager", model="m/2", version="v1", number=2), answered(MAIN, "so", model="m/2", number=2)]
    found = tasks(outcome(asked(MAIN, "manager"), failed, again, after=[said("thumb", 1.0)]))
    assert list(found) == [MAIN, "main@1"]
    assert (found["main@1"].model, found["main@1"].reward, found["main@1"].error) == ("m/1", 0.0, "endpoint_timeout")
    assert found[MAIN].model == "m/2"
    assert heard(found[MAIN])["thumb"] == 1.0


def test_an_answer_that_alma_put_together_itself_is_of_who_was_at_work() -> None:
    alone = [asked(MAIN, "manager", model="", version="", attempt=2), answered(MAIN, "What there was", model="")]
    (main,) = outcome(asked(MAIN, "brisk", version="v2"), alone).tasks
    assert (main.role, main.model, main.prompt_version) == ("brisk", "m/1", "v2")


def test_a_call_that_never_came_back_says_nothing_of_who_asked() -> None:
    called = [ToolCalled(at=2.0, call_id=id, name="search", arguments="{}") for id in ("a", "b", "c")]
    back = [ToolReturned(at=3.0, call_id=id, ok=ok, text="") for id, ok in (("a", True), ("b", False))]
    (main,) = outcome(asked(MAIN, "manager"), called, back, StopRequested(at=9.0), status="canceled").tasks
    assert heard(main)["tools"] == 0.5


def test_a_trial_and_a_run_that_has_not_ended_have_no_outcome() -> None:
    assert outcome_of([], lambda _owner: Weights()) is None
    begun = RunStarted(at=0.0, thread_id="t", owner="ada", text="so")
    assert outcome_of([Recorded("r", 1, begun)], lambda _owner: Weights()) is None
    trial = Recorded("r", 1, replace(begun, trial=Trial("replay", "v1")))
    end = Recorded("r", 2, RunFinished(at=1.0, status="completed"))
    assert outcome_of([Recorded("r", 1, begun), end], lambda _owner: Weights()) is not None
    assert outcome_of([trial, end], lambda _owner: Weights()) is None
