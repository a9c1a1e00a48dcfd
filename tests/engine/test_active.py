"""A run as its process knows it: its log is what its state is made of, entry by entry."""

from __future__ import annotations

from alma.engine.active import Active
from alma.engine.state import RunState
from alma.events import Recorded, RunFinished, RunStarted


def test_an_entry_that_comes_twice_stands_once_in_its_log() -> None:
    begun = RunStarted(at=1.0, thread_id="t", owner="ada", text="x")
    entries = [Recorded("r", 1, begun), Recorded("r", 2, RunFinished(at=2.0, status="completed"))]
    active = Active(RunState("r"))
    for recorded in (entries[0], entries[0], entries[1], *entries):  # read up while the same is being told
        active.take(recorded)
    assert active.log == entries
    assert active.state.head == 2
