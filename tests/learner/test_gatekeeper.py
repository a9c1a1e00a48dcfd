"""The gate with scripted rehearsals: what goes on, what goes back, what is never done twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from alma.agent.roles import Roles
from alma.db.database import Database
from alma.db.learning_tables import lessons, outcomes
from alma.db.tables import runs
from alma.errors import Conflict, ModelUnavailable, StorageFailure
from alma.learned import Choice, Trial
from alma.learner import gatekeeper
from alma.learner import version_store as store
from alma.learner.gatekeeper import Gatekeeper, Pace
from alma.learner.pairs import Pairs
from alma.learner.past_tasks import past_tasks
from alma.learner.version_evidence import dossier
from alma.learner.version_records import Stage, Version
from alma.learner.versions import Versions
from alma.learner.work import Work
from alma.learning.holdout import held_out
from alma.learning.outcome import Outcome, TaskOutcome

ROLE = "---\nname: poet\npurpose: Writes poems.\n---\nYou are a poet.\n"
BETTER = ROLE.replace("You are a poet.", "Rhyme.")
PACE = Pace(least=4, pairs=8, shadows=4, share=1.0, tokens=10_000)


class Done(Struct, frozen=True):
    run_id: str
    answer: str
    error: str = ""
    ms: float = 100.0
    tokens: int = 10
    cost: float = 0.0


class Worth:
    """The answer says what it is worth."""

    async def score(self, work: Work, answers: Sequence[str], wanted: str, schema: dict[str, Any] | None) -> float:
        return 0.0 if work.error or not work.answers else float(work.answers[0])


class House:
    """A gate over a fresh database; `candidate`, `base`: what their rehearsals are worth."""

    def __init__(self, folder: Path) -> None:
        self.folder = agents = folder / "agents"
        agents.mkdir(exist_ok=True)
        (agents / "poet.md").write_text(ROLE)
        self.database = Database(f"sqlite:///{folder / 'alma.db'}")
        self.roles = Roles(agents)
        self.now = 1000.0
        self.versions = Versions(self.database, self.roles, self.tick)
        self.rehearsed: Counter[str] = Counter()
        self.trials: list[Trial] = []
        self.given_up: list[str] = []
        self.forgotten: set[str] = set()
        self.off: set[str] = set()
        self.idle = True
        self.at_once = self.most_at_once = 0
        self.hold: asyncio.Event | None = None
        self.answer: Callable[[Trial], Done] = lambda trial: Done(f"{trial.arm}-{trial.row}", "0.8")
        self.stages: list[tuple[str, Stage]] = []
        self.versions.listen(lambda version: self.stages.append((version.id, version.stage)))
        self.gate = self.make_gate()

    def make_gate(self) -> Gatekeeper:
        pairs = Pairs(
            self.database,
            self.roles,
            self.versions,
            self.rehearse,
            self.give_up,
            self.forget,
            Worth(),
            clock=self.tick,
        )
        return Gatekeeper(
            self.database,
            self.versions,
            pairs,
            lambda: self.idle,
            on=lambda owner: owner not in self.off,
            pace=PACE,
            clock=self.tick,
            pause=self.pause,
        )

    def tick(self) -> float:
        self.now += 0.001
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    async def rehearse(
        self, owner: str, trial: Trial, text: str, *, model: Any, kind: Any, key: str, seconds: float
    ) -> Done:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.rehearsed[key] += 1
            self.trials.append(trial)
            if self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(0)
            return self.answer(trial)
        finally:
            self.at_once -= 1

    async def give_up(self, owner: str, key: str) -> None:
        self.given_up.append(key)

    async def forget(self, owner: str, names: Collection[str]) -> None:
        self.forgotten.update(names)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[House]:
        self.database.open()
        await self.versions.open()
        await self.gate.open()
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self.gate.run())
                yield self
                running.cancel()
        finally:
            self.database.close()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                await asyncio.sleep(0.002)

    async def draft(self, content: str = BETTER, *, what: Any = "prompt", runs: tuple[str, ...] = ()) -> Version:
        return await self.versions.draft("ada", what, "poet", content, title="", made_by="hand", reason="", runs=runs)

    async def past(self, count: int, *, owner: str = "ada") -> list[str]:
        """So many runs that are held out, each with an approved answer."""
        ids = [f"r_{owner}{number}" for number in range(10 * count) if held_out(f"r_{owner}{number}")][:count]

        def write(connection: Any) -> None:
            for run_id in ids:
                task = TaskOutcome("main", "poet", reward=0.7, weight=1.0)
                data = msgspec.json.encode(Outcome(run_id, owner, "t", 1.0, text="Write.", tasks=[task])).decode()
                row = {"run_id": run_id, "owner": owner, "thread_id": "t", "at": 1.0, "head": 1, "data": data}
                connection.execute(outcomes.insert().values(row))
                lesson = {"id": f"l_{run_id}", "owner": owner, "role": "poet", "run_id": run_id, "task": "Write."}
                lesson |= {"answer": "A poem.", "how": "thumb", "created_at": 1.0}
                connection.execute(lessons.insert().values(lesson))

        await self.database.write(write)
        return ids

    def live(self, number: int, reward: float | None, *, error: str = "", ms: float = 100.0) -> Outcome:
        """A run as the books tell of it, with what acted for it."""
        run_id = f"r_live{number}"
        choices = self.versions.choices("ada", "poet", run_id, "chat")
        task = TaskOutcome("main", "poet", choices=choices, reward=reward, weight=1.0, ms=ms, error=error)
        return Outcome(run_id, "ada", "t", self.tick(), text="Write.", tasks=[task])

    def mine(self, number: int) -> bool:
        """Whether that run is the candidate's."""
        (choice,) = self.versions.choices("ada", "poet", f"r_live{number}", "chat")
        return choice.propensity == 0.2

    def stage(self, version: Version) -> Stage:
        return self.versions.get("ada", version.id).stage

    async def whys(self, version: Version) -> list[str]:
        return [step.why for step in await self.database.read(lambda c: store.history(c, version.id))]


