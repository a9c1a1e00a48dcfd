"""All that is believed for one owner: a function of the outcomes of that owner's runs, and of nothing else. Pure.

Outcomes may be put, replaced and dropped in any order: what is believed follows from which there are, and is to the
last digit what it would be had they been put afresh, oldest first. A run counts in every context of which one of its
tasks says anything, at its place in the order in which the runs ended: that is its tick. Of an owner the newest `most`
runs are kept; what is older weighs a twentieth of what it did, and less.
"""

from __future__ import annotations

import bisect

from msgspec import Struct

from alma.learning.outcome import Outcome, TaskOutcome
from alma.learning.tally import Evidence, Sums, Tally

MOST_RUNS = 2_000
Place = tuple[float, str]  # when a run ended, and its id


class Piece(Struct, frozen=True):
    """What one task says of an item: `weight` by its share of the credit. `tick`: of its run in the context."""

    outcome: Outcome
    task: TaskOutcome
    share: float
    reward: float
    weight: float
    tick: int


class _Said(Struct, frozen=True):
    place: Place
    task: TaskOutcome
    share: float


class _Context:
    """`places`: of the runs that count in it, in order; `gone`: how many came before those. `moved`: how often ticks
    have changed under what was counted."""

    __slots__ = ("gone", "moved", "places")

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.gone = 0
        self.moved = 0

    def tick(self, place: Place) -> int:
        return self.gone + bisect.bisect_left(self.places, place) + 1

    @property
    def now(self) -> int:
        return self.gone + len(self.places)


class _Item:
    """`said`: by run and task; `tally`: of it, as of `moved` of its context; `sums`: as of tick `at`."""

    __slots__ = ("at", "moved", "said", "sums", "tally")

    def __init__(self) -> None:
        self.said: dict[str, _Said] = {}
        self.tally = Tally()
        self.moved = -1
        self.sums: Sums | None = None
        self.at = -1


