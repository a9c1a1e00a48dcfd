"""The fold of a stream does not depend on how the network cuts it."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.errors import EndpointError, EndpointGarbled
from alma.model_call import Usage
from alma.models.chat import ToolCall
from alma.models.reply import MAX_LINE, Lines, Reply


def line(body, end="\n\n", space=" ") -> str:
    return f"data:{space}{json.dumps(body, ensure_ascii=False)}{end}"


def choice(finish=None, **delta):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


STREAM = (
    ": a comment\n\n"
    + line(choice(role="assistant", content=""))
    + "event: message\r\n"
    + line(choice(content="Grüße, "), end="\r\n\r\n")
    + line(choice(content="日本 🙂 "), space="")
    + line(choice(reasoning_content="hm"), end="\n")
    + line(choice(reasoning=" ja", content="end"))
    + line(choice(tool_calls=[{"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}}]))
    + line(choice(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":'}}]))
    + line(choice(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]))
    + line(choice("tool_calls"))
    + "data:\n\n"
    + line({"model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    + "data: [DONE]\n\n"
).encode()


def fold(parts: list[bytes]):
    reply = Reply("e")
    chunks = [chunk for part in parts if (chunk := reply.feed(part)) is not None]
    more, last = reply.finish()
    chunks += [more] if more else []
    return "".join(c.text for c in chunks), "".join(c.reasoning for c in chunks), sum(c.tokens for c in chunks), last


@given(st.lists(st.integers(0, len(STREAM)), max_size=60))
def test_any_chunking_gives_the_same_result(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    text, reasoning, tokens, last = fold([STREAM[a:b] for a, b in pairwise(edges)])
    assert text == "Grüße, 日本 🙂 end"
    assert reasoning == "hm ja"
    assert tokens == 5
    assert last.tool_calls == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))
    assert last.usage == Usage(3, 4)
    assert (last.finish_reason, last.model) == ("tool_calls", "m")


def test_byte_by_byte():
    assert fold([bytes([b]) for b in STREAM]) == fold([STREAM])


@given(st.lists(st.binary(max_size=30)))
def test_lines_lose_nothing(parts):
    lines = Lines()
    out = [line for part in parts for line in lines.feed(part)]
    assert b"\n".join([*out, lines.rest()]) == b"".join(parts)


def test_the_last_line_needs_no_newline():
    assert fold([line(choice("stop", content="x"), end="").encode()])[0] == "x"


@given(st.binary(max_size=200))
def test_garbage_never_escapes_as_another_error(garbage):
    reply = Reply("e")
    with suppress(EndpointError):
        reply.feed(b"data: " + garbage + b"\n\n")
        reply.finish()


def test_bounds_of_a_line():
    lines = Lines()
    lines.feed(b"x" * MAX_LINE)
    with pytest.raises(OverflowError):
        lines.feed(b"x")


def test_a_stream_of_no_events_shows_what_came():
    reply = Reply("e")
    reply.feed(b"hello to you")
    with pytest.raises(EndpointGarbled, match="hello to you"):
        reply.finish()


def test_a_web_page_is_named_not_shown():
    reply = Reply("e")
    reply.feed(b"\n<html>hello</html>")
    with pytest.raises(EndpointGarbled, match="it answered with a web page") as caught:
        reply.finish()
    assert "hello" not in caught.value.message


def test_calls_without_an_index_are_kept_apart():
    reply = Reply("e")
    for name in ("f", "g"):
        calls = [{"id": name, "function": {"name": name, "arguments": {"a": 1}}}]
        reply.feed(line(choice(tool_calls=calls)).encode())
    reply.feed(b"data: [DONE]\n\n")
    assert [call.name for call in reply.finish()[1].tool_calls] == ["f", "g"]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"error":' + b"[" * 100_000,
        b'{"choices":[{"delta":{"content":7}}]}',
        b'{"choices":{}}',
        b"null",
    ],
)
def test_hostile_payloads_are_garbled(payload):
    with pytest.raises(EndpointGarbled):
        Reply("e").feed(b"data: " + payload + b"\n\n")
    with pytest.raises(EndpointGarbled):
        Reply("e").whole(payload)
