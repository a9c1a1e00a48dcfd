"""The scripted model in the process, its server, and the probe that grades models."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from endpoints_at_hand import ask, collect, text_of

from alma.errors import EndpointCut, EndpointRateLimited, EndpointTimeout
from alma.models.chat import ToolCall
from alma.models.client import OpenAIClient, open_session
from alma.models.probe import keep, kept, letter, probe
from alma.models.remote import ModelInfo
from alma.models.script import Fault, Rule, cut_at_words, resolve
from alma.models.scripted import ScriptedModel


async def test_rules_come_first_and_may_use_their_groups():
    model = ScriptedModel([Rule(match=r"my name is (\w+)", answer=r"Hello \1, good day.")])
    assert text_of(await collect(model, ask("my name is Ada"))) == "Hello Ada, good day."
    assert "my name was Ada" in text_of(await collect(model, ask("my name was Ada")))


async def test_pieces_reasoning_and_tool_calls():
    rule = Rule(pieces=["a", "bc"], reasoning="think twice", tool_calls=(ToolCall("1", "t", "{}"),))
    chunks = await collect(ScriptedModel([rule]), ask("x"))
    assert [chunk.text or chunk.reasoning for chunk in chunks[:-1]] == ["think", " twice", "a", "bc"]
    assert (chunks[-1].finish_reason, chunks[-1].tool_calls[0].name) == ("tool_calls", "t")
    assert chunks[-1].usage.output_tokens == 4


async def test_fails_the_first_calls_only():
    model = ScriptedModel([Rule(answer="one two three", fault=Fault("cut", after=2, times=2))])
    for _ in range(2):
        seen = []
        with pytest.raises(EndpointCut):
            await collect(model, ask("x"), seen)
        assert text_of(seen) == "one two"
    assert text_of(await collect(model, ask("x"))) == "one two three"
    assert model.calls["x"] == 3
    assert model.active == 0


async def test_a_rule_may_hold_for_the_first_calls_of_a_prompt_only():
    model = ScriptedModel([Rule(match="^x$", answer="first", times=1), Rule(answer="then")])
    assert [text_of(await collect(model, ask(text))) for text in ("x", "x", "y")] == ["first", "then", "then"]


async def test_commands_in_the_prompt_and_the_models_name():
    model = ScriptedModel()
    with pytest.raises(EndpointRateLimited) as caught:
        await collect(model, ask("!status 429 3 x1"))
    assert caught.value.retry_after == 3
    assert await collect(model, ask("!status 429 3 x1"))
    with pytest.raises(EndpointCut):
        await collect(model, ask("anything", model="cut-1"))
    chunks = await collect(model, ask("x", model="fake-50-max"))
    assert sum(chunk.tokens for chunk in chunks) == 50


async def test_the_clock_is_the_callers():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    model = ScriptedModel(sleep=sleep)
    await collect(model, ask("!slow 2 !wait 5 !say a b"))
    assert slept == [5.0, 2.0, 2.0]
    with pytest.raises(EndpointTimeout):
        await collect(model, ask("!stall 0"))


async def test_a_schema_is_obeyed():
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "k": {"enum": ["x"]},
            "l": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["n", "k", "l"],
    }
    assert json.loads(text_of(await collect(ScriptedModel(), ask("x", json_schema=schema)))) == {
        "n": 1,
        "k": "x",
        "l": ["scripted"],
    }


def test_words_keep_their_white_space():
    for text in ("a b\n\nc ", "", "   ", "one", "Grüße 日本 🙂!"):
        assert "".join(cut_at_words(text)) == text


def test_an_act_is_the_same_every_time():
    assert resolve([], "hello").pieces == resolve([], "hello").pieces


async def test_the_server_paces_and_counts(scripted_server, session):
    client = OpenAIClient(session, endpoint="e", base_url=scripted_server.url)
    loop = asyncio.get_running_loop()
    began = loop.time()
    chunks = await collect(client, ask("[#p]", model="fake-20-100"))
    assert sum(chunk.tokens for chunk in chunks) == 20
    assert 0.18 < loop.time() - began < 10
    stream = client.stream(ask("[#q]", model="fake-1000-10"))
    await anext(stream)
    await stream.aclose()
    while "dropped" not in scripted_server.counts["q"]:
        await asyncio.sleep(0.005)
    assert scripted_server.counts["p"] == {"started": 1, "completed": 1}


async def test_the_command_line(tmp_path):
    (tmp_path / "rules.json").write_text(json.dumps([{"match": "ping", "answer": "pong"}]))
    command = [sys.executable, "-m", "alma.models.scripted", "--script", str(tmp_path / "rules.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        port = json.loads(await asyncio.to_thread(process.stdout.readline))["port"]
        async with open_session() as session:
            client = OpenAIClient(session, endpoint="e", base_url=f"http://127.0.0.1:{port}/v1")
            assert text_of(await collect(client, ask("ping"))) == "pong"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# ── the probe ─────────────────────────────────────────────────────────────────────────────────────────────────────

INFO = ModelInfo("scripted/x", "scripted", "x", 8192, False, "scripted")
CLEVER = [
    Rule(match="Paris|Nairobi", answer='{"city": "c", "country": "d", "size": "large"}'),
    Rule(match="single word: ready", answer="Ready."),
    Rule(match="exactly three lines", answer="red\ngreen\nblue"),
    Rule(match=r"7 \+ 5", answer="12"),
    Rule(match="BLUE", answer="blue"),
    Rule(match="day\\?|tomorrow", answer='{"kind": "chat"}'),
    Rule(match="poem|slogan", answer='{"kind": "creative"}'),
    Rule(match="costs|bees", answer='```json\n{"kind": "analytical"}\n```'),
    Rule(
        match="Plan this task",
        answer='{"options": ["train", "bus", "car"], "steps": [{"title": "Find out", "agent": "researcher"},'
        ' {"title": "Compare", "agent": "analyst"}]}',
    ),
    Rule(match="Oslo", tool_calls=(ToolCall("1", "weather", '{"city": "Oslo"}'),)),
    Rule(match="password", answer="Heliotrope"),
]


async def test_a_clever_model_gets_an_a_everywhere(tmp_path):
    report = await probe(ScriptedModel(CLEVER), INFO, clock=lambda: 5.0)
    assert {grade.name: grade.grade for grade in report.grades} == dict.fromkeys(
        ("schema", "instructions", "classification", "planning", "tools", "long context", "speed"), "A"
    )
    assert (report.model, report.at) == ("scripted/x", 5.0)
    keep(report, tmp_path)
    assert kept("scripted/x", tmp_path) == report
    assert kept("scripted/y", tmp_path) is None


async def test_errors_become_grades_with_a_reason():
    report = await probe(ScriptedModel([Rule(fault=Fault("status", status=500))]), INFO)
    assert {grade.grade for grade in report.grades} == {"F"}
    assert all("HTTP 500" in grade.detail for grade in report.grades)
    assert report.tokens_per_second == 0


async def test_a_silent_model_is_not_waited_for():
    report = await probe(ScriptedModel([Rule(first_delay=60)]), INFO, trial_seconds=0.02)
    assert all("No answer within" in grade.detail for grade in report.grades)


def test_letters():
    assert [letter(score) for score in (1, 0.8, 0.6, 0.5, 0.1)] == ["A", "B", "C", "D", "F"]
