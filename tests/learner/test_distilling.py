"""Notes come of what was said: by rule what was said twice, by a model what names its runs, and always as a draft."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from alma.errors import Conflict
from alma.learner.distilling import Distilling, read_notes
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
    assert refused.value.actual == "1"


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