@pytest.fixture
async def house(folder: Path) -> AsyncGenerator[House]:
    made = House(folder)
    async with made.open():
        yield made


async def test_from_replay_over_shadow_and_canary_to_where_it_acts(house: House) -> None:
    past = await house.past(8)
    house.answer = lambda trial: Done(f"{trial.arm}-{trial.row}", "0.9" if trial.arm == "candidate" else "0.7")
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "shadow")
    assert house.most_at_once == 2
    assert {trial.row for trial in house.trials} == set(past)
    assert {trial.roles["poet"] for trial in house.trials if trial.arm == "candidate"} == {made.hash}
    assert {trial.roles["poet"] for trial in house.trials if trial.arm == "base"} == {house.roles.get("poet").version}
    assert set(house.rehearsed.values()) == {1}

    for number in range(4):
        house.gate.told(None, house.live(1000 + number, None))
    await house.until(lambda: house.stage(made) == "canary")
    rng = random.Random(1)
    number = 0
    while house.stage(made) == "canary" and number < 1500:
        worth = 0.85 if house.mine(number) else 0.6
        house.gate.told(None, house.live(number, min(max(rng.gauss(worth, 0.1), 0.0), 1.0)))
        number += 1
        if number % 50 == 0:
            await house.until(lambda: not house.gate._told)
            await house.gate.judge(made.id)
    await house.until(lambda: house.stage(made) == "promoted")
    found = await dossier(house.database, house.versions, "ada", made.id)
    assert [one.judgement.phase for one in found.stages] == ["replay", "shadow", "canary"]
    assert found.stages[2].judgement.judged.verdict == "better"
    assert found.stages[0].judgement.judged.difference == pytest.approx(0.2)
    assert (await house.whys(made))[-1].startswith("bets on it won")
    assert [step.by for step in found.history] == ["ada", "ada", "gate", "gate", "gate"]
    assert house.versions.get("ada", made.id).standing.tokens == 20 * 8 + 10 * 4


async def test_one_that_answers_worse_goes_back_before_a_user_sees_it(house: House) -> None:
    await house.past(8)
    house.answer = lambda trial: Done(f"{trial.arm}-{trial.row}", "0.1" if trial.arm == "candidate" else "0.9")
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "rolled_back")
    assert "worse" in (await house.whys(made))[-1]
    assert house.versions.choices("ada", "poet", "r", "chat") == []


