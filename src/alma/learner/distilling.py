"""Notes for a role, out of what its owner said of its answers: by a strong model, which must name the runs that each
note rests on, or by rule.

By rule a reason that was given twice or more, in words that mean nearly the same, becomes a note as its owner put it,
and so does what edits have in common (`learning/edits.py`). Near vectors alone are no sign of one meaning: "use a list"
is near "do not use a list". What comes of it is a draft: nothing acts before the gate, or its owner, has let it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from alma.db.database import Database
from alma.errors import Conflict
from alma.learner.said import Ask, Said, said_of_role
from alma.learner.version_records import MadeBy, Version, What
from alma.learning.edits import Edit, regularities
from alma.memory.embedder import Vector
from alma.memory.sameness import in_one_way, say_the_same
from alma.models.chat import ChatMessage

LEAST_SAID = 2  # tasks of which something was said in words
_MOST = 24  # that are read
_MOST_NOTES = 8
_NOTE_CHARS = 300
_SHOWN_CHARS = 400  # of a text, to a model
_NEAR = 0.6  # of cosine: two reasons mean nearly the same
_WORD = re.compile(r"\w+")
_DENY = frozenset(["not", "no", "never", "none", "without", "avoid", "stop", "less", "fewer", "neither", "nor"])
_REPAIRS = 2


class Note(Struct, frozen=True):
    """`runs`: that it rests on."""

    text: str
    runs: list[str]


class _Notes(Struct, frozen=True):
    notes: list[Note]


SCHEMA = {
    "type": "object",
    "properties": {
        "notes": {
            "type": "array",
            "maxItems": _MOST_NOTES,
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "maxLength": _NOTE_CHARS},
                    "runs": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                },
                "required": ["text", "runs"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["notes"],
    "additionalProperties": False,
}
_WANTED = """Below is what the owner of an assistant said of its answers: reasons, and answers as they should have been.
Write notes of one sentence each that would have made the answers right, as instructions to the assistant.
Write a note only where what was said bears it out, and name for each the runs that it rests on, by letter and number.
Write no more than eight, and none that says what another does. Answer with JSON alone:
{"notes": [{"text": "…", "runs": ["r1", "r2"]}]}"""


class TextVectors(Protocol):
    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector: ...


class Drafts(Protocol):
    """What is needed of `learner.versions.Versions`."""

    async def draft(
        self,
        owner: str,
        what: What,
        of: str,
        content: str,
        *,
        title: str,
        made_by: MadeBy,
        reason: str,
        runs: Sequence[str] = (),
    ) -> Version: ...


class Distilling:
    def __init__(self, database: Database, embedder: TextVectors, drafts: Drafts) -> None:
        self._database = database
        self._embedder = embedder
        self._drafts = drafts

    async def distil(self, owner: str, role: str, ask: Ask | None) -> Version:
        """A draft of notes. `ask` None: there is no strong model. Raises `Conflict` (nothing_to_learn),
        `EmbedderUnavailable`, and what the model's call raises."""
        found = await self._database.read(lambda connection: said_of_role(connection, owner, role, _MOST))
        worded = [one for one in found if one.reasons or one.wanted]
        if len(worded) < LEAST_SAID:
            raise too_few(role, f"at least {LEAST_SAID} tasks with a reason or an edited answer", len(worded))
        notes = await self._asked(owner, worded, ask) if ask is not None else []
        by = "a model" if notes else "rule"
        notes = notes or await by_rule(worded, self._embedder)
        notes = merged(notes)
        if not notes:
            raise nothing(role, "a reason given twice, or edits that have something in common", "neither")
        content = json.dumps(
            [{"id": f"n{number}", "text": note.text} for number, note in enumerate(notes, 1)], ensure_ascii=False
        )
        lines = [f"{note.text} ({', '.join(note.runs)})" for note in notes]
        return await self._drafts.draft(
            owner,
            "notes",
            role,
            content,
            title=f"{len(notes)} notes from what was said",
            made_by="distilled",
            reason=f"Distilled by {by}, each with the runs that it rests on:\n" + "\n".join(lines),
            runs=sorted({run for note in notes for run in note.runs}),
        )

    async def _asked(self, owner: str, worded: Sequence[Said], ask: Ask) -> list[Note]:
        """What the model makes of it; none where it does not keep to the form, asked twice more."""
        names = {f"r{number}": one for number, one in enumerate(worded, 1)}
        shown = "\n\n".join(_shown(name, one) for name, one in names.items())
        messages = [ChatMessage("system", _WANTED), ChatMessage("user", shown)]
        for _ in range(_REPAIRS + 1):
            answer = await ask(owner, messages, SCHEMA)
            notes, wrong = read_notes(answer, {name: one.run_id for name, one in names.items()})
            if not wrong:
                return notes
            mend = f"That cannot be used: {wrong} Answer again, with the JSON alone."
            messages = [*messages[:2], ChatMessage("assistant", answer or "(nothing)"), ChatMessage("user", mend)]
        return []