class Records:
    def __init__(self, most: int = MOST_RUNS) -> None:
        self._most = most
        self._runs: dict[str, Outcome] = {}
        self._order: list[Place] = []
        self._contexts: dict[str, _Context] = {}
        self._items: dict[tuple[str, str], _Item] = {}

    def __len__(self) -> int:
        """Runs that are kept."""
        return len(self._runs)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._runs

    def put(self, outcome: Outcome) -> None:
        """In place of what was known of its run."""
        known = self._runs.get(outcome.run_id)
        if known is not None and (known.at != outcome.at or _contexts(known) != _contexts(outcome)):
            self.drop(outcome.run_id)
            known = None
        if known is not None:
            self._unsay(known)
        else:
            place = (outcome.at, outcome.run_id)
            bisect.insort(self._order, place)
            for context in _contexts(outcome):
                self._enter(self._contexts.setdefault(context, _Context()), place)
        self._runs[outcome.run_id] = outcome
        self._say(outcome)
        if len(self._order) > self._most:
            self._retire(self._order[0][1])

    def drop(self, run_id: str) -> Outcome | None:
        """It says nothing any more, and was never there. Gives what it had said."""
        outcome = self._runs.get(run_id)
        if outcome is not None:
            place = self._remove(outcome)
            for name in _contexts(outcome):
                context = self._contexts[name]
                at = bisect.bisect_left(context.places, place)
                del context.places[at]
                context.moved += at < len(context.places)
                self._tidy(name)
        return outcome

    def sums(self, item: str, context: str) -> Sums:
        found = self._items.get((item, context))
        if found is None:
            return Sums()
        now = self.tick(context)
        if found.sums is None or found.at != now or found.moved != self._contexts[context].moved:
            found.sums, found.at = self._tally(found, context).sums(now), now
        return found.sums

    def tick(self, context: str) -> int:
        """The last one in it; only differences mean anything."""
        found = self._contexts.get(context)
        return found.now if found is not None else 0

    def newest_at(self, item: str, context: str) -> float:
        """When the last run that speaks of it ended; 0: none does."""
        found = self._items.get((item, context))
        return max(one.place[0] for one in found.said.values()) if found is not None else 0.0

    def ticks(self, run_id: str) -> dict[str, int]:
        outcome = self._runs.get(run_id)
        if outcome is None:
            return {}
        return {name: self._contexts[name].tick((outcome.at, run_id)) for name in sorted(_contexts(outcome))}

    def items(self) -> list[tuple[str, str]]:
        """All items of which anything is known, each with a context."""
        return list(self._items)

    def pieces(self, item: str, context: str) -> list[Piece]:
        """Oldest first."""
        found = self._items.get((item, context))
        if found is None:
            return []
        said = sorted(found.said.items(), key=lambda one: (one[1].place, one[0]))
        tick = self._contexts[context].tick
        return [
            Piece(
                self._runs[one.place[1]],
                one.task,
                one.share,
                one.task.reward or 0.0,
                one.task.weight * one.share,
                tick(one.place),
            )
            for _, one in said
        ]

    def shares(self, item: str, context: str) -> list[float]:
        """What each of `pieces` still counts of its weight, in their order."""
        found = self._items.get((item, context))
        return self._tally(found, context).shares(self.tick(context)) if found is not None else []

    def outcomes(self) -> list[Outcome]:
        """Oldest first."""
        return [self._runs[run_id] for _, run_id in self._order]

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _enter(self, context: _Context, place: Place) -> None:
        at = bisect.bisect_left(context.places, place)
        context.moved += at < len(context.places)
        context.places.insert(at, place)

    def _retire(self, run_id: str) -> None:
        """The oldest run goes; the ticks of all others stay."""
        outcome = self._runs[run_id]
        self._remove(outcome)
        for name in _contexts(outcome):
            context = self._contexts[name]
            del context.places[0]
            context.gone += 1
            self._tidy(name)

    def _remove(self, outcome: Outcome) -> Place:
        place = (outcome.at, outcome.run_id)
        self._unsay(outcome)
        del self._order[bisect.bisect_left(self._order, place)]
        del self._runs[outcome.run_id]
        return place

    def _tidy(self, name: str) -> None:
        if not self._contexts[name].places:
            del self._contexts[name]

    def _say(self, outcome: Outcome) -> None:
        place = (outcome.at, outcome.run_id)
        for key, task, item, context, share in _said_by(outcome):
            found = self._items.setdefault((item, context), _Item())
            found.said[key] = _Said(place, task, share)
            found.sums = None
            if found.moved == self._contexts[context].moved:
                found.tally.put(key, _evidence(task, share, self._contexts[context].tick(place)))

    def _unsay(self, outcome: Outcome) -> None:
        for key, _, item, context, _ in _said_by(outcome):
            found = self._items.get((item, context))
            if found is None:
                continue
            found.said.pop(key, None)
            found.tally.drop(key)
            found.sums = None
            if not found.said:
                del self._items[item, context]

    def _tally(self, item: _Item, context: str) -> Tally:
        """Made anew where ticks have moved."""
        of = self._contexts[context]
        if item.moved != of.moved:
            item.tally = Tally()
            for key, one in item.said.items():
                item.tally.put(key, _evidence(one.task, one.share, of.tick(one.place)))
            item.moved = of.moved
        return item.tally


def _evidence(task: TaskOutcome, share: float, tick: int) -> Evidence:
    return Evidence(tick, task.reward or 0.0, task.weight * share)


def _contexts(outcome: Outcome) -> set[str]:
    found = {task.kind for task in outcome.tasks if task.reward is not None}
    return found | {""} if found else found


def _said_by(outcome: Outcome) -> list[tuple[str, TaskOutcome, str, str, float]]:
    """Key, task, item, context, share: each part counts for all tasks, and for those of its kind."""
    return [
        (f"{outcome.run_id}/{task.task_id}", task, part.item, context, part.share)
        for task in outcome.tasks
        if task.reward is not None
        for part in task.parts
        for context in dict.fromkeys(("", part.context))
    ]
