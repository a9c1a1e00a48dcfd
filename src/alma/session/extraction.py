"""Facts about the user, out of what they said: a strong model is asked, rules find them else.

The model's answer is checked: each fact must quote words that the user wrote, in a place where they speak of
themselves; what it could not have from there is left out. Nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any, Literal

import msgspec
from msgspec import Struct

from alma.agent.context import build
from alma.agent.planner import strength
from alma.agent.prompt import Material, Part
from alma.agent.run import Models
from alma.errors import AlmaError
from alma.memory.episodes import FinishedRun, Said
from alma.memory.facts import MOST, Fact, facts_in
from alma.memory.own_words import own_words
from alma.memory.records import USER, NewMemory, Scope, Source
from alma.model_call import Sampling
from alma.models.chat import Caller, ChatModel, ChatRequest
from alma.models.remote import ModelInfo

log = logging.getLogger(__name__)
_MOST_CHARS = 6000  # of a text that a model is given
_SAMPLING = Sampling(temperature=0.0, top_p=1.0, max_tokens=800)
_PERSONAL = re.compile(
    r"\b(?:i|i['’]m|i['’]ve|my|mine|we|our|call me|remember|from now on|always|never)\b", re.IGNORECASE
)
_KEY = re.compile(r"user(?:\.[a-z0-9_]+){1,3}")
_ASK = """You note lasting facts and preferences that the user states about themselves: name, home, work, family,
diet, tastes, tools, plans with dates, and how they want to be answered from now on. Note nothing that is a question, a
guess, a supposition, a quotation, a joke, material to work on, or about somebody else. Most messages hold nothing.

Answer with JSON: {"facts": [{"text": ..., "quote": ..., "kind": ..., "key": ...}]}
text: one sentence in the third person that stands alone, such as "The user lives in Porto."
quote: the user's own words for it, copied exactly
kind: semantic, or procedural for how they want things done from now on
key: such as user.city where only one can be true at a time, else empty"""
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "facts": {
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "maxLength": 240},
                    "quote": {"type": "string", "maxLength": 400},
                    "kind": {"enum": ["semantic", "procedural"]},
                    "key": {"type": "string", "maxLength": 80},
                },
                "required": ["text", "quote", "kind", "key"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["facts"],
    "additionalProperties": False,
}


class _Noted(Struct):
    text: str
    quote: str
    kind: Literal["semantic", "procedural"] = "semantic"
    key: str = ""


class _Answer(Struct):
    facts: list[_Noted]


class Extraction:
    def __init__(self, models: Models) -> None:
        self._models = models

    async def facts(self, run: FinishedRun, said: Said, scope: Scope, model_id: str | None) -> list[NewMemory]:
        """What `said` says of the user; `scope`: for whom it is kept. Places are those in the whole of it."""
        text = said.text[said.own :]
        found = await self._found(run, text, model_id) if _is_personal(text) else []
        return [
            NewMemory(
                run.owner,
                fact.text,
                fact.kind,
                scope,
                run.role,
                key=fact.key,
                source=Source(
                    run.thread_id,
                    run.run_id,
                    said.task_id,
                    said.message_id,
                    start=said.own + fact.start,
                    end=said.own + fact.end,
                ),
                at=said.at,
                speaker=USER,
                denies=fact.denies,
            )
            for fact in found
        ]

    async def _found(self, run: FinishedRun, text: str, model_id: str | None) -> list[Fact]:
        try:
            model, info = self._models.resolve(model_id)
            if strength(info, self._models.report(info.id)).level == "strong":
                return checked(await _asked(run, text[:_MOST_CHARS], model, info), text)
        except (AlmaError, msgspec.MsgspecError) as error:
            log.info("no model noted facts (%s): rules find them", error)
        return await asyncio.to_thread(facts_in, text)


def _is_personal(text: str) -> bool:
    """Whether there may be anything in it: most messages only ask, and no model need be asked about them."""
    places = own_words(text) if _PERSONAL.search(text) else ()
    return any(_PERSONAL.search(text[start:end]) for start, end in places)


async def _asked(run: FinishedRun, text: str, model: ChatModel, info: ModelInfo) -> list[_Noted]:
    parts = [Part("facts", _ASK, "system", trusted=True), Part("said", text, "user", trusted=True)]
    window, most = info.context_window, _SAMPLING.max_tokens
    prompt = await build(model, Material([], [], parts), window=window, max_tokens=most)
    caller = Caller(owner=run.owner, run_id=f"facts.{run.run_id}", priority=-9)
    request = ChatRequest(info.name, prompt.messages, _SAMPLING, json_schema=_SCHEMA, caller=caller)
    answer: list[str] = []
    async with aclosing(model.stream(request)) as chunks:
        async for chunk in chunks:
            answer.append(chunk.text)
    whole = "".join(answer)
    begin, end = whole.find("{"), whole.rfind("}")
    return msgspec.json.decode(whole[begin : end + 1], type=_Answer).facts


def checked(noted: list[_Noted], text: str) -> list[Fact]:
    """Those that quote the user where they speak of themselves, and are about the user."""
    return list(_checked(noted, text))[:MOST]


def _checked(noted: list[_Noted], text: str) -> Iterator[Fact]:
    sentences = list(own_words(text))
    for one in noted:
        words = r"\s+".join(map(re.escape, one.quote.split()))
        quoted = re.search(words, text, re.IGNORECASE) if len(one.quote.split()) > 1 else None
        fact = " ".join(one.text.split())
        if quoted is None or not 8 <= len(fact) <= 240 or "user" not in fact.casefold():
            continue
        place = [(start, end) for start, end in sentences if start < quoted.end() and quoted.start() < end]
        if not place or text[place[-1][0] : place[-1][1]].rstrip().endswith("?"):
            continue
        key = one.key if _KEY.fullmatch(one.key) else ""
        yield Fact(fact, key, one.kind, place[0][0], place[-1][1])
