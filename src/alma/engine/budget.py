"""Budgets, purely: what an entry says was used, what limits leave for the next call, which share a task gets.

A call may use its prompt and its longest answer; what calls under way may still use is held back for them. So many of
them at once stay within a budget together, and the worst that can happen is that one waits for another's end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from alma.engine.state import Spent, TaskState
from alma.events import (
    AttemptFailed,
    BudgetScope,
    BudgetWhat,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    RunFinished,
    TaskFinished,
)
from alma.models.endpoints import Price
from alma.plan import MAIN, depth_of

LEAST_TOKENS = 16  # of an answer that is still worth a call
LEAST_SECONDS = 0.05  # in which one can be begun
DAY_S = 86_400


_TELLING = frozenset((MessageFinished, AttemptFailed, MessageStarted, TaskFinished, RunFinished))


def day_of(at: float) -> int:
    """The UTC day of a Unix time: days since 1970-01-01."""
    return int(at // DAY_S)


def spent_by(entry: JournalEntry) -> tuple[str, Spent] | None:
    """The model and what was used, where an entry says that something was. An answer from the cache costs nothing."""
    if type(entry) not in _TELLING:
        return None
    if isinstance(entry, MessageFinished):
        usage, hit = entry.usage, entry.cache
        if hit is not None:
            return entry.model_id, Spent(saved_tokens=hit.saved_input_tokens + hit.saved_output_tokens)
        if not entry.model_id and not usage.input_tokens and not usage.output_tokens:
            return None  # Alma wrote it
        read, said, kept = usage.input_tokens, usage.output_tokens, usage.cached_tokens
        return entry.model_id, Spent(read, said, kept, 0, entry.timing.total_ms, entry.cost, 1)
    if isinstance(entry, AttemptFailed):
        paid = entry.paid
    else:
        assert isinstance(entry, MessageStarted | TaskFinished | RunFinished)
        paid = entry.lost
    if paid is None or not paid.tokens:
        return None
    return paid.model, Spent(paid.input_tokens, paid.output_tokens, 0, 0, paid.ms, paid.cost, 1)


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Limits(Struct, frozen=True):
    """What may be used; 0 is no limit. `money` is in US dollars."""

    tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.tokens or self.seconds or self.money)


def tightest(one: Limits, other: Limits) -> Limits:
    return Limits(
        int(_less(one.tokens, other.tokens)), _less(one.seconds, other.seconds), _less(one.money, other.money)
    )


def _less(one: float, other: float) -> float:
    return min(one, other) if one and other else one or other


class Room(Struct, frozen=True):
    """One budget as it stands. `held`: what calls under way may still use of it; `parts`: among how many of the run's
    tasks the rest is to be shared."""

    scope: BudgetScope
    what: BudgetWhat
    limit: float
    used: float
    held: float = 0.0
    parts: int = 1


class Call(Struct, frozen=True):
    """A call to be made: tokens of its prompt, most tokens of its answer, what they cost."""

    prompt: int
    most: int
    price: Price = Price()

    def cost(self, answer: int) -> float:
        """US dollars with an answer of so many tokens, at the worst."""
        return (self.prompt * self.price.input + answer * self.price.output) / 1e6

    @property
    def least(self) -> int:
        return min(self.most, LEAST_TOKENS)


class Granted(Struct, frozen=True):
    """The call may be made, with so long an answer. `by`: the budget that made it shorter than it might be; `held`:
    so much is held for it, and no more may be said."""

    max_tokens: int
    by: Room | None = None
    held: bool = True


class Busy(Struct, frozen=True):
    """What is left is held for calls under way: wait for the end of one."""


class Refused(Struct, frozen=True):
    """There is too little left of this budget."""

    room: Room


def grant(rooms: Sequence[Room], call: Call) -> Granted | Busy | Refused:
    """Whether a call has room in all of these budgets. It waits for others rather than be cut on their account."""
    most, by = call.most, None
    for room in rooms:
        now = answer_in(room, call)
        alone = now if not room.held else answer_in(_without_held(room), call)
        if alone < call.least:
            return Refused(room)
        if now < call.least or (room.parts == 1 and now < min(alone, call.most)):
            return Busy()
        if now < most:
            most, by = now, room
    return Granted(most, by)


def _without_held(room: Room) -> Room:
    return Room(room.scope, room.what, room.limit, room.used, 0.0, room.parts)


def answer_in(room: Room, call: Call) -> int:
    """Tokens of an answer that a budget has room for; less than 0 when the prompt alone is too much."""
    left = room.limit - room.used - room.held
    match room.what:
        case "tokens":
            return min(int(_shared(left, room.parts, call.prompt + call.least)) - call.prompt, call.most)
        case "money":
            if call.cost(call.most) == 0.0:
                return call.most  # what is free may be used when the money is gone
            left = _shared(left, room.parts, call.cost(call.least))
            after = left * 1e6 - call.prompt * call.price.input
            if after < 0:
                return -1
            if not call.price.output:
                return call.most
            return math.floor(min(after / call.price.output * (1 + 1e-12), call.most))
        case _:
            return call.most if left > _least_seconds(room) else -1


def _least_seconds(room: Room) -> float:
    return min(LEAST_SECONDS, room.limit / 10)


def is_spent(room: Room) -> bool:
    """Whether no call can have room in it any more."""
    left = room.limit - room.used
    match room.what:
        case "tokens":
            return left < LEAST_TOKENS
        case "seconds":
            return left <= _least_seconds(room)
        case _:
            return left <= 0


def _shared(left: float, parts: int, least: float) -> float:
    """A fair share, but not so little that it is no use while there is enough."""
    return max(left / parts, min(left, least)) if parts > 1 else left


def nearly(rooms: Iterable[Room], more: Call | None, warn_at: float) -> list[Room]:
    """The budgets of which most is used (with the prompt that is about to be sent): `used` says how much."""
    found: list[Room] = []
    for room in rooms:
        used = room.used
        if more is not None and room.what == "tokens":
            used += more.prompt
        elif more is not None and room.what == "money":
            used += more.cost(0)
        if used >= warn_at * room.limit:
            found.append(Room(room.scope, room.what, room.limit, used))
    return found


def after(room: Room, spent: Spent) -> Room:
    """The budget once that is used too."""
    more = {"tokens": spent.tokens, "seconds": spent.ms / 1000, "money": spent.cost}.get(room.what, 0)
    return Room(room.scope, room.what, room.limit, room.used + more, room.held, room.parts)


def rooms_of(scope: BudgetScope, limits: Limits, spent: Spent, held: Sequence[float] = (0, 0.0, 0.0)) -> list[Room]:
    """A scope's budgets. `held`: tokens, seconds and US dollars of calls under way."""
    found: list[Room] = []
    if limits.tokens:
        found.append(Room(scope, "tokens", limits.tokens, spent.tokens, held[0]))
    if limits.seconds:
        found.append(Room(scope, "seconds", limits.seconds, spent.ms / 1000, held[1]))
    if limits.money:
        found.append(Room(scope, "money", limits.money, spent.cost, held[2]))
    return found


