"""Lessons: answers that their owner approved, told as examples with tasks that are like theirs.

They follow from signals: when one is taken back, so is its lesson. What is told is chosen by `learning/picking.py`, of
one owner's lessons for the role, which are kept in memory with their vectors. A lesson whose task cannot be embedded
yet waits.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from msgspec.structs import replace

from alma.agent.role import Role
from alma.agent.task import Task
from alma.db.database import Database
from alma.engine.journal import read_entries
from alma.errors import Conflict, EmbedderUnavailable, InvalidRequest, NotFound, StorageFailure
from alma.events import LessonsTold, RouteChosen
from alma.learned import LearnedExample, LearnedNote
from alma.learner import lesson_store
from alma.learner.approved import MOST_TOKENS, approved, has_secret, size
from alma.learner.books import PRIOR, Belief
from alma.learner.lesson_shelf import Shelf
from alma.learner.lesson_store import Lesson
from alma.learning.outcome import Outcome, context_of, item_id
from alma.learning.picking import Candidate, Room, Vector, pick, same_words
from alma.learning.tally import Sums
from alma.models.tokens import estimate
from alma.plan import MAIN

log = logging.getLogger(__name__)
WEAK_TOKENS = 160  # a small model reads 250 tokens a second
WEAK_EXAMPLES = 2  # measured by bench/learning_embedded.py
MOST_EXAMPLES = 8
WINDOW_SHARE = 10  # a tenth of a window at most
_NOTES_SHARE = 2  # of the room, half
_PER_NOTE = 2  # tokens around it
_PATIENCE_S = 15.0  # before what could not be done is tried again
_BATCH = 32
_COMPARED = 128  # of all lessons the nearest are looked at more closely
_WIDTH = 3.29  # standard deviations from one end of a 90 % interval to the other
_QUERY_CHARS = 4000
MOST_BY_HAND = 5000  # lessons of an owner, before one can be added by hand


class Beliefs(Protocol):
    """What is needed of `learner.books.Books`."""

    def belief(self, owner: str, item: str, context: str = "") -> Belief: ...

    def tally(self, owner: str, item: str, context: str) -> Sums: ...


class TextVectors(Protocol):
    """What is needed of `memory.embedder.Embedder`."""

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector: ...


def _new_id() -> str:
    return f"x_{secrets.token_hex(10)}"


class Lessons:
    """`run` must be running for signals to become lessons. `tokens`: of a prompt that notes and examples may take; 0:
    nothing is told. `clock`: Unix seconds."""

    def __init__(
        self,
        database: Database,
        embedder: TextVectors,
        beliefs: Beliefs,
        tokens: int,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._beliefs = beliefs
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id
        self._shelf = Shelf(lambda lesson: self._use(lesson, "")[0])
        self._runs: dict[str, str] = {}  # of which something was said: run → owner
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def open(self) -> None:
        """Read all lessons, before the first run."""
        for lesson in await self._database.read(lesson_store.load):
            self._shelf.put(lesson)
        if self._shelf.waiting():
            self._stir()

    # ── what is told ──────────────────────────────────────────────────────────────────────────────────────────────

    async def told(
        self, task: Task, role: Role, step: str, window: int, *, weak: bool, notes: list[LearnedNote]
    ) -> LessonsTold | None:
        """What is told with the message `step` of a task: its first, later ones are told the same. None: nothing."""
        message_id = task.message_id(step)
        if step != "answer" or (task.lessons is not None and task.lessons.message_id == message_id):
            return None
        began = time.perf_counter()
        room = min(self._tokens, WEAK_TOKENS if weak else self._tokens, window // WINDOW_SHARE)
        written = _fitting(notes, room // _NOTES_SHARE)
        room -= sum(note.tokens for note in written)
        examples, considered = await self._examples(task, role, room, WEAK_EXAMPLES if weak else MOST_EXAMPLES)
        if not examples and not written:
            return None
        ms = 1000 * (time.perf_counter() - began)
        return LessonsTold(
            at=self._clock(),
            task_id=task.task_id,
            message_id=message_id,
            examples=examples,
            notes=written,
            considered=considered,
            ms=round(ms, 2),
        )

    async def _examples(self, task: Task, role: Role, room: int, most: int) -> tuple[list[LearnedExample], int]:
        """The worthiest first, and how many were compared. Of a plan's results nothing is learned by example, nor from
        the answer of before when its user wants another one."""
        joins = task.plan is not None and not task.declined
        if room <= 0 or joins or (task.trial is not None and not task.trial.examples):
            return [], 0
        known, vectors = self._shelf.of(task.owner, task.role or role.name)
        if not known:
            return [], 0
        try:
            wanted = (await self._embedder.embed([task.goal[:_QUERY_CHARS]]))[0]
        except EmbedderUnavailable as error:
            log.info("no examples are told: %s", error.message)
            return [], 0
        if task.fresh:
            others = [at for at, lesson in enumerate(known) if lesson.task.strip() != task.goal.strip()]
            known, vectors = [known[at] for at in others], vectors[others]
        kind = task.route.kind if task.route is not None else ""
        context = context_of(task.task_id, task.role or role.name, kind)
        near: list[int] = np.argsort(-(vectors @ wanted), kind="stable")[:_COMPARED].tolist()
        compared = [known[at] for at in near]
        candidates = [Candidate(lesson.id, lesson.tokens, *self._use(lesson, context)) for lesson in compared]

        def same(one: int, other: int) -> bool:
            return same_words(compared[one].answer, compared[other].answer)

        picks = pick(wanted, candidates, vectors[near], Room(room, most), same).picks
        by_id = {lesson.id: lesson for lesson in compared}
        return [
            LearnedExample(
                one.id,
                by_id[one.id].task,
                by_id[one.id].answer,
                score=round(one.score, 4),
                similarity=round(one.similarity, 4),
                utility=round(one.utility, 4),
                tokens=one.tokens,
            )
            for one in picks
        ], len(known)

    def _use(self, lesson: Lesson, context: str) -> tuple[float, float]:
        """What is believed of its use: −1 to 1, and how sure that is."""
        sums = self._beliefs.tally(lesson.owner, item_id("example", lesson.id), context)
        found = PRIOR.with_(sums.good, sums.bad)
        return 2.0 * found.mean - 1.0, max(1.0 - _WIDTH * found.sd, 0.0) if sums.count else 0.0

    # ── what is learned ───────────────────────────────────────────────────────────────────────────────────────────

    def heard(self, before: Outcome | None, after: Outcome) -> None:
        """Something was said of a run, or taken back: `Books.listen` tells of it."""
        if _said(after) != (_said(before) if before is not None else set()):
            self._runs[after.run_id] = after.owner
            self._stir()

    def _stir(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def settled(self) -> None:
        """Once all that was heard so far is learned, as far as it can be now."""
        await self._idle.wait()

    async def run(self) -> None:
        """Learn of what is said, and embed; until cancelled."""
        while True:
            try:
                while self._runs:
                    await self._learn_next()
                await self._embed_waiting()
                patience = None
            except (StorageFailure, EmbedderUnavailable) as error:
                log.info("lessons wait: %s", error.message)
                patience = _PATIENCE_S
            if not self._runs or patience is not None:
                self._idle.set()
                try:
                    async with asyncio.timeout(patience):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()

    async def _learn_next(self) -> None:
        """Of the run that waits longest. What is said of it meanwhile makes it wait again."""
        run_id, owner = next(iter(self._runs.items()))
        del self._runs[run_id]
        try:
            await self._learn(owner, run_id)
        except StorageFailure:
            self._runs.setdefault(run_id, owner)
            raise

    async def _learn(self, owner: str, run_id: str) -> None:
        """Let the lessons of a run be what is approved of it now."""
        now = self._clock()
        journal = await self._database.read(lambda connection: read_entries(connection, {run_id: 0})[run_id])
        wanted, whole = approved(run_id, journal), any(isinstance(one.entry, RouteChosen) for one in journal)
        fresh, gone = await self._database.write(
            lambda connection: lesson_store.settle(connection, owner, run_id, wanted, now, pruned=not whole)
        )
        for lesson_id in gone:
            self._shelf.drop(owner, lesson_id)
        for lesson in fresh:
            self._shelf.put(lesson)

    async def _embed_waiting(self) -> None:
        while waiting := self._shelf.waiting()[:_BATCH]:
            vectors = await self._embedder.embed([one.task[:_QUERY_CHARS] for one in waiting], urgent=False)
            done = list(zip(waiting, vectors, strict=True))
            await self._database.write(
                lambda connection, done=done: [
                    lesson_store.set_vector(connection, one.id, one.task, vector) for one, vector in done
                ]
            )
            for one, vector in done:
                self._shelf.embedded(one, vector)

    async def forget(self, owner: str, run_ids: Sequence[str]) -> None:
        """These runs are deleted: nothing may be told of them."""
        for run_id in run_ids:
            self._runs.pop(run_id, None)
        await self._database.write(lambda connection: lesson_store.delete_runs(connection, owner, run_ids))
        self._shelf.drop_runs(owner, run_ids)

    # ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def page(self, owner: str, role: str, query: str, limit: int, offset: int) -> tuple[list[Lesson], int]:
        """The newest first, and how many there are."""
        return await self._database.read(lambda c: lesson_store.page(c, owner, role, query, limit, offset))

    def use(self, lesson: Lesson) -> Belief:
        """What is believed of it, over all kinds of tasks."""
        return self._beliefs.belief(lesson.owner, item_id("example", lesson.id))

    async def add(self, owner: str, role: str, task: str, answer: str) -> Lesson:
        """Raises `InvalidRequest` (lesson_invalid), `Conflict` (too_many_lessons)."""
        tokens = _check(task, answer)
        if self._shelf.count(owner) >= MOST_BY_HAND:
            raise Conflict(
                "too_many_lessons",
                "There are as many lessons as are kept in memory.",
                expected=f"at most {MOST_BY_HAND}",
                actual=str(self._shelf.count(owner) + 1),
                hint="Delete those that are of no use.",
            )
        lesson = Lesson(
            self._new_id(), owner, role, "", "", MAIN, "", task, answer, "hand", True, tokens, self._clock()
        )
        await self._put(lesson)
        return lesson

    async def change(
        self, owner: str, lesson_id: str, *, on: bool | None = None, task: str | None = None, answer: str | None = None
    ) -> Lesson:
        """One whose words are changed is its owner's by hand: no signal withdraws it any more. Raises `NotFound`
        (unknown_lesson), `InvalidRequest` (lesson_invalid)."""
        lesson = await self._find(owner, lesson_id)
        if task is not None or answer is not None:
            task, answer = task or lesson.task, answer or lesson.answer
            vector = lesson.vector if task == lesson.task else None
            tokens = _check(task, answer)
            lesson = replace(lesson, task=task, answer=answer, tokens=tokens, how="hand", vector=vector)
        if on is not None:
            lesson = replace(lesson, on=on)
        await self._put(lesson)
        return lesson

    async def delete(self, owner: str, lesson_id: str) -> None:
        """Raises `NotFound` (unknown_lesson)."""
        if not await self._database.write(lambda connection: lesson_store.delete(connection, owner, lesson_id)):
            raise _unknown(lesson_id)
        self._shelf.drop(owner, lesson_id)

    async def _find(self, owner: str, lesson_id: str) -> Lesson:
        lesson = await self._database.read(lambda connection: lesson_store.find(connection, owner, lesson_id))
        if lesson is None:
            raise _unknown(lesson_id)
        return lesson

    async def _put(self, lesson: Lesson) -> None:
        await self._database.write(lambda connection: lesson_store.put(connection, lesson))
        self._shelf.put(lesson)
        if lesson.vector is None:
            self._stir()


def _said(outcome: Outcome) -> set[tuple[str, str, float, float]]:
    """What its owner said in words; how much it weighs is of no account here."""
    heard = [(task.task_id, one) for task in outcome.tasks for one in task.signals if one.kind == "explicit"]
    return {(task_id, one.name, one.value, one.at) for task_id, one in heard}


def _fitting(notes: Sequence[LearnedNote], room: int) -> list[LearnedNote]:
    """The first that fit."""
    found: list[LearnedNote] = []
    for note in notes:
        tokens = estimate(note.text) + _PER_NOTE
        if tokens <= room:
            room -= tokens
            found.append(replace(note, tokens=tokens))
    return found


def _check(task: str, answer: str) -> int:
    """Its tokens."""
    tokens = size(task, answer)
    for wrong, expected, actual in (
        (not task.strip() or not answer.strip(), "a task and an answer with words in them", "an empty one"),
        (tokens > MOST_TOKENS, f"at most {MOST_TOKENS} tokens of task and answer", f"{tokens}"),
        (has_secret(f"{task}\n{answer}"), "words that may stand in any prompt", "what looks like a password or a key"),
    ):
        if wrong:
            raise InvalidRequest(
                "lesson_invalid", "This cannot be told as an example.", expected=expected, actual=actual
            )
    return tokens


def _unknown(lesson_id: str) -> NotFound:
    return NotFound("unknown_lesson", f"There is no lesson {lesson_id[:80]!r}.")
