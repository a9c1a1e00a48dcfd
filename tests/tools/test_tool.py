"""A call of a tool never raises, never hangs, never floods: whatever the function does, the model gets a sentence."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.tools.fault import ToolFault, ToolInvalid
from alma.tools.result import cut
from alma.tools.signature import Provided, ToolContext
from alma.tools.threads import Threads
from alma.tools.tool import Tool, ToolOutcome, make_tool, tool


def weather(city: str, days: int = 1, unit: Literal["C", "F"] = "C") -> str:
    """Tell the weather.

    Only what is known.

    city: a town,
        with its country
    days: how many
    """
    return f"{city} {days} {unit}"


def test_the_schema_comes_from_the_annotations_and_the_docstring() -> None:
    made = make_tool(weather)
    assert made.spec == {
        "name": "weather",
        "description": "Tell the weather.\n\nOnly what is known.",
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "required": ["city"],
            "properties": {
                "city": {"type": "string", "description": "a town, with its country"},
                "days": {"type": "integer", "description": "how many", "default": 1},
                "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
            },
        },
    }


@pytest.mark.parametrize("name", ["json", "copy", "schema", "title", "model_config", "self_", "class_"])
def test_any_name_of_a_parameter_will_do(name: str) -> None:
    made = make_tool(compiled(f"def f({name}: str) -> str:\n    'Say it.'\n    return {name}"))
    assert list(made.parameters["properties"]) == [name]
    assert made.signature.read(json.dumps({name: "x"})) == {name: "x"}


def compiled(source: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["f"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def f(a: str): pass", "no docstring"),
        ("def f(a):\n    'Do.'", "parameter a of the tool f has no type"),
        ("def f(*a: str):\n    'Do.'", r"takes \*a"),
        ("def f(a: str, /):\n    'Do.'", "takes a"),
        ("def f(a: 'Nowhere'):\n    'Do.'", "Nowhere"),
        ("def f(a: object.__subclasses__):\n    'Do.'", "no JSON form"),
        ("f = lambda: 1", "cannot be a tool's name"),
    ],
)
def test_a_function_that_cannot_be_a_tool_is_refused_with_the_reason(source: str, says: str) -> None:
    with pytest.raises(ToolInvalid, match=says):
        make_tool(compiled(source))


async def test_the_context_and_what_is_provided_are_filled_in_and_not_offered(context: ToolContext) -> None:
    class Shelf(Provided):
        books = 3

    def count(shelf: Shelf, who: ToolContext) -> str:
        """Count books."""
        return f"{who.owner} has {shelf.books}, {who.call_id}"

    count.__annotations__ = {"shelf": Shelf, "who": ToolContext}
    made = make_tool(count)
    assert made.parameters["properties"] == {}
    assert not (await made.call("", context)).ok
    assert (await made.given({Shelf: Shelf()}).call("", context)).text == "ana has 3, call_1"
    smuggled = await made.given({Shelf: Shelf()}).call('{"who": {"owner": "eve"}}', context)
    assert not smuggled.ok


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("{city", "not JSON"),
        ('["Rome"]', "takes a JSON object"),
        ("{}", '"city" is missing'),
        ('{"town": "Rome"}', '"town" is not a parameter'),
        ('{"city": "Rome", "days": "many"}', '"days": Input should be a valid integer, unable to parse'),
        ('{"city": "Rome", "unit": "K"}', "'C' or 'F'"),
        ("[" * 100_000, "not JSON"),
        ('{"city": "' + "x" * 300_000 + '"}', "at most 200,000"),
    ],
)
async def test_wrong_arguments_come_back_with_what_was_expected(
    arguments: str, says: str, context: ToolContext
) -> None:
    outcome = await make_tool(weather).call(arguments, context)
    assert not outcome.ok
    assert says in outcome.text
    assert len(outcome.text) < 600
    if "at most" not in says:
        assert 'Expected {"city": string, "days"?: integer, "unit"?: "C" | "F"}' in outcome.text


async def called(function: Any, context: ToolContext, **options: Any) -> ToolOutcome:
    return await make_tool(function, **options).call("{}", context)


async def test_an_error_comes_back_as_one_line_without_traceback(context: ToolContext) -> None:
    def broken() -> str:
        """Break."""
        raise KeyError("prices")

    async def broken_too() -> str:
        """Break."""
        raise RuntimeError

    async def leaves() -> str:
        """Leave."""
        raise SystemExit(3)

    async def cancels() -> str:
        """Cancel."""
        raise asyncio.CancelledError

    async def slow_inside() -> str:
        """Raise what a deadline raises."""
        raise TimeoutError("the printer")

    def refuses() -> str:
        """Refuse."""
        raise ToolFault("Ask for something else.")

    assert (await called(broken, context)).text == "broken failed: KeyError: 'prices'"
    assert (await called(broken_too, context)).text == "broken_too failed: RuntimeError"
    assert (await called(leaves, context)).text == "leaves failed: SystemExit: 3"
    assert (await called(cancels, context)).text == "cancels gave up its own work."
    assert (await called(slow_inside, context)).text == "slow_inside failed: TimeoutError: the printer"
    assert (await called(refuses, context)).text == "Ask for something else."


async def test_a_coroutine_that_hangs_is_given_up(context: ToolContext) -> None:
    async def hang() -> str:
        """Hang."""
        await asyncio.Event().wait()
        return ""

    outcome = await called(hang, context, timeout_s=0.05)
    assert (outcome.ok, outcome.text) == (False, "hang did not answer within 0.05 s.")
    assert 40 < outcome.ms < 2000


async def test_a_caller_that_is_cancelled_stays_cancelled(context: ToolContext) -> None:
    begun = asyncio.Event()

    async def hang() -> str:
        """Hang."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    task = asyncio.create_task(called(hang, context))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Set at the end, so that no thread outlives the test."""
    event = threading.Event()
    yield event
    event.set()


