"""Whose turn it is: equal weights are turns, other weights are shares, and nobody starves whatever they are."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.engine.dispatch import Limits, LocalDispatcher, Ticket
from alma.engine.fairness import AGE_S, LEAST, MOST, MOST_PASSED, Group, Turns, aged, bounded

OWNERS, ROLES = "ab", "vwxyz"
groups = st.builds(lambda owner, role: (owner, role, "m"), st.sampled_from(OWNERS), st.sampled_from(ROLES))
# What happens: a group gets tickets, or somebody is served while these groups have no room; they may have none left.
joins = st.tuples(st.just("join"), groups, st.just(frozenset[Group]()))
serves = st.tuples(st.sampled_from(["serve", "empty"]), groups, st.frozensets(groups, max_size=3))
histories = st.lists(st.one_of(joins, serves), max_size=120)
weights = st.fixed_dictionaries({role: st.floats(0.01, 100.0) for role in ROLES})


class InOrder:
    """Turns as they are without weights: whoever was served longest ago."""

    def __init__(self) -> None:
        self.line: list[Group] = []

    def next(self, priorities: dict[Group, int]) -> Group:
        highest = max(priorities.values())
        group = next(one for one in self.line if priorities.get(one) == highest)
        self.line.remove(group)
        self.line.append(group)
        return group


@given(histories, st.floats(0.5, 2.0), st.dictionaries(groups, st.integers(-2, 2)))
def test_equal_weights_are_turns(
    history: list[tuple[str, Group, frozenset[Group]]], weight: float, priorities: dict[Group, int]
) -> None:
    exact = 2.0 ** round(math.log2(weight))  # sums of these are exact
    for turns in (Turns(), Turns(lambda _owner, _role: exact)):
        model, waiting = InOrder(), set[Group]()
        for what, group, blocked in history:
            if what == "join":
                if group not in waiting:
                    waiting.add(group)
                    turns.join(group)
                    model.line.append(group)
                continue
            room = {one: priorities.get(one, 0) for one in waiting - blocked}
            chosen = turns.next(room)
            assert (chosen is None) == (not room), "whoever can be served is"
            if chosen is not None:
                assert chosen == model.next(room)
                if what == "empty":
                    waiting.remove(chosen)
                    turns.leave(chosen)
                    model.line.remove(chosen)


@given(histories, weights)
def test_nobody_starves_whatever_the_weights_are(
    history: list[tuple[str, Group, frozenset[Group]]], of: dict[str, float]
) -> None:
    turns, waiting = Turns(lambda _owner, role: of[role]), set[Group]()
    passed: dict[Group, Counter[Group]] = {}  # of who waits and has room: who was served since
    for what, group, blocked in history:
        if what == "join":
            if group not in waiting:
                waiting.add(group)
                turns.join(group)
                passed[group] = Counter()
            continue
        room = dict.fromkeys(waiting - blocked, 0)
        chosen = turns.next(room)
        assert (chosen is None) == (not room)
        if chosen is None:
            continue
        for one in waiting:
            if one in blocked or one == chosen:
                passed[one] = Counter()
            else:
                passed[one][chosen] += 1
                if one[0] == chosen[0]:
                    assert passed[one][chosen] <= MOST_PASSED
        if what == "empty":
            waiting.remove(chosen)
            turns.leave(chosen)
            del passed[chosen]


@given(weights, st.integers(1, 4), st.integers(1, 4))
def test_weights_move_nothing_between_owners(of: dict[str, float], mine: int, theirs: int) -> None:
    turns = Turns(lambda _owner, role: of[role])
    waiting = [("a", role, "m") for role in ROLES[:mine]] + [("b", role, "m") for role in ROLES[:theirs]]
    for group in waiting:
        turns.join(group)
    rounds = 20
    served = Counter(
        chosen[0] for _ in range(rounds * len(waiting)) if (chosen := turns.next(dict.fromkeys(waiting, 0)))
    )
    assert served == {"a": rounds * mine, "b": rounds * theirs}


@pytest.mark.parametrize(("heavy", "share"), [(2.0, 0.8), (1.0, 0.5), (1000.0, 0.8)])
def test_a_role_gets_its_weights_part_of_its_owners_turns(heavy: float, share: float) -> None:
    turns = Turns(lambda _owner, role: heavy if role == "v" else (0.5 if heavy > 1 else 1.0))
    waiting = [("a", "v", "m"), ("a", "w", "m")]
    for group in waiting:
        turns.join(group)
    served = Counter(turns.next(dict.fromkeys(waiting, 0)) for _ in range(1000))
    assert served["a", "v", "m"] / 1000 == pytest.approx(share, abs=0.01)


@given(st.floats())
def test_a_weight_is_bounded_whatever_it_is(weight: float) -> None:
    assert LEAST <= bounded(weight) <= MOST


def test_waiting_raises_a_priority_step_by_step() -> None:
    assert [aged(-1, seconds) for seconds in (-5.0, 0.0, AGE_S - 1, AGE_S, 3.5 * AGE_S)] == [-1, -1, -1, 0, 2]


def ticket(run: str, task: str, role: str, priority: int = 0) -> Ticket:
    return Ticket(run, task, "ada", role, "m", priority)


async def claimed(dispatcher: LocalDispatcher) -> Ticket:
    async with asyncio.timeout(1):
        one = await dispatcher.claim()
    dispatcher.ack(one)
    return one


@pytest.mark.parametrize("follows", [True, False])
async def test_a_stream_of_urgent_tasks_holds_nobody_up_for_good_where_waiting_counts(follows: bool) -> None:
    now = 0.0
    dispatcher = LocalDispatcher(
        Limits(lambda _name: 1, in_all=1), steady=lambda: now, weight=(lambda _owner, _role: 1.0) if follows else None
    )
    dispatcher.enqueue(ticket("humble", "1", "writer", -3))
    dispatcher.enqueue(ticket("humble", "2", "coder", -3))
    came: list[str] = []
    for number in range(40):
        dispatcher.enqueue(ticket("urgent", str(number), "writer", 3))
        came.append((await claimed(dispatcher)).run_id)
        now += AGE_S / 3
    if follows:
        assert came.index("humble") <= 3 * 6 + 1
        assert came.count("humble") == 2
    else:
        assert "humble" not in came


async def test_it_can_be_asked_who_is_in_demand_and_who_is_busy() -> None:
    now = 0.0
    dispatcher = LocalDispatcher(Limits(lambda _name: 2), steady=lambda: now)
    for number in range(5):
        dispatcher.enqueue(ticket("r", str(number), "writer"))
    now = 3.0
    one = await dispatcher.claim()
    demand = dispatcher.demand()["ada", "writer"]
    assert (demand.queued, demand.active, demand.wait_s) == (4, 1, 3.0)
    assert dispatcher.busy("writer") == 2.5
    assert dispatcher.busy("coder") == 0.0
    dispatcher.ack(one)
    assert dispatcher.demand()["ada", "writer"].active == 0
