"""One life of a simulated world: every task of a seed, what each arm would come to in it, and who says so. Data.

All of it is drawn beforehand, so that policies are compared on the same tasks, luck and moods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Happened:
    """What one task came to, as a reward function sees it. `thumb`: 1 up, 0 down, None: nobody said anything;
    `seconds`, `money`: what it took."""

    thumb: float | None
    seconds: float = 0.0
    money: float = 0.0


@dataclass(frozen=True)
class Setting:
    """What a policy may know from the beginning. `costs`: of each arm, in rewards; `likeness`: by kind, the cosine of
    its tasks with what each arm's role is for; `usual`: the arm that does all where nothing is learned; `prior`: good
    and bad of the Beta distribution that the arms' thumbs were drawn from, which only a textbook knows; `exploration`:
    as the owner sets it."""

    arms: list[str]
    kinds: list[str]
    costs: list[float]
    likeness: dict[str, list[float]]
    usual: str
    prior: tuple[float, float] = (1.0, 1.0)
    exploration: float = 1.0


@dataclass(frozen=True)
class Life:
    """By task and arm. `kind`: of each task, a number; `worth`: what is truly to be expected, less its cost; `thumb`:
    what its user would say; `said`: whether they would say it; `seconds`, `money`: by arm."""

    setting: Setting
    kind: NDArray[np.int64]
    worth: Floats
    thumb: Floats
    said: NDArray[np.bool_]
    seconds: Floats
    money: Floats

    def happened(self, task: int, arm: int) -> Happened:
        thumb = float(self.thumb[task, arm]) if self.said[task, arm] else None
        return Happened(thumb, float(self.seconds[arm]), float(self.money[arm]))
