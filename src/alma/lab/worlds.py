"""The worlds that come along: users with tastes and agents with skills that no policy can see, and raters of all sorts.

Each is a function of a generator and a number of tasks; `settings` are its parameters, with the values of the bench.
"""

from __future__ import annotations

import numpy as np

from alma.lab.library import world
from alma.lab.life import Floats, Life, Setting

KINDS = ["chat", "creative", "analytical"]
Dice = np.random.Generator


@world("tastes", tasks=900)
def tastes(dice: Dice, tasks: int, *, arms: int = 4, kinds: int = 3, good: float = 2.0, bad: float = 2.0) -> Life:
    """Each user likes other manners in each kind of task."""
    means = dice.beta(good, bad, (kinds, arms))
    return _life(dice, tasks, means, _roles(arms), prior=(good, bad))


@world("skills", tasks=900)
def skills(dice: Dice, tasks: int, *, roles: int = 3, models: int = 2, kinds: int = 3, noise: float = 0.4) -> Life:
    """Arms are roles with models; both have skills, and a role's description tells something of its."""
    role, means = _skills(dice, (kinds, roles, models), noise)
    names = [f"role{r}|model{m}|" for r in range(roles) for m in range(models)]
    spread = 0.35 + 0.08 * role + 0.08 * dice.standard_normal(role.shape)
    likeness = np.repeat(np.clip(spread, 0.0, 1.0), models, axis=1)
    many = _skills(np.random.default_rng(0), (4000, roles, models), noise)[1]
    return _life(dice, tasks, means.reshape(kinds, -1), names, prior=_fit(many), likeness=likeness)


@world("drift", tasks=900, stationary=False)
def drift(dice: Dice, tasks: int, *, arms: int = 4, at: int = 400, fall: float = 0.35) -> Life:
    """At a known time the best arm becomes bad, and another the best."""
    before = _apart(dice, arms)
    after = before.copy()
    best = int(before.argmax())
    other = (best + 1 + int(dice.integers(arms - 1))) % arms
    after[best], after[other] = before[best] - fall, before[best]
    return _life(dice, tasks, np.stack([before]), _roles(arms), prior=(2.0, 2.0), later=(at, np.stack([after])))


@world("rising", tasks=900, stationary=False)
def rising(dice: Dice, tasks: int, *, arms: int = 4, at: int = 400, rise: float = 0.2) -> Life:
    """At a known time a bad arm becomes the best, while the one that was best stays as it is."""
    before = _apart(dice, arms) - 0.1
    after = before.copy()
    best = int(before.argmax())
    after[(best + 1 + int(dice.integers(arms - 1))) % arms] = before[best] + rise
    return _life(dice, tasks, np.stack([before]), _roles(arms), prior=(2.0, 2.0), later=(at, np.stack([after])))


@world("adversarial", tasks=900)
def adversarial(
    dice: Dice, tasks: int, *, arms: int = 4, kinds: int = 2, inverted: float = 0.2, usual_best: bool = False
) -> Life:
    """A fifth of what users say is the opposite of what they mean. `usual_best`: what is usual is already the best, so
    that there is nothing to win by learning."""
    means = dice.beta(3.0, 2.0, (kinds, arms))
    if usual_best:
        means[:, [0]], means[np.arange(kinds), means.argmax(axis=1)] = means.max(axis=1, keepdims=True), means[:, 0]
    seen = inverted + (1.0 - 2.0 * inverted) * dice.beta(3.0, 2.0, 4000)
    return _life(dice, tasks, means, _roles(arms), prior=_fit(seen), inverted=inverted)


@world("lazy", tasks=1500)
def lazy(dice: Dice, tasks: int, *, arms: int = 4, kinds: int = 2, pleased: float = 0.16, angry: float = 0.28) -> Life:
    """Only about a fifth of the answers is rated, bad ones rather than good ones."""
    means = dice.beta(3.0, 2.0, (kinds, arms))
    many = dice.beta(3.0, 2.0, 4000)
    seen = pleased * many / (pleased * many + angry * (1.0 - many))
    return _life(dice, tasks, means, _roles(arms), prior=_fit(seen), heard=(angry, pleased))


@world("costly", tasks=900)
def costly(dice: Dice, tasks: int, *, arms: int = 5, kinds: int = 2, dear: float = 0.3) -> Life:
    """Arms that answer better tend to be slower and dearer, and that is taken off their reward."""
    means = dice.beta(3.0, 2.0, (kinds, arms))
    costs = np.clip(dear * means.mean(axis=0) + dice.uniform(-0.1, 0.1, arms), 0.0, dear)
    return _life(dice, tasks, means, _roles(arms), prior=(3.0, 2.0), costs=costs)


@world("null", tasks=600)
def null(dice: Dice, tasks: int, *, arms: int = 4, mean: float = 0.6) -> Life:
    """All arms are equal: nothing can be learned, and nothing lost."""
    return _life(dice, tasks, np.full((1, arms), mean), _roles(arms), prior=(3.0, 2.0))


# ── how they are made ─────────────────────────────────────────────────────────────────────────────────────────────


def _roles(count: int) -> list[str]:
    return [f"role{number}||" for number in range(count)]


def _apart(dice: Dice, arms: int) -> Floats:
    """One clearly best arm, the others below it."""
    means = np.concatenate([[0.75], dice.uniform(0.3, 0.6, arms - 1)])
    return dice.permutation(means)


def _skills(dice: Dice, shape: tuple[int, int, int], noise: float) -> tuple[Floats, Floats]:
    """What roles can, and how often each role with each model does well, by kind."""
    kinds, roles, models = shape
    role, model = dice.standard_normal((kinds, roles)), 0.7 * dice.standard_normal((kinds, models))
    logits = 0.4 + role[:, :, None] + model[:, None, :] + noise * dice.standard_normal(shape)
    return role, 1.0 / (1.0 + np.exp(-logits))


def _fit(means: Floats) -> tuple[float, float]:
    """Good and bad of the Beta distribution with the same mean and variance."""
    mean = float(means.mean())
    weight = mean * (1.0 - mean) / max(float(means.var()), 1e-6) - 1.0
    return mean * weight, (1.0 - mean) * weight


def _life(
    dice: Dice,
    tasks: int,
    means: Floats,
    arms: list[str],
    *,
    prior: tuple[float, float],
    costs: Floats | None = None,
    likeness: Floats | None = None,
    later: tuple[int, Floats] | None = None,
    inverted: float = 0.0,
    heard: tuple[float, float] = (1.0, 1.0),
) -> Life:
    """`means`: by kind and arm. `later`: from which task on they are others; `heard`: how likely a user says that an
    answer was bad, and good."""
    kinds = [*KINDS, *(f"kind{number}" for number in range(len(means)))][: len(means)]
    kind = dice.integers(len(kinds), size=tasks)
    true = means[kind].copy()
    if later is not None:
        true[later[0] :] = later[1][kind[later[0] :]]
    lost = costs if costs is not None else np.zeros(len(arms))
    good = (dice.random(true.shape) < true).astype(np.float64)
    said = dice.random(true.shape) < np.where(good > 0.5, heard[1], heard[0])
    turned = dice.random(tasks)[:, None] < inverted
    like = likeness if likeness is not None else np.full((len(kinds), len(arms)), 0.4)
    setting = Setting(
        arms, kinds, lost.tolist(), {name: like[at].tolist() for at, name in enumerate(kinds)}, arms[0], prior
    )
    return Life(setting, kind, true - lost, np.where(turned, 1.0 - good, good), said, 10.0 * lost, lost / 10.0)
