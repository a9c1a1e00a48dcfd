"""While a task is typed, the model reads what it will follow: what is read, for whom, and that nobody waits for it."""

from __future__ import annotations

import pytest

from alma.agent.tooling import Tooling
from alma.agent.warming import Warming
from alma.models.chat import ChatRequest
from alma.models.remote import ModelInfo
from alma.session.warming import Typed, Warmer
from session_bench import SessionBench


class Embedded:
    """As the bench's one model, but said to be the embedded one."""

    def __init__(self, bench: SessionBench, kind: str) -> None:
        self.bench = bench
        self.info = ModelInfo("embedded/tiny", "embedded", "tiny", 4096, True, kind)

    def resolve(self, model_id):
        self.bench.models.resolve(model_id)
        return self.bench.model, self.info

    def report(self, _model_id):
        return None


def warmed(bench: SessionBench, kind: str = "embedded") -> list[list[ChatRequest]]:
    """Let the bench's sessions read in advance; gives what they wished for."""
    wishes: list[list[ChatRequest]] = []
    warming = Warming(bench.roles, Embedded(bench, kind), Tooling(bench.toolbox))
    bench.sessions._warmer = Warmer(bench.database, bench.engine.conversations, warming, wishes.append)
    return wishes


async def run(bench: SessionBench, text: str, **where: object) -> dict:
    client = bench.connect()
    client.say("run.start", key=text, text=text, kind="chat", **where)
    return await client.until(type="RUN_FINISHED")


async def test_the_conversation_is_read_that_the_next_turn_follows(bench):
    wishes = warmed(bench)
    first = await run(bench, "!say one")
    second = await run(bench, "!say two", threadId=first["threadId"])
    aside = await run(bench, "!say three", threadId=first["threadId"], parentRunId=first["runId"])

    async def read(**where) -> list[str]:
        await bench.sessions.warm("ada", Typed("Now", "chat", first["threadId"], **where))
        return [message.content for message in wishes[-1][0].messages[1:]]

    assert await read() == ["!say one", "one", "!say three", "three"]
    assert await read(parent_run_id=second["runId"]) == ["!say one", "one", "!say two", "two"]
    assert await read(parent_run_id=aside["runId"]) == await read()
    assert await read(root=True) == []
    assert await read(parent_run_id="r-of-nobody") == []


async def test_nobody_reads_what_is_not_theirs(quick):
    wishes = warmed(quick)
    first = await run(quick, "!say secret")
    await quick.sessions.warm("eve", Typed("Now", "chat", first["threadId"]))
    assert wishes == []


@pytest.mark.parametrize("typed", [Typed("Now", "chat", "t-of-nobody"), Typed("Now", "chat", model="unknown/m")])
async def test_what_cannot_be_read_is_no_error(quick, typed):
    wishes = warmed(quick)
    await quick.sessions.warm("ada", typed)
    assert wishes == []


async def test_a_bug_in_it_is_no_error(quick, caplog):
    warmed(quick)
    quick.sessions._warmer._read = lambda requests: {}["bug"]
    await quick.sessions.warm("ada", Typed("Now", "chat"))
    quick.sessions._warmer.first()
    assert caplog.text.count("reading in advance failed on a bug") == 2


async def test_other_models_are_left_alone(quick):
    wishes = warmed(quick, kind="remote")
    await quick.sessions.warm("ada", Typed("Now", "chat"))
    quick.sessions._warmer.first()
    assert wishes == []


async def test_a_model_that_becomes_ready_reads_what_a_first_task_begins_with(quick):
    wishes = warmed(quick)
    quick.sessions._warmer.first()
    assert [message.role for message in wishes[0][0].messages] == ["system"]
