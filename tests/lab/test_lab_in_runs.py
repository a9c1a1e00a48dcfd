"""A world of the lab in real runs: its users give feedback to agents on the scripted model, and what is learned from
that through journal, books and choice is what the lab's own policy makes of the same thumbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alma.events import ChoicesMade
from alma.lab.life import Life
from alma.lab.running import known, live
from alma.learning.tally import Evidence, Tally
from alma.plan import MAIN
from alma.schooling import Choice as Learning
from alma.session.feedback import Said
from alma.session.starting import Ask
from planned import log_of, role_file
from session_bench import SessionBench

ARMS = ["||", "brisk||"]
RUNS = 22


def tasteful() -> Life:
    """The first life of `tastes` in which users like the arm that is not the usual one, and hardly ever the other."""
    for seed in range(2000):
        life = live(known().worlds["tastes"], seed, RUNS, {"arms": 2, "kinds": 1})
        usual, other = life.worth[0]
        if usual < 0.15 and other > 0.85:
            return life
    raise AssertionError("no such life")


@pytest.mark.slow
async def test_the_labs_users_teach_real_sessions(tmp_path: Path) -> None:
    role_file(tmp_path / "roles", "brisk", "You are brisk.", variant_of="manager")
    bench = SessionBench(f"sqlite:///{tmp_path / 'alma.db'}", roles=tmp_path / "roles", learning=Learning(True, 1.0))
    assert bench.schooling is not None
    books = bench.schooling.books
    bench.sessions.feedback.listen(books.signaled)
    life, picks = tasteful(), []
    async with bench.running():
        for number in range(RUNS):
            started = await bench.sessions.start("ada", Ask(key=f"k{number}", text="!say Hello", kind="chat"))
            assert started.run_id is not None
            await bench.ended(started.run_id)
            (made,) = await log_of(bench, started.run_id, ChoicesMade, MAIN)
            picks.append(ARMS.index(made.choices[0].chosen))
            thumb = life.thumb[number, picks[-1]]
            await bench.sessions.feedback.give("ada", started.run_id, Said("thumb", 1.0 if thumb else -1.0))
            await books.settled()
        beliefs = [books.tally("ada", f"arm:{arm}", "chat") for arm in ARMS]
        assert books.tally("bob", "arm:||", "chat").count == 0
    assert [one.count for one in beliefs] == [picks.count(0), picks.count(1)]
    assert np.mean(picks[-10:]) > 0.6, "most is done as the user likes it"
    for arm, belief in enumerate(beliefs):
        tally = Tally()
        for tick, pick in enumerate(picks, 1):
            if pick == arm:
                tally.put(str(tick), Evidence(tick, float(life.thumb[tick - 1, arm]), 1.0))
        alone = tally.sums(RUNS)
        assert belief.good / (belief.good + belief.bad) == pytest.approx(alone.good / (alone.good + alone.bad), abs=0.1)
