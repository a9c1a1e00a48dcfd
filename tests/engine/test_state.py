"""Folding and deciding: pure, and the same whether entries come one by one or all at once."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alma.engine.decide import (
    Begin,
    Complete,
    Decision,
    End,
    RunLimits,
    Wake,
    decide,
)
from alma.engine.fold import apply, fold
from alma.engine.state import RunState
from alma.events import (
    AttemptFailed,
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    PauseRequested,
    PlanAmended,
    PlanDecided,
    PlanMade,
    QuestionAnswered,
    QuestionAsked,
    Recorded,
    ResumeRequested,
    RouteCorrected,
    RunFinished,
    RunStarted,
    StopRequested,
    TaskFinished,
    TaskReused,
    TaskStarted,
    ToolCalled,
    ToolDecided,
    ToolReturned,
)
from alma.model_call import Section, Timing, Usage
from alma.plan import MAIN, Plan, PlanTask

STARTED = RunStarted(at=1, thread_id="t", owner="o", text="q")
BAD = ErrorFacts("c", "m")


def begun(attempt: int, task_id: str = MAIN, step: str = "answer") -> MessageStarted:
    return MessageStarted(
        at=1,
        task_id=task_id,
        message_id=f"{task_id}.{step}",
        attempt=attempt,
        role="r",
        model="x",
        endpoint="e",
        prompt_version="v",
        sections=[Section("task", 100)],
        step=step,
    )


def failed(attempt: int, retry: float | None, task_id: str = MAIN, role: str | None = None) -> AttemptFailed:
    return AttemptFailed(
        at=10,
        task_id=task_id,
        message_id=f"{task_id}.answer",
        attempt=attempt,
        error=BAD,
        retry_in_ms=retry,
        to_role=role,
        text="x" * 400,
    )


def answered(reason: str = "stop", task_id: str = MAIN, step: str = "answer") -> MessageFinished:
    return MessageFinished(
        at=1,
        task_id=task_id,
        message_id=f"{task_id}.{step}",
        attempt=1,
        text=f"answer of {task_id}",
        finish_reason=reason,
        usage=Usage(10, 5),
        timing=Timing(),
        step=step,
    )


def ended(task_id: str, status: str = "completed") -> TaskFinished:
    return TaskFinished(at=1, task_id=task_id, status=status, message_id=f"{task_id}.answer")  # type: ignore[arg-type]


def plan(*tasks: tuple[str, list[str]], task_id: str = MAIN, approval: bool = False) -> PlanMade:
    """Tasks as (id, what it depends on)."""
    specs = [PlanTask(id, "writer", f"goal {id}", depends_on=waits) for id, waits in tasks]
    return PlanMade(at=2, task_id=task_id, plan=Plan(specs, source="model"), needs_approval=approval)


def log(*entries: JournalEntry) -> list[Recorded]:
    return [Recorded("r", seq, entry) for seq, entry in enumerate(entries, 1)]


def state_of(*entries: JournalEntry) -> RunState:
    return fold("r", log(STARTED, *entries))


def decided(*entries: JournalEntry, now: float = 20, seconds: float = 0) -> list[Decision]:
    return decide(state_of(*entries), now, RunLimits(seconds))


def begins(decisions: list[Decision]) -> list[str]:
    return [one.task_id for one in decisions if isinstance(one, Begin)]


# ── the run's own task ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_without_a_plan_has_one_next_step_in_every_state() -> None:
    assert decided() == [Begin(MAIN)]
    assert decided(begun(1)) == [Begin(MAIN)], "a crash: the attempt was begun and never ended"
    assert decided(begun(1), failed(1, 500.0)) == [Begin(MAIN, 10.5)]
    assert decided(failed(1, 500.0)) == [Begin(MAIN, 10.5)], "it failed before its message was begun"
    assert decided(begun(1), failed(1, None)) == [End(MAIN, "failed", BAD)]
    assert decided(begun(1), answered()) == [Complete()]
    assert decided(begun(1), answered("stopped")) == [End(MAIN, "canceled")]
    assert decided(StopRequested(at=1)) == [End(MAIN, "canceled")]
    assert decided(begun(1), answered(), StopRequested(at=1)) == [Complete()], "the stop came too late"
    assert decided(RunFinished(at=1, status="completed"), RouteCorrected(at=1, kind="chat")) == []
    assert decide(RunState("r"), 0) == []


def test_a_decision_to_plan_is_no_answer() -> None:
    assert decided(begun(1, step="decide"), answered(step="decide")) == [Begin(MAIN)]


def test_attempts_are_counted_by_step_and_forgotten_by_a_success() -> None:
    state = state_of(begun(1), failed(1, 1.0), begun(2), failed(2, 1.0))
    assert (state.main.attempts["answer"], state.main.failures) == (2, 2)
    apply(state, Recorded("r", 6, answered(step="answer")))
    assert (state.main.failures, state.main.last_failure) == (0, None)


# ── plans ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tasks_begin_when_all_they_wait_for_has_ended_and_main_when_all_have() -> None:
    diamond = plan(("1", []), ("2", ["1"]), ("3", ["1"]), ("4", ["2", "3"]))
    assert begins(decided(diamond)) == ["1"]
    assert begins(decided(diamond, ended("1"))) == ["2", "3"]
    assert begins(decided(diamond, ended("1"), ended("3"))) == ["2"]
    assert begins(decided(diamond, ended("1"), ended("3"), ended("2", "failed"))) == ["4"]
    assert begins(decided(diamond, *(ended(one) for one in "1234"))) == [MAIN]


def test_a_task_with_nothing_to_work_on_is_rejected_and_says_what_was_missing() -> None:
    decisions = decided(plan(("1", []), ("2", ["1"]), ("3", ["2"])), ended("1", "failed"))
    assert [type(one) for one in decisions] == [End]
    assert isinstance(decisions[0], End)
    assert (decisions[0].task_id, decisions[0].status) == ("2", "rejected")
    assert decisions[0].error is not None
    assert "task 1" in decisions[0].error.message


def test_one_failed_source_of_two_does_not_stop_a_task() -> None:
    assert begins(decided(plan(("1", []), ("2", []), ("3", ["1", "2"])), ended("1", "failed"), ended("2"))) == ["3"]


def test_a_plan_that_waits_for_approval_begins_nothing_until_it_is_decided() -> None:
    waiting = plan(("1", []), ("2", []), approval=True)
    state = state_of(waiting)
    assert decide(state, 5) == []
    assert state.main.status == "input_required"
    assert begins(decided(waiting, PlanDecided(at=3, approved=True))) == ["1", "2"]
    assert begins(decided(waiting, PlanDecided(at=3, approved=False))) == [MAIN]
    other = [PlanTask("5", "coder", "another")]
    changed = state_of(waiting, PlanDecided(at=3, approved=True, tasks=other))
    assert begins(decide(changed, 5)) == ["5"]
    assert set(changed.tasks) == {MAIN, "5"}
    assert changed.main.next_child == 6, "numbers that were left out are not given again"


def test_of_two_words_on_a_plan_the_first_counts() -> None:
    waiting = plan(("1", []), approval=True)
    words = PlanDecided(at=3, approved=True), PlanDecided(at=3, approved=False)
    assert begins(decided(waiting, *words)) == ["1"]
    state = state_of(waiting, *words, TaskStarted(at=4, task_id="1", role="writer", prompt_version="v"))
    assert state.tasks["1"].begun == 1
    assert not state.main.plan_declined


def test_stopping_a_subtree_ends_it_from_below_and_leaves_the_rest() -> None:
    nested = plan(("1", []), ("2", [])), plan(("2.1", []), ("2.2", ["2.1"]), task_id="2")
    decisions = decided(*nested, StopRequested(at=3, task_id="2"))
    stopped = [one.task_id for one in decisions if isinstance(one, End) and one.status == "canceled"]
    assert sorted(stopped) == ["2", "2.1", "2.2"]
    assert stopped[-1] == "2"
    assert begins(decisions) == ["1"]


def test_stopping_the_run_begins_nothing_any_more() -> None:
    decisions = decided(plan(("1", []), ("2", ["1"])), StopRequested(at=3))
    assert {(one.task_id, one.status) for one in decisions if isinstance(one, End)} == {
        ("1", "canceled"),
        ("2", "canceled"),
        (MAIN, "canceled"),
    }
    assert begins(decisions) == []


def test_a_paused_run_begins_nothing_and_still_ends_what_was_stopped() -> None:
    paused = plan(("1", []), ("2", [])), PauseRequested(at=3)
    assert decided(*paused) == []
    assert decided(*paused, StopRequested(at=4, task_id="1")) == [End("1", "canceled")]
    assert begins(decided(*paused, ResumeRequested(at=9))) == ["1", "2"]


def test_an_amendment_adds_tasks_and_lets_dependents_wait_for_the_new_one() -> None:
    amended = PlanAmended(at=3, add=[PlanTask("4", "writer", "again", depends_on=["1"])], replace={"1": "4", "2": "4"})
    judging = TaskStarted(at=3, task_id="2", role="critic", prompt_version="v")
    entries = plan(("1", []), ("2", ["1"]), ("3", ["2"])), ended("1"), judging, amended
    assert begins(decided(*entries)) == ["2", "4"], "what has begun keeps what it was given"
    assert begins(decided(*entries, ended("2"))) == ["4"], "3 waits for the new task now"
    assert begins(decided(*entries, ended("2"), ended("4"))) == ["3"]


def test_a_question_and_a_tool_that_needs_leave_make_a_task_wait_for_the_user() -> None:
    one = plan(("1", [])), TaskStarted(at=3, task_id="1", role="writer", prompt_version="v")
    asked = QuestionAsked(at=3, task_id="1", question_id="q", text="?")
    call = ToolCalled(at=3, task_id="1", call_id="c", name="pay", arguments="{}", attempt=0, needs_approval=True)
    for waiting, word in (
        (asked, QuestionAnswered(at=4, task_id="1", question_id="q", text="yes")),
        (call, ToolDecided(at=4, task_id="1", call_id="c", approved=False)),
    ):
        state = state_of(*one, waiting)
        assert decide(state, 5) == []
        assert state.tasks["1"].status == "input_required"
        assert begins(decided(*one, waiting, word)) == ["1"]


def test_the_first_answer_to_a_question_and_the_first_word_on_a_call_stand() -> None:
    state = state_of(
        plan(("1", [])),
        QuestionAsked(at=3, task_id="1", question_id="q", text="?"),
        QuestionAnswered(at=4, task_id="1", question_id="q", text="yes"),
        QuestionAnswered(at=4, task_id="1", question_id="q", text="no"),
        ToolCalled(at=3, task_id="1", call_id="c", name="pay", arguments="{}", needs_approval=True),
        ToolDecided(at=4, task_id="1", call_id="c", approved=False),
        ToolDecided(at=4, task_id="1", call_id="c", approved=True),
    )
    assert state.tasks["1"].answers == {"q": "yes"}
    assert state.tasks["1"].calls["c"].approved is False


def test_a_reassigned_task_begins_again_with_nothing_of_the_earlier_one() -> None:
    state = state_of(plan(("1", [])), begun(1, "1"), failed(1, None, "1", role="coder"))
    task = state.tasks["1"]
    assert (task.role, task.assignment, task.failures) == ("coder", 2, 0)
    assert (task.steps, task.calls, task.attempts) == ({}, {}, {})
    assert begins(decide(state, 20)) == ["1"]


def test_a_task_that_failed_for_good_ends_and_the_run_goes_on() -> None:
    decisions = decided(plan(("1", []), ("2", [])), begun(1, "1"), failed(1, None, "1"))
    assert decisions == [End("1", "failed", BAD), Begin("2")]


def test_a_run_that_takes_too_long_ends_its_tasks_and_is_answered_from_what_there_is() -> None:
    entries = plan(("1", []), ("2", [])), ended("1")
    assert decided(*entries, now=20, seconds=60) == [Begin("2"), Wake(61)]
    late = decided(*entries, now=61, seconds=60)
    assert [(one.task_id, one.status) for one in late if isinstance(one, End)] == [("2", "failed")]
    assert begins(late) == []
    assert begins(decided(*entries, ended("2", "failed"), now=61, seconds=60)) == [MAIN]


def test_time_that_the_user_takes_does_not_count_for_a_run() -> None:
    waiting = plan(("1", []), approval=True)
    assert decided(waiting, now=1000, seconds=60) == []
    approved = decided(waiting, PlanDecided(at=1000, approved=True), now=1001, seconds=60)
    assert approved == [Begin("1"), Wake(1060)]


def test_what_a_fork_takes_over_counts_as_done() -> None:
    reused = TaskReused(at=2, task_id="1", from_run_id="r0", role="writer", text="old")
    state = state_of(plan(("1", []), ("2", ["1"])), reused)
    assert begins(decide(state, 5)) == ["2"]
    assert (state.tasks["1"].text, state.tasks["1"].reused) == ("old", True)


def test_tokens_are_counted_also_of_attempts_that_failed_or_were_cut_off() -> None:
    assert state_of(begun(1), answered()).main.spent_tokens == 15
    assert state_of(begun(1), failed(1, 1.0)).main.spent_tokens == 200, "its prompt, and 400 characters"
    assert state_of(begun(1), begun(2), answered()).main.spent_tokens == 115, "a crash lost the first one's answer"
    of_child = state_of(plan(("1", [])), begun(1, "1"), answered(task_id="1"), ended("1"))
    assert of_child.main.spent_tokens == 15


# ── for any log ───────────────────────────────────────────────────────────────────────────────────────────────────

IDS = st.sampled_from([MAIN, "1", "2", "3", "2.1", "2.2"])
STATUS = st.sampled_from(["completed", "failed", "canceled", "rejected"])
ENTRIES = st.lists(
    st.one_of(
        st.builds(begun, st.integers(1, 5), IDS, st.sampled_from(["answer", "answer.2", "decide"])),
        st.builds(failed, st.integers(1, 5), st.none() | st.floats(0, 1e5), IDS, st.none() | st.just("coder")),
        st.builds(answered, st.sampled_from(["stop", "length", "stopped"]), IDS),
        st.builds(ended, IDS.filter(lambda one: one != MAIN), STATUS),
        st.builds(StopRequested, at=st.just(1.0), task_id=IDS),
        st.just(plan(("1", []), ("2", ["1"]), ("3", ["1", "2"]))),
        st.just(plan(("2.1", []), ("2.2", ["2.1"]), task_id="2")),
        st.just(plan(("1", []), ("2", []), approval=True)),
        st.builds(PlanDecided, at=st.just(1.0), approved=st.booleans()),
        st.just(PlanAmended(at=3, add=[PlanTask("4", "writer", "g", depends_on=["1"])], replace={"1": "4"})),
        st.builds(TaskStarted, at=st.just(1.0), task_id=IDS, role=st.just("r"), prompt_version=st.just("v")),
        st.builds(QuestionAsked, at=st.just(1.0), task_id=IDS, question_id=st.just("q"), text=st.just("?")),
        st.builds(QuestionAnswered, at=st.just(1.0), task_id=IDS, question_id=st.just("q"), text=st.just("!")),
        st.builds(ToolReturned, at=st.just(1.0), task_id=IDS, call_id=st.just("c"), ok=st.just(True), text=st.just("")),
        st.sampled_from([PauseRequested(at=1), ResumeRequested(at=1), RouteCorrected(at=1, kind="chat")]),
    ),
    max_size=24,
)


@given(ENTRIES, st.data())
def test_folding_step_by_step_or_twice_gives_the_same_state(entries: list[JournalEntry], data: st.DataObject) -> None:
    whole = log(STARTED, *entries)
    state = RunState("r")
    for recorded in whole:
        apply(state, recorded)
        apply(state, data.draw(st.sampled_from(whole[: recorded.seq])))  # one seen before changes nothing
    assert _plain(state) == _plain(fold("r", whole))


def _plain(state: RunState) -> object:
    return msgspec.to_builtins(state)


def test_what_an_amendment_names_before_it_is_there_is_waited_for() -> None:
    amended = PlanAmended(at=3, add=[PlanTask("4", "writer", "g", depends_on=["1"])])
    assert begins(decided(amended, plan(("1", [])))) == ["1"]
    assert begins(decided(amended, plan(("1", [])), ended("1"))) == ["4"]


def test_what_a_dropped_plan_named_too_early_is_not_waited_for() -> None:
    early = PlanAmended(at=3, add=[PlanTask("2", "writer", "g", depends_on=["3"])])
    other = PlanDecided(at=4, approved=True, tasks=[PlanTask("2", "writer", "another")])
    state = state_of(
        plan(("1", []), approval=True), early, other, PlanAmended(at=5, add=[PlanTask("3", "writer", "g")])
    )
    assert begins(decide(state, 5)) == ["2", "3"]


def test_a_task_that_is_there_is_not_begun_afresh_by_another_plan() -> None:
    again = state_of(plan(("1", []), ("2", ["1"])), ended("1"), plan(("1", []), ("3", ["1"])))
    assert again.tasks["1"].ended
    assert begins(decide(again, 5)) == ["2", "3"]


@given(ENTRIES)
def test_deciding_changes_nothing_and_an_ended_log_rests(entries: list[JournalEntry]) -> None:
    state = state_of(*entries)
    before = _plain(state)
    first = decide(state, 30, RunLimits(5))
    assert decide(state, 30, RunLimits(5)) == first
    assert _plain(state) == before
    apply(state, Recorded("r", 99, RunFinished(at=1, status="completed")))
    assert decide(state, 30, RunLimits(5)) == []


@given(st.integers(0, 2**32))
def test_any_plan_comes_to_its_end(seed: int) -> None:
    """Whatever a worker makes of each task, following the decisions leads to the run's end and never asks twice."""
    chance = random.Random(seed)
    count = chance.randint(1, 8)
    tasks = [
        (str(number), [str(other) for other in range(1, number) if chance.random() < 0.4])
        for number in range(1, count + 1)
    ]
    state = state_of(plan(*tasks))
    done: list[str] = []
    for _ in range(200):
        decisions = decide(state, 30)
        if not decisions:
            break
        decision = chance.choice(decisions)
        match decision:
            case Complete():
                news: JournalEntry = RunFinished(at=1, status="completed")
            case End(task_id=task_id) if task_id != MAIN:
                done.append(task_id)
                news = TaskFinished(at=1, task_id=task_id, status=decision.status, error=decision.error)
            case Begin(task_id=task_id) if task_id == MAIN:
                news = answered()
            case Begin(task_id=task_id):
                done.append(task_id)
                waited = next(waits for id, waits in tasks if id == task_id)
                assert set(waited) <= set(done)
                news = ended(task_id, chance.choice(["completed", "failed"]))
            case _:
                raise AssertionError(decision)
        apply(state, Recorded("r", state.head + 1, news))
    assert state.finished is not None
    assert sorted(done) == sorted(id for id, _ in tasks), "each once"
