"""What runs leave in memory: their sentences while they speak, then episodes, results and facts, once and for good."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import sqlalchemy as sa

from alma.agent.role import MemoryPolicy
from alma.db.tables import memories as memory_rows
from alma.db.tables import remembered_runs, runs
from alma.engine.state import RunState
from alma.errors import EndpointCut, InvalidRequest, StorageFailure
from alma.events import Delta, MessageStarted, Recorded
from alma.memory.memories import Memories
from alma.memory.records import Filter, Memory, NewMemory, Reader, Source
from alma.models.chat import ChatRequest, Chunk
from alma.models.script import Rule
from alma.session import listening as listening_module
from alma.session.extraction import _Noted, checked  # pyright: ignore[reportPrivateUsage]
from alma.session.remembering import Remembering
from memory.fakes import FakeDense, FakeEmbedding, FakeRecall
from planned import DECIDE, do, plan_json, seen, start, task
from session_bench import Client, SessionBench

ME = Reader("ada")


class RememberingBench(SessionBench):
    """A bench with a memory. `policy`: in place of that of the roles' files."""

    def __init__(self, url: str, **more: Any) -> None:
        self.policy = more.pop("policy", MemoryPolicy(write=["private", "team", "owner"]))
        super().__init__(url, **more)
        self.embedding = FakeEmbedding()
        self.dense = FakeDense(self.database, self.embedding)
        self.memories = Memories(
            self.database,
            self.embedding,
            cast("Any", self.dense),
            cast("Any", FakeRecall(self.database, self.dense)),
            self.engine.clock,
        )
        self.remembering = self.remember_anew()

    def remember_anew(self) -> Remembering:
        bench = self

        class Policies:
            def get(self, name: str) -> Any:
                return msgspec.structs.replace(bench.roles.get(name), memory=bench.policy)

        self.remembering = Remembering(
            self.database, self.journal, self.engine.open_text, self.memories, Policies(), self.models
        )
        return self.remembering

    def _changed(self, state: RunState, log: Sequence[Recorded]) -> None:
        self.remembering.ended(state)
        super()._changed(state, log)

    @contextlib.asynccontextmanager
    async def remembers(self) -> AsyncGenerator[RememberingBench]:
        async with self.running(), asyncio.TaskGroup() as group:
            task = group.create_task(self.remembering.run())
            yield self
            task.cancel()

    async def all(self, **wanted: Any) -> list[Memory]:
        """Oldest first."""
        found, _, _ = await self.memories.list(ME, Filter(**wanted), limit=200)
        return sorted(found, key=lambda memory: memory.num)

    async def ask(self, client: Client, text: str, **more: Any) -> tuple[str, str]:
        """The run's and the thread's id once the run is taken in."""
        answer = await client.answer(client.say("run.start", key=text, text=text, kind="chat", **more))
        await self.ended(answer["runId"])
        await self.remembering.settled()
        return answer["runId"], answer["threadId"]


@pytest.fixture
async def bench(database_url: str) -> AsyncGenerator[RememberingBench]:
    async with RememberingBench(database_url).remembers() as running:
        yield running


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncGenerator[RememberingBench]:
    async with RememberingBench(f"sqlite:///{tmp_path / 'alma.db'}").remembers() as running:
        yield running


async def test_a_conversation_becomes_episodes_in_its_line(bench: RememberingBench) -> None:
    client = bench.connect()
    first, thread = await bench.ask(client, "Where do storks spend the winter?")
    second, _ = await bench.ask(client, "And swallows?", threadId=thread, parentRunId=first)
    again, _ = await bench.ask(client, "And cranes?", threadId=thread, parentRunId=first)
    found = await bench.all(kinds=("episodic",))
    assert {memory.line for memory in found} == {thread}
    assert [(memory.source.run_id, memory.speaker, memory.position) for memory in found] == [
        (first, "user", 0),
        (first, "manager", 1),
        (second, "user", 2),
        (second, "manager", 3),
        (again, "user", 2),
        (again, "manager", 3),
    ]
    assert found[0].text == "Where do storks spend the winter?"
    assert all(memory.scope == "team" and memory.agent == "manager" for memory in found)
    taken = await bench.database.read(lambda c: set(c.execute(sa.select(remembered_runs.c.run_id)).scalars()))
    assert taken == {first, second, again}


