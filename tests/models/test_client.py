"""The client against endpoints that behave, misbehave and vanish."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from email.utils import formatdate

import aiohttp
import pytest
from endpoints_at_hand import HEAD, ask, collect, raw_server, read_request, text_of

from alma.errors import (
    EndpointCut,
    EndpointFailed,
    EndpointGarbled,
    EndpointRateLimited,
    EndpointRejected,
    EndpointTimeout,
    EndpointUnauthorized,
    EndpointUnreachable,
)
from alma.model_call import Sampling, Usage
from alma.models.body import encode, refused_field
from alma.models.chat import ChatMessage, ChatRequest, ToolCall, ToolSpec
from alma.models.client import OVERRUN_LEAST, Listed, OpenAIClient, Timeouts, proxy_of
from alma.models.reply import MAX_LINE

QUICK = Timeouts(connect=2, first_token=0.3, stall=0.3)


def event(content: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


def answering(*parts: bytes, head: bytes = HEAD):
    """A handler that sends `head` and each part as a write of its own, then closes."""

    async def handle(reader, writer):
        await read_request(reader)
        writer.write(head)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001)

    return handle


async def test_streams_text_usage_and_finish(client):
    chunks = await collect(client, ask("!say one two three"))
    assert text_of(chunks) == "one two three"
    assert sum(chunk.tokens for chunk in chunks) == 3
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].usage.output_tokens == 3
    assert not chunks[-1].usage.estimated
    assert [chunk.finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


async def test_streams_reasoning_before_text(client):
    chunks = await collect(client, ask("!think hm well !say yes"))
    assert "".join(chunk.reasoning for chunk in chunks) == "hm well"
    assert text_of(chunks) == "yes"


async def test_tool_calls_come_whole_at_the_end(client):
    chunks = await collect(client, ask('!tool search {"query":"x"}'))
    assert chunks[-1].tool_calls == (ToolCall("call_1", "search", '{"query":"x"}'),)
    assert chunks[-1].finish_reason == "tool_calls"
    assert all(not chunk.tool_calls for chunk in chunks[:-1])


async def test_request_carries_sampling_tools_schema_and_usage_option(client, scripted_server):
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    request = ChatRequest(
        model="m",
        messages=[
            ChatMessage("system", "s"),
            ChatMessage("assistant", "", tool_calls=[ToolCall("1", "t", "{}")]),
            ChatMessage("tool", "out", tool_call_id="1"),
            ChatMessage("user", "go"),
        ],
        sampling=Sampling(temperature=0.1, top_p=0.5, max_tokens=7),
        tools=[ToolSpec("t", "does", {"type": "object"})],
        json_schema=schema,
    )
    chunks = await collect(client, request)
    assert json.loads(text_of(chunks)) == {"a": "scripted"}
    body = scripted_server.requests[-1]
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.1, 0.5, 7)
    assert body["stream_options"] == {"include_usage": True}
    assert body["tools"][0]["function"]["name"] == "t"
    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": True}
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "t", "arguments": "{}"}
    assert body["messages"][2]["tool_call_id"] == "1"


async def test_open_schema_is_not_called_strict(client, scripted_server):
    await collect(client, ask("x", json_schema={"type": "object", "properties": {"a": {"type": "string"}}}))
    assert "strict" not in scripted_server.requests[-1]["response_format"]["json_schema"]


@pytest.mark.parametrize(
    ("command", "error", "status"),
    [
        ("!status 401", EndpointUnauthorized, 401),
        ("!status 403", EndpointUnauthorized, 403),
        ("!status 404", EndpointRejected, 404),
        ("!status 400", EndpointRejected, 400),
        ("!status 429", EndpointRateLimited, 429),
        ("!status 503", EndpointFailed, 503),
        ("!status 302", EndpointRejected, 302),
        ("!cut 2", EndpointCut, None),
        ("!cut 0", EndpointCut, None),
        ("!garbage 1", EndpointGarbled, None),
        ("!half 1", EndpointCut, None),
        ("!error 1", EndpointFailed, 500),
        ("!html", EndpointGarbled, None),
        ("!unreachable", EndpointUnreachable, None),
    ],
)
async def test_misbehaviour_becomes_its_error(client, command, error, status):
    with pytest.raises(error) as caught:
        await collect(client, ask(f"{command} !say one two three"))
    assert caught.value.endpoint == "test"
    assert caught.value.status == status
    assert "test" in caught.value.message


async def test_text_before_a_cut_is_delivered(client):
    seen = []
    with pytest.raises(EndpointCut):
        await collect(client, ask("!cut 2 !say one two three"), seen)
    assert text_of(seen) == "one two"


async def test_retry_after_in_seconds_and_as_a_date(client, session):
    with pytest.raises(EndpointRateLimited) as caught:
        await collect(client, ask("!status 429 7"))
    assert caught.value.retry_after == 7
    date = formatdate(time.time() + 30, usegmt=True).encode()
    head = b"HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\nRetry-After: " + date + b"\r\n\r\n"
    async with raw_server(answering(head=head)) as url:
        with pytest.raises(EndpointRateLimited) as caught:
            await collect(OpenAIClient(session, endpoint="e", base_url=url), ask("x"))
    assert 25 < caught.value.retry_after <= 30


async def test_key_is_sent_and_never_repeated_in_an_error(session):
    async def handle(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        key = head.split(b"Bearer ")[1].split(b"\r\n")[0]
        body = json.dumps({"error": {"message": f"bad key {key.decode()} " + "x" * 1000}}).encode()
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url, api_key="sk-secret")
        with pytest.raises(EndpointUnauthorized) as caught:
            await collect(client, ask("x"))
    assert "sk-secret" not in caught.value.message
    assert len(caught.value.message) < 400
    assert "models.toml" in caught.value.hint


async def test_nothing_listens(session):
    async with raw_server(answering()) as url:
        pass
    client = OpenAIClient(session, endpoint="gone", base_url=url)
    with pytest.raises(EndpointUnreachable) as caught:
        await collect(client, ask("x"))
    assert url in caught.value.message
    with pytest.raises(EndpointUnreachable):
        await client.list_models()


async def test_silence_before_the_headers(session):
    async with raw_server(lambda reader, writer: asyncio.sleep(60)) as url:
        with pytest.raises(EndpointTimeout) as caught:
            await collect(OpenAIClient(session, endpoint="e", base_url=url, timeouts=QUICK), ask("x"))
    assert "first token" in caught.value.message


async def test_comments_do_not_postpone_the_first_token(session):
    async def handle(reader, writer):
        await read_request(reader)
        writer.write(HEAD)
        while True:
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(handle) as url:
        with pytest.raises(EndpointTimeout) as caught:
            await collect(OpenAIClient(session, endpoint="e", base_url=url, timeouts=QUICK), ask("x"))
    assert "first token" in caught.value.message


async def test_stall_between_tokens(session, scripted_server):
    client = OpenAIClient(session, endpoint="e", base_url=scripted_server.url, timeouts=QUICK)
    seen = []
    with pytest.raises(EndpointTimeout) as caught:
        await collect(client, ask("!stall 2 !say one two three"), seen)
    assert text_of(seen) == "one two"
    assert "next token" in caught.value.message


async def test_a_slow_stream_within_the_stall_limit_is_fine(session, scripted_server):
    limits = Timeouts(connect=2, first_token=1, stall=1)
    client = OpenAIClient(session, endpoint="e", base_url=scripted_server.url, timeouts=limits)
    assert text_of(await collect(client, ask("!slow 0.2 !say one two three four five six seven"))).endswith("seven")


async def test_a_slow_reader_is_not_taken_for_a_stall(session, scripted_server):
    client = OpenAIClient(session, endpoint="e", base_url=scripted_server.url, timeouts=QUICK)
    text = ""
    async for chunk in client.stream(ask("!slow 0.01 !say one two three")):
        text += chunk.text
        await asyncio.sleep(0.4)
    assert text == "one two three"


async def test_usage_may_be_missing_and_the_stream_may_end_without_done(session):
    async with raw_server(answering(event("hi"), event("", "length"))) as url:
        chunks = await collect(OpenAIClient(session, endpoint="e", base_url=url), ask("x"))
    assert chunks[-1].finish_reason == "length"
    assert chunks[-1].usage.estimated


async def test_done_without_finish_reason_is_an_end(session):
    async with raw_server(answering(event("hi"), b"data: [DONE]\n\n")) as url:
        chunks = await collect(OpenAIClient(session, endpoint="e", base_url=url), ask("x"))
    assert (text_of(chunks), chunks[-1].finish_reason) == ("hi", "stop")


async def test_a_connection_held_open_after_the_end_is_not_waited_for(session, monkeypatch):
    monkeypatch.setattr("alma.models.client.USAGE_GRACE", 0.1)

    async def handle(reader, writer):
        await read_request(reader)
        writer.write(HEAD + event("hi") + event("", "stop"))
        await reader.read()

    async with raw_server(handle) as url:
        chunks = await collect(OpenAIClient(session, endpoint="e", base_url=url), ask("x"))
    assert text_of(chunks) == "hi"


async def test_plain_json_answer_to_a_stream_request(client):
    chunks = await collect(client, ask("!whole !think hm !say all at once"))
    assert text_of(chunks) == "all at once"
    assert chunks[0].reasoning == "hm"
    assert chunks[-1].usage.output_tokens == 4


async def test_cached_tokens_and_model_name(session):
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 5}}
    last = b"data: " + json.dumps({"model": "gpt-x", "choices": [], "usage": usage}).encode() + b"\n\n"
    async with raw_server(answering(event("hi", "stop"), last, b"data: [DONE]\n\n")) as url:
        chunks = await collect(OpenAIClient(session, endpoint="e", base_url=url), ask("x"))
    assert chunks[-1].usage == Usage(9, 1, 5)
    assert chunks[-1].model == "gpt-x"


def test_a_seed_is_sent_where_there_is_one_and_left_out_where_it_is_refused():
    assert "seed" not in json.loads(encode(ask("x"), frozenset(), {})), "only experiments draw by one"
    request = ChatRequest("m", [ChatMessage("user", "go")], seed=3)
    assert json.loads(encode(request, frozenset(), {}))["seed"] == 3
    refused = refused_field("Unknown parameter: 'seed'", request, frozenset())
    assert refused == "seed"
    assert "seed" not in json.loads(encode(request, {refused}, {}))


async def test_a_refused_field_is_left_out_from_then_on(session):
    bodies = []

    async def handle(reader, writer):
        body = json.loads(await read_request(reader))
        bodies.append(body)
        bad = next((name for name in ("stream_options", "max_tokens") if name in body), None)
        if bad:
            said = json.dumps({"error": {"message": f"Unsupported parameter: '{bad}'"}}).encode()
            writer.write(b"HTTP/1.1 400 Bad\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))
        else:
            writer.write(HEAD + event("ok", "stop"))

    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url)
        assert text_of(await collect(client, ask("x"))) == "ok"
        assert text_of(await collect(client, ask("y"))) == "ok"
    assert len(bodies) == 4
    assert bodies[-1]["max_completion_tokens"] == 1024
    assert "stream_options" not in bodies[-1]


async def test_a_line_without_end_is_refused(session):
    async def handle(reader, writer):
        await read_request(reader)
        writer.write(HEAD + b"data: ")
        for _ in range(MAX_LINE // 65536 + 20):
            writer.write(b"x" * 65536)
            await writer.drain()

    async with raw_server(handle) as url:
        with pytest.raises(EndpointGarbled):
            await collect(OpenAIClient(session, endpoint="e", base_url=url), ask("x"))


async def test_not_http_at_all(session):
    async with raw_server(answering(head=b"SSH-2.0-OpenSSH_9.2\r\n")) as url:
        with pytest.raises(EndpointGarbled) as caught:
            await collect(OpenAIClient(session, endpoint="e", base_url=url), ask("x"))
    assert "HTTP" in caught.value.message


@pytest.mark.parametrize("url", ["http://foo..bar/v1", f"http://{'a' * 70}/v1"])
async def test_an_address_that_no_host_can_have(session, monkeypatch, url):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    client = OpenAIClient(session, endpoint="odd", base_url=url)
    with pytest.raises(EndpointUnreachable) as caught:
        await collect(client, ask("x"))
    assert url in caught.value.message
    assert "key" in caught.value.hint
    with pytest.raises(EndpointUnreachable):
        await client.list_models()


async def test_a_key_that_no_header_can_hold(session, scripted_server):
    client = OpenAIClient(session, endpoint="odd", base_url=scripted_server.url, api_key="sk-sec\nret")
    with pytest.raises(EndpointUnreachable) as caught:
        await collect(client, ask("x"))
    assert "sk-sec" not in str(caught.value.facts())
    with pytest.raises(EndpointUnreachable):
        await client.list_models()


@pytest.mark.parametrize(
    "delta",
    [{"content": "a "}, {"reasoning": "a "}, {"tool_calls": [{"index": 0, "function": {"arguments": "a"}}]}],
)
async def test_an_answer_without_end_is_cut(session, delta):
    gone = asyncio.Event()
    piece = b"data: " + json.dumps({"model": "gpt-x", "choices": [{"delta": delta}]}).encode() + b"\n\n"

    async def handle(reader, writer):
        await read_request(reader)
        writer.write(HEAD)
        try:
            while True:
                writer.write(piece * 100)
                await writer.drain()
        except ConnectionError:
            gone.set()

    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url)
        async with asyncio.timeout(120):
            chunks = await collect(client, ask("x", sampling=Sampling(max_tokens=512)))
            await gone.wait()
    assert (chunks[-1].finish_reason, chunks[-1].tool_calls) == ("length", ())
    if "tool_calls" not in delta:
        assert sum(chunk.tokens for chunk in chunks) == OVERRUN_LEAST


async def test_a_long_answer_below_that_is_whole(client):
    request = ask("x", model="fake-16000-max", sampling=Sampling(max_tokens=512))
    chunks = await collect(client, request)
    assert (sum(chunk.tokens for chunk in chunks), chunks[-1].finish_reason) == (16000, "stop")


@pytest.mark.parametrize("how", ["close", "cancel"])
async def test_leaving_closes_the_upstream_connection(session, how):
    gone = asyncio.Event()

    async def handle(reader, writer):
        await read_request(reader)
        writer.write(HEAD + event("hi"))
        assert await reader.read() == b""
        gone.set()

    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url)
        if how == "close":
            async with aclosing(client.stream(ask("x"))) as chunks:
                async for _ in chunks:
                    break
        else:
            began = asyncio.Event()

            async def read():
                async for _ in client.stream(ask("x")):
                    began.set()

            task = asyncio.create_task(read())
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.wait_for(gone.wait(), 2)


async def test_connections_are_used_again(session, client, scripted_server):
    for _ in range(3):
        await collect(client, ask("!say hello"))
    assert len(session.connector._conns) == 1
    assert sum(len(pool) for pool in session.connector._conns.values()) == 1


async def test_a_stale_kept_alive_connection_is_replaced(session):
    served = 0

    async def handle(reader, writer):
        nonlocal served
        await read_request(reader)
        served += 1
        body = event("hi", "stop") + b"data: [DONE]\n\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)
        await writer.drain()
        await reader.read(1)  # the next request on this connection gets no answer

    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url)
        await collect(client, ask("x"))
        await collect(client, ask("x"))
    assert served == 2


async def test_lists_models(client, session):
    assert Listed("fake-200-50", 8192) in await client.list_models()
    async with raw_server(answering(b"<html>", head=HEAD)) as url:
        with pytest.raises(EndpointGarbled, match="it answered with a web page"):
            await OpenAIClient(session, endpoint="e", base_url=url).list_models()
    missing = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"
    async with raw_server(answering(b"\n <!doctype html><title>Oh no</title>", head=missing)) as url:
        with pytest.raises(EndpointRejected, match="it answered with a web page") as caught:
            await OpenAIClient(session, endpoint="e", base_url=url).list_models()
    assert "Oh no" not in caught.value.message
    assert "mostly ends in /v1" in caught.value.hint
    async with raw_server(lambda reader, writer: asyncio.sleep(60)) as url:
        with pytest.raises(EndpointTimeout):
            await OpenAIClient(session, endpoint="e", base_url=url).list_models(timeout=0.1)


async def test_counts_by_estimate_without_a_tokenizer(client):
    assert 6 <= await client.count_tokens("a" * 30) <= 15
    assert await client.count_tokens("日本語" * 10) >= 30


def test_loopback_never_goes_through_a_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    assert proxy_of("http://127.0.0.1:1/v1") is None
    assert proxy_of("http://localhost:1/v1") is None
    assert proxy_of("http://models.invalid/v1") == "http://proxy.invalid:3128"


async def test_counts_at_the_server(client, session, scripted_server):
    await collect(client, ask("[#a] !say hi"))
    async with session.get(scripted_server.url.removesuffix("/v1") + "/counts") as response:
        assert (await response.json())["a"] == {"started": 1, "completed": 1}
    assert isinstance(session, aiohttp.ClientSession)
