"""Notes come of what was said: by rule what was said twice, by a model what names its runs, and always as a draft."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from alma.engine.state import RunState, TaskState
from alma.errors import Conflict
from alma.events import MessageFinished, RunStarted, TaskFinished
from alma.learner import said as said_module
from alma.learner.approved import knew_of_outside
from alma.learner.distilling import Distilling, Note, clusters, merged, opposed, read_notes
from alma.learner.said import said_in
from alma.learning.outcome import TaskOutcome
from alma.model_call import Timing, Usage
from alma.models.chat import ChatMessage
from memory.fakes import FakeEmbedding
from session_bench import SessionBench
from taught import judged, schooled_in

TASK = "!say The capital is Rome, as everybody who has ever been there will gladly tell you at once if asked"
REASON = "Say only the name of the city"


@pytest.fixture
async def schooled(tmp_path: Path) -> AsyncGenerator[SessionBench]:
    async with schooled_in(tmp_path) as bench:
        yield bench


def distilling(bench: SessionBench) -> Distilling:
    assert bench.schooling is not None
    return Distilling(bench.database, FakeEmbedding(dimensions=384), bench.schooling.versions)


def notes_of(bench: SessionBench, hash: str) -> list[str]:
    assert bench.schooling is not None
    return [one.text for one in bench.schooling.versions.notes_of("ada", hash)]


class Scripted:
    """A model that gives these answers, the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[Sequence[ChatMessage]] = []

    async def __call__(self, owner: str, messages: Sequence[ChatMessage], schema: dict[str, Any] | None) -> str:
        assert owner == "ada"
        assert schema is not None
        self.asked.append(messages)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_a_reason_said_twice_becomes_a_note_in_its_owners_words(schooled: SessionBench) -> None:
    first = await judged(schooled, 2, TASK, signal="thumb", value=-1.0, reason=REASON)
    await judged(schooled, 1, TASK, signal="thumb", value=-1.0, reason="Purple elephants dance badly")
    made = await distilling(schooled).distil("ada", "manager", None)
    assert (made.stage, made.what, made.of, made.made_by) == ("draft", "notes", "manager", "distilled")
    assert notes_of(schooled, made.hash) == [REASON]
    assert all(run_id in made.reason for run_id in first)


async def test_what_edits_have_in_common_becomes_a_note(schooled: SessionBench) -> None:
    await judged(schooled, 2, TASK, signal="edited", text="Rome")
    made = await distilling(schooled).distil("ada", "manager", None)
    assert notes_of(schooled, made.hash) == ["Keep answers short: about 5 words."]


async def test_too_little_is_said_with_numbers(schooled: SessionBench) -> None:
    await judged(schooled, 1, TASK, signal="thumb", value=-1.0, reason=REASON)
    with pytest.raises(Conflict) as refused:
        await distilling(schooled).distil("ada", "manager", None)
    assert refused.value.code == "nothing_to_learn"
    assert refused.value.expected == "at least 2 tasks with a reason or an edited answer"
    assert (refused.value.actual or "").startswith("1, beside those that are kept apart")


async def test_a_models_notes_must_name_their_runs_and_it_is_told_what_is_wrong(schooled: SessionBench) -> None:
    runs = await judged(schooled, 2, TASK, signal="thumb", value=-1.0, reason=REASON)
    bad = json.dumps({"notes": [{"text": "Be good.", "runs": ["r9"]}]})
    good = f"Here: {json.dumps({'notes': [{'text': 'Name the city alone.', 'runs': ['r1', 'r2']}]})}"
    model = Scripted("no JSON at all", bad, good)
    made = await distilling(schooled).distil("ada", "manager", model)
    assert notes_of(schooled, made.hash) == ["Name the city alone."]
    assert all(run_id in made.reason for run_id in runs)
    assert len(model.asked) == 3
    assert "There is no run 'r9'" in model.asked[2][-1].content


async def test_where_a_model_never_keeps_to_the_form_rules_do(schooled: SessionBench) -> None:
    await judged(schooled, 2, TASK, signal="thumb", value=-1.0, reason=REASON)
    model = Scripted("nonsense")
    made = await distilling(schooled).distil("ada", "manager", model)
    assert notes_of(schooled, made.hash) == [REASON]
    assert len(model.asked) == 3


