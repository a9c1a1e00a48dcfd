"""Tools in a run: intent before, result after, leave where it is needed, and never twice by accident."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alma.agent.data import NOTICE, block
from alma.events import BudgetReached, MessageFinished, ToolCalled, ToolReturned
from alma.models.chat import ChatRequest, Chunk, ToolCall
from alma.models.script import Rule
from alma.tools.signature import ToolContext
from alma.tools.toolbox import Toolbox
from planned import calls, do, end_of, found, log_of, plans, prompts_are_exact, role_file, seen, start, task
from session_bench import SessionBench, texts


@asynccontextmanager
async def bench_with(
    tmp_path: Path, *functions: Callable[..., object], limit: int = 8, **options: Any
) -> AsyncGenerator[SessionBench]:
    """A bench whose writer may call these tools, and whose model asks the writer to "Work"."""
    role_file(tmp_path / "agents", "writer", tools=[one.__name__ for one in functions], budgets={"tool_calls": limit})
    toolbox = Toolbox()
    for function in functions:
        toolbox.register(function, **options)
    url = f"sqlite:///{tmp_path}/alma.db"
    async with SessionBench(url, roles=tmp_path / "agents", toolbox=toolbox).running() as bench:
        plans(bench, task("writer", "Work"))
        yield bench


def then(bench: SessionBench, asked: list[tuple[str, str]], answer: str, match: str = r"(?:^|\n)Work$") -> None:
    """The model makes these calls (name, JSON), and answers when their results are in its prompt."""
    made = tuple(ToolCall(f"m{at}", name, given) for at, (name, given) in enumerate(asked))
    before = Rule(match=match, tool_calls=made, finish_reason="tool_calls")
    script, stream = list(bench.model.script), bench.model.stream

    def streams(request: ChatRequest) -> AsyncGenerator[Chunk]:
        returned = any(message.role == "tool" for message in request.messages)
        bench.model.script = [Rule(match=match, answer=answer) if returned else before, *script]
        return stream(request)

    bench.model.stream = streams  # type: ignore[method-assign]


def double(number: int) -> int:
    """Double a number.

    number: it
    """
    return 2 * number


async def test_a_tool_is_called_and_its_result_goes_back_to_the_model(tmp_path: Path) -> None:
    async with bench_with(tmp_path, double) as bench:
        then(bench, [("double", '{"number": 21}')], "It is 42.")
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        log = [type(one).__name__ for one in await log_of(bench, ack["runId"], object, "1")]
        assert log == [
            "TaskStarted",
            "MessageStarted",
            "MessageFinished",
            "ToolCalled",
            "ToolReturned",
            "MessageStarted",
            "MessageFinished",
            "TaskFinished",
        ]
        (called,) = found(client, type="TOOL_CALL_START")
        (returned,) = found(client, type="TOOL_CALL_RESULT")
        assert (called["toolCallName"], called["arguments"]) == ("double", '{"number": 21}')
        assert (returned["content"], returned["ok"]) == ("42", True)
        assert texts(client.frames)[f"{ack['runId']}.1.answer.2"] == "It is 42."
        assert "It is 42." in texts(client.frames)[f"{ack['runId']}.main"]
        assert await prompts_are_exact(bench, ack["runId"]) == 4
        offered = [[spec.name for spec in one.tools] for one in bench.model.requests]
        assert offered[0] == [], "the planner is offered no tools"
        assert offered[1][0] == "double"


async def test_a_role_may_call_only_its_own_tools(tmp_path: Path) -> None:
    ran: list[int] = []

    def secret() -> str:
        """Tell a secret."""
        ran.append(1)
        return "secret"

    async with bench_with(tmp_path, double) as bench:
        bench.toolbox.register(secret)
        then(bench, [("secret", "{}")], "I could not.")
        client = bench.connect()
        ack = await start(client)
        await end_of(client, ack["runId"])
        (returned,) = found(client, type="TOOL_CALL_RESULT")
        assert (returned["ok"], ran) == (False, [])
        assert "may not use secret" in returned["content"]


async def raises() -> str:
    """Fail."""
    raise RuntimeError("the disk is gone")


async def hangs() -> str:
    """Wait for ever."""
    await asyncio.Event().wait()
    return "never"


def floods() -> str:
    """Return 10 MB."""
    return "x" * 10_000_000


def binary() -> bytes:
    """Return bytes."""
    return bytes(range(256)) * 1000


@pytest.mark.parametrize(
    ("function", "arguments", "ok", "told"),
    [
        (raises, {}, False, "the disk is gone"),
        (hangs, {}, False, "did not answer within 0.2 s"),
        (floods, {}, True, "characters left out"),
        (binary, {}, True, "(binary, 256,000 bytes)"),
        (double, {"number": "many"}, False, "Wrong arguments"),
        (double, {}, False, '"number" is missing'),
    ],
)
async def test_whatever_a_tool_does_the_model_is_told_in_bounded_text_and_the_run_goes_on(
    tmp_path: Path, function: Callable[..., object], arguments: dict[str, object], ok: bool, told: str
) -> None:
    async with bench_with(tmp_path, function, timeout_s=0.2) as bench:
        then(bench, [(function.__name__, json.dumps(arguments))], "Done.")
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (returned,) = found(client, type="TOOL_CALL_RESULT")
        assert returned["ok"] is ok
        assert told in returned["content"]
        assert len(returned["content"]) < 5000
        heard = [m.content for one in bench.model.requests for m in one.messages if m.role == "tool"]
        assert heard == [f"{block(returned['content'])}\n{NOTICE}"]


@pytest.mark.parametrize("arguments", ["{", "[1]", "null", '{"number": 1} x', "", "[" * 5000])
async def test_arguments_that_are_no_json_object_are_told_to_the_model(tmp_path: Path, arguments: str) -> None:
    async with bench_with(tmp_path, double) as bench:
        then(bench, [("double", arguments)], "Done.")
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        (returned,) = found(client, type="TOOL_CALL_RESULT")
        assert returned["ok"] is False
        assert "number" in returned["content"]


async def test_a_model_that_never_stops_calling_tools_comes_to_an_end(tmp_path: Path) -> None:
    ran: list[int] = []

    def look(at: int) -> str:
        """Look.

        at: what
        """
        ran.append(at)
        return "nothing"

    async with bench_with(tmp_path, look, limit=3, acts=False) as bench:
        calls(bench, "Work", ("look", {"at": 1}))
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert ran == [1, 1, 1], "its budget is three calls"
        reached = await log_of(bench, ack["runId"], BudgetReached, "1")
        assert (reached[0].what, reached[0].limit) == ("tool_calls", 3)
        said = await log_of(bench, ack["runId"], MessageFinished, "1")
        assert len(said) < 30
        (error,) = found(client, type="SUBAGENT_ERROR")
        assert error["code"] == "output_invalid"
        assert "*Missing:* [1]" in texts(client.frames)[f"{ack['runId']}.main"]


async def test_one_message_with_many_calls_stays_within_the_budget(tmp_path: Path) -> None:
    ran: list[int] = []

    def look(at: int) -> str:
        """Look.

        at: what
        """
        ran.append(at)
        return f"saw {at}"

    async with bench_with(tmp_path, look, limit=2, acts=False) as bench:
        then(bench, [("look", json.dumps({"at": at})) for at in range(5)], "Done.")
        client = bench.connect()
        ack = await start(client)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert ran == [0, 1]
        told = [one.text for one in await log_of(bench, ack["runId"], ToolReturned)]
        assert told[:2] == ["saw 0", "saw 1"]
        assert all("used all 2 tool calls" in one for one in told[2:])
        assert await prompts_are_exact(bench, ack["runId"]) == 4


# ── leave ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def send(to: str) -> str:
    """Send a letter.

    to: whom
    """
    SENT.append(to)
    return f"sent to {to}"


SENT: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    SENT.clear()


async def test_a_marked_tool_waits_for_leave_and_runs_when_it_is_given(tmp_path: Path) -> None:
    async with bench_with(tmp_path, send, needs_approval=True) as bench:
        then(bench, [("send", '{"to": "bob"}')], "Sent.")
        client = bench.connect()
        ack = await start(client)
        call = await seen(client, type="TOOL_CALL_START", needsApproval=True)
        assert SENT == []
        assert "code" not in await do(client, "tool.decide", ack["runId"], toolCallId=call["toolCallId"], approved=True)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert SENT == ["bob"]
        assert [one.attempt for one in await log_of(bench, ack["runId"], ToolCalled)] == [0, 1]
        assert await prompts_are_exact(bench, ack["runId"]) == 4


async def test_a_refused_call_is_not_made_and_the_model_is_told(tmp_path: Path) -> None:
    async with bench_with(tmp_path, send, needs_approval=True) as bench:
        then(bench, [("send", '{"to": "bob"}')], "Not sent.")
        client = bench.connect()
        ack = await start(client)
        call = await seen(client, type="TOOL_CALL_START")
        await do(client, "tool.decide", ack["runId"], toolCallId=call["toolCallId"], approved=False)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert SENT == []
        assert found(client, type="TOOL_CALL_RESULT")[0]["content"] == "The user did not allow this call."
        assert texts(client.frames)[f"{ack['runId']}.1.answer.2"] == "Not sent."


async def test_a_call_is_decided_once_and_only_if_it_waits(tmp_path: Path) -> None:
    async with bench_with(tmp_path, send, double, needs_approval=True) as bench:
        then(bench, [("send", '{"to": "bob"}')], "Sent.")
        client = bench.connect()
        ack = await start(client)
        call = await seen(client, type="TOOL_CALL_START")
        nobody = await do(client, "tool.decide", ack["runId"], toolCallId="nothing", approved=True)
        assert nobody["code"] == "call_decided"
        await do(client, "tool.decide", ack["runId"], toolCallId=call["toolCallId"], approved=True)
        again = await do(client, "tool.decide", ack["runId"], toolCallId=call["toolCallId"], approved=False)
        assert again["code"] in ("call_decided", "run_finished")
        await end_of(client, ack["runId"])
        assert SENT == ["bob"]


async def test_leave_survives_a_restart_before_and_after_it_is_given(tmp_path: Path) -> None:
    async with bench_with(tmp_path, send, needs_approval=True) as bench:
        then(bench, [("send", '{"to": "bob"}')], "Sent.")
        client = bench.connect()
        ack = await start(client)
        call = await seen(client, type="TOOL_CALL_START")
    async with bench_with(tmp_path, send, needs_approval=True) as bench:
        client = bench.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        await seen(client, name="alma.live")
        assert SENT == []
        bench.engine.advance = lambda _active: None  # type: ignore[method-assign]  # it dies before it can act
        await do(client, "tool.decide", ack["runId"], toolCallId=call["toolCallId"], approved=True)
    async with bench_with(tmp_path, send, needs_approval=True) as bench:
        then(bench, [("send", '{"to": "bob"}')], "Sent.")
        client = bench.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert SENT == ["bob"]


# ── cut off by a crash ────────────────────────────────────────────────────────────────────────────────────────────

KEYS: list[str] = []


async def pay(context: ToolContext) -> str:
    """Pay the bill."""
    KEYS.append(context.call_id)
    if len(KEYS) == 1:
        await asyncio.Event().wait()  # the process dies in the middle of it
    return "paid"


async def _die_in_the_middle(tmp_path: Path, *, idempotent: bool) -> dict[str, Any]:
    KEYS.clear()
    async with bench_with(tmp_path, pay, idempotent=idempotent, timeout_s=60) as bench:
        then(bench, [("pay", "{}")], "Paid.")
        client = bench.connect()
        ack = await start(client)
        await seen(client, type="TOOL_CALL_START")
        async with asyncio.timeout(120):
            while not KEYS:
                await asyncio.sleep(0)
    assert len(KEYS) == 1
    return ack


async def test_an_idempotent_call_that_was_cut_off_is_made_again_under_the_same_key(tmp_path: Path) -> None:
    ack = await _die_in_the_middle(tmp_path, idempotent=True)
    async with bench_with(tmp_path, pay, idempotent=True) as bench:
        then(bench, [("pay", "{}")], "Paid.")
        client = bench.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert [KEYS[0]] * 2 == KEYS
        assert [one.attempt for one in await log_of(bench, ack["runId"], ToolCalled)] == [1, 2]
        assert [one.text for one in await log_of(bench, ack["runId"], ToolReturned)] == ["paid"]


@pytest.mark.parametrize(("said", "times"), [("Call it again", 2), ("Go on without it", 1), ("I paid by hand", 1)])
async def test_another_call_that_was_cut_off_is_never_repeated_without_a_word_of_the_users(
    tmp_path: Path, said: str, times: int
) -> None:
    ack = await _die_in_the_middle(tmp_path, idempotent=False)
    async with bench_with(tmp_path, pay, idempotent=False) as bench:
        then(bench, [("pay", "{}")], "So be it.")
        client = bench.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        question = await seen(client, name="alma.question")
        assert "cut off by a crash" in question["text"]
        assert question["options"] == ["Call it again", "Go on without it"]
        assert len(KEYS) == 1
        await do(client, "question.answer", ack["runId"], questionId=question["questionId"], text=said)
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert [KEYS[0]] * times == KEYS
        (returned,) = await log_of(bench, ack["runId"], ToolReturned)
        assert returned.ok is (times == 2)
        if times == 1:
            assert said in returned.text


async def test_the_main_agent_uses_tools_in_a_chat(tmp_path: Path) -> None:
    toolbox = Toolbox()
    toolbox.register(double, name="calculator")
    async with SessionBench(f"sqlite:///{tmp_path}/alma.db", toolbox=toolbox).running() as bench:
        then(bench, [("calculator", '{"number": 4}')], "It is 8.", "^How much")
        client = bench.connect()
        ack = await start(client, "How much is it?", kind="chat")
        assert (await end_of(client, ack["runId"]))["status"] == "completed"
        assert texts(client.frames)[f"{ack['runId']}.main.answer.2"] == "It is 8."
        assert await prompts_are_exact(bench, ack["runId"]) == 2
        follow = await start(client, "And now?", kind="chat", threadId=ack["threadId"])
        await end_of(client, follow["runId"])
        heard = [one.content for one in bench.model.requests[-1].messages]
        assert "It is 8." in heard, "the answer after tools is the turn's answer"