async def test_one_that_fails_goes_back_for_its_errors(house: House) -> None:
    await house.past(8)

    def answer(trial: Trial) -> Done:
        if trial.arm == "candidate":
            raise ModelUnavailable("No model.")
        return Done(f"{trial.arm}-{trial.row}", "0.0")

    house.answer = answer
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) in ("rolled_back", "shadow"))
    assert "errors" in (await house.whys(made))[-1]


async def test_too_few_past_tasks_are_passed_over_and_the_history_says_so(house: House) -> None:
    await house.past(3)
    await house.past(20, owner="bob")
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "canary")
    assert "3 past tasks" in (await house.whys(made))[-1]
    assert not house.rehearsed


async def test_runs_that_a_draft_was_made_from_do_not_judge_it(house: House) -> None:
    past = await house.past(8)
    made = await house.draft(runs=tuple(past[:4]))
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "shadow")
    assert {trial.row for trial in house.trials} == set(past[4:])


async def test_a_policy_is_judged_by_live_tasks_only(house: House) -> None:
    await house.past(8)
    made = await house.draft('{"exploration": 0.0}', what="policy")
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "canary")
    assert not house.rehearsed


async def test_rehearsals_wait_until_nobody_is_at_work_and_stop_when_the_owner_says_so(house: House) -> None:
    await house.past(8)
    house.idle = False
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.now > 1100.0)
    assert not house.rehearsed
    house.hold = asyncio.Event()
    house.idle = True
    await house.until(lambda: len(house.rehearsed) == 2)
    await house.versions.revert("ada", made.id, by="ada", why="I have seen enough.")
    await house.until(lambda: len(house.given_up) == 2)
    assert set(house.given_up) == set(house.rehearsed)
    assert await house.database.read(lambda c: store.tried(c, made.id, "replay")) == []
    house.hold = None
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "shadow")


async def test_a_crash_in_a_replay_does_nothing_twice_that_is_written(folder: Path) -> None:
    first = House(folder)
    async with first.open():
        await first.past(8)
        made = await first.draft()
        enough = asyncio.Event()
        plain = first.answer

        def answer(trial: Trial) -> Done:
            if len(first.rehearsed) >= 7:
                enough.set()
                first.hold = asyncio.Event()
            return plain(trial)

        first.answer = answer
        await first.versions.start("ada", made.id, by="ada")
        await enough.wait()
        await first.until(lambda: first.at_once == 2)
    written = set(first.rehearsed) - {key for key, count in first.rehearsed.items() if count == 0}
    second = House(folder)
    async with second.open():
        await second.until(lambda: second.stage(made) == "shadow")
    both = set(second.rehearsed) & written
    assert len(both) <= 2, "but those that were under way, and these have a key"
    assert len(set(second.rehearsed) | written) == 16


async def test_what_acts_beside_a_version_acts_in_its_rehearsals_too(house: House) -> None:
    await house.past(4)
    acts = await house.draft()
    await house.versions.promote("ada", acts.id, by="ada", why="")
    made = await house.draft('[{"id": "n1", "text": "Count the feet."}]', what="notes")
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "shadow")
    assert {trial.roles["poet"] for trial in house.trials} == {acts.hash}
    assert {(trial.arm, trial.notes["poet"]) for trial in house.trials} == {("candidate", made.hash), ("base", "")}


async def test_for_who_turned_learning_off_nothing_is_rehearsed(house: House) -> None:
    await house.past(8)
    house.off.add("ada")
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    house.gate.stir()
    await house.until(lambda: not house.gate._work.is_set())
    assert not house.rehearsed
    house.off.clear()
    house.gate.stir("ada")
    await house.until(lambda: house.stage(made) == "shadow")


async def test_trouble_with_the_database_ends_no_trial(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [StorageFailure("The disk is full.")]

    def read(*given: Any) -> Any:
        if failures:
            raise failures.pop()
        return past_tasks(*given)

    monkeypatch.setattr(gatekeeper, "past_tasks", read)
    await house.past(8)
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "shadow")
    assert house.now > 1050.0, "not at once"


async def test_what_failed_on_both_sides_does_not_speak_for_it(house: House) -> None:
    await house.past(8)
    house.answer = lambda trial: Done(f"{trial.arm}-{trial.row}", "", error="budget_exceeded")
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "shadow")
    assert (await house.whys(made))[-1] == "0 past tasks speak not against it; 8 failed on both sides"


