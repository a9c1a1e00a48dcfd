"""What resources follow: weights go with demand and record, slowly and within bounds; room goes to where it spares."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from alma.db.database import Database
from alma.db.learning_tables import shares as rows
from alma.engine.budget import LEAST_PART, MOST_PART, share
from alma.engine.dispatch import Demand
from alma.engine.fairness import LEAST, MOST
from alma.engine.state import TaskState
from alma.learner.rooms import FLOOR, MIB, Room, divided, heard
from alma.learner.rooms import moved as rooms_moved
from alma.learner.share_store import ShareStore
from alma.learner.shares import ALL, KEPT_S, POINT_S, WARM, WARM_EVERY_S, Kept, Shares, Store
from alma.learner.weights import Moved, Record, goals, moved, warm_first
from alma.plan import MAIN, PlanTask

ROLES = ("writer", "coder", "analyst")
demands = st.dictionaries(
    st.sampled_from(ROLES), st.builds(Demand, st.integers(0, 10_000), st.integers(0, 100), st.floats(0, 1e4))
)
records = st.dictionaries(st.sampled_from(ROLES), st.builds(Record, st.floats(0, 1), st.floats(0, 1e4)))


@given(st.lists(st.tuples(demands, records), max_size=30))
def test_weights_stay_in_bounds_and_move_slowly(
    history: list[tuple[dict[str, Demand], dict[str, Record]]],
) -> None:
    weights: Mapping[str, Moved] = {}
    for demand, record in history:
        before, weights = weights, moved(weights, demand, record)
        for role, one in weights.items():
            assert LEAST <= one.weight <= MOST
            assert LEAST <= one.goal <= MOST
            assert abs(one.weight - (before[role].weight if role in before else 1.0)) <= 0.2 * (MOST - LEAST) + 1e-9


def test_demand_and_record_raise_a_weight_and_what_is_alike_weighs_alike() -> None:
    alike = goals({role: Demand(5, 1) for role in ROLES}, {role: Record(0.6, 20) for role in ROLES})
    assert set(alike.values()) == {1.0}
    wanted = goals({"writer": Demand(20, 1), "coder": Demand(2, 1)}, {})
    assert wanted["writer"] > 1 > wanted["coder"]
    good = goals({"writer": Demand(5), "coder": Demand(5)}, {"writer": Record(0.9, 40), "coder": Record(0.3, 40)})
    assert good["writer"] > 1 > good["coder"]
    unsure = goals({"writer": Demand(5), "coder": Demand(5)}, {"writer": Record(0.9, 1), "coder": Record(0.3, 1)})
    assert good["writer"] > unsure["writer"] > 1


def test_only_one_role_that_is_wanted_weighs_what_it_always_does() -> None:
    assert goals({"writer": Demand(500)}, {"writer": Record(1.0, 100)}) == {"writer": 1.0}


def test_what_nothing_waits_for_goes_back_and_is_named_no_more() -> None:
    weights: Mapping[str, Moved] = {"writer": Moved(2.0, 2.0, "")}
    seen: list[float] = []
    while weights:
        seen.append(weights["writer"].weight)
        weights = moved(weights, {}, {})
        assert len(seen) < 100
    assert seen == sorted(seen, reverse=True)


def test_roles_are_made_ready_by_demand_times_record() -> None:
    known = {"coder": Record(0.9, 9), "analyst": Record(0.2, 9)}
    assert warm_first({"writer": 4, "coder": 3, "analyst": 9, "critic": 0.001}, known, 3) == [
        "coder",
        "writer",
        "analyst",
    ]
    assert warm_first({"writer": 4, "coder": 3}, known, 1) == ["coder"]


# ── room ──────────────────────────────────────────────────────────────────────────────────────────────────────────

rooms = st.lists(
    st.builds(lambda usual, spares: (usual, spares), st.integers(1024, 1 << 30), st.floats(1e-6, 10)),
    min_size=2,
    max_size=5,
).map(lambda found: [Room(str(number), usual, usual, spares) for number, (usual, spares) in enumerate(found)])


@given(rooms, st.lists(st.lists(st.integers(0, 1000), min_size=5, max_size=5), max_size=60))
def test_the_whole_stays_the_same_and_every_store_keeps_its_floor(start: list[Room], losses: list[list[int]]) -> None:
    now, returns = start, [0] * len(start)
    for lost in losses:
        returns = [before + more for before, more in zip(returns, lost, strict=False)]
        now = rooms_moved([heard(room, count) for room, count in zip(now, returns, strict=True)])
        assert sum(room.most for room in now) == sum(room.usual for room in start)
        assert all(room.floor <= room.most <= room.ceiling for room in now)


def test_room_goes_to_where_something_is_missed_and_says_so() -> None:
    now = [Room("vectors", 8 * MIB, 8 * MIB, 0.01), Room("answers", 8 * MIB, 8 * MIB, 0.001)]
    for step in range(1, 100):
        now = rooms_moved([heard(now[0], 50 * step), heard(now[1], 0)])
    vectors, answers = now
    assert answers.most == answers.floor == int(8 * MIB * FLOOR)
    assert vectors.most == 16 * MIB - answers.most
    assert "let go" in vectors.why
    assert "vectors" in answers.why


def test_where_nothing_is_missed_nothing_moves() -> None:
    now = [Room("vectors", MIB, MIB, 0.01), Room("answers", MIB, MIB, 0.001)]
    assert rooms_moved([heard(room, 0) for room in now]) == now


@given(rooms, st.integers(1 << 20, 1 << 36))
def test_another_budget_is_divided_as_the_usual_one(start: list[Room], whole: int) -> None:
    parts = divided(whole, start)
    assert sum(part.most for part in parts) == whole
    for before, part in zip(start[:-1], parts[:-1], strict=True):
        assert part.most == pytest.approx(before.usual / sum(room.usual for room in start) * whole, abs=1)


# ── shares of a plan's budget ─────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1000, 100_000), st.lists(st.floats(0.5, 2.0), min_size=1, max_size=8))
def test_shares_of_a_plan_follow_weights_within_bounds_and_within_the_whole(budget: int, weights: list[float]) -> None:
    tasks = {MAIN: TaskState(MAIN, budget_tokens=budget, open_children=len(weights))}
    of = {f"role{number}": weight for number, weight in enumerate(weights)}
    for number, role in enumerate(of, 1):
        tasks[str(number)] = TaskState(str(number), role=role, spec=PlanTask(str(number), role, "g"))
        tasks[MAIN].children.append(str(number))
    for number in range(1, len(weights) + 1):
        task = tasks[str(number)]
        equal = share(tasks, task, 0)
        task.budget_tokens = share(tasks, task, 0, of.__getitem__)
        assert int(LEAST_PART * equal) <= task.budget_tokens <= MOST_PART * equal + 1
        assert share(tasks, task, 0, lambda _role: 1.0) == pytest.approx(equal, abs=1)
        task.begun = 1
    assert sum(task.budget_tokens for task in tasks.values() if task.id != MAIN) <= budget


# ── the loop ──────────────────────────────────────────────────────────────────────────────────────────────────────


class World:
    """A queue, a store and prompts to be read, as `Shares` sees them."""

    def __init__(self, most_bytes: int = 0) -> None:
        self.now = 1000.0
        self.demand: dict[tuple[str, str], Demand] = {}
        self.sizes: dict[str, int] = {}
        self.returns = {"vectors": 0, "answers": 0}
        self.warmed: list[list[str]] = []
        self.idle = True
        stores = [self.store("vectors"), self.store("answers")]
        self.shares = Shares(
            lambda: self.demand,
            lambda owner, role: Record(0.9, 50) if (owner, role) == ("ada", "writer") else Record(0.4, 50),
            stores,
            self.warm,
            lambda: self.now,
            most_bytes,
        )

    def store(self, name: str) -> Store:
        def resize(most: int) -> None:
            self.sizes[name] = most

        return Store(name, MIB, 0.01, lambda: (0, 3, 1, self.returns[name]), resize)

    def warm(self, roles: list[str]) -> bool:
        if self.idle:
            self.warmed.append(roles)
        return self.idle

    def steps(self, count: int, seconds: float = 5.0) -> None:
        for _ in range(count):
            self.now += seconds
            self.shares.step()


def test_owners_move_only_their_own_weights() -> None:
    world = World()
    world.demand = {(owner, role): Demand(5, 1) for owner in ("ada", "bob") for role in ("writer", "coder")}
    world.steps(30)
    assert world.shares.weight("ada", "writer") > 1.3 > 1 > world.shares.weight("ada", "coder")
    assert world.shares.weight("bob", "writer") == world.shares.weight("bob", "coder") == 1.0
    assert world.shares.weight("ada", "nobody") == 1.0
    assert set(world.shares.demands("bob")) == {"writer", "coder"}
    assert world.shares.merit("ada", "writer") > 1 > world.shares.merit("ada", "coder")


def test_the_last_hour_is_kept_and_no_more() -> None:
    world = World()
    world.demand = {("ada", "writer"): Demand(5, 1), ("ada", "coder"): Demand(1, 1)}
    world.steps(2000)
    points = world.shares.history("ada")
    assert points[-1].at - points[0].at <= KEPT_S
    assert len(points) == pytest.approx(KEPT_S / POINT_S, abs=2)
    assert set(points[-1].weights) == {"writer", "coder"}
    world.demand = {}
    world.steps(2000)
    assert world.shares.history("ada") == []
    assert world.shares.weights("ada") == {}


def test_room_moves_while_it_runs_and_a_given_budget_is_divided_at_once() -> None:
    world = World(most_bytes=4 * MIB)
    assert world.sizes == {"vectors": 2 * MIB, "answers": 2 * MIB}
    for _ in range(5):
        world.returns["vectors"] += 10
        world.steps(1)
    assert world.sizes["vectors"] > 2 * MIB > world.sizes["answers"]
    assert sum(world.sizes.values()) == 4 * MIB
    assert [(one.hits, one.misses) for one in world.shares.stored()] == [(3, 1), (3, 1)]


def test_prompts_are_made_ready_when_there_is_time_and_not_too_often() -> None:
    world = World()
    world.idle = False
    world.demand = {
        ("ada", "writer"): Demand(2),
        ("ada", "coder"): Demand(2),
        ("bob", "a"): Demand(1),
        ("bob", "b"): Demand(1),
    }
    world.steps(20)
    assert world.shares.warm_roles == []
    world.idle = True
    world.steps(1)
    assert world.shares.warm_roles == world.warmed[0]
    assert world.warmed[0][0] == "writer"
    assert len(world.warmed[0]) == WARM
    world.steps(int(WARM_EVERY_S / 5) * 3)
    assert len(world.warmed) == 4


async def test_it_runs_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alma.learner.shares.EVERY_S", 0.0)
    world = World()
    world.demand = {("ada", "writer"): Demand(5, 1), ("ada", "coder"): Demand(1, 1)}
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(world.shares.run())
        while world.shares.weight("ada", "writer") == 1.0:
            await asyncio.sleep(0)
        running.cancel()


# ── over a restart ────────────────────────────────────────────────────────────────────────────────────────────────


def moved_world() -> World:
    world = World()
    world.demand = {("ada", "writer"): Demand(5, 1), ("ada", "coder"): Demand(1, 1)}
    world.returns["vectors"] = 10
    world.steps(30)
    return world


def test_what_moved_is_taken_up_again_and_is_as_old_as_it_is() -> None:
    before = moved_world()
    at_once, later, much_later = World(), World(), World()
    for world, seconds in ((at_once, 0.0), (later, 20.0), (much_later, KEPT_S + 1)):
        world.now = before.now + seconds
        world.shares.resume(before.shares.kept())
    assert at_once.shares.weight("ada", "writer") == pytest.approx(before.shares.weight("ada", "writer"), abs=1e-4)
    assert at_once.shares.history("ada") == before.shares.history("ada")
    assert at_once.sizes == {name: size for name, size in before.sizes.items() if size != MIB}
    assert [one.room.most for one in at_once.shares.stored()] == [one.room.most for one in before.shares.stored()]
    before.demand = {}
    before.steps(4)
    assert later.shares.weight("ada", "writer") == pytest.approx(before.shares.weight("ada", "writer"), abs=1e-3)
    assert (much_later.shares.weights("ada"), much_later.shares.history("ada")) == ({}, [])
    at_once.idle = later.idle = True
    at_once.steps(1)
    assert at_once.shares.warm_roles[:2] == ["writer", "coder"]


@pytest.mark.parametrize(
    "sizes", [{"vectors": MIB}, {"vectors": MIB, "answers": MIB + 1}, {"vectors": 0, "answers": 2 * MIB}]
)
def test_room_of_other_stores_or_of_another_budget_is_not_taken_up(sizes: dict[str, int]) -> None:
    world = World()
    world.shares.resume({ALL: Kept(world.now, rooms=sizes)})
    assert (world.sizes, {one.room.most for one in world.shares.stored()}) == ({}, {MIB})


async def test_shares_are_kept_in_the_database(database_url: str) -> None:
    database = Database(database_url)
    database.open()
    before = moved_world()
    await ShareStore(database, before.shares).save()
    await database.write(lambda connection: connection.execute(rows.insert(), [{"owner": "odd", "data": "no"}]))
    after = World()
    after.now = before.now
    store = ShareStore(database, after.shares)
    await store.open()
    assert after.shares.weights("ada").keys() == before.shares.weights("ada").keys()
    assert after.shares.history("ada") == before.shares.history("ada")
    after.steps(100, 60.0)
    await store.save()
    kept = await database.read(lambda connection: connection.execute(sa.select(rows.c.owner)).scalars().all())
    assert kept == [ALL], "who has no share any more has no row"
    database.close()