def read_notes(answer: str, runs: dict[str, str]) -> tuple[list[Note], str]:
    """The notes in a model's answer, with the runs that it names, and what is wrong with it."""
    start, end = answer.find("{"), answer.rfind("}")
    try:
        found = msgspec.json.decode(answer[start : end + 1].encode(errors="replace"), type=_Notes).notes
    except (msgspec.MsgspecError, RecursionError) as error:
        return [], f"It is not the JSON that was asked for ({error})."
    kept: list[Note] = []
    for note in found[:_MOST_NOTES]:
        text = " ".join(note.text.split())
        if unknown := [name for name in note.runs if name not in runs]:
            return [], f"There is no run {unknown[0][:20]!r}; there are {', '.join(runs)}."
        if not note.runs:
            return [], "A note names no run."
        if len(text) > _NOTE_CHARS:
            return [], f"A note is longer than {_NOTE_CHARS} characters."
        if text and text not in (one.text for one in kept):
            kept.append(Note(text, list(dict.fromkeys(runs[name] for name in note.runs))))
    return kept, ""


async def by_rule(worded: Sequence[Said], embedder: TextVectors) -> list[Note]:
    """Reasons that come again, the commonest first, then what edits have in common."""
    reasons = [(one.run_id, reason[:_NOTE_CHARS]) for one in worded for reason in one.reasons]
    vectors = await embedder.embed([reason for _, reason in reasons], urgent=False) if reasons else None
    notes = clusters(reasons, vectors) if vectors is not None else []
    edits = [Edit(one.run_id, one.answer, one.wanted) for one in worded if one.wanted and one.answer]
    notes += [Note(one.text, one.runs) for one in regularities(edits)]
    return notes[:_MOST_NOTES]


def clusters(reasons: Sequence[tuple[str, str]], vectors: Vector) -> list[Note]:
    """Reasons of two runs or more that mean nearly the same, each as the one in its middle puts it."""
    left: list[int] = list(range(len(reasons)))
    near: list[list[float]] = (vectors @ vectors.T).astype(float).tolist()
    for at, (_, reason) in enumerate(reasons):
        for than, (_, other) in enumerate(reasons[:at]):
            if opposed(reason, other):
                near[at][than] = near[than][at] = 0.0
    found: list[Note] = []
    while left:
        middle = max(left, key=lambda at: (sum(near[at][other] >= _NEAR for other in left), -at))
        group: list[int] = [at for at in left if near[middle][at] >= _NEAR or at == middle]
        left = [at for at in left if at not in group]
        runs = list(dict.fromkeys(reasons[at][0] for at in group))
        if len(runs) >= 2:
            best = max(group, key=lambda at: sum(near[at][other] for other in group))
            found.append(Note(" ".join(reasons[best][1].split()), runs))
    return sorted(found, key=lambda note: -len(note.runs))


def merged(notes: Sequence[Note]) -> list[Note]:
    """Of those that say the same the first, which rests on the runs of all of them. Near vectors are no sign of it."""
    kept: list[Note] = []
    for note in notes:
        at = next((at for at, one in enumerate(kept) if say_the_same(one.text, note.text)), None)
        if at is None:
            kept.append(note)
        else:
            kept[at] = Note(kept[at].text, list(dict.fromkeys([*kept[at].runs, *note.runs])))
    return kept


def opposed(one: str, other: str) -> bool:
    """Whether two reasons may want opposite things, however near their vectors are: one of them denies, their figures
    differ, one word stands in the place of another, or the same words stand in another order. English."""
    first, second = (_WORD.findall(in_one_way(text).casefold()) for text in (one, other))
    mine, theirs = set(first) - set(second), set(second) - set(first)
    if not mine and not theirs:
        return first != second
    differ = mine | theirs
    return bool(differ & _DENY) or any(word.isdigit() for word in differ) or len(mine) == len(theirs) == 1


def _shown(name: str, one: Said) -> str:
    lines = [f"[{name}] Task: {one.task[:_SHOWN_CHARS]}", f"Answer: {one.answer[:_SHOWN_CHARS]}"]
    lines += [f"Reason: {reason[:_NOTE_CHARS]}" for reason in one.reasons]
    lines += [f"As it should have been: {one.wanted[:_SHOWN_CHARS]}"] if one.wanted else []
    return "\n".join(lines)


def too_few(role: str, expected: str, there: int) -> Conflict:
    return nothing(role, expected, f"{there}, beside those that are kept apart to judge by, which are half of all")


def nothing(role: str, expected: str, actual: str) -> Conflict:
    return Conflict(
        "nothing_to_learn",
        f"There is too little to learn from for {role}.",
        expected=expected,
        actual=actual,
        hint="Judge more of its answers: say why, or write them as they should have been.",
    )
