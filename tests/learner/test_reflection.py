"""A prompt is written anew by what went wrong, as a draft; its front matter stays byte for byte."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alma.agent.role import load_role
from alma.db.tables import threads
from alma.errors import Conflict, InvalidRequest
from alma.learner.evolving import Evolving
from alma.learner.reflection import Reflection, body_of, front_of, with_body, wrong_with
from alma.learner.said import Said
from alma.models.chat import ChatMessage
from learner.test_distilling import Scripted
from memory.fakes import FakeEmbedding
from session_bench import SessionBench
from taught import judged, schooled_in

TASK = "!say It is Rome I think"
ROLE = load_role("writer")
MANAGER = load_role("manager")


@pytest.fixture
async def schooled(tmp_path: Path) -> AsyncGenerator[SessionBench]:
    async with schooled_in(tmp_path) as bench:
        yield bench


def reflection(bench: SessionBench) -> Reflection:
    assert bench.schooling is not None
    return Reflection(bench.database, bench.schooling.versions)


def rewritten(body: str) -> str:
    return json.dumps({"reasoning": "It guessed where it should have known.", "prompt": body})


async def test_a_draft_keeps_the_front_matter_and_gives_its_reasons(schooled: SessionBench) -> None:
    await judged(schooled, 3, TASK, signal="thumb", value=-1.0, reason="Do not guess")
    body = body_of(MANAGER.source).replace("named Alma.", "named Alma. Never guess.")
    model = Scripted("Certainly!", rewritten("# unknown\nx"), rewritten(body))
    made = await reflection(schooled).reflect("ada", MANAGER, model)
    assert (made.stage, made.what, made.made_by) == ("draft", "prompt", "reflection")
    assert made.reason == "It guessed where it should have known."
    assert schooled.schooling is not None
    role = schooled.schooling.versions.role_of("ada", made.hash)
    assert role is not None
    assert front_of(role.source) == front_of(MANAGER.source)
    assert "Never guess." in role.prompt
    assert "Do not guess" in model.asked[0][1].content
    assert "unknown section" in model.asked[2][-1].content


async def test_after_two_repairs_it_is_given_up(schooled: SessionBench) -> None:
    await judged(schooled, 3, TASK, signal="thumb", value=-1.0)
    model = Scripted(rewritten(""))
    with pytest.raises(InvalidRequest) as refused:
        await reflection(schooled).reflect("ada", MANAGER, model)
    assert refused.value.code == "reflection_failed"
    assert len(model.asked) == 3


async def test_too_few_failures_are_counted(schooled: SessionBench) -> None:
    await judged(schooled, 2, TASK, signal="thumb", value=-1.0)
    with pytest.raises(Conflict) as refused:
        await reflection(schooled).reflect("ada", MANAGER, Scripted("x"))
    assert refused.value.code == "nothing_to_learn"
    assert refused.value.expected == "at least 3 tasks that failed or were turned down"
    assert (refused.value.actual or "").startswith("2, beside those that are kept apart")


async def test_its_calls_are_runs_of_their_owner(schooled: SessionBench) -> None:
    assert schooled.schooling is not None
    drafting = schooled.schooling.drafting
    assert drafting is not None
    await judged(schooled, 3, TASK, signal="thumb", value=-1.0)
    before = len(schooled.model.requests)
    with pytest.raises(InvalidRequest) as refused:
        await drafting.reflect("ada", "manager", "reflection")
    assert refused.value.code == "reflection_failed", "the scripted model writes no prompts"
    assert len(schooled.model.requests) == before + 3
    asked = sa.select(sa.func.count()).where(threads.c.owner == "ada", threads.c.hidden.is_(True))
    assert await schooled.database.read(lambda connection: connection.scalar(asked)) == 3
    await schooled.schooling.forget("ada", [])
    assert await schooled.database.read(lambda connection: connection.scalar(asked)) == 0, "with a conversation they go"


def test_the_same_words_are_no_new_prompt() -> None:
    assert wrong_with(body_of(ROLE.source), ROLE) == "It is the prompt of now, word for word."
    assert with_body(ROLE.source, body_of(ROLE.source)).startswith(front_of(ROLE.source))


class Improving:
    """A model that answers right where its prompt says so, and as a reflecting one writes such a prompt."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, owner: str, messages: Sequence[ChatMessage], schema: dict[str, Any] | None) -> str:
        assert owner == "ada"
        self.calls += 1
        if messages[0].role != "system":
            return f"```\n{body_of(ROLE.source)}\nAnswer with the city alone.\n```"
        return "Rome" if "city alone" in messages[0].content else "I cannot tell which town it may be"


class Kept:
    """Where drafts go."""

    def __init__(self) -> None:
        self.contents: list[str] = []

    async def draft(self, owner: str, what: str, of: str, content: str, **named: Any) -> Any:
        self.contents.append(content)
        return named


async def test_prompts_are_evolved_by_the_library_within_a_bound() -> None:
    tasks = [Said(f"r{at}", "main", f"Which city is it, number {at}?", "", [], wanted="Rome") for at in range(6)]
    drafts, model = Kept(), Improving()
    evolving = Evolving(Reflection(None, drafts), FakeEmbedding(dimensions=384))  # type: ignore[arg-type]
    made = await evolving.evolve("ada", ROLE, tasks, model, calls=30)
    assert made.after > made.before
    assert made.calls == model.calls <= 60
    (content,) = drafts.contents
    assert content.startswith(front_of(ROLE.source))
    assert "Answer with the city alone." in content


async def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gepa", None)
    evolving = Evolving(Reflection(None, Kept()), FakeEmbedding())  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as refused:
        await evolving.evolve("ada", ROLE, [], Scripted("x"))
    assert refused.value.code == "extra_missing"
    assert "alma[gepa]" in (refused.value.hint or "")
