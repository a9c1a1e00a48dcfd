"""Who does a task: which ways there are, what is believed of them, and that the odds told are those that hold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from alma.agent.roles import Roles
from alma.agent.task import Task
from alma.db.database import Database
from alma.errors import NotFound
from alma.events import RouteChosen
from alma.learned import Choice
from alma.learner.choosing import Choosing
from alma.learner.kinship import Kinship, _Known
from alma.learner.paces import Paces
from alma.learner.preferences import Preference
from alma.learner.version_records import Policy
from alma.learning.outcome import Outcome, Part, TaskOutcome, item_id
from alma.learning.records import Records
from alma.learning.reward import Weights
from alma.learning.tally import Sums
from alma.memory.embedder import Embedder
from alma.model_call import Sampling
from alma.models.chat import ChatModel
from alma.models.remote import ModelInfo
from alma.models.scripted import ScriptedModel
from planned import role_file


def wishes(exploration: float, time: float = 0.0) -> Preference:
    return Preference(on=True, exploration=exploration, time=time, money=0.0, weights=Weights())


KIND = "task:writer"


class Kept:
    """Records by owner, as the books have them."""

    def __init__(self) -> None:
        self.owners: dict[str, Records] = {}

    def tally(self, owner: str, item: str, context: str) -> Sums:
        return self.owners[owner].sums(item, context) if owner in self.owners else Sums()

    def beliefs(self, owner: str, what: str = "", context: str | None = None) -> list[Part]:
        found = self.owners[owner].items() if owner in self.owners else []
        return [Part(item, of) for item, of in found if item.startswith(what) and of == context]


class Models:
    """`down`: endpoints that take no calls."""

    def __init__(self) -> None:
        self.down: set[str] = set()

    def resolve(self, model_id: str | None) -> tuple[ChatModel, ModelInfo]:
        if model_id is not None and model_id.startswith("gone/"):
            raise NotFound("unknown_model", f"There is no model {model_id}.")
        id = model_id or "usual/one"
        endpoint, _, name = id.partition("/")
        return ScriptedModel(), ModelInfo(id, endpoint, name, 4096, tiny=False, kind="scripted")

    def well(self, info: ModelInfo) -> bool:
        return info.endpoint not in self.down


class Desk:
    """Choosing with what it needs. `say`: that runs came out so, which were done by these arms."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.books = Kept()
        self.models = Models()
        self.preference = wishes(exploration=0.3)
        self.busy: Callable[[str], float] = lambda _role: 0.0
        self.database = database
        self.paces = Paces(database)
        self.roles = Roles(folder)
        self.kinship = Kinship(self.roles, Embedder(Path("nowhere")))
        self.count = 0

    def role(self, name: str, **fields: object) -> None:
        role_file(self.folder, name, **fields)  # type: ignore[arg-type]
        self.roles = Roles(self.folder)

    def choosing(self) -> Choosing:
        return Choosing(
            self.roles,
            self.models,
            self.books,
            self.paces,
            self.kinship,
            wish=lambda _owner: self.preference,
            well=self.models.well,
            busy=lambda role: self.busy(role),
        )

    def say(self, arm: str, reward: float, times: int = 1, *, owner: str = "ada", ms: float = 1000.0) -> None:
        for _ in range(times):
            self._done(arm.partition("|")[0] or "writer", reward, owner, ms, [Choice("arm", arm, context=KIND)])

    def before(self, times: int) -> None:
        """Runs of which something was said before there was anything to choose."""
        for _ in range(times):
            self._done("writer", 0.6, "ada", 1000.0, [])

    def _done(self, role: str, reward: float, owner: str, ms: float, choices: list[Choice]) -> None:
        self.count += 1
        parts = [Part(item_id("role", role), KIND), *(Part(item_id("arm", one.chosen), KIND) for one in choices)]
        task = TaskOutcome("1", role, KIND, parts=parts, choices=choices, reward=reward, weight=1.0, ms=ms)
        outcome = Outcome(f"r{self.count}", owner, "t", float(self.count), "analytical", tasks=[task])
        self.books.owners.setdefault(owner, Records()).put(outcome)
        self.paces.told(None, outcome)

    async def choose(self, number: int = 1, *, owner: str = "ada", policy: Policy = Policy()) -> Choice | None:  # noqa: B008
        choosing = self.choosing()
        task = Task(f"run{number}", "t", owner, "Write.", task_id="1", role="writer")
        return await choosing.choose(task, self.roles.get("writer"), list, policy)

    async def chosen(self, times: int = 60, **more: str) -> dict[str, int]:
        """How often each arm is."""
        found: dict[str, int] = {}
        for number in range(times):
            choice = await self.choose(number, **more)  # type: ignore[arg-type]
            assert choice is not None
            found[choice.chosen] = found.get(choice.chosen, 0) + 1
        return found


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'alma.db'}")
    database.open()
    role_file(tmp_path / "roles", "brief", variant_of="writer")
    yield Desk(tmp_path / "roles", database)
    database.close()


