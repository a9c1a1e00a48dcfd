"""Endpoints that break the protocol, under a whole session: a user gets a right answer, or an error that says why."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alma.events import MessageFinished, ToolReturned
from alma.models.chat import ToolCall
from alma.models.client import OpenAIClient, Timeouts, open_session
from alma.models.script import Manner, Rule
from alma.models.scripted_server import ScriptedServer, port_of
from alma.tools.toolbox import Toolbox
from planned import DECIDE, end_of, log_of, plan_json, role_file, start, task
from session_bench import Client, SessionBench, texts

WORK = r"(?:^|\n)Work$"


@asynccontextmanager
async def endpoint(bench: SessionBench, *script: Rule, stall: float = 5) -> AsyncIterator[ScriptedServer]:
    """The bench's model is now at a server that follows this script."""
    server = ScriptedServer(script)
    runner = await server.start()
    async with open_session() as session:
        bench.models.model = OpenAIClient(
            session,
            endpoint="lab",
            base_url=f"http://127.0.0.1:{port_of(runner)}/v1",
            timeouts=Timeouts(connect=2, first_token=5, stall=stall),
        )
        yield server
        await runner.cleanup()


@asynccontextmanager
async def planned_bench(
    tmp_path: Path, *functions: Callable[..., object], run_tokens: int = 0, **front: Any
) -> AsyncIterator[SessionBench]:
    """A bench whose model may plan; its writer has these tools and this front matter."""
    role_file(tmp_path / "agents", "writer", tools=[one.__name__ for one in functions], **front)
    toolbox = Toolbox()
    for function in functions:
        toolbox.register(function, acts=False, outside="")
    url = f"sqlite:///{tmp_path}/alma.db"
    bench = SessionBench(url, roles=tmp_path / "agents", toolbox=toolbox, run_tokens=run_tokens)
    async with bench.running():
        bench.models.strong = True
        yield bench


async def asked(bench: SessionBench, text: str) -> Client:
    """A client that sent this and has the end of the run."""
    client = bench.connect()
    client.say("run.start", key="k", text=text, kind="chat")
    while (await client.arrived.get())["type"] not in ("RUN_FINISHED", "RUN_ERROR"):
        pass
    return client


def one(client: Client, type: str) -> dict[str, Any]:
    (found,) = [frame for frame in client.frames if frame["type"] == type]
    return found


def failures(client: Client) -> list[str]:
    """Codes of the attempts that failed."""
    failed = [frame["value"] for frame in client.frames if frame.get("name") == "alma.attempt_failed"]
    return [value["error"]["code"] for value in failed]


def plan(*goals: str) -> Rule:
    return Rule(match=DECIDE, answer=plan_json(*(task("writer", goal) for goal in goals)))


@pytest.mark.parametrize("lie", ["high", "low", "zero", "negative", "words"])
async def test_lies_about_usage_do_not_reach_the_budget(tmp_path: Path, lie: str) -> None:
    async with planned_bench(tmp_path, run_tokens=50_000) as bench:
        script = [
            Rule(match=DECIDE, answer=plan_json(task("writer", "Work"), task("writer", "More")), manner=Manner(lie)),
            Rule(
                answer="The answer is made of quite a few words, so that there is something to count.",
                manner=Manner(lie),
            ),
        ]
        async with endpoint(bench, *script):
            client = bench.connect()
            ack = await start(client)
            assert (await end_of(client, ack["runId"]))["status"] == "completed"
        messages = await log_of(bench, ack["runId"], MessageFinished)
    assert len(messages) == 4
    for message in messages:
        assert message.usage.doubted
        assert 10 < message.usage.input_tokens < 3000
        assert 5 < message.usage.output_tokens < 1000


async def test_without_usage_the_figures_are_estimates(quick: SessionBench) -> None:
    async with endpoint(quick):
        client = await asked(quick, "!usage none !say one two three four")
    usage = one(client, "TEXT_MESSAGE_END")["usage"]
    assert usage["estimated"] is True
    assert 3 <= usage["output_tokens"] <= 8


async def test_a_call_that_hangs_after_ten_tokens_is_made_again(quick: SessionBench) -> None:
    async with endpoint(quick, stall=0.3) as server:
        client = await asked(quick, "!stall 10 x1 !tokens 20")
    assert one(client, "RUN_FINISHED")["status"] == "completed"
    assert failures(client) == ["endpoint_timeout"]
    (text,) = texts(client.frames).values()
    assert len(text.split()) == 20
    assert sum(server.calls.values()) == 2


@pytest.mark.parametrize("manner", ["refuse", "fence"])
async def test_a_plan_comes_without_the_schema_too(tmp_path: Path, manner: str) -> None:
    async with planned_bench(tmp_path) as bench:
        decide = Rule(match=DECIDE, answer=plan_json(task("writer", "Work")), manner=Manner(schema=manner))
        async with endpoint(bench, decide, Rule(match=WORK, answer="worked"), Rule(answer="joined")) as server:
            client = bench.connect()
            ack = await start(client)
            assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert len([body for body in server.requests if "response_format" in body]) == 1
        assert await log_of(bench, ack["runId"], MessageFinished, "1")
    assert "joined" in str(texts(client.frames))


