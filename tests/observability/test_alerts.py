"""Alerts at work: who is told, once, and what a restart, a silence, a broken channel or a broken database do to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from alma.errors import StorageFailure
from alma.observability import courier
from alma.observability.channels import Telling
from observability.alert_stand import RULES, Stand

BOTH = [("high", "firing"), ("high", "ended")]


async def test_it_is_told_once_that_it_fires_and_once_that_it_is_over(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        stand.sample(120)
        stand.sample(130, after=9)
        assert not stand.alerts.firing(), "not before its time"
        stand.sample(130, after=1)
        for _ in range(5):
            stand.sample(90, after=1)
        await stand.channel.until(1)
        stand.sample(80, after=1)
        await stand.channel.until(2)
        assert stand.channel.told == BOTH
        assert stand.channel.values == [130, 80], "as it was when it began, and when it was over"
        await stand.until(lambda: stand.changes >= 2)
        (kept,) = await stand.alerts.history()
        assert (kept.rule, kept.value, kept.fired_at, kept.ended_at) == ("high", 130, 1_000_010, 1_000_016)
        await stand.alerts.flush()
        assert (await stand.alerts.history())[0].told == {"webhook": "ok"}


async def test_what_still_fires_after_a_restart_is_not_told_again_and_its_end_is(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        stand.fire()
        await stand.told()
        stand.alerts = stand.made()
        async with stand.at_work() as again:
            assert [alert.rule for alert, *_ in again.firing()] == ["high"]
            stand.sample(130, after=30)
            stand.sample(70, after=1)
            await stand.channel.until(2)
            assert stand.channel.told == BOTH
            await again.flush()
            assert len(await again.history()) == 1


async def test_what_ended_while_nobody_looked_is_over_when_nobody_knows(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        stand.fire()
        await stand.told()
        stand.alerts = stand.made()
        async with stand.at_work():
            stand.sample(None, after=60)
            assert stand.alerts.firing()
            stand.sample(None, after=60)
            assert not stand.alerts.firing()
            await stand.channel.until(2)
            assert stand.channel.values[1] is None


async def test_a_silenced_one_is_told_when_the_silence_ends_and_it_still_is_so(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        await stand.alerts.silence("high", 5, "ann", "known")
        stand.fire()
        stand.sample(130, after=60)
        ((alert, _, silence),) = stand.alerts.firing()
        assert silence is not None
        assert (silence.by, silence.until) == ("ann", 1_000_300)
        assert not alert.told
        stand.sample(130, after=300)
        await stand.channel.until(1)
        assert stand.channel.told == [("high", "firing")]


async def test_one_that_began_and_ended_within_a_silence_is_told_to_nobody(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        await stand.alerts.silence("high", 5, "ann", "")
        stand.fire()
        stand.sample(10, after=1)
        stand.sample(10, after=600)
        await stand.alerts.flush()
        assert [one.told for one in await stand.alerts.history()] == [{}]
        assert not stand.channel.tries


async def test_a_silence_is_kept_over_a_restart_and_can_be_ended(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        await stand.alerts.silence("high", 5, "ann", "")
        stand.alerts = stand.made()
        async with stand.at_work() as again:
            stand.fire()
            assert again.firing()[0][2] is not None
            await again.silence("high", 0, "ann", "")
            await stand.channel.until(1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.5, 30), st.sampled_from([50.0, 90.0, 150.0, None])), max_size=30),
    st.integers(1, 10),
)
def test_no_silence_loses_what_still_fires_at_its_end(samples: list[tuple[float, float | None]], minutes: int) -> None:
    """Whatever came before and during the silence: what is so for long enough after it is told by then."""

    async def play(folder: Path) -> None:
        stand = Stand(folder, database=Nothing())
        sent: list[Telling] = []
        stand.alerts._couriers["webhook"].take = sent.append
        await stand.alerts.open()
        half = len(samples) // 2
        for pause, value in samples[:half]:
            stand.sample(value, after=pause)
        await stand.alerts.silence("high", minutes, "ann", "")
        until = stand.now + minutes * 60
        for pause, value in samples[half:]:
            stand.sample(value, after=pause)
        stand.sample(150, after=max(until - stand.now, 0) + 1)
        stand.sample(150, after=11)
        ((alert, *_),) = stand.alerts.firing()
        assert [one.what for one in sent if one.id == alert.id] == ["firing"]

    with TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


class Nothing:
    """A database that has nothing and keeps nothing."""

    async def read(self, work: object) -> tuple[list[object], list[object]]:
        return [], []

    async def write(self, work: object) -> None:
        pass


async def test_a_channel_that_fails_is_tried_again_and_says_why(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.alerts._couriers["webhook"]._first_pause_s = 0.001
    async with stand.working():
        stand.channel.broken = True
        stand.fire()
        await stand.until(lambda: stand.channel.tries == courier.TRIES)
        await stand.until(lambda: stand.alerts.firing()[0][0].told == {"webhook": "It is broken."})
        assert stand.alerts.problem == "webhook: It is broken."
        stand.channel.broken = False
        stand.sample(130, after=10)
        assert stand.channel.tries == courier.TRIES, "not at once"
        stand.sample(130, after=400)
        await stand.channel.until(1)
        assert not stand.alerts.problem


async def test_a_channel_that_was_tried_and_works_is_in_order_again(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.channel.broken = True
    assert await stand.alerts.try_channel("webhook") == "It is broken."
    assert stand.alerts.problem == "webhook: It is broken."
    stand.channel.broken = False
    assert await stand.alerts.try_channel("webhook") == "ok"
    assert not stand.alerts.problem


async def test_more_than_can_wait_are_left_out_and_say_so(tmp_path: Path) -> None:
    left_out: list[str] = []
    one = courier.Courier(Stand(tmp_path).channel, lambda delivery: left_out.append(delivery.telling.id))
    for number in range(courier.MOST + 3):
        one.take(Telling("firing", f"a{number}", "high", "info", "", "", "rss", 1, 1, 1))
    assert left_out == ["a0", "a1", "a2"], "the oldest"
    assert "left out" in one.problem


async def test_a_database_that_is_down_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        write = stand.database.write

        async def down(work: object) -> None:
            raise StorageFailure("down", actual="it is down")

        stand.database.write = down
        stand.fire()
        await stand.channel.until(1)
        assert [one.rule for one in await stand.alerts.history()] == ["high"]
        stand.database.write = write
        await stand.alerts.flush()
        stand.alerts = stand.made()
        async with stand.at_work() as again:
            assert again.firing()


async def test_a_rule_that_is_taken_out_of_the_file_ends_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    async with Stand(tmp_path).working() as stand:
        stand.fire()
        await stand.channel.until(1)
        stand.path.write_text(RULES + "above = = 1\n")
        await stand.alerts._read_rules()
        assert stand.alerts.firing()
        assert stand.alerts.rules.problems[0].line
        stand.path.write_text("")
        await stand.alerts._read_rules()
        assert not stand.alerts.firing()
        await stand.channel.until(2)
        assert not stand.alerts.rules.problems
