"""Feedback: what an owner thinks of an answer, said or shown, written into the run's own journal.

Checked before it is written: whose run it is, whether there is such a task and an answer, whether the value is one.
The same said twice is kept once; of one run at most `MOST_SIGNALS` are kept. What follows from it is the books' affair.
"""

from __future__ import annotations

import asyncio
import math
import time
import weakref
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database
from alma.engine.fold import fold
from alma.engine.journal import Journal
from alma.engine.state import TaskState
from alma.errors import Conflict, InvalidRequest, NotFound
from alma.events import Recorded, RouteCorrected, Signaled
from alma.learned import SignalName
from alma.learning.reward import SIGNALS, kept_of
from alma.plan import MAIN
from alma.session.deeds import MOST_SIGNALS
from alma.session.evidence import read_journal
from alma.session.threads import find_run

MOST_REASON, MOST_TEXT = 2_000, 200_000  # characters
_HARDLY = 0.01  # what a value is that happens to be the one that takes back
Told = Callable[[str], None]


class Said(Struct, frozen=True):
    """`value` None: as the signal usually means; 0 takes it back. `text`: of `edited`; `other`: the run that was passed
    over, of `preferred`."""

    signal: SignalName
    value: float | None = None
    reason: str = ""
    text: str = ""
    other: str = ""
    task_id: str = MAIN
    key: str = ""


class Kept(Struct, frozen=True):
    """`duplicate`: it was known."""

    signaled: Signaled
    duplicate: bool


