"""What the scripted model does for which prompt: rules, and the commands a prompt or a model's name can give. Pure.

A rule matches the last user text. Without a matching rule the prompt itself may command: `!cut 5` breaks the stream
after five pieces, `!cut 5 x2` only the first two times this prompt is sent. All commands:

    !say WORDS…        answer with these words        !think WORDS…    the same as reasoning, before the answer
    !slow SECONDS      wait before every piece        !wait SECONDS    wait before the first piece
    !tokens N [RATE]   N pieces at RATE a second      !tool NAME JSON  call a tool
    !status CODE       refuse (401, 429, 500 …)       !unreachable     end the connection without an answer
    !cut N             end the connection             !stall N         go silent
    !garbage N         send what is no JSON           !half N          end inside a UTF-8 character
    !error N           send an error event            !html            answer with a web page
    !refusal           an error, but status 200       !nested          JSON without end in depth
    !big N             a line of N million letters
    !ramble            ignore a JSON schema           !whole           answer with one JSON document, not a stream
    !schema refuse     answer 400 to a JSON schema    !schema fence    obey it, with prose and a code fence around
    !usage KIND        none, zero, low, high, negative, words
    !as MODEL          name another model             !batch N         N pieces in one event
    !calls HOW…        tool calls in N pieces, mixed, bare (without index), same (all with index 0), twin (one id)
    !end HOW           without finish_reason: done (only [DONE]), eof (neither)
    !filter            end with content_filter        !noise SECONDS   comments for so long before the answer
    !halves            cut every character that has two halves or several bytes, and send one part after the other

(N: after so many pieces.) A model name commands too: `fake-200-50` is 200 pieces at 50 a second, `fake-500-max` as fast
as the line takes them, `cut-5` and the like break every call. `[#marker]` in a prompt names its counter at /counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from alma.models.chat import ToolCall

FaultKind = Literal[
    "status", "unreachable", "cut", "stall", "garbage", "half", "error", "html", "refusal", "nested", "big"
]
_FAULTS: tuple[FaultKind, ...] = get_args(FaultKind)
_COMMAND = re.compile(r"(?:^|\s)!([a-z]+)((?:[ \t]+(?!!)\S+)*)")
_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")
_MARKER = re.compile(r"\[#([\w.-]+)\]")
_FAKE = re.compile(r"fake-(\d+)-(max|\d+(?:\.\d+)?)")


class Fault(Struct, frozen=True):
    """A misbehaviour `after` so many pieces. `times`: only in the first calls of a prompt; None is always."""

    kind: FaultKind
    after: int = 0
    times: int | None = None
    status: int = 500
    retry_after: float | None = None


class Manner(Struct, frozen=True):
    """What is odd about an answer that comes to its end: see the commands of the same names. `noise` in seconds."""

    usage: str = ""
    model: str = ""
    batch: int = 1
    calls: tuple[str, ...] = ()
    end: str = ""
    schema: str = ""
    noise: float = 0.0
    halves: bool = False


class Rule(Struct, frozen=True):
    """What to do when the regular expression `match` is found in the last user text. `answer` may use its groups
    (`\\1`); `pieces` says how it is cut, by default at words. Delays are seconds; `whole`: no stream, one JSON.
    `times`: it holds for the first calls of a prompt only, then the next rule that matches does; None is always."""

    match: str = ""
    answer: str = ""
    pieces: list[str] | None = None
    delay: float = 0.0
    first_delay: float = 0.0
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    fault: Fault | None = None
    whole: bool = False
    times: int | None = None
    manner: Manner = Manner()


class Act(Struct, frozen=True):
    """A resolved call: the pieces in order, and when it goes wrong."""

    pieces: Sequence[str]
    thoughts: Sequence[str] = ()
    delay: float = 0.0
    first_delay: float = 0.0
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    fault: Fault | None = None
    whole: bool = False
    manner: Manner = Manner()


def marker_of(text: str) -> str | None:
    """The counter that a prompt names: `[#a1]` → `a1`."""
    found = _MARKER.search(text)
    return found[1] if found else None


def resolve(
    script: Sequence[Rule], text: str, *, model: str = "", schema: dict[str, Any] | None = None, call: int = 1
) -> Act:
    """What call number `call` of the prompt whose last user text is `text` gets."""
    for rule in script:
        if rule.times is not None and call > rule.times:
            continue
        if found := re.search(rule.match, text):
            return _act(rule, found.expand(rule.answer) if rule.match else rule.answer, call)
    if fake := _FAKE.fullmatch(model):
        return paced(int(fake[1]), 0.0 if fake[2] == "max" else float(fake[2]))
    rule = _commanded(text, model)
    if schema is not None and not rule.answer:
        rule = replace(rule, answer=json.dumps(instance(schema)))
    if rule.manner.schema == "fence":
        rule = replace(rule, answer=f"Gladly, here it is:\n```json\n{rule.answer}\n```\nAnything else {{you}} need?")
    silent = rule.finish_reason == "content_filter" or bool(rule.tool_calls and rule.manner.calls)
    return _act(rule, rule.answer or ("" if silent else _echo(text)), call)


def paced(count: int, rate: float) -> Act:
    """`count` pieces at `rate` a second; 0 is as fast as they are taken."""
    return Act(pieces=_Repeated(count), delay=1 / rate if rate else 0.0)


def cut_at_words(text: str) -> list[str]:
    """Pieces as a tokenizer might send them: each word with the white space before it."""
    return _PIECE.findall(text) or ([text] if text else [])


def instance(schema: dict[str, Any]) -> Any:
    """The smallest value that obeys a JSON schema, as far as Alma's own schemas go."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            return instance(schema[name][0])
    match schema.get("type"):
        case "object":
            properties: dict[str, Any] = schema.get("properties", {})
            return {name: instance(properties[name]) for name in schema.get("required", properties)}
        case "array":
            return [instance(schema.get("items", {})) for _ in range(int(schema.get("minItems", 1)))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "scripted"


class _Repeated(Sequence[str]):
    """`count` short words without holding them: benches ask for thousands."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*cast("slice[Any, Any, Any]", index).indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return f" word{index % 10}"


def _act(rule: Rule, answer: str, call: int) -> Act:
    fault = rule.fault
    if fault is not None and fault.times is not None and call > fault.times:
        fault = None
    return Act(
        pieces=rule.pieces if rule.pieces is not None else cut_at_words(answer),
        thoughts=cut_at_words(rule.reasoning),
        delay=rule.delay,
        first_delay=rule.first_delay,
        tool_calls=rule.tool_calls,
        finish_reason="tool_calls" if rule.tool_calls and rule.finish_reason == "stop" else rule.finish_reason,
        fault=fault,
        whole=rule.whole,
        manner=rule.manner,
    )


def _commanded(text: str, model: str) -> Rule:
    rule = Rule()
    for found in _COMMAND.finditer(text):
        rule = _obey(rule, found[1], found[2].split())
    if rule.fault is None:
        name, *words = model.split("-")
        if name in _FAULTS:
            rule = _obey(rule, name, words)
    return rule


def _obey(rule: Rule, name: str, words: list[str]) -> Rule:
    times = next((int(word[1:]) for word in words if re.fullmatch(r"x\d+", word)), None)
    number = float(words[0]) if words and re.fullmatch(r"\d+(\.\d+)?", words[0]) else 0.0
    for kind in _FAULTS:
        if kind == name:
            status = int(number or 500) if kind == "status" else 500
            wait = float(words[1]) if kind == "status" and len(words) > 1 and words[1].isdigit() else None
            after = 0 if kind == "status" else int(number)
            return replace(rule, fault=Fault(kind, after, times, status, wait))
    match name:
        case "say" | "ramble":
            return replace(rule, answer=" ".join(words) or "I would rather talk about something else.")
        case "think":
            return replace(rule, reasoning=" ".join(words) or "Let me think about that.")
        case "slow":
            return replace(rule, delay=number)
        case "wait":
            return replace(rule, first_delay=number)
        case "tokens":
            rate = float(words[1]) if len(words) > 1 and words[1] != "max" else 0.0
            return replace(rule, pieces=list(_Repeated(int(number))), delay=1 / rate if rate else 0.0)
        case "tool" if words:
            call = ToolCall(id="call_1", name=words[0], arguments=" ".join(words[1:]) or "{}")
            return replace(rule, tool_calls=(*rule.tool_calls, call))
        case "whole":
            return replace(rule, whole=True)
        case "filter":
            return replace(rule, finish_reason="content_filter")
        case "usage" | "as" | "batch" | "calls" | "end" | "schema" | "noise" | "halves":
            return replace(rule, manner=_mannered(rule.manner, name, words, number))
        case _:
            return rule


def _mannered(manner: Manner, name: str, words: list[str], number: float) -> Manner:
    word = words[0] if words else ""
    match name:
        case "as":
            return replace(manner, model=word)
        case "batch":
            return replace(manner, batch=max(1, int(number)))
        case "calls":
            return replace(manner, calls=tuple(words))
        case "noise":
            return replace(manner, noise=number)
        case "halves":
            return replace(manner, halves=True)
        case _:
            return replace(manner, **{name: word})


def _echo(text: str) -> str:
    said = " ".join(text.split())
    said = said if len(said) <= 200 else said[:199] + "…"
    return f"The scripted model heard: “{said}” It gives the same answer every time, word by word."