# ── shares ────────────────────────────────────────────────────────────────────────────────────────────────────────


LEAST_PART, MOST_PART = 0.5, 2.0  # of an equal share


def share(tasks: dict[str, TaskState], task: TaskState, own: int, weight: Callable[[str], float] | None = None) -> int:
    """A task's budget in tokens: what its plan or role says, within a fair share of what its parent has left. Shares
    are taken when a task begins, so what an earlier one did not spend is there for the later ones. `weight`: of a role,
    above 0; shares are then as the weights, within bounds. None: they are equal."""
    wanted = (task.spec.tokens if task.spec is not None else 0) or own
    above = task.id.rpartition(".")[0] or MAIN
    parent = tasks[above]
    if not parent.budget_tokens or depth_of(task.id) == 0:
        return wanted
    others = [tasks[child] for child in parent.children if child != task.id]
    held = [other.budget_tokens for other in others if other.begun and not other.ended]
    left = parent.budget_tokens - parent.spent_tokens - sum(held)
    equal = left // (parent.open_children - len(held) + 1)
    if weight is not None and equal > 0:
        later = [weight(other.role) for other in others if not other.begun and not other.ended]
        part = left * weight(task.role) / (weight(task.role) + sum(later) + 1.0)  # 1: the parent's own work
        equal = int(min(max(part, LEAST_PART * equal), MOST_PART * equal, left))
    part = max(equal, 1)
    return min(wanted, part) if wanted else part
