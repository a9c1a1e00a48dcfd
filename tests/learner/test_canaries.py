"""Which trials a run was part of."""

from __future__ import annotations

import msgspec

from alma.events import Recorded, RunFinished, RunStarted, Signaled
from alma.learned import Choice
from alma.learner.canaries import tried_in
from alma.learner.outcomes import pruned, with_late
from alma.learner.version_records import Stage, Standing, Tried, Version
from alma.learning.outcome import Outcome, TaskOutcome
from alma.learning.reward import Weights

VERSION = Version("v", "ada", "prompt", "writer", "new", "old", "", "hand", "", "canary", 1.0, 2.0, Standing(trial=1))


def tried(*tasks: TaskOutcome, owner: str = "ada", stage: Stage = "canary") -> list[Tried]:
    version = msgspec.structs.replace(VERSION, stage=stage)
    return tried_in(Outcome("r", owner, "t", 9.0, tasks=list(tasks)), lambda id: version if id == "v" else None)


def task(chosen: str, reward: float | None, *, id: str = "main.1", share: float = 0.2, **more: object) -> TaskOutcome:
    by = more.pop("by", "canary")
    choice = Choice("prompt", chosen, share, by, "chat", version="v")  # type: ignore[arg-type]
    return TaskOutcome(id, "writer", choices=[choice], reward=reward, **more)  # type: ignore[arg-type]


def test_a_run_counts_once_with_the_mean_of_the_roles_own_tasks() -> None:
    main = TaskOutcome("main", "manager", reward=0.0, error="model_unavailable", ms=9000.0)
    (one,) = tried(main, task("new", 0.9, ms=10.0), task("new", 0.7, id="main.2", ms=20.0))
    assert (one.arm, one.reward, one.error, one.ms, one.share) == ("candidate", 0.8, "", 30.0, 0.2)
    (one,) = tried(main, task("old", None, share=0.8, error="deadline"), task("old", 1.0, id="main.2", share=0.8))
    assert (one.arm, one.reward, one.error, round(one.share, 9)) == ("base", 0.5, "deadline", 0.2)


def test_what_an_earlier_trial_chose_is_on_neither_side_of_this_one() -> None:
    assert tried(task("as it was before it was edited", 1.0)) == []
    assert tried(task("a base of before", 1.0, share=0.8)) == []


def test_whose_it_is_and_at_what_stage() -> None:
    assert tried(task("new", 1.0), owner="bob") == []
    for stage in ("draft", "replay", "shadow", "rolled_back", "retired", "promoted"):
        assert tried(task("new", 1.0), stage=stage) == []
    (one,) = tried(task("new", 1.0, by="learned"), stage="promoted")
    assert (one.phase, one.share) == ("watch", 1.0)
    assert tried(task("new", 1.0, id="main.1@1")) == [], "an assignment that was given up"


def test_what_is_said_of_a_run_whose_steps_were_given_up_counts_in_its_trial() -> None:
    kept = Outcome("r", "ada", "t", 9.0, tasks=[task("new", 0.6, id="main")], end=40)
    entries = [
        RunStarted(at=1.0, thread_id="t", owner="ada", text="x"),
        RunFinished(at=9.0, status="completed"),
        Signaled(at=99.0, signal="thumb", value=1.0),
    ]
    log = [Recorded("r", seq, entry) for seq, entry in enumerate(entries, 1)]
    assert pruned(log, kept)
    (one,) = tried(*with_late(kept, log, Weights()).tasks)
    assert (one.arm, one.share) == ("candidate", 0.2)
    assert one.reward is not None
    assert one.reward > 0.9