# ── which ways there are ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_role_without_variants_models_and_patterns_is_not_chosen_for(desk: Desk) -> None:
    task = Task("run", "t", "ada", "Find.", task_id="1", role="researcher")
    assert await desk.choosing().choose(task, desk.roles.get("researcher"), list) is None


async def test_models_that_are_gone_or_down_are_no_ways_and_the_usual_one_is_not_there_twice(desk: Desk) -> None:
    desk.role("writer", models=["big/one", "gone/one", "down/one", "usual/one"])
    desk.role("brief", variant_of="writer", model="down/one", models=["big/one"])
    desk.models.down = {"down"}
    writer = desk.roles.get("writer")
    ways = desk.choosing().ways(writer, fixed=False)
    assert [(way.role, list(way.models)) for way in ways] == [("", ["", "big/one"]), ("brief", ["big/one"])]
    desk.models.down = {"down", "usual", "big"}
    ways = desk.choosing().ways(writer, fixed=False)
    assert [(way.role, list(way.models)) for way in ways] == [("", [""])], "somebody has to do it"


async def test_the_users_own_model_is_never_chosen_against(desk: Desk) -> None:
    desk.role("writer", models=["big/one"])
    task = Task("run", "t", "ada", "Write.", task_id="1", role="writer", model="mine/one")
    choice = await desk.choosing().choose(task, desk.roles.get("writer"), list)
    assert choice is not None
    assert [one.id for one in choice.options] == ["||", "brief||"]


async def test_patterns_of_the_runs_own_task_are_ways_and_at_most_twelve_are_looked_at(desk: Desk) -> None:
    names = [f"v{number}" for number in range(4)]
    for name in names:
        desk.role(name, variant_of="manager")
    sampling = Sampling()
    route = RouteChosen(
        at=0.0,
        kind="analytical",
        source="user",
        scores={},
        neighbours=[],
        role="manager",
        prompt_version="",
        sampling=sampling,
    )
    task = Task("run", "t", "ada", "Compare.", role="manager", route=route)
    manager = desk.roles.get("manager")
    choice = await desk.choosing().choose(task, manager, lambda: ["options", "causes", "direct"])
    assert choice is not None
    assert choice.context == "analytical"
    assert len(choice.options) == 12
    assert [one.id for one in choice.options][:3] == ["||", "||causes", "||direct"]


# ── what is believed ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_better_is_chosen_more_and_the_odds_told_are_those_that_hold(desk: Desk) -> None:
    desk.say("||", 0.2, 12)
    desk.say("brief||", 0.95, 12)
    found = await desk.chosen(40)
    assert found["brief||"] >= 36
    choice = await desk.choose()
    assert choice is not None
    assert sum(one.share for one in choice.options) == pytest.approx(1.0)
    usual, brief = choice.options
    assert (usual.weight, brief.weight) == (pytest.approx(12, rel=0.1), pytest.approx(12, rel=0.1))
    assert usual.mean < 0.4 < 0.8 < brief.mean
    assert choice.propensity == next(one.share for one in choice.options if one.id == choice.chosen)


async def test_exploration_stays_within_its_budget_and_is_called_so(desk: Desk) -> None:
    desk.preference = wishes(exploration=0.1)
    desk.before(6)
    found = [await desk.choose(number) for number in range(300)]
    explored = [one for one in found if one is not None and one.by == "explored"]
    assert 0 < len(explored) < 60
    assert {one.chosen for one in explored} == {"brief||"}, "nothing is known: the usual one is believed best"
    assert all(one is not None and one.options[1].share == pytest.approx(0.1) for one in found)


async def test_of_whom_little_was_heard_tasks_are_done_as_usual(desk: Desk) -> None:
    desk.preference = wishes(exploration=1.0)
    for role in (desk.roles.get("writer"), desk.roles.get("brief")):  # what is like such tasks is not the usual one
        lines = np.eye(3, dtype=np.float32)[[int(role.name == "brief")]]
        desk.kinship._known[role.version] = _Known(lines, {KIND: np.array([0.0, 1.0, 0.0], dtype=np.float32)})
    assert await desk.chosen() == {"||": 60}
    desk.say("||", 0.9, 4)
    choice = await desk.choose()
    assert choice is not None
    assert (choice.chosen, choice.propensity, choice.by) == ("||", 1.0, "learned")
    assert [(one.id, one.share) for one in choice.options] == [("||", 1.0), ("brief||", 0.0)]
    assert desk.choosing().waits("ada", desk.roles.get("writer"), KIND)
    desk.say("||", 0.9, 2)
    assert not desk.choosing().waits("ada", desk.roles.get("writer"), KIND)
    assert (await desk.chosen())["brief||"] > 1
    assert desk.choosing().waits("bob", desk.roles.get("writer"), KIND), "what others say is nothing to him"