async def test_what_follows_in_a_conversation_is_not_done_again_without_what_was_before(house: House) -> None:
    past = await house.past(8)
    turns = [{"id": run_id, "parent_run_id": "r_before"} for run_id in [*past[:2], "r_live0"]]

    def write(connection: Any) -> None:
        for turn in turns:
            row = {"thread_id": "t", "owner": "ada", "text": "Shorter.", "head": 1, "created_at": 1.0, **turn}
            connection.execute(runs.insert().values(row))

    await house.database.write(write)
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.stage(made) == "shadow")
    assert {trial.row for trial in house.trials} == set(past[2:])
    house.trials.clear()
    for number in range(5):
        house.gate.told(None, house.live(number, None))
    await house.until(lambda: house.stage(made) == "canary")
    assert {trial.row for trial in house.trials} == {f"r_live{number}" for number in range(1, 5)}


async def test_what_is_deleted_is_neither_done_again_nor_counted(house: House) -> None:
    past = await house.past(8)
    house.hold = asyncio.Event()
    made = await house.draft()
    await house.versions.start("ada", made.id, by="ada")
    await house.until(lambda: house.at_once == 2)
    doing = house.trials[0].row
    await house.database.write(lambda c: c.execute(outcomes.delete().where(outcomes.c.run_id == doing)))
    await house.gate.forget("ada", [doing])
    assert house.forgotten == {doing}
    house.hold.set()
    await house.until(lambda: house.stage(made) == "shadow")
    found = await house.database.read(lambda c: store.tried(c, made.id, "replay"))
    assert {one.pair for one in found} == set(past) - {doing}
    house.idle = False
    for number in range(3):
        house.gate.told(None, house.live(number, None))
    await house.gate.forget("ada", ["r_live1", "r_live2"])
    assert {one.run_id for _, one in house.gate._live} <= {"r_live0"}


