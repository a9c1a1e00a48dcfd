"""Answers that are given again: what a client sees of it, and how often the model is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from alma.models.script import Rule
from session_bench import Client, SessionBench, texts

ASK = "How tall is the lighthouse of Ushant?"


@pytest.fixture
async def cached(database_url: str) -> AsyncGenerator[SessionBench]:
    async with SessionBench(database_url, cache={}).running() as running:
        yield running


async def ask(client: Client, text: str = ASK, key: str = "", **fields: Any) -> dict[str, Any]:
    """The end of the answer's message, with what the cache did in `cache`; and the run in `run`."""
    key = key or f"k{len(client.frames)}-{text[:20]}"
    ack = await client.answer(client.say("run.start", key=key, text=text, kind="chat", **fields))
    end = await client.until(type="TEXT_MESSAGE_END", runId=ack["runId"])
    await client.until(type="RUN_FINISHED", runId=ack["runId"])
    return {**end, "run": ack["runId"], "thread": ack["threadId"], "text": texts(client.frames)[end["messageId"]]}


async def test_what_is_asked_twice_is_answered_once(cached: SessionBench) -> None:
    cached.model.script = [Rule(match="Ushant", reply="It is fifty-four metres tall, and stands on rock.")]
    client = cached.connect()
    first = await ask(client)
    again = await ask(client)
    assert cached.model.calls == {ASK: 1}
    assert again["text"] == first["text"] == "It is fifty-four metres tall, and stands on rock."
    assert "cache" not in first
    assert (again["cache"]["source"], again["cache"]["runId"]) == ("exact", first["run"])
    assert again["usage"] == first["usage"]
    saved = again["cache"]
    assert saved["savedInputTokens"] + saved["savedOutputTokens"] > 0
    pieces = [one for one in client.frames if one["type"] == "TEXT_MESSAGE_CONTENT" and one["runId"] == again["run"]]
    assert pieces, "a hit streams like any answer"