def with_threads(function: Any, threads: Threads, **options: Any) -> Tool:
    return replace(make_tool(function, **options), threads=threads)


async def test_functions_that_hang_neither_block_the_loop_nor_use_up_the_threads(
    context: ToolContext, release: threading.Event
) -> None:
    threads = Threads(most=2, most_hung=3)

    def hang() -> str:
        """Hang."""
        release.wait()
        return "late"

    def quick() -> str:
        """Answer."""
        return "here"

    hanging = with_threads(hang, threads, timeout_s=0.05)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(hanging.call("", context)) for _ in range(3)]
    assert {call.result().text for call in calls} == {"hang did not answer within 0.05 s."}
    for _ in range(3):  # the third call may have waited for a thread all the time, and so hangs not
        await hanging.call("", context)
    assert threads.hung("hang") == 3
    assert "3 earlier calls of it have not come back" in (await hanging.call("", context)).text
    assert (await with_threads(quick, threads).call("", context)).text == "here"
    release.set()
    deadline = time.monotonic() + 5
    while threads.hung("hang") and time.monotonic() < deadline:
        await asyncio.sleep(0.001)
    assert (await hanging.call("", context)).text == "late"


async def test_no_more_threads_work_than_allowed_and_every_call_is_served(context: ToolContext) -> None:
    threads = Threads(most=3)
    at_work: set[int] = set()
    most = 0

    def work() -> int:
        """Work."""
        nonlocal most
        at_work.add(threading.get_ident())
        most = max(most, len(at_work))
        time.sleep(0.002)
        at_work.discard(threading.get_ident())
        return 1

    working = with_threads(work, threads)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(working.call("", context)) for _ in range(40)]
    assert all(call.result().text == "1" for call in calls)
    assert most <= 3


@dataclass
class Price:
    name: str
    euros: float


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (None, "(nothing was returned)"),
        (True, "true"),
        (float("inf"), "inf"),
        (10**30, "1" + "0" * 30),
        ({"a": [1, 2.5, None]}, '{"a":[1,2.5,null]}'),
        (Price("gas", 1.5), '{"name":"gas","euros":1.5}'),
        ({3}, "[3]"),
        (b"\x00\x01\x02", "(binary, 3 bytes)"),
        (bytes(10 * 1024 * 1024), "(binary, 10,485,760 bytes)"),
        ("a\x00b\x1b[31mc\ud800d\n\te", "a�b�[31mc�d\n\te"),
    ],
)
async def test_whatever_is_returned_is_text(value: object, text: str, context: ToolContext) -> None:
    def give() -> object:
        """Give."""
        return value

    async def give_later() -> object:
        """Give."""
        return value

    @wraps(give_later)
    def wrapped() -> object:
        return give_later()

    for function in (give, give_later, wrapped):
        outcome = await called(function, context)
        assert (outcome.ok, outcome.text, outcome.left_out) == (True, text, 0)
        msgspec.json.encode(outcome)


async def test_ten_megabytes_are_cut_to_head_and_tail_in_no_time(context: ToolContext) -> None:
    big = "start " + "\x00é" * 5_000_000 + " end"

    def give() -> str:
        """Give."""
        return big

    outcome = await called(give, context, max_chars=1000)
    assert outcome.text.startswith("start ")
    assert outcome.text.endswith(" end")
    assert f"[… {len(big) - 1000:,} characters left out …]" in outcome.text
    assert outcome.left_out == len(big) - 1000
    assert outcome.ms < 100


async def test_a_value_that_refers_to_itself_is_a_failure_and_no_hang(context: ToolContext) -> None:
    def give() -> object:
        """Give."""
        loop: list[object] = []
        loop.append(loop)
        return loop

    assert not (await called(give, context)).ok


@given(st.text(st.characters(), max_size=300), st.integers(1, 200))
def test_what_is_cut_is_counted(text: str, max_chars: int) -> None:
    shown, left_out = cut(text, max_chars)
    assert left_out == max(0, len(text) - max_chars)
    assert len(shown) <= max_chars + 60
    shown.encode()


def test_a_marked_function_stays_a_function() -> None:
    @tool
    def double(number: int) -> int:
        """Double it."""
        return number * 2

    @tool(idempotent=True, name="triple")
    def three(number: int) -> int:
        """Triple it."""
        return number * 3

    assert double(2) == 4
    assert three(2) == 6
