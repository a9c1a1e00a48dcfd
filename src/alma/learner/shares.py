"""What resources follow: every few seconds the weights of roles, the room of stores, and whose prompts are kept ready.

Decides nothing itself (`weights.py`, `rooms.py`) and shows what was decided, with the last hour. What is asked and what
is turned comes as functions, so it knows neither queue nor stores.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from alma.engine.dispatch import Demand
from alma.engine.fairness import bounded
from alma.learner import rooms as budgets
from alma.learner.rooms import Room
from alma.learner.weights import SURE, Moved, Record, eased, moved, warm_first
from alma.learning.reward import NEUTRAL

log = logging.getLogger(__name__)
EVERY_S = 5.0
KEPT_S = 3600.0
POINT_S = 30.0  # between two points of the history
MOST_OWNERS = 1000  # whose weights are followed; of more, those without tasks have equal shares
LATELY = 0.98  # what was wanted counts so much a step later: half of it after three minutes
WARM = 3  # roles whose prompts are kept ready
WARM_EVERY_S = 60.0

ALL = ""  # what is no owner's

DemandOf = Callable[[], Mapping[tuple[str, str], Demand]]
RecordOf = Callable[[str, str], Record]  # of an owner's role


class Store(Struct, frozen=True):
    """A store of kept things. `figures`: bytes in it, hits, misses, returns; `resize`: to so many bytes. `usual`,
    `spares`: as of its room."""

    name: str
    usual: int
    spares: float
    figures: Callable[[], tuple[int, int, int, int]]
    resize: Callable[[int], None]


class Stored(Struct, frozen=True):
    """A store as it is: its room, bytes in it, hits and misses."""

    room: Room
    used: int
    hits: int
    misses: int


class Point(Struct, frozen=True):
    """The weights of an owner's roles at a time."""

    at: float
    weights: dict[str, float]


class Kept(Struct, frozen=True, omit_defaults=True):
    """What is kept of an owner over a restart: weights and history; of all together (owner ""): bytes of each store,
    and what was wanted lately. As of `at`."""

    at: float
    weights: dict[str, float] = {}
    history: list[Point] = []
    rooms: dict[str, int] = {}
    lately: dict[str, float] = {}


