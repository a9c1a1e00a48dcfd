"""The policies that come along: Alma's own, the textbook's, and those that show what learning is worth."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

import numpy as np

from alma.lab.library import Dice, Fading, policy
from alma.lab.life import Setting
from alma.learning import priors
from alma.learning.bandit import Odds, Seen, weigh
from alma.learning.posterior import Posterior
from alma.learning.tally import Evidence, Tally

CAREFUL = 0.1  # exploration as it comes in the settings


@policy("alma")
class Alma:
    """Alma's bandit with its priors, its forgetting and its watch for changes, with the exploration that is set."""

    def __init__(self, setting: Setting, dice: Dice, fading: Fading | None = None) -> None:
        self._setting = setting
        self._rng = random.Random(int(dice.integers(2**62)))
        self._tallies = {(kind, arm): Tally(curve=fading) for kind in setting.kinds for arm in setting.arms}
        self._ticks = dict.fromkeys(setting.kinds, 0)
        self._priors = {kind: _priors(setting, kind) for kind in setting.kinds}
        self._odds: dict[str, Odds] = {}  # by kind, until something is heard of it

    def choose(self, kind: str) -> str:
        if kind not in self._odds:
            self._odds[kind] = weigh(self._look(kind), exploration=self._setting.exploration)
        return self._setting.arms[self._odds[kind].cast(self._rng)]

    def _look(self, kind: str) -> list[Seen]:
        setting = self._setting
        sums = [self._tallies[kind, arm].sums(self._ticks[kind]) for arm in setting.arms]
        known = [(arm, one.good, one.bad) for arm, one in zip(setting.arms, sums, strict=True)]
        factors = priors.factors(known)
        return [
            Seen(arm, priors.shrunk(belief, factors[arm]), one.good, one.bad, one.count, cost, one.changed)
            for arm, belief, one, cost in zip(setting.arms, self._priors[kind], sums, setting.costs, strict=True)
        ]

    def heard(self, kind: str, arm: str, reward: float) -> None:
        self._odds.pop(kind, None)
        self._ticks[kind] += 1
        tick = self._ticks[kind]
        self._tallies[kind, arm].put(str(tick), Evidence(tick, reward, 1.0))


def _priors(setting: Setting, kind: str) -> list[Posterior]:
    described = priors.described(setting.likeness[kind])
    return [
        priors.usual(belief) if arm == setting.usual else belief
        for arm, belief in zip(setting.arms, described, strict=True)
    ]


@policy("careful")
class Careful(Alma):
    """Alma's bandit as it comes: at most a tenth of the tasks is done otherwise than is believed best."""

    def __init__(self, setting: Setting, dice: Dice, fading: Fading | None = None) -> None:
        super().__init__(replace(setting, exploration=CAREFUL), dice, fading)


class _Counting:
    """Good and bad of each arm by kind, on top of what is believed at first."""

    def __init__(self, setting: Setting, dice: Dice) -> None:
        self.arms, self.dice, self.costs = setting.arms, dice, np.array(setting.costs)
        first = np.array([setting.prior] * len(setting.arms), dtype=np.float64)
        self.seen: dict[str, np.ndarray] = defaultdict(first.copy)

    def heard(self, kind: str, arm: str, reward: float) -> None:
        self.seen[kind][self.arms.index(arm)] += (reward, 1.0 - reward)


@policy("thompson")
class Thompson(_Counting):
    """Thompson sampling as in the textbook, which knows from which distribution the arms were drawn."""

    def choose(self, kind: str) -> str:
        seen = self.seen[kind]
        return self.arms[int((self.dice.beta(seen[:, 0], seen[:, 1]) - self.costs).argmax())]


@policy("greedy")
class Greedy(_Counting):
    """Always the arm that is believed best, with the prior of the textbook."""

    def choose(self, kind: str) -> str:
        seen = self.seen[kind]
        return self.arms[int((seen[:, 0] / seen.sum(axis=1) - self.costs).argmax())]


class _Deaf:
    """Does not learn."""

    def __init__(self, setting: Setting, dice: Dice) -> None:
        self.setting, self.dice, self.turn = setting, dice, -1

    def heard(self, kind: str, arm: str, reward: float) -> None:
        del kind, arm, reward


@policy("round_robin")
class RoundRobin(_Deaf):
    """One arm after the other."""

    def choose(self, kind: str) -> str:
        del kind
        self.turn += 1
        return self.setting.arms[self.turn % len(self.setting.arms)]


@policy("random")
class Chance(_Deaf):
    """Any arm, each as likely as the others."""

    def choose(self, kind: str) -> str:
        del kind
        return self.setting.arms[int(self.dice.integers(len(self.setting.arms)))]


@policy("usual")
class Usual(_Deaf):
    """Always the usual arm: what happens when nothing is learned."""

    def choose(self, kind: str) -> str:
        del kind
        return self.setting.usual
