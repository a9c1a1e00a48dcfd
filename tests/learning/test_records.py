"""Beliefs are a function of the outcomes that there are: put, replaced and dropped in any order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alma.learning.outcome import Outcome, Part, TaskOutcome
from alma.learning.records import Records
from alma.learning.tally import Sums

ITEMS = ("role:a", "role:b", "memory:m")
KINDS = ("chat", "creative", "")


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    number = draw(st.integers(0, 11))
    tasks = [
        TaskOutcome(
            task_id=name,
            role="a",
            kind=kind,
            parts=[Part(item, kind, share) for item, share in parts],
            reward=reward,
            weight=weight,
        )
        for name, kind, parts, reward, weight in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(("main", "1", "2")),
                    st.sampled_from(KINDS),
                    st.lists(
                        st.tuples(st.sampled_from(ITEMS), st.floats(0.1, 1)), max_size=3, unique_by=lambda one: one[0]
                    ),
                    st.none() | st.floats(0, 1),
                    st.floats(0.1, 2),
                ),
                max_size=3,
                unique_by=lambda one: one[0],
            )
        )
    ]
    return Outcome(run_id=f"r{number}", owner="ada", thread_id="t", at=float(number // 2), tasks=tasks)


def known(records: Records) -> dict[tuple[str, str], tuple[Sums, int]]:
    """Ages, not ticks: those count from where the records begin."""
    found = {}
    for item, context in records.items():
        sums, now = records.sums(item, context), records.tick(context)
        found[item, context] = (Sums(sums.good, sums.bad, sums.count, now - sums.newest, sums.changed), 0)
    return found


@given(st.lists(st.tuples(outcomes(), st.booleans(), st.booleans()), max_size=40), st.sampled_from((4, 100)))
def test_beliefs_equal_a_replay_from_nothing(steps: list[tuple[Outcome, bool, bool]], most: int) -> None:
    records = Records()
    there: dict[str, Outcome] = {}
    for outcome, drop, look in steps:
        if drop:
            records.drop(outcome.run_id)
            there.pop(outcome.run_id, None)
        else:
            records.put(outcome)
            there[outcome.run_id] = outcome
        if look:  # what was asked for in between changes nothing
            known(records)
    anew = Records()
    for outcome in sorted(there.values(), key=lambda one: (one.at, one.run_id)):
        anew.put(outcome)
    assert known(records) == known(anew)
    assert records.outcomes() == anew.outcomes()
    few = Records(most)
    for outcome in sorted(there.values(), key=lambda one: (one.at, one.run_id)):
        few.put(outcome)
    newest = Records()
    for outcome in anew.outcomes()[-most:]:
        newest.put(outcome)
    assert known(few) == known(newest), "what is older than the newest is as if it had never been"


def test_a_run_made_again_keeps_its_tick() -> None:
    records = Records()
    for number in range(3):
        task = TaskOutcome("main", "a", "chat", parts=[Part("role:a", "chat")], reward=0.5, weight=1.0)
        records.put(Outcome(f"r{number}", "ada", "t", float(number), tasks=[task]))
    before = records.ticks("r1")
    task = TaskOutcome("main", "a", "chat", parts=[Part("role:a", "chat")], reward=1.0, weight=2.0)
    records.put(Outcome("r1", "ada", "t", 1.0, tasks=[task]))
    assert records.ticks("r1") == before == {"": 2, "chat": 2}
    assert [piece.reward for piece in records.pieces("role:a", "chat")] == [0.5, 1.0, 0.5]
    records.drop("r1")
    assert records.ticks("r1") == {}
    assert records.ticks("r2") == {"": 2, "chat": 2}