class Shares:
    """`warm`: read the prompts of these roles ahead, if that is of use and there is nothing else to do; whether it
    will. `most_bytes`: of all stores together, 0: what they have to begin with. `clock`: Unix seconds."""

    def __init__(
        self,
        demand: DemandOf,
        record: RecordOf,
        stores: Sequence[Store],
        warm: Callable[[list[str]], bool],
        clock: Callable[[], float],
        most_bytes: int = 0,
    ) -> None:
        self._demand = demand
        self._record = record
        self._stores = {store.name: store for store in stores}
        self._warm = warm
        self._clock = clock
        rooms = [Room(store.name, store.usual, store.usual, store.spares) for store in stores]
        self._rooms = budgets.divided(most_bytes, rooms) if most_bytes and rooms else rooms
        for room in self._rooms:
            if room.most != self._stores[room.name].usual:
                self._stores[room.name].resize(room.most)
        self._moved: dict[str, dict[str, Moved]] = {}  # by owner, then role
        self._history: dict[str, deque[Point]] = {}
        self._lately: dict[str, float] = {}  # by role
        self._records: dict[str, Record] = {}  # by role, of those who wanted it last
        self._warm_at = 0.0
        self.warm_roles: list[str] = []

    # ── what others ask ───────────────────────────────────────────────────────────────────────────────────────────

    def weight(self, owner: str, role: str) -> float:
        one = self._moved.get(owner, {}).get(role)
        return one.weight if one is not None else 1.0

    def merit(self, owner: str, role: str) -> float:
        """What a role's part of a plan's budget weighs: by its record alone, for who has a part in a plan is wanted."""
        record = self._record(owner, role)
        sure = record.weight / (record.weight + SURE)
        return bounded(2.0 ** (2.0 * (record.mean - NEUTRAL) * sure))

    def weights(self, owner: str) -> dict[str, Moved]:
        return dict(self._moved.get(owner, {}))

    def demands(self, owner: str) -> dict[str, Demand]:
        return {role: demand for (whose, role), demand in self._demand().items() if whose == owner}

    def record(self, owner: str, role: str) -> Record:
        return self._record(owner, role)

    def history(self, owner: str) -> list[Point]:
        return list(self._history.get(owner, ()))

    def stored(self) -> list[Stored]:
        found: list[Stored] = []
        for room in self._rooms:
            used, hits, misses, _ = self._stores[room.name].figures()
            found.append(Stored(room, used, hits, misses))
        return found

    # ── over a restart ────────────────────────────────────────────────────────────────────────────────────────────

    def kept(self) -> dict[str, Kept]:
        """By owner."""
        now = self._clock()
        rooms = {room.name: room.most for room in self._rooms}
        found = {ALL: Kept(now, rooms=rooms, lately={role: round(one, 3) for role, one in self._lately.items()})}
        for owner in {**self._history, **self._moved}:
            weights = {role: round(one.weight, 4) for role, one in self._moved.get(owner, {}).items()}
            found[owner] = Kept(now, weights, list(self._history.get(owner, ())))
        return found

    def resume(self, kept: Mapping[str, Kept]) -> None:
        """Go on from there; since then there was nothing to do."""
        now = self._clock()
        for owner, one in kept.items():
            steps = max(now - one.at, 0.0) / EVERY_S
            if owner == ALL:
                self._lately = {role: count * LATELY**steps for role, count in one.lately.items()}
                self._resume_rooms(one.rooms)
                continue
            if weights := eased(one.weights, steps):
                self._moved[owner] = weights
            if points := [point for point in one.history if now - KEPT_S <= point.at <= now]:
                self._history[owner] = deque(points)

    def _resume_rooms(self, sizes: Mapping[str, int]) -> None:
        """Unless the stores, or the whole that they share, are others by now."""
        if {room.name for room in self._rooms} != set(sizes):
            return
        found = [replace(room, most=sizes[room.name], why="As it was before the start.") for room in self._rooms]
        fits = all(room.floor <= room.most <= room.ceiling for room in found)
        if not fits or sum(sizes.values()) != sum(room.most for room in self._rooms):
            return
        self._rooms = found
        for room in found:
            self._stores[room.name].resize(room.most)

    # ── moving ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.step()

    def step(self) -> None:
        """Move all by one step."""
        now, demand = self._clock(), self._demand()
        self._move_weights(now, demand)
        self._move_rooms()
        self._keep_warm(now, demand)

    def _move_weights(self, now: float, demand: Mapping[tuple[str, str], Demand]) -> None:
        wanted: dict[str, dict[str, Demand]] = {}
        for (owner, role), one in demand.items():
            wanted.setdefault(owner, {})[role] = one
        for owner in {**self._moved, **wanted}:
            demands = wanted.get(owner, {})
            if owner not in self._moved and len(self._moved) >= MOST_OWNERS:
                continue
            records = {role: self._record(owner, role) for role in demands}
            self._records |= records
            after = moved(self._moved.get(owner, {}), demands, records)
            if after:
                self._moved[owner] = after
            else:
                self._moved.pop(owner, None)
            self._note(owner, now, after)
        for owner in [owner for owner, points in self._history.items() if points[-1].at < now - KEPT_S]:
            del self._history[owner]

    def _note(self, owner: str, now: float, after: Mapping[str, Moved]) -> None:
        points = self._history.get(owner)
        if points is not None and now - points[-1].at < POINT_S and after:
            return
        if points is None:
            if not after:
                return
            points = self._history[owner] = deque()
        points.append(Point(now, {role: round(one.weight, 4) for role, one in after.items()}))
        while points[0].at < now - KEPT_S:
            points.popleft()

    def _move_rooms(self) -> None:
        before = {room.name: room.most for room in self._rooms}
        counted = [budgets.heard(room, self._stores[room.name].figures()[3]) for room in self._rooms]
        self._rooms = budgets.moved(counted)
        for room in self._rooms:
            if room.most != before[room.name]:
                self._stores[room.name].resize(room.most)

    def _keep_warm(self, now: float, demand: Mapping[tuple[str, str], Demand]) -> None:
        new: Counter[str] = Counter()
        for (_, role), one in demand.items():
            new[role] += one.queued + one.active
        lately = {role: self._lately.get(role, 0.0) * LATELY + new[role] for role in {**self._lately, **new}}
        self._lately = {role: count for role, count in lately.items() if count > 0.005}
        self._records = {role: record for role, record in self._records.items() if role in self._lately}
        roles = warm_first(self._lately, self._records, WARM)
        if roles and now - self._warm_at >= WARM_EVERY_S and self._warm(roles):
            self._warm_at, self.warm_roles = now, roles