async def test_a_decision_that_its_owner_was_quicker_than_is_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stop the trial while the gate still looks at what would have promoted it."""
    made = await house.draft()
    await house.versions.start("ada", made.id, "canary", by="ada")
    seen = house.versions.get("ada", made.id)
    await house.versions.revert("ada", made.id, by="ada", why="It sounds wrong.")
    for late in (
        house.versions.promote("ada", made.id, by="gate", why="", seen=seen),
        house.versions.advance("ada", made.id, "canary", by="gate", why="", data="{}", seen=seen),
        house.versions.revert("ada", made.id, by="gate", why="", seen=seen),
    ):
        with pytest.raises(Conflict):
            await late
    assert house.stage(made) == "rolled_back"
    await house.versions.start("ada", made.id, "canary", by="ada")
    with pytest.raises(Conflict):
        await house.versions.promote("ada", made.id, by="gate", why="", seen=seen)
    seen = house.versions.get("ada", made.id)
    (house.folder / "poet.md").write_text(ROLE + "New.\n")
    house.roles.reload()
    with pytest.raises(Conflict):
        await house.versions.promote("ada", made.id, by="gate", why="", seen=seen)
    monkeypatch.setattr(house.versions, "find", lambda _: seen)
    await house.versions.advance("ada", made.id, "draft", by="ada", why="", data="{}")
    await house.gate.judge(made.id)
    assert house.versions.get("ada", made.id).stage == "draft"


async def test_what_was_said_of_an_earlier_time_does_not_count_in_the_watch(house: House) -> None:
    made = await house.draft()
    await house.versions.promote("ada", made.id, by="ada", why="")
    before = house.live(1, 0.1)
    await house.versions.revert("ada", made.id, by="ada", why="")
    await house.versions.promote("ada", made.id, by="ada", why="")
    house.gate.told(None, before)
    house.gate.told(None, house.live(2, 0.9))
    await house.until(lambda: not house.gate._told)
    async with asyncio.timeout(10):
        while not (found := await house.database.read(lambda c: store.tried(c, made.id, "watch"))):
            await asyncio.sleep(0.002)
    assert [one.run_id for one in found] == ["r_live2"]


async def test_late_and_missing_rewards(house: House) -> None:
    made = await house.draft()
    await house.versions.start("ada", made.id, "canary", by="ada")
    told = [house.live(number, None) for number in range(30)]
    told[7] = house.live(7, None, error="run_failed")
    for one in told:
        house.gate.told(None, one)
    await house.until(lambda: not house.gate._told)
    found = await until_tried(house, made, 30)
    assert Counter(one.reward for one in found) == {None: 29, 0.0: 1}
    late = msgspec.structs.replace(told[3], tasks=[msgspec.structs.replace(told[3].tasks[0], reward=0.9)])
    house.gate.told(told[3], late)
    house.gate.told(late, late)
    async with asyncio.timeout(10):
        while not any(one.reward == 0.9 for one in found):
            found = await until_tried(house, made, 30)
    assert Counter(one.reward for one in found) == {None: 28, 0.0: 1, 0.9: 1}
    await house.gate.forget("ada", ["r_live3", "r_live7"])
    assert len(await until_tried(house, made, 28)) == 28


async def until_tried(house: House, version: Version, count: int) -> list[Any]:
    async with asyncio.timeout(10):
        while True:
            found = await house.database.read(lambda c: store.tried(c, version.id, "canary"))
            if len(found) == count:
                return found
            await asyncio.sleep(0.002)


async def test_outcomes_of_trials_that_are_over_and_of_others_say_nothing(house: House) -> None:
    made = await house.draft()
    await house.versions.start("ada", made.id, "canary", by="ada")
    old = house.live(1, 1.0)
    await house.versions.advance("ada", made.id, "draft", by="ada", why="", data="{}")
    await house.versions.start("ada", made.id, "canary", by="ada")
    choice = Choice("prompt", made.hash, 0.2, "canary", version=made.id)
    strange = Outcome(
        "r_b", "bob", "t", house.tick(), tasks=[TaskOutcome("main", "poet", choices=[choice], reward=1.0)]
    )
    for one in (old, strange, house.live(2, 0.5)):
        house.gate.told(None, one)
    assert [one.run_id for one in await until_tried(house, made, 1)] == ["r_live2"]


async def test_one_that_drifts_after_its_promotion_goes_back(house: House) -> None:
    made = await house.draft()
    await house.versions.start("ada", made.id, "canary", by="ada")
    rng = random.Random(3)
    for number in range(60):
        house.gate.told(None, house.live(number, rng.uniform(0.6, 0.8)))
    await until_tried(house, made, 60)
    await house.versions.promote("ada", made.id, by="ada", why="It reads better.")
    for number in range(100, 160):
        house.gate.told(None, house.live(number, rng.uniform(0.6, 0.9)))
    await house.until(lambda: not house.gate._told)
    assert house.stage(made) == "promoted"
    for number in range(160, 220):
        house.gate.told(None, house.live(number, rng.uniform(0.2, 0.5)))
    await house.until(lambda: house.stage(made) == "rolled_back")
    assert "drift" in (await house.whys(made))[-1]
    assert house.versions.choices("ada", "poet", "r", "chat") == []


async def test_a_trial_ends_when_what_it_is_compared_with_changes(house: House) -> None:
    made = await house.draft()
    other = await house.draft(ROLE.replace("You are a poet.", "Other."))
    await house.versions.start("ada", made.id, "canary", by="ada")
    await house.versions.promote("ada", other.id, by="ada", why="")
    await house.until(lambda: house.stage(made) == "draft")
    assert "compared" in (await house.whys(made))[-1]


async def test_what_ended_while_nobody_looked_is_taken_up(folder: Path) -> None:
    first = House(folder)
    async with first.open():
        made = await first.draft()
        await first.versions.start("ada", made.id, "canary", by="ada")
        missed = first.live(1, 0.5)
        data = msgspec.json.encode(missed).decode()
        row = {"run_id": "r_live1", "owner": "ada", "thread_id": "t", "at": missed.at, "head": 1, "data": data}
        await first.database.write(lambda c: c.execute(outcomes.insert().values(row)))
        notes = await first.draft('[{"id": "n1", "text": "Count the feet."}]', what="notes")
        await first.versions.start("ada", notes.id, "shadow", by="ada")
    second = House(folder)
    async with second.open():
        assert [one.run_id for one in await until_tried(second, made, 1)] == ["r_live1"]
        assert second.stage(notes) == "shadow"
        for number in range(4):
            second.gate.told(None, second.live(1000 + number, None))
        await second.until(lambda: second.stage(notes) == "canary")
        assert second.stage(made) == "canary"
