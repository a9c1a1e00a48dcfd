"""An answer that its owner approved is told with the next like task, as the prompt shows; one that is not, is not."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from alma.events import LessonsTold
from alma.learner import lesson_store
from alma.models.chat import ChatRequest
from alma.schooling import Choice
from alma.session.evidence import sent_prompt
from alma.session.feedback import Said
from alma.session.retention import prune_all
from memory.fakes import FakeEmbedding
from planned import log_of
from session_bench import SessionBench
from taught import run, say, schooled_in, settled

FIRST = "!say Shelf G4"
TASK = "Which shelf is for a garden rake?"
LIKE = "Which shelf is for a garden hose?"


@pytest.fixture
async def schooled(tmp_path: Path) -> AsyncGenerator[SessionBench]:
    async with schooled_in(tmp_path) as bench:
        yield bench


def said_to(request: ChatRequest) -> list[tuple[str, str]]:
    return [(one.role, one.content) for one in request.messages]


async def told(bench: SessionBench, run_id: str) -> list[str]:
    return [one.answer for entry in await log_of(bench, run_id, LessonsTold) for one in entry.examples]


async def test_what_was_approved_is_told_and_the_shown_prompt_is_what_was_sent(schooled: SessionBench) -> None:
    bench = schooled
    first = await run(bench, f"{FIRST} {TASK}")
    before = await run(bench, f"!say Nothing yet {LIKE}")
    assert await told(bench, before) == []
    await say(bench, first, signal="thumb", value=1.0)
    run_id = await run(bench, f"{FIRST} {LIKE}")
    (entry,) = await log_of(bench, run_id, LessonsTold)
    (example,) = entry.examples
    assert example.task == f"{FIRST} {TASK}"
    assert example.similarity > 0.5
    sent = said_to(bench.model.requests[-1])
    assert ("user", example.task) in sent
    assert ("assistant", example.answer) in sent
    assert sent[-1] == ("user", f"{FIRST} {LIKE}")
    shown = await bench.database.read(lambda connection: sent_prompt(connection, "ada", run_id))
    assert [(one.role, one.content) for one in shown.messages] == sent


@pytest.mark.parametrize("value", [0.0, -1.0])
async def test_a_thumb_taken_back_or_turned_down_withdraws_it(schooled: SessionBench, value: float) -> None:
    bench = schooled
    first = await run(bench, f"{FIRST} {TASK}")
    await say(bench, first, signal="thumb", value=1.0)
    assert await told(bench, await run(bench, f"{FIRST} {LIKE}"))
    await say(bench, first, signal="thumb", value=value)
    assert await told(bench, await run(bench, f"{FIRST} {LIKE} again")) == []


async def test_a_run_whose_steps_were_given_up_keeps_its_lesson_and_makes_none(schooled: SessionBench) -> None:
    bench = schooled
    assert bench.schooling is not None
    before, after = await run(bench, f"{FIRST} {TASK}"), await run(bench, "!say 12 screws")
    await say(bench, before, signal="thumb", value=1.0)
    assert (await prune_all(bench.database, time.time() + 1)).runs == 2
    await say(bench, before, signal="copied")
    await say(bench, after, signal="thumb", value=1.0)  # nobody can tell any more whether a tool counted them
    known, _ = await bench.schooling.lessons.page("ada", "", "", 9, 0)
    assert [one.run_id for one in known] == [before]
    await say(bench, before, signal="thumb", value=0.0)
    assert (await bench.schooling.lessons.page("ada", "", "", 9, 0))[1] == 0


async def test_one_that_its_owner_deleted_stays_away_whatever_is_said_of_its_run(schooled: SessionBench) -> None:
    bench = schooled
    assert bench.schooling is not None
    lessons = bench.schooling.lessons
    first = await run(bench, f"{FIRST} {TASK}")
    await say(bench, first, signal="thumb", value=1.0)
    ((one,), _) = await lessons.page("ada", "", "", 9, 0)
    await lessons.delete("ada", one.id)
    await say(bench, first, signal="thumb", value=1.0, reason="so it is")
    assert await lessons.page("ada", "", "", 9, 0) == ([], 0)
    await say(bench, first, signal="edited", text="Shelf G5")
    ((other,), _) = await lessons.page("ada", "", "", 9, 0)
    assert other.answer == "Shelf G5", "what they write anew is another one"
    await bench.schooling.forget("ada", [first])
    assert await bench.database.read(lambda connection: lesson_store.deleted(connection, "ada")) == set()


async def test_another_owner_is_never_told_it(schooled: SessionBench) -> None:
    bench = schooled
    first = await run(bench, f"{FIRST} {TASK}")
    await say(bench, first, signal="thumb", value=1.0)
    assert await told(bench, await run(bench, f"{FIRST} {TASK}", owner="bob")) == []
    assert await told(bench, await run(bench, f"{FIRST} {TASK}"))


async def test_an_edited_answer_is_told_as_it_was_edited(schooled: SessionBench) -> None:
    bench = schooled
    first = await run(bench, f"{FIRST} {TASK}")
    await say(bench, first, signal="edited", text="Shelf G4, at the back")
    assert await told(bench, await run(bench, f"{FIRST} {LIKE}")) == ["Shelf G4, at the back"]


async def test_with_its_thread_a_lesson_is_gone(schooled: SessionBench) -> None:
    bench = schooled
    assert bench.schooling is not None
    first = await run(bench, f"{FIRST} {TASK}")
    await say(bench, first, signal="thumb", value=1.0)
    await bench.schooling.forget("ada", [first])
    assert await told(bench, await run(bench, f"{FIRST} {LIKE}")) == []
    assert await bench.schooling.lessons.page("ada", "", "", 10, 0) == ([], 0)


async def test_what_looks_like_a_key_is_never_told(schooled: SessionBench) -> None:
    bench = schooled
    assert bench.schooling is not None
    first = await run(bench, f"!say The password=hunter2hunter2 {TASK}")
    await say(bench, first, signal="thumb", value=1.0)
    assert await bench.schooling.lessons.page("ada", "", "", 10, 0) == ([], 0)


async def test_without_learning_prompts_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    sent: list[list[tuple[str, str]]] = []
    for at, learning in enumerate((Choice(exploration=0.0), Choice(on=False), None)):
        bench = SessionBench(f"sqlite:///{tmp_path}/{at}.db", learning=learning)
        bench.embedder.embed = FakeEmbedding(dimensions=384).embed  # type: ignore[method-assign]
        async with bench.running():
            first = await run(bench, f"{FIRST} {TASK}")
            if learning is not None and not learning.on:
                await bench.sessions.feedback.give("ada", first, Said("thumb", 1.0))
                await settled(bench)
            await run(bench, f"{FIRST} {LIKE}")
            sent.append(said_to(bench.model.requests[-1]))
    assert sent[0] == sent[1] == sent[2]