def test_until_all_are_known_all_roles_are_as_like_as_each_other(desk: Desk) -> None:
    writer, brief = desk.roles.get("writer"), desk.roles.get("brief")
    both = {"": writer, "brief": brief}
    line = np.array([[1.0, 0.0]], dtype=np.float32)
    desk.kinship._known[writer.version] = _Known(line, {KIND: line[0]})
    assert desk.kinship.likeness(both, writer, KIND) == {"": 0.0, "brief": 0.0}, "its embedder may be away for long"
    desk.kinship._known[brief.version] = _Known(np.array([[0.6, 0.8]], dtype=np.float32), {})
    assert desk.kinship.likeness(both, writer, KIND) == pytest.approx({"": 1.0, "brief": 0.6})
    assert desk.kinship.likeness(both, writer, "chat") == {"": 0.0, "brief": 0.0}, "nobody said what such tasks are"


async def test_without_exploration_the_usual_one_stays_until_a_better_one_is_well_known(desk: Desk) -> None:
    desk.preference = wishes(exploration=0.0)
    desk.say("||", 0.1, 5)
    assert await desk.chosen() == {"||": 60}, "bad, but the other is a stranger"
    desk.say("brief||", 1.0, 4)
    assert await desk.chosen() == {"||": 60}
    desk.say("brief||", 1.0, 6)
    assert await desk.chosen() == {"brief||": 60}


async def test_owners_do_not_move_each_other(desk: Desk) -> None:
    desk.say("||", 0.6, 6, owner="bob")
    before = [await desk.choose(number, owner="bob") for number in range(20)]
    desk.say("brief||", 1.0, 30)
    desk.say("||", 0.0, 30)
    assert [await desk.choose(number, owner="bob") for number in range(20)] == before


async def test_the_same_task_is_chosen_for_alike_again(desk: Desk) -> None:
    desk.preference = wishes(exploration=1.0)
    desk.before(6)
    first = [await desk.choose(number) for number in range(30)]
    assert [await desk.choose(number) for number in range(30)] == first
    assert len({one.chosen for one in first if one is not None}) == 2


async def test_what_takes_longer_loses_as_much_as_its_owner_says(desk: Desk) -> None:
    await desk.paces.of("ada")
    desk.say("||", 0.8, 10, ms=1000)
    desk.say("brief||", 0.8, 10, ms=4000)
    desk.preference = wishes(exploration=1.0, time=0.2)
    choice = await desk.choose()
    assert choice is not None
    assert [one.cost for one in choice.options] == pytest.approx([0.0, 0.3])
    assert choice.options[0].share > 0.95
    desk.preference = wishes(exploration=1.0)
    choice = await desk.choose()
    assert choice is not None
    assert choice.options[0].share < 0.92, "who does not mind the time tries both"


async def test_of_two_that_are_as_good_the_less_busy_one_does_it(desk: Desk) -> None:
    desk.preference = wishes(exploration=0.0)
    for _ in range(20):
        desk.say("||", 0.8)
        desk.say("brief||", 0.8)
    (first,) = await desk.chosen(5)
    other = "brief||" if first == "||" else "||"
    names = {"||": "writer", "brief||": "brief"}
    desk.busy = {names[first]: 1.5, names[other]: 0.5}.__getitem__
    assert set(await desk.chosen(5)) == {other}
    choice = await desk.choose()
    assert choice is not None
    assert (choice.propensity, choice.by) == (1.0, "learned")


async def test_a_policy_pins_forbids_and_says_what_to_expect(desk: Desk) -> None:
    desk.role("terse", variant_of="writer")
    pinned = await desk.choose(policy=Policy(pinned="brief||"))
    assert pinned is not None
    assert (pinned.chosen, pinned.propensity, pinned.options) == ("brief||", 1.0, [])
    assert await desk.choose(policy=Policy(pinned="||")) is None
    assert await desk.choose(policy=Policy(pinned="gone||")) is None, "as usual where it is not there"
    some = await desk.choose(policy=Policy(arms=["||", "terse||"], priors={"terse||": 0.7}))
    assert some is not None
    assert [one.id for one in some.options] == ["||", "terse||"]
    assert some.options[1].mean == pytest.approx(0.7)
    desk.preference = wishes(exploration=0.0)
    never = [await desk.choose(at, policy=Policy(exploration=1.0)) for at in range(40)]
    assert {one.chosen for one in never if one is not None} == {"||"}, "who wants no exploration gets none"


async def test_what_is_shown_is_what_would_be_chosen_now(desk: Desk) -> None:
    desk.say("||", 0.5, 3)
    desk.say("brief||", 0.9, 3)
    desk.say("gone||", 0.9, 3)
    ranked, options = await desk.choosing().now("ada", desk.roles.get("writer"), "task:writer")
    choice = await desk.choose()
    assert choice is not None
    assert options == choice.options
    assert [one.arm.role for one in ranked] == ["", "brief"], "what cannot be chosen is not shown"
    assert "usual" in ranked[0].why
    desk.preference = replace(desk.preference, exploration=0.0)
    _, options = await desk.choosing().now("ada", desk.roles.get("writer"), "task:writer")
    assert [one.share for one in options] == [1.0, 0.0]
