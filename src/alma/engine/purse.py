"""The budgets of one activation: what its next model call may use, and what is said when that comes to an end.

Sees all that bounds the task: its own share, its run, its thread, its owner and the day. Every entry that the
activation writes goes through it, so that what was used is in the entry itself, and a budget that is reached is told
in the same append.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from alma.agent.task import Failed
from alma.engine.budget import (
    Call,
    Granted,
    Refused,
    Room,
    after,
    grant,
    nearly,
    rooms_of,
    spent_by,
)
from alma.engine.budget import Limits as BudgetLimits
from alma.engine.open_text import OpenMessage
from alma.engine.state import TaskState
from alma.errors import AlmaError, BudgetSpent, EndpointError
from alma.events import (
    AttemptFailed,
    BudgetReached,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    RunFinished,
    TaskFinished,
)
from alma.model_call import Paid, Usage
from alma.models.endpoints import Price
from alma.plan import MAIN

if TYPE_CHECKING:
    from alma.engine.runner import Active, Engine

_CHARS_A_TOKEN = 4  # of an attempt that failed nobody sends the usage
# What an endpoint says before it has read the prompt: such a call costs nothing.
_FREE = frozenset(
    ("endpoint_unreachable", "endpoint_unauthorized", "endpoint_rate_limited", "endpoint_rejected", "endpoint_failed")
)


class Purse:
    """`tokens`: the task's own budget; `cut` ends its call when a budget of seconds is used up. `spent`: the budget
    that has refused the last call, or cut it off."""

    def __init__(
        self, engine: Engine, active: Active, task: TaskState, tokens: int, cut: Callable[[Room], None]
    ) -> None:
        self.spent: Room | None = None
        self._engine = engine
        self._active = active
        self._task = task
        self._tokens = tokens
        self._cut = cut
        self._by: Room | None = None  # what made the answer of the present call shorter
        self._price = Price()
        self._open = task.asked  # an attempt without an end: at first, one that a crash cut off
        self._notes: list[JournalEntry] = []  # written with the next entry

    # ── before a call ─────────────────────────────────────────────────────────────────────────────────────────────

    async def reserve(self, prompt: int, most: int, price: Price) -> Granted:
        """Hold what a call may use: its prompt and an answer of at most `most` tokens, or of as many as all budgets
        have room for. Waits while others hold what it needs. Raises `BudgetSpent`."""
        engine, call = self._engine, Call(prompt, most, price)
        ledger, started = engine.ledger, self._active.state.started
        assert started is not None
        owner, thread_id = started.owner, started.thread_id
        self._by, self._price = None, price
        self.release()  # of a call whose end was written, but not confirmed
        while True:
            if not ledger.is_ready(owner, thread_id):
                await engine.patiently(lambda: ledger.ready(owner, thread_id))
            rooms = self.rooms()
            if not rooms:
                return Granted(most, held=False)
            granted = grant(rooms, call)
            if isinstance(granted, Granted):
                break
            if isinstance(granted, Refused):
                self.spent = granted.room
                raise budget_spent(granted.room, call)
            await ledger.changed()
        self._by = granted.by
        self._note(nearly(rooms, call, ledger.warn_at), warning=True)
        tokens, money = prompt + granted.max_tokens, call.cost(granted.max_tokens)
        ledger.hold(self._active.run_id, self._task.id, owner, thread_id, tokens, money, self._cut)
        return granted

    def rooms(self) -> list[Room]:
        """All budgets that there are, as they stand."""
        state, task, ledger = self._active.state, self._task, self._engine.ledger
        started = state.started
        assert started is not None
        found: list[Room] = []
        if self._tokens and task.id != MAIN:
            found.append(Room("task", "tokens", self._tokens, task.spent_tokens))
        if started.tokens or started.money:
            key = ("run", state.run_id)
            limits = BudgetLimits(started.tokens, 0.0, started.money)
            found += rooms_of("run", limits, state.spent, ledger.held(key))
            if started.money:
                unfinished = 1 + sum(1 for _ in state.unfinished())
                parts = max(unfinished - ledger.under_way(key), 1)
                found = [replace(one, parts=parts) if one.what == "money" else one for one in found]
        return found + ledger.rooms(started.owner, started.thread_id)

    def release(self) -> None:
        """Nothing of the task is under way."""
        self._engine.ledger.release(self._active.run_id, self._task.id)

    # ── in what is written ────────────────────────────────────────────────────────────────────────────────────────

    def complete(self, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        """The entries with what was used in them, after the budgets that are reached with them."""
        done = [self._complete(entry) for entry in entries]
        notes, self._notes = self._notes, []
        return [*notes, *done]

    def _complete(self, entry: JournalEntry) -> JournalEntry:
        match entry:
            case MessageStarted():
                lost, prompt = self._open, sum(section.tokens for section in entry.sections)
                cost = self._price.of(Usage(prompt))
                self._open = Paid(entry.model, prompt, cost=cost)
                if cost or lost is not None:
                    entry = replace(entry, cost=cost, lost=lost)
            case MessageFinished():
                self._open = None
                self._finished(entry)
            case AttemptFailed():
                self._open = None
                self._look(entry)
            case TaskFinished() | RunFinished() if self._open is not None:
                entry, self._open = replace(entry, lost=self._open), None
            case _:
                pass
        return entry

    def _finished(self, entry: MessageFinished) -> None:
        self._look(entry)
        by = self.spent or self._by
        if entry.finish_reason == "budget" and by is not None:
            spent = spent_by(entry)
            self.reached(after(by, spent[1]) if spent is not None and self.spent is None else by)
            self.spent = None

    def _look(self, entry: JournalEntry) -> None:
        """Whether most of a budget is used, once this is."""
        spent = spent_by(entry)
        if spent is not None and (rooms := self.rooms()):
            rooms = [after(room, spent[1]) for room in rooms]
            self._note(nearly(rooms, None, self._engine.ledger.warn_at), warning=True)

    def reached(self, room: Room) -> None:
        """Say with the next entry that this budget is used up."""
        self._note([room], warning=False)

    def _note(self, rooms: list[Room], *, warning: bool) -> None:
        """Once in a run for each budget, and for each task's own."""
        state, task, told = self._active.state, self._task, self._active.told
        for room in rooms:
            whose = task.id if room.scope == "task" else ""
            key = (room.scope, room.what, warning, whose)
            known = any((one.scope, one.what, one.warning) == key[:3] for one in task.reached) or (
                not whose and key[:3] in state.reached
            )
            if known or key in told:
                continue
            told.add(key)
            self._notes.append(
                BudgetReached(
                    at=self._engine.clock(),
                    task_id=task.id,
                    what=room.what,
                    limit=room.limit,
                    used=room.used,
                    warning=warning,
                    scope=room.scope,
                )
            )

    # ── what was used ─────────────────────────────────────────────────────────────────────────────────────────────

    def paid(self, failed: Failed) -> Paid:
        """What a failed attempt has used."""
        if not was_sent(failed.error):
            return Paid()
        if failed.message is not None:
            spent = spent_by(failed.message)
            if spent is None:
                return Paid()
            model, used = spent
            return Paid(model, used.input_tokens, used.output_tokens, used.ms, used.cost)
        if self._open is None or (not failed.text and failed.error.code in _FREE):
            return Paid()
        said = -(-len(failed.text) // _CHARS_A_TOKEN)
        prompt = self._open.input_tokens
        return Paid(self._open.model, prompt, said, failed.ms, self._price.of(Usage(prompt, said)))

    def stopped(self, message: OpenMessage) -> tuple[Usage, float]:
        """What a message that is cut off has used, and what it cost."""
        usage = Usage(sum(section.tokens for section in message.started.sections), message.tokens, estimated=True)
        return usage, self._price.of(usage)


def was_sent(error: AlmaError) -> bool:
    """Whether an attempt that ended so has reached a model, or may have."""
    return not isinstance(error, EndpointError) or error.sent


# ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────────

_WHOSE = {"task": "The task", "run": "The run", "thread": "The conversation", "owner": "Its owner", "day": "This day"}


def budget_spent(room: Room, call: Call | None = None) -> BudgetSpent:
    """For a call that the budget has no room for, or before there is any."""
    left = room.limit - room.used
    needs = {
        "tokens": f"{call.least} tokens beside the prompt's {call.prompt:,}"
        if call is not None
        else "more tokens left",
        "money": f"{amount('money', call.cost(call.least))} for the shortest answer"
        if call is not None
        else "more of it left",
    }.get(room.what, "more time left")
    return BudgetSpent(
        f"{spent_words(room)}.",
        expected=needs,
        actual=f"{amount(room.what, max(left, 0))} left of {amount(room.what, room.limit)}",
        hint=raise_hint(room),
    )


def spent_words(room: Room) -> str:
    """Which budget is used up, in words."""
    return f"{_WHOSE[room.scope]} has used up its budget of {room.what}"


def amount(what: str, value: float) -> str:
    """A figure with its unit."""
    match what:
        case "money":
            return f"${value:.6f}".rstrip("0").rstrip(".")
        case "seconds":
            return f"{value:.3g} s"
        case _:
            return f"{int(value):,} tokens"


def raise_hint(room: Room) -> str:
    """How to have more of a budget."""
    if room.scope == "task":
        return "Raise budgets.tokens in the role's file, or the run's budget."
    example = {"tokens": "--tokens N", "seconds": "--seconds N"}.get(room.what, "--money N")
    if room.scope == "run":
        return f"Ask again with a higher budget: `alma run {example}`, or `alma budget set run {example}` for all runs."
    of = "thread --thread ID" if room.scope == "thread" else room.scope
    return f"Raise the budget: `alma budget set {of} {example}`, or in the page under Spend."