class Feedback:
    def __init__(self, database: Database, journal: Journal, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._listeners: list[Told] = []
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    def listen(self, told: Told) -> None:
        """`told` of each run of which something was said, once it is durable."""
        self._listeners.append(told)

    def spoken(self, run_id: str) -> None:
        for told in self._listeners:
            told(run_id)

    async def give(self, owner: str, run_id: str, said: Said) -> Kept:
        """Keep it, durably. Raises `NotFound` (unknown_run, unknown_task), `InvalidRequest`, `Conflict`."""
        _check(said)
        if said.signal == "preferred":
            await self._database.read(lambda connection: _check_siblings(connection, owner, run_id, said.other))
        kept = await self._keep(owner, run_id, said)
        if said.signal == "preferred":
            value = None if said.value is None or said.value else 0.0
            other = Said("passed_over", value, said.reason, other=run_id, key=said.key)
            await self._keep(owner, said.other, other)
        return kept

    async def read(self, owner: str, run_id: str) -> list[Recorded]:
        """The run's journal, for whoever explains what its feedback comes to. Raises `NotFound`."""
        return await self._database.read(lambda connection: read_journal(connection, owner, run_id))

    async def write(self, thread_id: str, run_id: str, entry: Signaled | RouteCorrected) -> None:
        """Durably; whoever listens is told, also when the caller is cancelled meanwhile."""
        written = self._journal.submit(thread_id, run_id, [entry], then=lambda _new, _turn: self.spoken(run_id))
        await asyncio.shield(written)

    async def _keep(self, owner: str, run_id: str, said: Said) -> Kept:
        async with self._locks.setdefault(run_id, asyncio.Lock()):  # so that the same twice at once is seen to be
            journal = await self.read(owner, run_id)
            task = _task(run_id, journal, said)
            value = await _value(task, said)
            before = [one.entry for one in journal if isinstance(one.entry, Signaled)]
            signaled = Signaled(
                at=max([self._clock(), *(one.at for one in before)]),  # of two the newer, also where a clock went back
                task_id=said.task_id,
                signal=said.signal,
                value=value,
                reason=said.reason,
                text=said.text if value else "",
                other=said.other,
                key=said.key,
            )
            if (known := _known(before, signaled)) is not None:
                return Kept(known, True)
            _check_room(before)
            thread_id = await self._database.read(lambda connection: find_run(connection, owner, run_id).thread_id)
            await self.write(thread_id, run_id, signaled)
        return Kept(signaled, False)


def given(journal: Sequence[Recorded]) -> list[Signaled]:
    """Of each task and signal what was said last, without what was taken back."""
    newest: dict[tuple[str, str], Signaled] = {}
    for one in journal:
        if isinstance(one.entry, Signaled):
            newest[one.entry.task_id, one.entry.signal] = one.entry
    return [one for one in newest.values() if one.value]


# ── checks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check(said: Said) -> None:
    value = said.value
    if value is not None and not (math.isfinite(value) and -1.0 <= value <= 1.0):
        raise _invalid("The value is out of bounds.", "a number from -1 to 1", f"{value}", "1 is good, -1 is bad.")
    if said.signal == "thumb" and value is None:
        raise _invalid("A thumb needs a value.", "a number from -1 to 1", "none", "1 is up, -1 down, 0 takes it back.")
    if said.signal != "thumb" and value:
        hint = "Leave the value out; 0 takes it back."
        raise _invalid(f"What {said.signal} is worth is not for the asker to say.", "no value, or 0", f"{value}", hint)
    if said.signal == "edited" and value is None and not said.text.strip():
        hint = "Send the answer as it should have been; the value 0 takes it back."
        raise _invalid("An edited answer has a text.", "some text", "none", hint)
    if said.text and said.signal != "edited":
        raise _invalid("Only an edited answer has a text.", "no text", f"{len(said.text):,} characters", "Use reason.")
    if len(said.reason) > MOST_REASON or len(said.text) > MOST_TEXT:
        most = f"a reason of at most {MOST_REASON:,} characters, a text of at most {MOST_TEXT:,}"
        came = f"{len(said.reason):,} and {len(said.text):,}"
        raise _invalid("It is too long.", most, came, "Shorten it.")
    if (said.signal == "preferred") != bool(said.other) and said.signal in ("preferred", "thumb", "edited", "copied"):
        hint = "A choice names the answer that was passed over, and nothing else does."
        raise _invalid("A choice is between two answers.", "other: a run", said.other or "none", hint)
    if said.signal == "preferred" and said.task_id != MAIN:
        raise _invalid("A choice is between whole answers.", f"the task {MAIN}", said.task_id, "Leave the task out.")


def _check_room(before: Sequence[Signaled]) -> None:
    if len(before) >= MOST_SIGNALS:
        raise Conflict(
            "too_much_feedback",
            "More was said of this run than is kept.",
            expected=f"at most {MOST_SIGNALS} signals",
            actual=f"{len(before)}",
            hint="What was said last counts. Ask again to have another answer.",
        )


def _check_siblings(connection: sa.Connection, owner: str, run_id: str, other: str) -> None:
    """Also that there is room for what is said of the other one: both are kept, or neither."""
    one, two = find_run(connection, owner, run_id), find_run(connection, owner, other)
    if run_id == other or (one.thread_id, one.parent_run_id) != (two.thread_id, two.parent_run_id):
        raise InvalidRequest(
            "not_siblings",
            "These are not two answers of one turn.",
            expected="other: another answer of the same turn",
            actual=other,
            hint="Retry or edit a turn to have another answer of it.",
        )
    _check_room([one.entry for one in read_journal(connection, owner, other) if isinstance(one.entry, Signaled)])


def _task(run_id: str, journal: Sequence[Recorded], said: Said) -> TaskState:
    task = fold(run_id, journal).tasks.get(said.task_id)
    if task is None:
        hint = "Its plan was changed, or its steps were given up; the run itself can be spoken of."
        raise NotFound("unknown_task", f"Run {run_id} has no task {said.task_id[:80]!r}.", hint=hint)
    return task


async def _value(task: TaskState, said: Said) -> float:
    if said.value is not None:
        return said.value
    if said.signal != "edited":
        return SIGNALS[said.signal].usual
    answer = task.answer.text if task.answer is not None else task.text
    if not answer.strip():
        raise Conflict("no_answer", "There is no answer that could be edited.", hint="Wait until there is one.")
    kept = await asyncio.to_thread(kept_of, answer, said.text)
    return 2.0 * kept - 1.0 or _HARDLY


def _known(before: Sequence[Signaled], new: Signaled) -> Signaled | None:
    """What says the same already: by its key, or as the newest of its signal."""
    of_task = [one for one in before if one.signal == new.signal and one.task_id == new.task_id]
    if new.key and (same := next((one for one in of_task if one.key == new.key), None)) is not None:
        return same
    rivals = ("preferred", "passed_over")
    last = [one for one in before if one.task_id == new.task_id and (one.signal in rivals) == (new.signal in rivals)]
    newest = next((one for one in reversed(last) if new.signal in rivals or one.signal == new.signal), None)
    if newest is None:
        return new if not new.value else None  # there is nothing to take back
    same = (newest.signal, newest.value, newest.reason, newest.text, newest.other)
    return newest if same == (new.signal, new.value, new.reason, new.text, new.other) else None


def _invalid(message: str, expected: str, actual: str, hint: str) -> InvalidRequest:
    return InvalidRequest("invalid_field", message, expected=expected, actual=actual, hint=hint)