async def test_what_the_user_says_of_themselves_becomes_facts(quick: RememberingBench) -> None:
    client = quick.connect()
    text = "Hello! My name is Ada and I live in Porto. What is the weather like?"
    run, thread = await quick.ask(client, text)
    facts = await quick.all(kinds=("semantic",))
    assert [(fact.text, fact.key, fact.scope) for fact in facts] == [
        ("The user's name is Ada.", "user.name", "owner"),
        ("The user lives in Porto.", "user.city", "owner"),
    ]
    source = facts[1].source
    assert (source.run_id, source.thread_id) == (run, thread)
    assert text[source.start : source.end] == "My name is Ada and I live in Porto."
    await quick.ask(client, "No, I moved to Lisbon.", threadId=thread, parentRunId=run)
    assert [fact.text for fact in await quick.all(key="user.city")] == ["The user lives in Lisbon."]
    old = await quick.all(key="user.city", state="superseded")
    assert [fact.text for fact in old] == ["The user lives in Porto."]


async def test_a_denial_ends_what_was_said_and_nothing_else(quick: RememberingBench) -> None:
    client = quick.connect()
    run, thread = await quick.ask(client, "I live in Porto and I'm vegan.")
    await quick.ask(client, "I'm not a vegetarian. I don't live in Porto any more.", threadId=thread, parentRunId=run)
    facts = [(fact.text, fact.key) for fact in await quick.all(kinds=("semantic",))]
    assert facts == [
        ("The user is vegan.", "user.diet"),
        ("The user is not a vegetarian.", ""),
        ("The user no longer lives in Porto.", "user.city"),
    ]
    ended = await quick.all(kinds=("semantic",), state="superseded")
    assert [fact.text for fact in ended] == ["The user lives in Porto."]


async def test_no_fact_is_taken_from_what_an_agent_says(quick: RememberingBench) -> None:
    says = "I live in Rome. My name is Alma. You don't like jazz. The user dislikes jazz."
    quick.model.script.insert(0, Rule(match=r"(?s).*trams", answer=says))
    await quick.ask(quick.connect(), "Tell me about trams.")
    assert says in [memory.text for memory in await quick.all(kinds=("episodic",))]
    assert await quick.all(kinds=("semantic", "procedural")) == []


async def test_the_policy_of_the_role_decides(tmp_path: Path) -> None:
    policy = MemoryPolicy(write=["private"], keep=["results"])
    async with RememberingBench(f"sqlite:///{tmp_path / 'alma.db'}", policy=policy).remembers() as bench:
        await bench.ask(bench.connect(), "I live in Porto, and you?")
        assert {(one.kind, one.scope) for one in await bench.all()} == {("episodic", "private")}
    async with RememberingBench(f"sqlite:///{tmp_path / 'b.db'}", policy=MemoryPolicy(write=[])).remembers() as bench:
        run, _ = await bench.ask(bench.connect(), "I live in Porto, and you?")
        assert await bench.all() == []
        taken = await bench.database.read(lambda c: list(c.execute(sa.select(remembered_runs.c.run_id)).scalars()))
        assert taken == [run]


def test_what_a_strong_model_notes_is_checked() -> None:
    text = "I live in Porto. My code says: I live in Rome. Do I like tea?"

    def noted(quote: str, fact: str = "The user lives in Porto.", key: str = "user.city") -> _Noted:
        return _Noted(fact, quote, "semantic", key)

    kept = checked([noted("I live  in porto")], text)
    assert [(fact.text, fact.key, text[fact.start : fact.end]) for fact in kept] == [
        ("The user lives in Porto.", "user.city", "I live in Porto.")
    ]
    for wrong in ("I live in Rome", "I live in Faro", "", "Porto", "Do I like tea"):
        assert checked([noted(wrong)], text) == []
    assert checked([noted("I live in Porto", key="DROP TABLE")], text)[0].key == ""
    assert checked([noted("I live in Porto", fact="Porto is a city.")], text) == []
    assert len(checked([noted("I live in Porto")] * 20, text)) == 8


