"""Ways to do a task: which there are, which of many are worth a look, and which are as good as each other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.teaching import Arm
from alma.learned import Option
from alma.learner.version_records import Policy

MOST = 12  # arms of one choice: with more, none is known
ALIKE = 0.02  # difference of two means below which they are the same
_OVERLAP = 0.5  # of the shorter interval that must lie in the other
_KNOWN = 8.0  # runs' worth of evidence from which on two arms can be said to be alike


class Way(Struct, frozen=True):
    """Who may do the task, and the models that may answer for it; each empty where it is as usual."""

    role: str = ""
    models: Sequence[str] = ("",)


class Pace(Struct, frozen=True):
    """What a task takes: milliseconds, and US dollars. `count`: of how many tasks that is known."""

    ms: float = 0.0
    cost: float = 0.0
    count: int = 0


def arms(ways: Sequence[Way], patterns: Sequence[str]) -> list[Arm]:
    """All that there are; the first one is as usual. `patterns`: the first is the usual one."""
    split = ["", *patterns[1:]]
    return [Arm(way.role, model, pattern) for way in ways for model in way.models for pattern in split]


def allowed(all_arms: Sequence[Arm], policy: Policy) -> list[Arm]:
    """Those that a policy of routes leaves; where it leaves none of them that there are, the usual one."""
    wanted = [policy.pinned] if policy.pinned else policy.arms
    kept = [arm for arm in all_arms if not wanted or arm.id in wanted]
    return kept or list(all_arms[:1])


def worth_a_look(all_arms: Sequence[Arm], mean: Callable[[Arm], float], most: int = MOST) -> list[Arm]:
    """The usual one, and of the others those of which most is thought; in the order given."""
    if len(all_arms) <= most:
        return list(all_arms)
    best = sorted(all_arms[1:], key=mean, reverse=True)[: most - 1]
    return [all_arms[0], *(arm for arm in all_arms[1:] if arm in best)]


def costs(paces: Sequence[Pace], time: float, money: float) -> list[float]:
    """What each arm loses for its time and money, in units of reward, beside the quickest and the cheapest of them:
    `time` (`money`) where it takes twice as long (costs twice as much) as those, half as much again where four times as
    long, and so on towards twice that, which is what anything loses beside what is free. One of which nothing is known
    loses nothing: it is to be found out."""
    known = [one for one in paces if one.count]
    quickest = min((one.ms for one in known if one.ms > 0), default=0.0)
    cheapest = min((one.cost for one in known), default=0.0)
    return [
        time * _beside(one.ms, quickest) + money * _beside(one.cost, cheapest) if one.count else 0.0 for one in paces
    ]


def _beside(value: float, least: float) -> float:
    return 2.0 * (1.0 - least / value) if value > least else 0.0


def spread(
    options: Sequence[Option], roles: Mapping[str, str], busy: Callable[[str], float]
) -> tuple[list[Option], Callable[[str], str]]:
    """Let the least busy of equal agents do it: the options with the shares that this leaves them, and which arm takes
    the place of another. Equal are arms that differ in their role alone, of which enough is known, and the same.
    `roles`: who that is, by the role of an arm."""
    instead = {one.id: _least_busy(one, options, roles, busy) for one in options}
    shares = dict.fromkeys(instead, 0.0)
    for one in options:
        shares[instead[one.id]] += one.share
    return [replace(one, share=shares[one.id]) for one in options], lambda id: instead.get(id, id)


def _least_busy(one: Option, options: Sequence[Option], roles: Mapping[str, str], busy: Callable[[str], float]) -> str:
    role, _, rest = one.id.partition("|")
    best, least = one.id, busy(roles[role])
    for other in options:
        its_role, _, its_rest = other.id.partition("|")
        if its_rest == rest and its_role != role and _alike(one, other) and busy(roles[its_role]) < least:
            best, least = other.id, busy(roles[its_role])
    return best


def _alike(one: Option, other: Option) -> bool:
    if min(one.weight, other.weight) < _KNOWN or abs((one.mean - one.cost) - (other.mean - other.cost)) >= ALIKE:
        return False
    both = min(one.high, other.high) - max(one.low, other.low)
    return both >= _OVERLAP * min(one.high - one.low, other.high - other.low)
