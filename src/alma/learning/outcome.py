"""What became of a run, as learning sees it: who and what had a part in each task, and what was thought of it. Data.

An outcome is made from a journal alone (`learner/outcomes.py`), so it can be made again, and is: whenever a signal
comes later. All that is believed follows from outcomes.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from alma.learned import Choice
from alma.plan import MAIN

# What can be believed something of. The id of an item is `what:name`, as `memory:m_…`, `role:analyst`, `model:…`.
ItemWhat = Literal["arm", "role", "model", "pattern", "prompt", "notes", "example", "note", "memory"]
SignalKind = Literal["explicit", "implicit", "automatic"]


class Heard(Struct, frozen=True, omit_defaults=True):
    """One signal as it counts. `value`: 0 (bad) to 1 (good); `weight`: how much it says, in clear words of a user;
    `name`: as in the documented table of rewards; `why`: in words."""

    name: str
    kind: SignalKind
    value: float
    weight: float
    at: float = 0.0
    why: str = ""


class Part(Struct, frozen=True, omit_defaults=True):
    """Something that had a part in a task. `context`: the kind of task for which it is believed; `share`: of the
    credit, 0 to 1; `propensity`: how likely it was to be chosen (1: it was not up to chance)."""

    item: str
    context: str = ""
    share: float = 1.0
    propensity: float = 1.0


class TaskOutcome(Struct, frozen=True, omit_defaults=True):
    """`task_id` with `@` and a number: what an assignment that was given up has shown. `reward`: 0 to 1, of all signals
    by their weights; None: nobody has said anything. `weight`: how much it rests on. `ms`, `tokens`, `cost`: of the
    run's own task what the whole run took, but for waiting for its user. `error`: the code of what it failed with.
    `passed_to`: what is said of the task above is said of its result too."""

    task_id: str
    role: str
    kind: str = ""
    prompt_version: str = ""
    model: str = ""
    pattern: str = ""
    parts: list[Part] = []
    choices: list[Choice] = []
    signals: list[Heard] = []
    reward: float | None = None
    weight: float = 0.0
    ms: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    error: str = ""
    passed_to: bool = False


class Outcome(Struct, frozen=True, omit_defaults=True):
    """`at`: when the run ended; `tasks`: the run's own first. `ticks`: by context, the number under which the run
    counts there; it stays when the outcome is made again. `end`: the place of the run's end in the journal that it was
    made from; in a journal that was pruned since it is an earlier one."""

    run_id: str
    owner: str
    thread_id: str
    at: float
    kind: str = ""
    text: str = ""
    status: str = ""
    tasks: list[TaskOutcome] = []
    ticks: dict[str, int] = {}
    end: int = 0


def context_of(task_id: str, role: str, kind: str) -> str:
    """The kind of task for which something is believed: of the run's own its kind, of others whose it is."""
    return kind if task_id == MAIN else f"task:{role}"


def item_id(what: ItemWhat, name: str) -> str:
    return f"{what}:{name}"