async def test_a_strong_model_is_asked_and_rules_stand_in(quick: RememberingBench) -> None:
    quick.models.strong = True
    asked: list[ChatRequest] = []
    stream = quick.model.stream
    noted = {"text": "The user cannot eat nuts.", "quote": "allergic to nuts", "kind": "semantic", "key": ""}

    async def notes(request: ChatRequest) -> AsyncGenerator[Chunk]:
        if not request.caller.run_id.startswith("facts."):
            async for chunk in stream(request):
                yield chunk
            return
        asked.append(request)
        if len(asked) > 1:
            raise EndpointCut("The stream ended.", endpoint="scripted")
        yield Chunk(text="Here it is: " + msgspec.json.encode({"facts": [noted]}).decode())

    quick.model.stream = notes  # type: ignore[method-assign]
    client = quick.connect()
    await quick.ask(client, "I am allergic to nuts.")
    assert [fact.text for fact in await quick.all(kinds=("semantic",))] == ["The user cannot eat nuts."]
    await quick.ask(client, "I am allergic to milk.")
    assert [fact.text for fact in await quick.all(kinds=("semantic",))][1:] == ["The user is allergic to milk."]
    await quick.ask(client, "What is the capital of France?")
    assert [one.json_schema is not None for one in asked] == [True, True], "nothing personal in the last one"


@pytest.mark.parametrize("strong", [True, False], ids=["by a model", "by rules"])
async def test_what_an_agent_asks_is_not_the_users_own_word(quick: RememberingBench, strong: bool) -> None:
    ours = {"text": "The user's name is Alma.", "quote": "My name is Alma", "key": "user.name", "kind": "semantic"}
    theirs = {"text": "The user lives in Porto.", "quote": "I live in Porto", "key": "user.city", "kind": "semantic"}
    noted = msgspec.json.encode({"facts": [ours, theirs]}).decode() if strong else "I cannot"
    quick.models.strong = True
    question = "My name is Alma. What is yours?"
    quick.model.script[:0] = [
        Rule(match=r"(?s)^(?:My name is Alma.*)?I live in Porto\.$", answer=noted),
        Rule(match=r"(?s)Decide how.*Porto", answer=plan_json(task("writer", "Rye bread"))),
        Rule(match=DECIDE, answer=plan_json(action="ask", question=question)),
    ]
    client = quick.connect()
    ack = await start(client)
    asked = await seen(client, name="alma.question")
    await do(client, "question.answer", ack["runId"], questionId=asked["questionId"], text="I live in Porto.")
    await quick.ended(ack["runId"])
    await quick.remembering.settled()
    (fact,) = await quick.all(kinds=("semantic",))
    assert (fact.text, fact.key) == ("The user lives in Porto.", "user.city")
    turns = await quick.all(kinds=("episodic",))
    whole = f"{question}\nI live in Porto."
    answered = next(turn for turn in turns if turn.text == whole)
    places = [(one.source.run_id, one.source.task_id, one.source.message_id) for one in (answered, fact)]
    assert places == 2 * [(ack["runId"], "main", f"{ack['runId']}.{asked['questionId']}")], "a run may have other texts"
    assert whole[fact.source.start : fact.source.end] == "I live in Porto."


# ── while messages stream ─────────────────────────────────────────────────────────────────────────────────────────


