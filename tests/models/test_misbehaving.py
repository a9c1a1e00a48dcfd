"""What the client makes of endpoints that break the protocol. The table in docs/models.md names these tests."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from endpoints_at_hand import HEAD, ask, collect, raw_server, read_request, text_of

from alma.errors import (
    EndpointCut,
    EndpointError,
    EndpointGarbled,
    EndpointRateLimited,
    EndpointRejected,
    EndpointTimeout,
)
from alma.model_call import Sampling
from alma.models.chat import ChatMessage, ChatRequest, ToolCall, ToolSpec
from alma.models.client import OVERRUN_LEAST, OpenAIClient, Timeouts

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
SENTENCE = "The heat pump on the roof runs quietly at night and nobody has complained about it so far."


def event(content: str | bytes = "", finish: str | None = None, **more) -> bytes:
    """One event; `content` as bytes stands in the JSON as it is."""
    body = json.dumps({"choices": [{"delta": {"content": "@"}, "finish_reason": finish}], **more}).encode()
    raw = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False)[1:-1].encode()
    return b"data: " + body.replace(b"@", raw, 1) + b"\n\n"


async def answered(session, *parts: bytes, head: bytes = HEAD, request: ChatRequest | None = None, **timeouts):
    """The chunks of an answer that comes in these writes; the connection then ends."""

    async def handle(reader, writer):
        await read_request(reader)
        writer.write(head)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001)

    limits = Timeouts(connect=2, first_token=timeouts.get("first_token", 5), stall=timeouts.get("stall", 5))
    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url, timeouts=limits)
        return await collect(client, request or ask("What is new?"))


# ── usage ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lie", ["zero", "low", "high", "negative", "words"])
async def test_usage_that_cannot_be_true_is_replaced_and_teaches_nothing(client, lie):
    request = ask(f"!usage {lie} !say " + " ".join([SENTENCE] * 3))
    before = client.counter("m").calibration.dump()
    chunks = await collect(client, request)
    usage = chunks[-1].usage
    assert usage.doubted
    assert not usage.estimated
    assert 40 < usage.input_tokens < 120
    assert 40 < usage.output_tokens < 120
    assert client.counter("m").calibration.dump() == before


async def test_without_usage_the_real_text_is_counted_not_its_pieces(client):
    words = " ".join([SENTENCE] * 4)
    usage = (await collect(client, ask(f"!usage none !batch 40 !say {words}")))[-1].usage
    assert usage.estimated
    assert not usage.doubted
    assert 60 < usage.output_tokens < 110  # two pieces


async def test_usage_of_hidden_thoughts_tools_and_templates_is_believed(session):
    counts = {"prompt_tokens": 300, "completion_tokens": 700, "completion_tokens_details": {"reasoning_tokens": 690}}
    chunks = await answered(session, event("Yes, it is."), event("", "stop", usage=counts), b"data: [DONE]\n\n")
    usage = chunks[-1].usage
    assert (usage.input_tokens, usage.output_tokens, usage.doubted) == (300, 700, False)


@pytest.mark.parametrize("usage", [[], "none", {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, 7])
async def test_usage_of_another_shape_spoils_no_answer(session, usage):
    chunks = await answered(session, event("fine"), event("", "stop", usage=usage), b"data: [DONE]\n\n")
    assert text_of(chunks) == "fine"
    assert chunks[-1].usage.output_tokens == 1
    assert chunks[-1].usage.doubted or not usage


async def test_batches_are_counted_as_the_tokens_they_are(client):
    words = " ".join([SENTENCE] * 20)
    for _ in range(2):  # by length at first, then by what usage said
        chunks = await collect(client, ask(f"!batch 8 !say {words}"))
        told = sum(chunk.tokens for chunk in chunks)
        assert 0.7 < told / chunks[-1].usage.output_tokens < 1.4
    assert all(chunk.tokens for chunk in chunks[:-1])


# ── ends ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_done_alone_is_an_end(client):
    chunks = await collect(client, ask("!end done !say all of it"))
    assert (text_of(chunks), chunks[-1].finish_reason) == ("all of it", "stop")


async def test_an_end_without_finish_reason_and_done_is_a_cut(client):
    """Also where HTTP ended as it should: a gateway that loses its model ends its own response properly."""
    seen = []
    with pytest.raises(EndpointCut) as caught:
        await collect(client, ask("!end eof !say half of it"), seen)
    assert text_of(seen) == "half of it"
    assert caught.value.retryable
    assert "finish_reason or [DONE]" in caught.value.expected


async def test_usage_that_is_cut_off_after_the_finish_reason_spoils_no_answer(session):
    chunks = await answered(session, event("whole"), event("", "stop"), b'data: {"usage": {"prompt_to')
    assert (text_of(chunks), chunks[-1].finish_reason) == ("whole", "stop")
    assert chunks[-1].usage.estimated


@pytest.mark.parametrize("reason", ["length", "eos", "content_filter"])
async def test_text_is_kept_whatever_the_finish_reason(session, reason):
    chunks = await answered(session, event("some text"), event("", reason))
    assert (text_of(chunks), chunks[-1].finish_reason) == ("some text", reason)


async def test_an_answer_that_the_filter_swallowed_is_refused_and_not_tried_again(client):
    with pytest.raises(EndpointRejected, match="content filter") as caught:
        await collect(client, ask("!filter"))
    assert not caught.value.retryable
    assert "other words" in caught.value.hint


async def test_an_empty_answer_says_nothing(client):
    chunks = await collect(client, ask("!tokens 0"))
    assert [chunk.text for chunk in chunks] == [""]


# ── broken characters ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_halves_of_characters_are_joined(client):
    said = "Grüße 🙂 日本 👍🏽 ok"
    assert text_of(await collect(client, ask(f"!halves !say {said}"))) == said


async def test_a_character_may_be_cut_anywhere_by_the_network(session):
    data = event("für 日本 🙂") + event("", "stop")
    for at in range(1, len(data), 3):
        assert text_of(await answered(session, data[:at], data[at:])) == "für 日本 🙂"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"a\ud83d", "a\ufffd"),
        (rb"a\ude00b", "a\ufffdb"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (b"a\xff\xfeb", "a\ufffd\ufffdb"),
        (b"a\xe6\x97", "a\ufffd"),
        (rb"a\u0000b", "ab"),
    ],
)
async def test_what_is_no_character_is_replaced(session, raw, text):
    chunks = await answered(session, event(raw), event("", "stop"))
    assert text_of(chunks) == text
    text_of(chunks).encode()  # it is valid


async def test_a_half_goes_before_the_next_text(session):
    chunks = await answered(session, event("a"), event(rb"\ud83d"), event("b"), event("c", "stop"))
    assert text_of(chunks) == "a\ufffdbc"


async def test_a_character_that_is_cut_for_good_is_a_cut(session):
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 100000\r\n\r\n")
    for parts in ((event("f")[:-8] + b"\xc3",), (event("x"), b'data: {"choices":[{"delta":{"content":"f\xc3')):
        with pytest.raises(EndpointError) as caught:
            await answered(session, *parts, head=head)
        assert caught.value.retryable
        with pytest.raises((EndpointCut, EndpointGarbled)):
            await answered(session, *parts)


async def test_broken_characters_in_tool_calls_and_whole_answers(session):
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "@"}}
    body = json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}).encode()
    raw = b"data: " + body.replace(b"@", rb"{\"q\":\"\ud83d\u0000\"}") + b"\n\n"
    chunks = await answered(session, raw, event("", "tool_calls"))
    assert chunks[-1].tool_calls == (ToolCall("c", "f", '{"q":"\ufffd"}'),)
    whole = rb'{"choices":[{"message":{"content":"x\ud83d"},"finish_reason":"stop"}]}'
    assert text_of(await answered(session, whole)).startswith("x\ufffd")


# ── tool calls ────────────────────────────────────────────────────────────────────────────────────────────────────

ONE = '!tool search {"query":"a_rather_long_query_that_takes_more_than_fifty_letters_to_write","limit":3}'
TWO = f'{ONE} !tool search {{"query":"another"}}'
FIRST, SECOND = (json.loads(part.partition(" ")[2]) for part in TWO.split("!tool ")[1:])


@pytest.mark.parametrize(
    ("how", "prompt"),
    [
        ("50", ONE),
        ("7 mixed", TWO),
        ("5 bare", TWO),
        ("5 same", TWO),
        ("5 same mixed", TWO),
        ("3 twin", TWO),
    ],
)
async def test_tool_calls_in_pieces_are_put_together(client, how, prompt):
    calls = (await collect(client, ask(f"!calls {how} {prompt}")))[-1].tool_calls
    assert [call.name for call in calls] == ["search"] * len(calls)
    assert [json.loads(call.arguments) for call in calls] == [FIRST, SECOND][: prompt.count("!tool")]
    assert len({call.id for call in calls}) == len(calls)


async def test_names_that_come_again_with_every_piece_are_said_once(session):
    def part(arguments: str) -> bytes:
        call = {"index": 0, "id": "c", "function": {"name": "find", "arguments": arguments}}
        return b"data: " + json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}).encode() + b"\n\n"

    chunks = await answered(session, part('{"a"'), part(":1"), part("}"), event("", "tool_calls"))
    assert chunks[-1].tool_calls == (ToolCall("c", "find", '{"a":1}'),)


async def test_arguments_that_are_no_json_go_on_as_they_came(client):
    calls = (await collect(client, ask('!calls 3 !tool search {"query":')))[-1].tool_calls
    assert calls[0].arguments == '{"query":'


# ── other models, silence ─────────────────────────────────────────────────────────────────────────────────────────


async def test_another_model_is_named_and_learns_for_itself(client):
    chunks = await collect(client, ask("!as bigger-model !say hello to you"))
    assert chunks[-1].model == "bigger-model"
    assert client.counter("bigger-model").calibration.seen == 1
    assert client.counter("m").calibration.seen == 0


async def test_a_dated_name_is_the_same_model(client):
    await collect(client, ask("!as m-2031-05-06 !say hello to you"))
    assert client.counter("m").calibration.seen == 1


async def test_silence_after_ten_tokens_ends_the_call(session, scripted_server):
    client = OpenAIClient(session, endpoint="e", base_url=scripted_server.url, timeouts=Timeouts(2, 5, 0.2))
    seen = []
    with pytest.raises(EndpointTimeout, match="next token") as caught:
        await collect(client, ask("!stall 10 !tokens 20"), seen)
    assert sum(chunk.tokens for chunk in seen) == 10
    assert caught.value.retryable


async def test_noise_is_no_answer(session, scripted_server):
    client = OpenAIClient(session, endpoint="e", base_url=scripted_server.url, timeouts=Timeouts(2, 0.2, 5))
    with pytest.raises(EndpointTimeout, match="first token"):
        await collect(client, ask("!noise 30 !say never"))
    patient = OpenAIClient(session, endpoint="e", base_url=scripted_server.url)
    assert text_of(await collect(patient, ask("!noise 0.2 !say at last"))) == "at last"


async def test_blank_lines_before_the_answer_are_waited_through(session):
    whole = b'{"choices":[{"message":{"content":"late"},"finish_reason":"stop"}]}'
    assert text_of(await answered(session, b"\n", b"\r\n \n", whole)) == "late"
    assert text_of(await answered(session, b"\n", event("late", "stop"))) == "late"
    assert text_of(await answered(session, b"\xef\xbb\xbf" + whole)) == "late"


# ── schemas ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refused_schema_becomes_an_instruction_from_then_on(session, status):
    bodies = []

    async def handle(reader, writer):
        bodies.append(json.loads(await read_request(reader)))
        if "response_format" in bodies[-1]:
            said = json.dumps({"error": {"message": "Unsupported parameter: 'response_format' json_schema"}}).encode()
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%b" % (status, len(said), said))
        else:
            writer.write(HEAD + event('Sure: {"a": "x"} as you wished.', "stop"))

    messages = [ChatMessage("system", "You are terse."), ChatMessage("user", "go")]
    request = ChatRequest(model="m", messages=messages, json_schema=SCHEMA)
    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url)
        for _ in range(2):
            assert json.loads(text_of(await collect(client, request))) == {"a": "x"}
        await collect(client, ask("no schema"))
    assert ["response_format" in body for body in bodies] == [True, False, False, False]
    told = bodies[1]["messages"][0]["content"]
    assert told.startswith("You are terse.\n\n")
    assert json.dumps(SCHEMA, separators=(",", ":")) in told
    assert bodies[3]["messages"] == [{"role": "user", "content": "no schema"}]


async def test_json_in_a_fence_with_prose_around_is_taken_out(client):
    chunks = await collect(client, ask("!schema fence", json_schema=SCHEMA))
    assert json.loads(text_of(chunks)) == {"a": "scripted"}
    assert sum(chunk.tokens for chunk in chunks) >= 7  # with those of the prose before it


async def test_the_scripted_server_refuses_schemas_too(client, scripted_server):
    assert json.loads(text_of(await collect(client, ask('!schema refuse !say {"a":"b"}', json_schema=SCHEMA))))
    assert "response_format" not in scripted_server.requests[-1]


async def test_prose_instead_of_json_goes_on_whole(client):
    chunks = await collect(client, ask("!ramble", json_schema=SCHEMA))
    assert text_of(chunks) == "I would rather talk about something else."
    assert all(chunk.tokens for chunk in chunks[:-1])


async def test_an_object_that_ends_in_its_first_piece_is_not_held_back(session):
    seen = []
    parts = [event('{"a'), event('": "b\\"}{" '), event("} and so on")]
    with suppress(EndpointCut):
        await answered_into(session, seen, *parts)
    assert [chunk.text for chunk in seen] == ['{"a', '": "b\\"}{" ', "}"]


async def answered_into(session, seen, *parts):
    async def handle(reader, writer):
        await read_request(reader)
        writer.write(HEAD)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url)
        await collect(client, ask("x", json_schema=SCHEMA), seen)


# ── other shapes ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_status_200_with_an_error_is_the_error(client):
    with pytest.raises(EndpointRateLimited, match="as the script says"):
        await collect(client, ask("!refusal"))


async def test_status_200_with_a_web_page(client):
    with pytest.raises(EndpointGarbled, match="web page"):
        await collect(client, ask("!html"))


@pytest.mark.parametrize("command", ["!nested 2", "!big 9"])
async def test_lines_without_end_are_refused(client, command):
    seen = []
    with pytest.raises(EndpointGarbled):
        await collect(client, ask(f"{command} !say one two three"), seen)
    assert len(text_of(seen)) < 100


async def test_a_long_line_within_the_limit_is_an_answer_cut_to_the_limit(client):
    seen = []
    with suppress(EndpointError):
        await collect(client, ask("!big 4 !say one two", sampling=Sampling(max_tokens=10)), seen)
    assert sum(chunk.tokens for chunk in seen) <= OVERRUN_LEAST * 2


async def test_ten_megabytes_in_one_document_are_cut(session):
    body = b'{"choices":[{"message":{"content":"' + b"word " * 2_000_000 + b'"},"finish_reason":"stop"}]}'
    chunks = await answered(session, body)
    assert len(text_of(chunks)) < 8 * OVERRUN_LEAST
    assert chunks[-1].finish_reason == "length"


async def test_a_document_nested_without_end(session):
    with pytest.raises(EndpointGarbled):
        await answered(session, b'{"choices":[{"message":{"content":"x"},"extra":' + b"[" * 200_000)


async def test_events_with_comments_names_and_crlf(session):
    parts = [
        b": OPENROUTER PROCESSING\r\n\r\n",
        b"event: completion\r\nid: 7\r\nretry: 10\r\n" + event("so ").replace(b"\n", b"\r\n"),
        b"event: ping\r\ndata:\r\n\r\n",
        event("it works", "stop").replace(b"\n", b"\r\n"),
    ]
    assert text_of(await answered(session, *parts)) == "so it works"


async def test_tools_are_sent_and_prose_is_fine(client):
    tools = [ToolSpec("search", "finds", {"type": "object"})]
    assert text_of(await collect(client, ask("!say no need", tools=tools))) == "no need"
