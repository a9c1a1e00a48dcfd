"""A stop and a plan that are on their way to the log at the same time."""

from __future__ import annotations

from alma.engine.decide import End, decide
from alma.engine.fold import fold
from alma.events import PlanMade, Recorded, RunStarted, StopRequested
from alma.plan import MAIN, Plan, PlanTask


def test_the_tasks_of_a_plan_that_was_written_after_the_stop_end_before_the_run() -> None:
    plan = Plan([PlanTask("1", "writer", "Write."), PlanTask("2", "writer", "Write more.")], source="model")
    log = [
        RunStarted(at=1.0, thread_id="t", owner="ada", text="x"),
        StopRequested(at=2.0),
        PlanMade(at=3.0, plan=plan),
    ]
    state = fold("r1", [Recorded("r1", seq, entry) for seq, entry in enumerate(log, 1)])
    assert decide(state, now=4.0) == [End("1", "canceled"), End("2", "canceled"), End(MAIN, "canceled")]