class Speaking:
    """A message that is put into the open text by hand."""

    def __init__(self, bench: RememberingBench, run_id: str, thread_id: str, name: str = "m", attempt: int = 1) -> None:
        self.bench, self.run_id, self.thread_id = bench, run_id, thread_id
        started = MessageStarted(
            at=0.0,
            task_id="1",
            message_id=f"{run_id}.{name}",
            attempt=attempt,
            role="researcher",
            model="scripted/scripted",
            endpoint="scripted",
            prompt_version="",
            sections=[],
        )
        self.message = bench.engine.open_text.begin(run_id, started, 0.0)

    def say(self, text: str, channel: Any = "text") -> None:
        n = len(text) + (self.message.n if channel == "text" else self.message.reasoning_n)
        name = self.message.started.message_id
        self.message.extend(Delta(self.thread_id, self.run_id, name, 1, n, text, 1, channel))

    def end(self) -> None:
        self.bench.engine.open_text.end(self.run_id, self.message.started.message_id)


@pytest.fixture
async def still(tmp_path: Path) -> AsyncGenerator[RememberingBench]:
    """Nothing runs by itself; with a run that exists."""
    bench = RememberingBench(f"sqlite:///{tmp_path / 'alma.db'}")
    async with bench.running():
        row = {"id": "r1", "thread_id": "t1", "owner": "ada", "text": "x", "head": 1, "created_at": 1.0}
        await bench.database.write(lambda connection: connection.execute(runs.insert(), row))
        yield bench


FIRST = "The harbour of the town freezes in January. "
SECOND = "Ships wait outside until the ice is gone. "
THIRD = "Then all of them come in on the same day."


async def test_sentences_can_be_recalled_while_the_message_goes_on(still: RememberingBench) -> None:
    speaking = Speaking(still, "r1", "t1")
    speaking.say("Let me think about the harbour first. " * 5, channel="reasoning")
    speaking.say(FIRST + SECOND + "Then all")
    await still.remembering.listening.look()
    (memory,) = await still.all()
    assert (memory.text, memory.kind, memory.scope, memory.agent) == (FIRST.strip(), "working", "team", "researcher")
    assert (memory.line, memory.position, memory.source) == (
        "r1.m",
        0,
        Source("t1", "r1", "1", "r1.m", start=0, end=len(FIRST) - 1),
    )
    speaking.say(THIRD.removeprefix("Then all"))
    speaking.end()
    await still.remembering.listening.look()
    assert [(one.text, one.position) for one in await still.all()] == [(FIRST.strip(), 0), (SECOND + THIRD, 1)]
    await still.remembering.listening.look()
    assert len(await still.all()) == 2
    assert still.embedding.urgent == [False] * len(still.embedding.urgent)


async def test_more_than_a_look_takes_is_kept_at_the_next(
    still: RememberingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening_module, "MOST_WAITING", 6)
    many = [Speaking(still, "r1", "t1", name=f"m{number}") for number in range(5)]
    for number, speaking in enumerate(many):
        speaking.say("".join(f"Sentence {at} of the speaker {number} is here. " for at in range(10)))
        speaking.end() if number % 2 else None
    looks = []
    for _ in range(8):
        before = len(await still.all())
        await still.remembering.listening.look()
        looks.append(len(await still.all()) - before)
    assert max(looks) <= 6
    for speaking in many:
        speaking.end()
    for _ in range(3):
        await still.remembering.listening.look()
    found = await still.all()
    for number, speaking in enumerate(many):
        of_one = [one for one in found if one.line == f"r1.m{number}"]
        assert [one.position for one in of_one] == list(range(len(of_one)))
        assert " ".join(one.text for one in of_one) == speaking.message.text.strip()
        assert all(len(one.text) < 300 for one in of_one), "whole sentences, up to some 200 characters"


async def test_a_message_that_is_begun_anew_loses_what_it_had_said(still: RememberingBench) -> None:
    speaking = Speaking(still, "r1", "t1")
    speaking.say(FIRST + SECOND + THIRD)
    await still.remembering.listening.look()
    assert len(await still.all()) == 1
    again = Speaking(still, "r1", "t1", attempt=2)
    again.say(FIRST)
    again.end()
    await still.remembering.listening.look()
    assert [one.text for one in await still.all()] == [FIRST.strip()]
    once_more = Speaking(still, "r1", "t1", attempt=3)
    once_more.say(SECOND + THIRD)
    once_more.end()
    await still.remembering.listening.look()
    assert [one.text for one in await still.all()] == [SECOND + THIRD]
    assert await still.all(state="forgotten") == []