async def test_prose_where_a_role_owes_json_is_told_and_made_good(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    async with planned_bench(tmp_path, output_schema=schema) as bench:
        script = [
            plan("Work"),
            Rule(match="could not be used", answer='Of course:\n```json\n{"a": "x"}\n```\nThere you go.'),
            Rule(match=WORK, answer="I would rather write prose."),
            Rule(answer="joined"),
        ]
        async with endpoint(bench, *script):
            client = bench.connect()
            ack = await start(client)
            assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (message,) = await log_of(bench, ack["runId"], MessageFinished, "1")
    assert json.loads(message.text) == {"a": "x"}
    assert failures(client) == ["output_invalid"]


def double(number: int) -> int:
    """Double a number.

    number: it
    """
    return 2 * number


def tools(how: str, *arguments: str) -> Rule:
    """The first answer to the work: these calls of `double`."""
    made = tuple(ToolCall("c", "double", given) for given in arguments)
    words = tuple(how.split())
    return Rule(match=WORK, tool_calls=made, manner=Manner(calls=words), times=1)


@pytest.mark.parametrize("how", ["50", "9 mixed", "9 bare", "9 same mixed", "2 twin"])
async def test_tool_calls_in_pieces_are_made_once_each(tmp_path: Path, how: str) -> None:
    async with planned_bench(tmp_path, double) as bench:
        script = [
            plan("Work"),
            tools(how, '{"number":' + " " * 60 + "21}", '{"number": 4}'),
            Rule(match=WORK, answer="done"),
            Rule(answer="joined"),
        ]
        async with endpoint(bench, *script):
            client = bench.connect()
            ack = await start(client)
            assert (await end_of(client, ack["runId"]))["status"] == "completed"
        returned = await log_of(bench, ack["runId"], ToolReturned)
    assert [(call.ok, call.text) for call in returned] == [(True, "42"), (True, "8")]


async def test_arguments_that_are_no_json_are_told_to_the_agent_a_bounded_number_of_times(tmp_path: Path) -> None:
    async with planned_bench(tmp_path, double, budgets={"tool_calls": 3}) as bench:
        broken = ToolCall("c", "double", '{"number": 2')
        script = [plan("Work"), Rule(match=WORK, tool_calls=(broken,)), Rule(answer="joined")]
        async with endpoint(bench, *script) as server:
            client = bench.connect()
            ack = await start(client)
            await end_of(client, ack["runId"])
        returned = await log_of(bench, ack["runId"], ToolReturned, "1")
    assert not any(call.ok for call in returned)
    assert "JSON" in returned[0].text
    assert 3 <= len(returned) < 40
    assert sum(server.calls.values()) < 60


async def test_another_model_is_named(quick: SessionBench) -> None:
    async with endpoint(quick):
        client = await asked(quick, "!as somebody-else-7b !say hello")
    assert one(client, "TEXT_MESSAGE_END")["model"] == "somebody-else-7b"


async def test_nothing_invalid_reaches_clients_or_the_database(bench: SessionBench) -> None:
    """On PostgreSQL too, which takes no NUL."""
    async with endpoint(bench, Rule(pieces=["a\0b ", "Grüße 🙂 ", "日本"], manner=Manner(halves=True))):
        client = await asked(bench, "Say something odd")
    assert list(texts(client.frames).values()) == ["ab Grüße 🙂 日本"]
    assert one(client, "RUN_FINISHED")["status"] == "completed"


@pytest.mark.parametrize(
    ("command", "code", "tries"),
    [
        ("!filter", "endpoint_rejected", 1),
        ("!end eof !say half of it", "endpoint_cut", 3),
        ("!html", "endpoint_garbled", 3),
        ("!nested 1 !say a b", "endpoint_garbled", 3),
        ("!tokens 0", "endpoint_garbled", 3),
    ],
)
async def test_what_cannot_be_used_ends_in_an_error_that_says_why(
    quick: SessionBench, command: str, code: str, tries: int
) -> None:
    async with endpoint(quick) as server:
        client = await asked(quick, command)
    error = one(client, "RUN_ERROR")
    assert error["code"] == code
    assert error["message"]
    assert sum(server.calls.values()) == tries


async def test_an_answer_that_the_filter_broke_off_is_shown_with_its_reason(quick: SessionBench) -> None:
    async with endpoint(quick):
        client = await asked(quick, "!filter !say the first half")
    assert list(texts(client.frames).values()) == ["the first half"]
    assert one(client, "TEXT_MESSAGE_END")["finishReason"] == "content_filter"