async def test_nothing_of_another_owner_is_distilled(schooled: SessionBench) -> None:
    await judged(schooled, 2, TASK, signal="thumb", value=-1.0, reason=REASON)
    with pytest.raises(Conflict):
        await distilling(schooled).distil("bob", "manager", None)


@pytest.mark.parametrize(
    "answer",
    ["", "{}", '{"notes": [{"text": "x", "runs": []}]}', '{"notes": "x"}', "[" * 9999, '{"notes": [{"text": 5}]}'],
)
def test_what_is_no_list_of_notes_is_told_apart(answer: str) -> None:
    notes, wrong = read_notes(answer, {"r1": "run"})
    assert not notes
    assert wrong


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        ("Use a list", "Do not use a list", True),
        ("Answer in German", "Answer in French, please", False),  # two words beside each other: vectors decide
        ("Answer in German.", "answer in French", True),
        ("Give figures in km, not in miles", "Give figures in miles, not in km", True),
        ("At most 40 words, please", "At most 400 words", True),
        ("Too long", "Much too long", False),
        ("Don't greet me", "do not greet me!", False),
        ("Say only the name of the city", "Name the city alone", False),
    ],
)
def test_reasons_that_may_want_opposite_things_are_told_apart(one: str, other: str, are: bool) -> None:
    assert opposed(one, other) == opposed(other, one) == are


def test_opposite_reasons_make_no_note_though_their_vectors_are_near() -> None:
    near = np.full((3, 2), 0.7071, dtype=np.float32)
    reasons = [("r1", "Use a list"), ("r2", "Do not use a list"), ("r3", "Please use a list")]
    assert clusters(reasons[:2], near[:2]) == []
    assert [note.runs for note in clusters(reasons, near)] == [["r1", "r3"]]


def test_notes_that_say_the_same_are_one_which_rests_on_all_runs() -> None:
    found = merged([Note("Don't greet.", ["a"]), Note("Use a list.", ["b"]), Note("do not greet", ["a", "c"])])
    assert found == [Note("Don't greet.", ["a", "c"]), Note("Use a list.", ["b"])]


async def test_what_knew_of_content_from_outside_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as its agent met it, nor from the conversation before, nor from its results."""
    ended = TaskFinished(at=0.0, task_id="1", status="completed")
    plain = TaskState("1", text="Rome", result=ended)
    tasks = [
        replace(plain, outside={"a web page": None}),
        replace(plain, result=replace(ended, outside=["a file"])),
        replace(plain, steps={"answer": _message(["a web page"])}),
    ]
    assert [knew_of_outside(one) for one in (plain, *tasks)] == [False, True, True, True]
    started = RunStarted(at=0.0, thread_id="t", owner="ada", text="Which city?")
    for task, count in ((plain, 1), *((one, 0) for one in tasks)):
        state = RunState("r", started=started, tasks={"1": task})
        monkeypatch.setattr(said_module, "fold", lambda run_id, log, state=state: state)
        assert len(said_in("r", [], [TaskOutcome("1", "writer", error="x")])) == count


def _message(outside: list[str]) -> MessageFinished:
    usage, timing = Usage(), Timing()
    return MessageFinished(
        at=0.0,
        message_id="m",
        attempt=1,
        text="Rome",
        finish_reason="stop",
        usage=usage,
        timing=timing,
        outside=outside,
    )


async def test_the_answer_of_a_lesson_that_its_owner_deleted_is_no_example_for_notes(schooled: SessionBench) -> None:
    await judged(schooled, 2, TASK, signal="edited", text="Rome")
    assert schooled.schooling is not None
    lessons = schooled.schooling.lessons
    for one in (await lessons.page("ada", "", "", 9, 0))[0]:
        await lessons.delete("ada", one.id)
    with pytest.raises(Conflict) as refused:
        await distilling(schooled).distil("ada", "manager", None)
    assert refused.value.code == "nothing_to_learn"