async def test_what_is_not_to_be_left_is_not(still: RememberingBench) -> None:
    still.policy = MemoryPolicy(keep=["results"])
    speaking = Speaking(still, "r1", "t1")
    speaking.say(FIRST + SECOND + THIRD)
    await still.remembering.listening.look()
    still.policy = MemoryPolicy()
    deleted = Speaking(still, "gone", "t2")
    deleted.say(FIRST + SECOND + THIRD)
    for _ in range(2):
        await still.remembering.listening.look()
    assert await still.all() == []


async def test_without_an_embedder_words_are_kept_all_the_same(still: RememberingBench) -> None:
    still.embedding.down = True
    speaking = Speaking(still, "r1", "t1")
    speaking.say(FIRST + SECOND + THIRD)
    speaking.end()
    await still.remembering.listening.look()
    assert [one.text for one in await still.all()] == [FIRST + SECOND + THIRD]


async def test_a_database_that_is_full_loses_nothing(still: RememberingBench, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking = Speaking(still, "r1", "t1")
    speaking.say(FIRST + SECOND + THIRD)
    speaking.end()
    overhear = still.memories.overhear

    async def full(*_: Any, **__: Any) -> Any:
        raise StorageFailure("The database is full.")

    monkeypatch.setattr(still.memories, "overhear", full)
    for _ in range(2):
        with pytest.raises(StorageFailure):
            await still.remembering.listening.look()
    monkeypatch.setattr(still.memories, "overhear", overhear)
    await still.remembering.listening.look()
    assert [(one.text, one.position) for one in await still.all()] == [(FIRST + SECOND + THIRD, 0)]


async def test_what_waits_for_the_embedder_when_its_run_ends_is_not_kept(
    still: RememberingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking = Speaking(still, "r1", "t1")
    speaking.say(FIRST + SECOND + THIRD)
    embed = still.embedding.embed

    async def ends_meanwhile(texts: list[str], *, urgent: bool = True) -> Any:
        still.remembering.listening.over("r1")
        return await embed(texts, urgent=urgent)

    monkeypatch.setattr(still.embedding, "embed", ends_meanwhile)
    await still.remembering.listening.look()
    assert await still.all(state="any") == []
    assert len(still.embedding.asked) == 1


async def test_a_run_that_ends_leaves_its_episode_in_place_of_its_sentences(quick: RememberingBench) -> None:
    client = quick.connect()
    answer = await client.answer(client.say("run.start", key="k", text="Say something.", kind="chat"))
    run = answer["runId"]
    speaking = Speaking(quick, run, answer["threadId"], name="beside")
    speaking.say(FIRST + SECOND + THIRD)
    await quick.remembering.listening.look()
    await quick.ended(run)
    await quick.remembering.settled()
    assert await quick.all(kinds=("working",), state="any") == []
    assert len(await quick.all(kinds=("episodic",), runs=(run,))) == 2


# ── what a crash, a deletion or a full disk comes between ─────────────────────────────────────────────────────────


async def test_what_ended_unremembered_is_taken_in_at_the_next_start(database_url: str) -> None:
    bench = RememberingBench(database_url)
    async with bench.running():
        client = bench.connect()
        ids = []
        for number in range(3):
            started = await client.answer(
                client.say("run.start", key=f"k{number}", text=f"Question number {number}?", kind="chat")
            )
            await bench.ended(started["runId"])
            ids.append(started["runId"])
        left = NewMemory(
            "ada",
            FIRST,
            "working",
            "team",
            "writer",
            source=Source("t", ids[0], "1", f"{ids[0]}.1"),
            line=f"{ids[0]}.1",
        )
        await bench.memories.add([left])
        board = await bench.memories.put("ada", "team/plan", "On the board", 0, agent="writer")
        assert board is not None
        bench.remember_anew()
        for _ in range(2):  # the second time there is nothing to do
            async with asyncio.TaskGroup() as group:
                task = group.create_task(bench.remembering.run())
                await bench.remembering.settled()
                task.cancel()
            bench.remember_anew()
        found = await bench.all(kinds=("episodic",))
        assert sorted(one.source.run_id for one in found) == sorted(ids * 2)
        assert all(one.count == 1 for one in found)
        assert [one.text for one in await bench.all(kinds=("working",))] == ["On the board"]


async def test_nothing_is_kept_of_a_thread_that_is_deleted_meanwhile(
    quick: RememberingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in: Callable[..., Any] = quick.memories.take_in

    async def deleted_first(*new: Any, **more: Any) -> Any:
        await quick.database.write(lambda c: c.execute(sa.delete(runs).where(runs.c.id.in_(more["runs"]))))
        return await take_in(*new, **more)

    monkeypatch.setattr(quick.memories, "take_in", deleted_first)
    await quick.ask(quick.connect(), "I live in Porto.")
    rows = await quick.database.read(lambda c: c.execute(sa.select(sa.func.count()).select_from(memory_rows)).scalar())
    assert rows == 0


async def test_a_full_database_is_waited_for(quick: RememberingBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alma.session.remembering._FIRST_PAUSE_S", 0.0)
    take_in: Callable[..., Any] = quick.memories.take_in
    refused: list[int] = []

    async def at_first_full(*new: Any, **more: Any) -> Any:
        if len(refused) < 3:
            refused.append(1)
            raise StorageFailure("The database is full.")
        return await take_in(*new, **more)

    monkeypatch.setattr(quick.memories, "take_in", at_first_full)
    await quick.ask(quick.connect(), "Where do storks spend the winter?")
    assert len(await quick.all()) == 2


async def test_runs_that_have_ended_are_taken_in_together_and_one_that_is_refused_alone(
    still: RememberingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = still.connect()
    ids: list[str] = []
    for number in range(4):
        started = await client.answer(
            client.say("run.start", key=f"k{number}", text=f"Question number {number}?", kind="chat")
        )
        await still.ended(started["runId"])
        ids.append(started["runId"])
    take_in: Callable[..., Any] = still.memories.take_in
    together: list[list[str]] = []

    async def refuses_one(*new: Any, **more: Any) -> Any:
        together.append(more["runs"])
        if ids[1] in more["runs"]:
            raise InvalidRequest("bad_time", "A memory's time is not one.")
        return await take_in(*new, **more)

    monkeypatch.setattr(still.memories, "take_in", refuses_one)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(still.remembering.run())
        await still.remembering.settled()
        task.cancel()
    kept = await still.all(kinds=("episodic",))
    assert sorted(one.source.run_id for one in kept) == sorted(2 * [ids[0], ids[2], ids[3]])
    assert sorted(together[0]) == sorted(ids)


async def test_more_ended_runs_than_can_wait_are_read_again(
    quick: RememberingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.session.remembering._MOST_WAITING", 1)
    client = quick.connect()
    started = [
        await client.answer(client.say("run.start", key=f"k{number}", text=f"Question {number}?", kind="chat"))
        for number in range(6)
    ]
    for one in started:
        await quick.ended(one["runId"])
    await quick.remembering.settled()
    assert sorted(one.source.run_id for one in await quick.all()) == sorted(2 * [one["runId"] for one in started])


async def test_what_was_said_while_memory_was_off_stays_out_of_it(quick: RememberingBench) -> None:
    quick.sessions.limits = msgspec.structs.replace(quick.sessions.limits, remember=False)
    await quick.ask(quick.connect(), "I live in Porto.")
    quick.sessions.limits = msgspec.structs.replace(quick.sessions.limits, remember=True)
    await quick.ask(quick.connect(), "I am vegan.")
    assert "Porto" not in " ".join(one.text for one in await quick.all(state="any"))
    taken = await quick.database.read(
        lambda c: c.execute(sa.select(sa.func.count()).select_from(remembered_runs)).scalar()
    )
    assert taken == 2, "and nobody comes back to it"
