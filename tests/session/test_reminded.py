"""Agents are reminded before they speak, look things up, keep and forget them, and hear of what has changed."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec.structs import replace

from alma.agent.data import block
from alma.agent.prompt import NAMING
from alma.events import AgentMessage, MemoriesRecalled, MessageStarted, ToolReturned
from alma.memory.records import USER, Filter, NewMemory, Reader, Scope, Source, tokens_of
from alma.models.script import Fault
from planned import (
    HELD,
    acts,
    answers,
    asked,
    end_of,
    found,
    holds,
    log_of,
    plans,
    prompts_are_exact,
    role_file,
    seen,
    start,
    task,
)
from session_bench import SessionBench

ADA = Reader("ada")
PORTO = "The user wants a quiet hotel in Porto near the river."


def remembering(tmp_path: Path, **more: object) -> SessionBench:
    return SessionBench(f"sqlite:///{tmp_path}/alma.db", memory=True, **more)  # type: ignore[arg-type]


async def keep(bench: SessionBench, text: str, scope: Scope = "owner", agent: str = USER, **more: object) -> str:
    assert bench.memory is not None
    new = NewMemory("ada", text, scope=scope, agent=agent, **more)  # type: ignore[arg-type]
    (added,) = await bench.memory.memories.add([new])
    return added.memory.id


async def test_what_an_agent_noted_is_not_told_as_the_users_word(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        await keep(bench, PORTO, agent="researcher")
        client = bench.connect()
        ack = await start(client, "Which quiet hotel in Porto?", kind="chat")
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (told,) = await log_of(bench, ack["runId"], MemoriesRecalled)
        assert told.hits[0].label.startswith("noted by researcher, ")


async def test_an_answer_is_reminded_and_says_so(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        memory_id = await keep(bench, PORTO)
        client = bench.connect()
        ack = await start(client, "Which quiet hotel in Porto?", kind="chat")
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (told,) = await log_of(bench, ack["runId"], MemoriesRecalled)
        assert [(hit.id, hit.text, hit.scope, hit.label) for hit in told.hits] == [
            (memory_id, PORTO, "owner", "about the user")
        ]
        assert told.hits[0].score > 0
        (prompt,) = asked(bench, "Which quiet hotel in Porto")
        assert f"Remembered (about the user): {PORTO}" in prompt
        (frame,) = found(client, name="alma.recalled")
        assert frame["hits"][0]["id"] == memory_id
        assert frame["messageId"] == told.message_id
        assert await prompts_are_exact(bench, ack["runId"]) == 1


async def test_what_is_private_to_a_role_is_told_to_no_other_nor_to_who_stands_in(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", stand_ins=["analyst"])
    async with remembering(tmp_path, roles=tmp_path / "agents", max_attempts=1).running() as bench:
        own = await keep(bench, "Flour is kept in the blue tin", "private", "writer")
        await keep(bench, "Water boils: a secret of the analyst", "private", "analyst")
        plans(bench, task("writer", "Flour, where"), task("writer", "!fail Flour, why"))
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        told = await log_of(bench, ack["runId"], MemoriesRecalled)
        by_task = {one.task_id: {hit.id for hit in one.hits} for one in told}
        assert by_task["1"] == {own}
        secret = "".join(text for text in asked(bench, "Flour") if "blue tin" not in text)
        assert "secret of the analyst" not in "".join(asked(bench, "Flour, where"))
        assert "blue tin" not in secret
        for recalled in told:
            for hit in recalled.hits:
                assert hit.scope != "private" or hit.agent in ("writer", "analyst")


async def test_an_agent_keeps_looks_up_and_forgets_within_its_policy(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", memory={"recall": ["private", "team", "owner"], "write": ["team"]})
    async with remembering(tmp_path, roles=tmp_path / "agents").running() as bench:
        pinned = await keep(bench, "Never forget the salt", "team", "analyst", pinned=True)
        plans(bench, task("writer", "Flour"))
        acts(
            bench,
            "Flour",
            [("remember", '{"text": "Rye needs more water.", "scope": "owner"}')],
            [("remember", '{"text": "Rye needs more water."}')],
            [("recall", '{"query": "how much water does rye need"}')],
            [("forget", json.dumps({"id": pinned}))],
            [("forget", '{"id": "m_nothing"}')],
        )
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        said = [one.text for one in await log_of(bench, ack["runId"], ToolReturned)]
        assert said[0] == "You may not keep that as owner; you may as team."
        assert said[1].startswith("Kept as m_")
        assert "Rye needs more water." in said[2]
        assert said[3] == "The user has pinned it; only they can forget it."
        assert "no memory 'm_nothing'" in said[4]
        assert bench.memory is not None
        kept, _, _ = await bench.memory.memories.list(ADA, Filter(agents=("writer",)))
        assert [(one.text, one.scope, one.source.run_id, one.source.task_id) for one in kept] == [
            ("Rye needs more water.", "team", ack["runId"], "1")
        ]
        by_call = [one for one in await log_of(bench, ack["runId"], MemoriesRecalled) if one.call_id]
        assert len(by_call) == 1
        await prompts_are_exact(bench, ack["runId"])


async def test_an_agent_hears_at_its_next_step_that_what_it_was_told_has_changed(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        assert bench.memory is not None
        memory_id = await keep(bench, "Flour costs one euro", "team")
        plans(bench, task("writer", "Flour costs"))
        acts(bench, "Flour costs", [("read_board", "{}")], hold=HELD)
        speak = holds(bench, "Nothing waits for this", "")
        client = bench.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_START", subagentRunId="1")
        await bench.memory.memories.edit(ADA, memory_id, 1, text="Flour costs two euros")
        await seen(client, name="alma.message")
        speak.set()
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (news,) = await log_of(bench, ack["runId"], AgentMessage)
        assert (news.sender, news.recipient, news.refs) == ("memory", "1", [memory_id])
        (after,) = [one for one in bench.model.requests if "The board is empty." in one.messages[-1].content]
        assert any("Now it is: Flour costs two euros" in one.content for one in after.messages)
        await prompts_are_exact(bench, ack["runId"])


async def test_the_teams_board_outlives_a_run_and_loses_no_word(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", memory={"write": ["team"]})
    async with remembering(tmp_path, roles=tmp_path / "agents").running() as bench:
        plans(bench, task("writer", "Flour"))
        write = '{"key": "team/bread", "text": "rye", "version": 0}'
        acts(bench, "Flour", [("write_board", write)], [("write_board", write)], [("read_board", "{}")])
        client = bench.connect()
        first = await start(client)
        await end_of(client, first["runId"])
        said = [one.text for one in await log_of(bench, first["runId"], ToolReturned)]
        assert said[0] == "team/bread is on the team's board, version 1."
        assert said[1].startswith("Not written: you saw version 0, and team/bread is version 1: rye.")
        assert said[2] == "team/bread (version 1): rye"


async def test_the_same_question_again_is_not_answered_from_its_last_answer(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        source = Source(thread_id="t", run_id="r_before")
        question = "Which quiet hotel in Porto?"
        await keep(bench, question, "team", kind="episodic", source=source, line="t", position=0, speaker=USER)
        await keep(
            bench, "The quiet hotel in Porto: Rosa.", "team", "manager",
            kind="episodic", source=source, line="t", position=1, speaker="manager",
        )  # fmt: skip
        answers(bench, "Which quiet hotel in Porto\\?", "Rosa")
        client = bench.connect()
        ack = await start(client, question, kind="chat")
        await end_of(client, ack["runId"])
        (told,) = await log_of(bench, ack["runId"], MemoriesRecalled)
        assert told.hits == []
        assert {one.why for one in told.missed} == {"known"}
        ack = await start(client, "And the quiet hotel in Porto that was named?", kind="chat")
        await end_of(client, ack["runId"])
        assert [hit.text for hit in (await log_of(bench, ack["runId"], MemoriesRecalled))[0].hits][:1] != []


async def test_what_holds_of_the_user_is_told_whatever_is_asked(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        bench.models.strong = True
        await keep(bench, "The user is vegan.", key="user.diet")
        await keep(bench, "The analyst likes short tables.", "private", "analyst", key="user.tables")
        client = bench.connect()
        ack = await start(client, "Suggest a dinner", kind="chat")
        await end_of(client, ack["runId"])
        (told,) = await log_of(bench, ack["runId"], MemoriesRecalled)
        assert [hit.text for hit in told.hits] == ["The user is vegan."], "of others' private ones nothing"
        assert await prompts_are_exact(bench, ack["runId"]) == 1


async def standing_of(bench: SessionBench, request: str) -> list[tuple[str, bool]]:
    client = bench.connect()
    ack = await start(client, request, kind="chat")
    await end_of(client, ack["runId"])
    return [
        (hit.text, hit.standing) for told in await log_of(bench, ack["runId"], MemoriesRecalled) for hit in told.hits
    ]


async def test_a_small_model_is_told_what_holds_of_the_user_only_where_they_speak_of_themselves(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        assert bench.memory is not None
        await keep(bench, "Rivers are quiet at night.")
        bench.memory.embedding.down = True  # so that no search finds it
        await keep(bench, "The user is vegan.", key="user.diet")
        bench.memory.embedding.down = False
        found, diet = ("Rivers are quiet at night.", False), ("The user is vegan.", True)
        assert await standing_of(bench, "Which rivers are quiet?") == [found]
        assert await standing_of(bench, "Which rivers do I like?") == [found, diet], "what was found comes first"
        bench.models.strong = True
        assert await standing_of(bench, "Which rivers are long?") == [found, diet]


async def test_what_holds_of_the_user_keeps_its_share_of_the_prompt(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        assert bench.memory is not None
        bench.memory.embedding.down = True
        for number in range(6):
            await keep(bench, f"The user likes the number {number} more than most.", key=f"user.taste.{number}")
        bench.memory.embedding.down = False
        told = [text for text, _ in await standing_of(bench, "Which numbers do I like?")]
        assert len(told) == 2
        assert sum(tokens_of(f"Remembered (about the user): {text}") for text in told) <= 60


async def test_each_memory_is_one_part_of_the_prompt_and_one_says_how_to_name_files(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        for place in ("page 1", "page 2"):
            source = Source(document_id="d", file="pump.pdf", place=place)
            await keep(bench, f"The pump is oiled on {place}.", "team", source=source)
        client = bench.connect()
        ack = await start(client, "When is the pump oiled?", kind="chat")
        await end_of(client, ack["runId"])
        (begun,) = [one for one in await log_of(bench, ack["runId"], MessageStarted) if one.role == "manager"]
        assert len([one for one in begun.sections if one.name == "memory"]) == 2
        (prompt,) = asked(bench, "When is the pump oiled")
        assert prompt.count(NAMING) == 1
        assert block("From [pump.pdf, page 1]:\nThe pump is oiled on page 1.") in prompt


async def test_who_may_not_read_a_memory_any_more_hears_only_that_it_was_taken_back(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        assert bench.memory is not None
        memory_id = await keep(bench, "Flour costs one euro", "team", "analyst")
        plans(bench, task("writer", "Flour costs"))
        acts(bench, "Flour costs", [("read_board", "{}")], hold=HELD)
        speak = holds(bench, "Nothing waits for this", "")
        client = bench.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_START", subagentRunId="1")
        await bench.memory.memories.edit(ADA, memory_id, 1, text="It is bought from Rui", scope="private")
        await seen(client, name="alma.message")
        speak.set()
        await end_of(client, ack["runId"])
        (news,) = await log_of(bench, ack["runId"], AgentMessage)
        assert "taken back" in news.text
        assert "Rui" not in str(bench.model.requests)


async def test_who_stands_in_does_not_hear_what_was_private_to_the_one_before(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", stand_ins=["analyst"])
    async with remembering(tmp_path, roles=tmp_path / "agents", max_attempts=1).running() as bench:
        assert bench.memory is not None
        memory_id = await keep(bench, "Flour is kept in the blue tin", "private", "writer")
        plans(bench, task("writer", "Flour where"))
        gate = holds(bench, "Flour where", "x")
        bench.model.script[-1] = replace(bench.model.script[-1], times=1, fault=Fault("cut", 0))
        client = bench.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_START", subagentRunId="1")
        await bench.memory.memories.edit(ADA, memory_id, 1, text="Flour is kept in the red tin")
        await seen(client, name="alma.message")
        gate.set()
        await end_of(client, ack["runId"])
        roles = {one.role for one in await log_of(bench, ack["runId"], MessageStarted) if one.task_id == "1"}
        assert roles == {"writer", "analyst"}
        assert "red tin" not in str(bench.model.requests), "it failed before its next step"
        await prompts_are_exact(bench, ack["runId"])


async def test_of_a_memory_that_changed_only_the_new_text_is_told(tmp_path: Path) -> None:
    async with remembering(tmp_path).running() as bench:
        assert bench.memory is not None
        memory_id = await keep(bench, "Flour costs one euro", "team")
        plans(bench, task("writer", "Flour costs"))
        acts(bench, "Flour costs", [("recall", '{"query": "Flour costs"}')], hold=HELD)
        speak = holds(bench, "Nothing waits for this", "")
        client = bench.connect()
        ack = await start(client)
        await seen(client, type="TEXT_MESSAGE_START", subagentRunId="1")
        await bench.memory.memories.edit(ADA, memory_id, 1, text="Flour costs two euros")
        await seen(client, name="alma.message")
        speak.set()
        await end_of(client, ack["runId"])
        for told in await log_of(bench, ack["runId"], MemoriesRecalled):
            assert len({hit.id for hit in told.hits}) == len(told.hits)
        await prompts_are_exact(bench, ack["runId"])


async def test_an_agent_takes_the_place_of_nothing_that_it_may_not_forget(tmp_path: Path) -> None:
    role_file(tmp_path / "agents", "writer", memory={"write": ["team", "owner"]})
    async with remembering(tmp_path, roles=tmp_path / "agents").running() as bench:
        assert bench.memory is not None
        pinned = await keep(bench, "The user is vegan.", key="user.diet", pinned=True)
        await bench.memory.memories.put("ada", "team/plan", "Ship on Monday", 0, agent="analyst")
        plans(bench, task("writer", "Flour"))
        steals = [
            [("remember", '{"text": "The user eats meat.", "scope": "owner", "about": "user.diet"}')],
            [("remember", '{"text": "Ship never", "scope": "team", "about": "team/plan"}')],
        ]
        acts(bench, "Flour", *steals)
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        said = [one.text for one in await log_of(bench, ack["runId"], ToolReturned)]
        assert said[0] == f"Not kept, for {pinned} holds user.diet. The user has pinned it; only they can forget it."
        assert said[1] == "What begins with team/ is on the board: use write_board."
        assert (await bench.memory.memories.get(ADA, pinned)).alive
