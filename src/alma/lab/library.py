"""What the lab knows by name: worlds, policies, rewards, curves of forgetting (of evidence) and of retention (of
memories); and how a file of somebody's own adds to them."""

from __future__ import annotations

import inspect
import runpy
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from alma.errors import InvalidRequest, NotFound
from alma.lab.life import Happened, Life, Setting

T = TypeVar("T")


class Policy(Protocol):
    """Chooses, and hears what came of it. One is made for each life."""

    def choose(self, kind: str) -> str:
        """The id of the arm for a task of this kind."""
        ...

    def heard(self, kind: str, arm: str, reward: float) -> None:
        """What a task was worth, 0 to 1. Not called where nobody said anything."""
        ...


Dice = np.random.Generator
MakeLife = Callable[..., Life]
MakePolicy = Callable[[Setting, Dice], Policy]
Reward = Callable[[Happened], float | None]
Fading = Callable[[int], float]


@dataclass(frozen=True)
class World:
    """`make`: of dice, a number of tasks, and what `settings` names; `tasks`: as many as it is made for; `stationary`:
    nothing changes in the middle of it."""

    name: str
    about: str
    make: MakeLife
    tasks: int
    stationary: bool = True

    @property
    def settings(self) -> dict[str, float]:
        """Parameters with their usual values."""
        return {
            name: one.default
            for name, one in inspect.signature(self.make).parameters.items()
            if one.kind is inspect.Parameter.KEYWORD_ONLY
        }


@dataclass(frozen=True)
class Named:
    """Something else that has a name; `own`: it came from a file."""

    name: str
    about: str
    make: Any


WORLDS: dict[str, World] = {}
POLICIES: dict[str, Named] = {}
REWARDS: dict[str, Named] = {}
FADINGS: dict[str, Named] = {}
RETENTIONS: dict[str, Named] = {}


def world(name: str, *, tasks: int = 600, stationary: bool = True) -> Callable[[T], T]:
    """Put a function `(dice, tasks, **settings) -> Life` into the lab under this name."""

    def keep(make: T) -> T:
        _new(WORLDS, "world", name)
        WORLDS[name] = World(name, _about(make), cast("MakeLife", make), tasks, stationary)
        return make

    return keep


def policy(name: str) -> Callable[[T], T]:
    """The same for a class (or function) that makes a `Policy` of a `Setting` and dice."""
    return _keeper(POLICIES, "policy", name)


def reward(name: str) -> Callable[[T], T]:
    """The same for a function of what `Happened` that gives a number from 0 to 1, or None: it says nothing."""
    return _keeper(REWARDS, "reward", name)


def fading(name: str) -> Callable[[T], T]:
    """The same for a curve of forgetting: how much of its weight (0 to 1) evidence keeps at an age, in tasks."""
    return _keeper(FADINGS, "curve", name)


def retention(name: str) -> Callable[[T], T]:
    """The same for a curve of retention: of a memory's `Trace` and the time, how likely (0 to 1) it comes to mind."""
    return _keeper(RETENTIONS, "curve", name)


def find(known: dict[str, T], what: str, name: str) -> T:
    if name not in known:
        raise NotFound(f"unknown_{what}", f"The lab has no {what} {name!r}.", expected=names(known), actual=name)
    return known[name]


def names(known: dict[str, T]) -> str:
    return ", ".join(known) or "one of a file of your own (docs/lab.md); none comes along"


@dataclass(frozen=True)
class Names:
    """Of what a file added."""

    worlds: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    rewards: tuple[str, ...] = ()
    fadings: tuple[str, ...] = ()
    retentions: tuple[str, ...] = ()


def load(file: Path) -> Names:
    """Run somebody's own file, so that what it names is there. It is a program: it can do whatever its user can."""
    if not file.is_file():
        raise NotFound("unknown_file", f"There is no file {file}.", hint="Name a Python file; see docs/lab.md.")
    known: tuple[dict[str, Any], ...] = (WORLDS, POLICIES, REWARDS, FADINGS, RETENTIONS)
    before = [set(one) for one in known]
    try:
        runpy.run_path(str(file), run_name="alma_lab")
    except InvalidRequest:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise InvalidRequest(
            "bad_lab_file",
            f"{file} failed while it was read.",
            expected="a Python file that runs",
            actual=f"{type(error).__name__}: {error} (line {where.lineno})",
        ) from error
    added = [tuple(name for name in one if name not in then) for one, then in zip(known, before, strict=True)]
    if not any(added):
        raise InvalidRequest(
            "bad_lab_file",
            f"{file} names nothing for the lab.",
            expected="a class or function under @policy, @world, @reward, @fading or @retention of alma.lab.library",
            actual="none",
            hint="See docs/lab.md.",
        )
    return Names(*added)


def fades(policy: str) -> bool:
    """Whether a policy takes a curve of forgetting."""
    return "fading" in inspect.signature(find(POLICIES, "policy", policy).make).parameters


def _keeper(known: dict[str, Named], what: str, name: str) -> Callable[[T], T]:
    def keep(made: T) -> T:
        _new(known, what, name)
        known[name] = Named(name, _about(made), made)
        return made

    return keep


def _new(known: dict[str, Any], what: str, name: str) -> None:
    if name in known:
        raise InvalidRequest(
            "name_taken", f"The lab has a {what} {name!r} already.", expected="another name", actual=name
        )


def _about(made: object) -> str:
    return " ".join((inspect.getdoc(made) or "").split("\n\n")[0].split())
