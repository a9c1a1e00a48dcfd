"""Lessons: what is told and how much of it, what waits, what is its owner's by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from alma.agent.role import load_role
from alma.agent.task import Task
from alma.db.database import Database
from alma.errors import InvalidRequest, NotFound, StorageFailure
from alma.events import LessonsTold
from alma.learned import LearnedNote, Trial
from alma.learner import lesson_store
from alma.learner.approved import Approved
from alma.learner.books import PRIOR, Belief
from alma.learner.lesson_shelf import Shelf
from alma.learner.lesson_store import Lesson
from alma.learner.lessons import Lessons
from alma.learning.outcome import Heard, Outcome, TaskOutcome
from alma.learning.tally import Sums
from memory.fakes import FakeEmbedding

WRITER = load_role("writer")
TASK = Task("r", "t", "ada", "Which shelf is for a rake?", role="writer")


class Beliefs:
    """By id of a lesson, what speaks for and against it; nothing is known of all others."""

    def __init__(self) -> None:
        self.known: dict[str, Sums] = {}

    def tally(self, owner: str, item: str, context: str) -> Sums:
        return self.known.get(item.removeprefix("example:"), Sums())

    def belief(self, owner: str, item: str, context: str = "") -> Belief:
        sums = self.tally(owner, item, context)
        found = PRIOR.with_(sums.good, sums.bad)
        return Belief(item, context, found.mean, *found.interval(), sums.good + sums.bad, sums.count, 0.0)


class Room:
    def __init__(self, folder: Path, tokens: int = 400) -> None:
        self.database = Database(f"sqlite:///{folder}/alma.db")
        self.embedding = FakeEmbedding(dimensions=384)
        self.beliefs = Beliefs()
        self.lessons = self.made(tokens)

    def made(self, tokens: int = 400) -> Lessons:
        return Lessons(self.database, self.embedding, self.beliefs, tokens, clock=lambda: 1.0)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Lessons]:
        self.database.open()
        try:
            await self.lessons.open()
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self.lessons.run())
                yield self.lessons
                running.cancel()
        finally:
            self.database.close()


async def told(lessons: Lessons, task: Task = TASK, *, weak: bool = False, window: int = 8000, **more: object):
    notes: list[LearnedNote] = more.get("notes", [])  # type: ignore[assignment]
    return await lessons.told(task, WRITER, str(more.get("step", "answer")), window, weak=weak, notes=notes)


async def add(lessons: Lessons, *tasks: str, answer: str = "Shelf G4", owner: str = "ada") -> list[Lesson]:
    found = [await lessons.add(owner, "writer", task, answer) for task in tasks]
    await lessons.settled()
    return found


def answers(entry: LessonsTold | None) -> list[str]:
    return [one.task for one in entry.examples] if entry is not None else []


LIKE = [f"Which shelf is for a {thing}?" for thing in ("hose", "spade", "hammer", "kettle", "towel")]


async def test_a_weak_model_is_told_less(tmp_path: Path) -> None:
    async with Room(tmp_path).open() as lessons:
        assert await told(lessons) is None
        await add(lessons, *LIKE)
        strong, weak = await told(lessons), await told(lessons, weak=True)
        assert len(answers(strong)) == 5
        assert len(answers(weak)) == 2
        assert strong is not None
        assert (strong.considered, strong.message_id, strong.task_id) == (5, TASK.message_id("answer"), "main")
        assert len(answers(await told(lessons, window=400))) == 1, "a tenth of the window"


async def test_the_very_same_task_is_told_its_answer_unless_another_is_wanted(tmp_path: Path) -> None:
    async with Room(tmp_path).open() as lessons:
        await add(lessons, TASK.request)
        assert answers(await told(lessons)) == [TASK.request]
        assert await told(lessons, replace(TASK, fresh=True)) is None


async def test_it_is_told_once_and_later_steps_keep_it(tmp_path: Path) -> None:
    async with Room(tmp_path).open() as lessons:
        await add(lessons, *LIKE)
        first = await told(lessons)
        assert await told(lessons, replace(TASK, lessons=first)) is None
        assert await told(lessons, step="answer.2") is None


async def test_notes_come_first_and_take_at_most_half(tmp_path: Path) -> None:
    async with Room(tmp_path, tokens=100).open() as lessons:
        await add(lessons, *LIKE)
        notes = [LearnedNote(f"n{at}", "Name the shelf and nothing else at all. " * 2) for at in range(4)]
        entry = await told(lessons, notes=notes)
        assert entry is not None
        assert [one.id for one in entry.notes] == ["n0"]
        assert sum(one.tokens for one in entry.notes) <= 50
        assert 0 < sum(one.tokens for one in (*entry.notes, *entry.examples)) <= 100


async def test_a_trial_is_told_examples_only_where_it_says_so(tmp_path: Path) -> None:
    async with Room(tmp_path).open() as lessons:
        await add(lessons, *LIKE)
        assert await told(lessons, replace(TASK, trial=Trial("replay", "v"))) is None
        assert answers(await told(lessons, replace(TASK, trial=Trial("replay", "v", examples=True))))


async def test_with_no_room_nothing_is_told(tmp_path: Path) -> None:
    async with Room(tmp_path, tokens=0).open() as lessons:
        await add(lessons, *LIKE)
        assert await told(lessons, notes=[LearnedNote("n", "Be brief.")]) is None


async def test_what_has_helped_is_told_first_and_what_harmed_never(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.open() as lessons:
        good, bad, plain = await add(lessons, LIKE[0], LIKE[1], LIKE[2])
        room.beliefs.known = {good.id: Sums(good=40.0, count=40), bad.id: Sums(bad=40.0, count=40)}
        assert answers(await told(lessons)) == [good.task, plain.task]


async def test_a_lesson_waits_for_its_vector_and_outlives_a_restart(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.open() as lessons:
        room.embedding.down = True
        await add(lessons, LIKE[0])
        assert await told(lessons) is None
    room.embedding.down = False
    room.database, room.embedding = Database(f"sqlite:///{tmp_path}/alma.db"), FakeEmbedding(dimensions=384)
    room.lessons = room.made()
    async with room.open() as lessons:
        await lessons.settled()
        assert answers(await told(lessons)) == [LIKE[0]]


async def test_without_an_embedder_a_task_is_told_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.open() as lessons:
        await add(lessons, LIKE[0])
        room.embedding.down = True
        assert await told(lessons) is None


async def test_one_can_be_turned_off_changed_and_deleted_by_its_owner_alone(tmp_path: Path) -> None:
    async with Room(tmp_path).open() as lessons:
        (one,) = await add(lessons, LIKE[0])
        assert not (await lessons.change("ada", one.id, on=False)).on
        assert await told(lessons) is None
        changed = await lessons.change("ada", one.id, on=True, answer="Shelf K2")
        assert (changed.answer, changed.task, changed.how) == ("Shelf K2", LIKE[0], "hand")
        entry = await told(lessons)
        assert entry is not None
        assert entry.examples[0].answer == "Shelf K2"
        for attempt in (lessons.change("bob", one.id, on=False), lessons.delete("bob", one.id)):
            with pytest.raises(NotFound) as refused:
                await attempt
            assert refused.value.code == "unknown_lesson"
        await lessons.delete("ada", one.id)
        assert await told(lessons) is None


async def test_pages_are_searched_by_words(tmp_path: Path) -> None:
    async with Room(tmp_path).open() as lessons:
        await add(lessons, *LIKE)
        await add(lessons, LIKE[0], owner="bob")
        found, total = await lessons.page("ada", "writer", "HOSE shelf", 10, 0)
        assert ([one.task for one in found], total) == ([LIKE[0]], 1)
        found, total = await lessons.page("ada", "", "", 2, 4)
        assert (len(found), total) == (1, 5)
        assert await lessons.page("ada", "analyst", "", 10, 0) == ([], 0)
        assert (await lessons.page("ada", "", "%", 10, 0))[1] == 0, "no wildcard"


@pytest.mark.parametrize(
    ("task", "answer"), [(" ", "x"), ("x", "\n"), ("x", "word " * 3000), ("x", "password=hunter2hunter2")]
)
async def test_what_cannot_be_an_example_is_refused(tmp_path: Path, task: str, answer: str) -> None:
    async with Room(tmp_path).open() as lessons:
        with pytest.raises(InvalidRequest) as refused:
            await lessons.add("ada", "writer", task, answer)
        assert refused.value.code == "lesson_invalid"
        assert refused.value.expected


async def test_what_is_said_while_its_run_is_learned_of_is_learned_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard("thumb", "explicit", 1.0, 1.0, 1.0)
    said = Outcome("r", "ada", "t", 1.0, "chat", tasks=[TaskOutcome("main", "writer", signals=[heard])])
    learned: list[str] = []
    async with Room(tmp_path).open() as lessons:

        async def learn(owner: str, run_id: str) -> None:
            learned.append(run_id)
            if len(learned) == 1:
                lessons.heard(None, said)
            if len(learned) == 2:
                raise StorageFailure("away")

        monkeypatch.setattr(lessons, "_learn", learn)
        monkeypatch.setattr("alma.learner.lessons._PATIENCE_S", 0.01)
        lessons.heard(None, said)
        while len(learned) < 3:
            await asyncio.sleep(0.001)
    assert learned == ["r", "r", "r"], "again, as it was heard again; and again, as the database was away"


async def test_of_a_run_that_is_gone_nothing_is_learned(tmp_path: Path) -> None:
    async with Room(tmp_path).open() as lessons:
        one = Approved("x", "writer", "", "main", "t", "Which shelf?", "G4", "thumb", 9)
        database = lessons._database
        assert await database.write(lambda c: lesson_store.settle(c, "ada", "gone", [one], 1.0)) == ([], [])


def test_of_too_many_the_least_useful_leave_memory() -> None:
    shelf = Shelf(lambda one: float(one.id), most=20)
    vector = np.ones(384, np.float32)
    for at in reversed(range(40)):
        lesson = Lesson(str(at), "ada", "writer", "", "", "", "", "t", "a", "hand", True, 5, 1.0, vector)
        shelf.put(lesson)
    left = {int(one.id) for one in shelf.of("ada", "writer")[0]}
    assert len(left) <= 20
    assert set(range(25, 40)) <= left
    assert shelf.of("bob", "writer")[0] == []
