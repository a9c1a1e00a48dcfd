"""What a model can do, measured: seven small trials, each graded A to F. `alma models test`.

The trials are short, because the slowest model that Alma runs reads 250 tokens a second. Every trial has a deadline; a
trial that breaks is graded F with the reason. Reports are kept in `{data_dir}/probes/`, one JSON file per model.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from alma.errors import AlmaError
from alma.events import KINDS
from alma.model_call import Sampling
from alma.models.chat import ChatMessage, ChatModel, ChatRequest, Chunk, ToolSpec
from alma.models.refusal import NOT_JSON
from alma.models.remote import ModelInfo

T = TypeVar("T")

TRIAL_SECONDS = 60.0
NEEDLE_TOKENS = 2000  # length of the long prompt, or half of a smaller window


class Grade(Struct, frozen=True):
    """`score` from 0 to 1; A from 0.9, B from 0.75, C from 0.6, D from 0.4."""

    name: str
    grade: str
    score: float
    detail: str


class ProbeReport(Struct, frozen=True, rename="camel"):
    """Speeds are tokens a second, 0 when they could not be measured. `at`: Unix seconds."""

    model: str
    grades: list[Grade]
    tokens_per_second: float
    prompt_tokens_per_second: float
    first_token_ms: float
    at: float


def letter(score: float) -> str:
    """The grade of a score."""
    return next((grade for grade, least in (("A", 0.9), ("B", 0.75), ("C", 0.6), ("D", 0.4)) if score >= least), "F")


class Heard(Struct, frozen=True):
    """A whole answer and how long it took."""

    text: str
    last: Chunk
    first_s: float
    total_s: float
    pieces: int


async def probe(
    model: ChatModel, info: ModelInfo, *, trial_seconds: float = TRIAL_SECONDS, clock: Callable[[], float] = time.time
) -> ProbeReport:
    """Run all trials, one after another. Takes seconds on a fast model, a minute or two on a slow one."""
    trials: tuple[tuple[str, Callable[[ChatModel, ModelInfo], Awaitable[tuple[float, str]]]], ...] = (
        ("schema", _schema),
        ("instructions", _instructions),
        ("classification", _classification),
        ("planning", _planning),
        ("tools", _tools),
        ("long context", _needle),
    )
    speed = await _speed(model, info, trial_seconds)
    grades: list[Grade] = []
    for name, trial in trials:
        try:
            async with asyncio.timeout(trial_seconds):
                score, detail = await trial(model, info)
        except AlmaError as error:
            score, detail = 0.0, error.message
        except TimeoutError:
            score, detail = 0.0, f"No answer within {trial_seconds:g} s."
        grades.append(Grade(name, letter(score), round(score, 2), detail))
    grades.append(speed.grade)
    return ProbeReport(info.id, grades, speed.out, speed.into, speed.first_ms, clock())


# ── the trials ────────────────────────────────────────────────────────────────────────────────────────────────────

_CITY = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "country": {"type": "string"},
        "size": {"enum": ["small", "medium", "large"]},
    },
    "required": ["city", "country", "size"],
    "additionalProperties": False,
}
_PLAN = {
    "type": "object",
    "properties": {
        "options": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 5},
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"title": {"type": "string"}, "agent": {"enum": ["researcher", "analyst", "writer"]}},
                "required": ["title", "agent"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "maxItems": 5,
        },
    },
    "required": ["options", "steps"],
    "additionalProperties": False,
}
_KIND = {
    "type": "object",
    "properties": {"kind": {"enum": list(KINDS)}},
    "required": ["kind"],
    "additionalProperties": False,
}
_TASKS = (
    ("Hi! How was your day?", "chat"),
    ("Thanks, see you tomorrow.", "chat"),
    ("Write a poem about the first snow.", "creative"),
    ("Invent a name and a slogan for a tea shop.", "creative"),
    ("Compare the costs of renting and buying a flat.", "analytical"),
    ("Why did the number of bees fall, and what is the evidence?", "analytical"),
)


class _City(Struct, forbid_unknown_fields=True):
    city: str
    country: str
    size: Literal["small", "medium", "large"]


class _Step(Struct, forbid_unknown_fields=True):
    title: str
    agent: Literal["researcher", "analyst", "writer"]


class _Plan(Struct, forbid_unknown_fields=True):
    options: list[str]
    steps: list[_Step]


class _KindOf(Struct):
    kind: str


class _Where(Struct):
    city: str = ""


async def _schema(model: ChatModel, info: ModelInfo) -> tuple[float, str]:
    right = 0
    for place in ("Paris", "Nairobi"):
        said = await _say(model, info, f"Describe {place} as JSON with city, country and size.", schema=_CITY)
        right += _read(said, _City) is not None
    return right / 2, f"{right} of 2 answers obeyed a JSON schema."


async def _instructions(model: ChatModel, info: ModelInfo) -> tuple[float, str]:
    trials: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("Answer with the single word: ready", lambda said: said.strip(" .!\"'\n").lower() == "ready"),
        ("Write exactly three lines. Each line is one colour.", lambda said: len(_lines(said)) == 3),
        (
            "What is 7 + 5? Answer with the number only.",
            lambda said: re.fullmatch(r"\D?12\D?", said.strip()) is not None,
        ),
        ("Write the word BLUE in lower case and nothing else.", lambda said: said.strip(" .!\"'\n") == "blue"),
    )
    followed = [fits(await _say(model, info, prompt, tokens=40)) for prompt, fits in trials]
    return sum(followed) / len(
        followed
    ), f"{sum(followed)} of {len(followed)} instructions were followed to the letter."


async def _classification(model: ChatModel, info: ModelInfo) -> tuple[float, str]:
    system = (
        "Classify the user's message. chat: small talk. creative: it wants something invented. "
        "analytical: it wants reasons, facts or a comparison."
    )
    right = 0
    for text, kind in _TASKS:
        said = _read(await _say(model, info, text, system=system, schema=_KIND, tokens=20), _KindOf)
        right += said is not None and said.kind == kind
    return right / len(_TASKS), f"{right} of {len(_TASKS)} tasks were classified right."


async def _planning(model: ChatModel, info: ModelInfo) -> tuple[float, str]:
    task = "Compare a train, a bus and a car for a trip of 300 km, and recommend one."
    prompt = (
        f"Plan this task as JSON: name the options that it compares, and the steps with the agent for each.\n{task}"
    )
    plan = _read(await _say(model, info, prompt, schema=_PLAN, tokens=220), _Plan)
    if plan is None:
        return 0.0, "The plan was not of the form that was asked for."
    words = ("train", "bus", "car")
    named = {
        word
        for option in plan.options
        if len(found := [w for w in words if w in option.lower()]) == 1
        for word in found
    }
    titles = {step.title.strip().lower() for step in plan.steps}
    extra = len(plan.options) - len(named)
    score = max(0.0, 0.25 + 0.6 * len(named) / 3 - 0.2 * extra) + 0.15 * (len(titles) == len(plan.steps) >= 2)
    detail = f"A valid plan: {len(named)} of 3 options named, {extra} made up, {len(titles)} different steps."
    return min(1.0, score), detail


async def _tools(model: ChatModel, info: ModelInfo) -> tuple[float, str]:
    tool = ToolSpec(
        name="weather",
        description="The weather of a city now.",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
    heard = await _hear(model, info, "What is the weather in Oslo right now? Use the tool.", tools=[tool], tokens=80)
    call = next(iter(heard.last.tool_calls), None)
    if call is None:
        return 0.0, "It did not call the tool."
    arguments = _read(call.arguments, _Where)
    if call.name == "weather" and arguments is not None and "oslo" in arguments.city.lower():
        return 1.0, "It called the tool with the right argument."
    return 0.5, f"It called {call.name} with {call.arguments[:80]}."


async def _needle(model: ChatModel, info: ModelInfo) -> tuple[float, str]:
    length = min(NEEDLE_TOKENS, info.context_window // 2)
    filler = [
        f"Note {i}: the shelf in room {i % 17} was dusted and nothing was found there." for i in range(length // 16)
    ]
    filler.insert(len(filler) // 3, "Note: the password of the archive is heliotrope.")
    prompt = "\n".join(filler) + "\n\nWhat is the password of the archive? Answer with one word."
    said = await _say(model, info, prompt, tokens=20)
    found = "heliotrope" in said.lower()
    return float(found), f"It {'found' if found else 'missed'} one fact in about {length:,} tokens."


class _Speed(Struct, frozen=True):
    grade: Grade
    out: float = 0.0
    into: float = 0.0
    first_ms: float = 0.0


async def _speed(model: ChatModel, info: ModelInfo, seconds: float) -> _Speed:
    """Tokens a second in and out. The prompt begins with the time, so that no cache has seen it."""
    prompt = (
        f"{time.time_ns()}\n" + "The river runs past the mill and the old bridge. " * 30 + "\nTell a story about it."
    )
    try:
        async with asyncio.timeout(seconds):
            heard = await _hear(model, info, prompt, tokens=64)
    except AlmaError as error:
        return _Speed(Grade("speed", "F", 0.0, error.message))
    except TimeoutError:
        return _Speed(Grade("speed", "F", 0.0, f"No answer within {seconds:g} s."))
    usage = heard.last.usage
    read = usage.input_tokens - usage.cached_tokens if usage else await model.count_tokens(prompt)
    written = (usage.output_tokens if usage else 0) or heard.pieces
    out = (written - 1) / (heard.total_s - heard.first_s) if written > 1 and heard.total_s > heard.first_s else 0.0
    into = read / heard.first_s if heard.first_s > 0 else 0.0
    score = min(1.0, out / 50) * 0.7 + min(1.0, into / 1000) * 0.3
    detail = f"Writes {out:.0f} and reads {into:.0f} tokens/s; first token after {heard.first_s:.1f} s."
    return _Speed(
        Grade("speed", letter(score), round(score, 2), detail),
        round(out, 1),
        round(into, 1),
        round(heard.first_s * 1e3, 1),
    )


# ── asking and judging ────────────────────────────────────────────────────────────────────────────────────────────


async def _say(
    model: ChatModel,
    info: ModelInfo,
    prompt: str,
    *,
    system: str | None = None,
    schema: dict[str, Any] | None = None,
    tokens: int = 100,
) -> str:
    return (await _hear(model, info, prompt, system=system, schema=schema, tokens=tokens)).text


async def _hear(
    model: ChatModel,
    info: ModelInfo,
    prompt: str,
    *,
    system: str | None = None,
    schema: dict[str, Any] | None = None,
    tools: list[ToolSpec] | None = None,
    tokens: int = 100,
) -> Heard:
    messages = [ChatMessage("system", system)] if system else []
    messages.append(ChatMessage("user", prompt))
    sampling = Sampling(temperature=0.0, max_tokens=tokens)
    request = ChatRequest(info.name, messages, sampling, tools or [], schema)
    began, first, text, pieces, last = time.perf_counter(), None, "", 0, Chunk()
    async with aclosing(model.stream(request)) as chunks:
        async for chunk in chunks:
            if chunk.tokens and first is None:
                first = time.perf_counter()
            text += chunk.text
            pieces += chunk.tokens
            last = chunk
    ended = time.perf_counter()
    return Heard(text, last, (first or ended) - began, ended - began, pieces)


def _read(text: str, shape: type[T]) -> T | None:
    """The JSON value in `text`, also inside a Markdown fence; None unless it is of `shape`."""
    try:
        return msgspec.json.decode(re.sub(r"^\s*```(?:json)?|```\s*$", "", text), type=shape)
    except NOT_JSON:
        return None


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


# ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────────────


def keep(report: ProbeReport, data_dir: Path) -> None:
    """Write the report; the one before it is gone."""
    path = _path(report.model, data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    part.replace(path)


def kept(model_id: str, data_dir: Path) -> ProbeReport | None:
    """The last report of a model, if it was ever tested."""
    try:
        return msgspec.json.decode(_path(model_id, data_dir).read_bytes(), type=ProbeReport)
    except (OSError, msgspec.MsgspecError):
        return None


def _path(model_id: str, data_dir: Path) -> Path:
    return data_dir / "probes" / (re.sub(r"[^\w.-]", "_", model_id) + ".json")
