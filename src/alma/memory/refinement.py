"""What is to become of memories when nobody is waiting: which are one, which are more, which are over. Pure.

Nothing is deleted, and what the owner wrote, said or pinned is never changed: where it contradicts something and it
cannot be told what holds, the owner is asked. What was brought back once is left alone from then on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from alma.memory.facts import facts_in
from alma.memory.instructions import Instruction, instructions_in
from alma.memory.merging import hash_of
from alma.memory.question import only_asks
from alma.memory.records import USER, ChangeKind, Kind, Memory, NewMemory, outside_of

ActKind = Literal["merge", "settle", "promote", "note", "demote", "archive"]
Retention = Callable[[Memory, float], float]  # how well it would still come to mind, 0 to 1
FADED = 0.1  # what would come to mind less likely is archived
HELPED_USES, HELPED_UTILITY, HELPED_STRENGTH = 3, 0.3, 2.0  # from which on a memory is known to help
USED_USES, USED_UTILITY = 5, 0.5  # the same where nobody has said anything of it
REPEATED, CORRECTED = 3, 2  # runs in which an instruction was given, or one was corrected
_LOWER: dict[Kind, Kind] = {"procedural": "semantic", "semantic": "episodic"}
_FACT_CHARS = 240
_ENDS = re.compile(r"[.!](?:\s|$)")
_STANDS_NOT_ALONE = re.compile(
    r"(?:it|its|this|that|these|those|he|she|they|his|her|their|there|here|then|yes|no|so|but|and|or|also|i|i'm|i'll"
    r"|i've|we|we'll|you|your|sure|ok|okay|sorry|please|thanks|let|let's|hello|hi)\b",
    re.IGNORECASE,
)


class Step(Struct, frozen=True):
    """A change of one memory, as it was seen in `version`."""

    id: str
    version: int
    what: ChangeKind
    fields: dict[str, Any]


class Act(Struct, frozen=True):
    """One thing to be done, whole or not at all. `memories`: those it is about, the first as what remains or changes;
    `new`: what is to be kept besides, if nothing like it is known."""

    what: ActKind
    why: str
    memories: Sequence[Memory]
    steps: Sequence[Step] = ()
    new: Sequence[NewMemory] = ()


class Contradiction(Struct, frozen=True):
    """Memories of which only one can hold, the newest first, and nobody but the owner knows which."""

    key: str
    memories: list[Memory]


def is_owners(memory: Memory) -> bool:
    """The owner wrote it, said it or wants it kept: nothing here changes it."""
    return memory.author == USER or memory.agent == USER or memory.pinned


def may_change(memory: Memory) -> bool:
    """Not the owner's, no piece of a file, no board, nothing that is just being said."""
    free = memory.alive and not is_owners(memory) and not memory.source.document_id
    return free and memory.kind != "working" and not memory.key.startswith("team/")


# ── which are one ─────────────────────────────────────────────────────────────────────────────────────────────────


def merges(same: Sequence[Memory], now: float) -> Iterator[Act]:
    """Of memories that say the same, for the same readers: one is enough. The owner's stays, then what is more of a
    rule or a fact, then what helped more. Turns of a conversation are left where they stand."""
    groups: dict[tuple[str, str], list[Memory]] = {}
    for memory in same:
        readers = (memory.scope, memory.agent if memory.scope == "private" else "")
        if memory.alive and not memory.line and not memory.source.document_id and memory.kind != "working":
            groups.setdefault(readers, []).append(memory)
    for group in groups.values():
        ordered = sorted(group, key=_standing)
        kept = ordered[0]
        gone = [one for one in ordered[1:] if may_change(one) and one.key in ("", kept.key)]
        if gone:
            over = {"archived_at": now, "superseded_by": kept.id}
            steps = [Step(one.id, one.version, "archived", over) for one in gone]
            yield Act(
                "merge", f"{len(gone) + 1} memories say the same; {kept.id} says it for all.", [kept, *gone], steps
            )


def _standing(memory: Memory) -> tuple[object, ...]:
    kinds = ("procedural", "semantic", "episodic", "working")
    helped = memory.utility * memory.strength
    return not is_owners(memory), kinds.index(memory.kind), not memory.key, -helped, -memory.uses, memory.num


# ── of which one holds ────────────────────────────────────────────────────────────────────────────────────────────


def matter_of(memory: Memory) -> tuple[str, ...]:
    """What of which only one can be true. Of the user there is one truth, whoever keeps it; else an agent's own notes
    are its own."""
    if memory.key.startswith("user.") or memory.scope != "private":
        return (memory.key,)
    return memory.key, memory.agent


def at_odds(with_key: Iterable[Memory]) -> list[list[Memory]]:
    """By matter, those alive that say different things, the newest first."""
    matters: dict[tuple[str, ...], list[Memory]] = {}
    for memory in with_key:
        if memory.alive and memory.key and memory.kind != "working" and not memory.source.document_id:
            matters.setdefault(matter_of(memory), []).append(memory)
    found = [sorted(group, key=lambda one: (-one.valid_from, -one.num)) for group in matters.values()]
    return [group for group in found if len({hash_of(one.text) for one in group}) > 1]


def settled(group: Sequence[Memory]) -> Act | None:
    """What the owner said last holds against agents; among agents, what is newer. None: it cannot be told."""
    newest = group[0]
    others = [one for one in group[1:] if hash_of(one.text) != hash_of(newest.text)]
    if not is_owners(newest) and any(is_owners(one) or one.valid_from == newest.valid_from for one in others):
        return None
    over = [one for one in others if may_change(one)]
    if not over:
        return None
    whose = "the owner's own word" if is_owners(newest) else "the newer"
    steps = [superseded(one, newest) for one in over]
    return Act("settle", f"Only one of them can hold; {newest.id} is {whose}.", [newest, *over], steps)


def superseded(old: Memory, new: Memory) -> Step:
    over = {"valid_to": max(new.valid_from, old.valid_from), "superseded_by": new.id}
    return Step(old.id, old.version, "superseded", over)


def undecided(group: Sequence[Memory]) -> Contradiction | None:
    """What is left of it when all is settled that can be."""
    act = settled(group)
    over = {step.id for step in act.steps} if act is not None else set[str]()
    left = [one for one in group if one.id not in over]
    return Contradiction(left[0].key, left) if len({hash_of(one.text) for one in left}) > 1 else None


# ── more, or less ─────────────────────────────────────────────────────────────────────────────────────────────────


def has_helped(memory: Memory) -> bool:
    if memory.strength:
        sure = memory.strength >= HELPED_STRENGTH and memory.uses >= HELPED_USES
        return sure and memory.utility >= HELPED_UTILITY
    return memory.uses >= USED_USES and memory.utility >= USED_UTILITY


def raised(memory: Memory) -> Act | None:
    """What has helped again and again. An episode becomes a fact: itself, where an agent found it and it stands alone;
    where the user said it, the facts in it. An agent's fact that says how things are done becomes a rule, unless it
    came from outside."""
    if not memory.alive or memory.source.document_id or not has_helped(memory):
        return None
    why = f"It came into {memory.uses} prompts and helped (utility {memory.utility:+.2f})."
    if memory.kind == "semantic" and may_change(memory) and says_how(memory.text) and not outside_of(memory):
        return Act("promote", why, [memory], [Step(memory.id, memory.version, "promoted", {"kind": "procedural"})])
    if memory.kind != "episodic":
        return None
    if memory.author == USER:
        new = [_noted(memory, one.text, one.key, one.kind, one.start, one.end) for one in _facts(memory)]
        return Act("promote", why, [memory], new=new) if new else None
    if not may_change(memory) or not states_fact(memory.text):
        return None
    return Act("promote", why, [memory], [Step(memory.id, memory.version, "promoted", {"kind": "semantic"})])


def _facts(memory: Memory) -> list[Any]:
    """Those that add something: a denial ends something, which is the owner's."""
    return [one for one in facts_in(memory.text) if not one.denies]


def says_how(text: str) -> bool:
    return any(one.kind == "procedural" for one in facts_in(text))


def states_fact(text: str) -> bool:
    """One or two sentences that say something without what stood before them."""
    text = text.strip()
    if len(text) > _FACT_CHARS or "\n" in text or _STANDS_NOT_ALONE.match(text) or only_asks(text) or "?" in text:
        return False
    return len(text.split()) >= 3 and len(_ENDS.findall(text)) <= 2


def lowered(memory: Memory) -> Act | None:
    """A fact of an agent that misled is not stated any more: it is what was once found. A rule that did is a fact."""
    misled = memory.strength >= HELPED_STRENGTH and memory.utility <= -HELPED_UTILITY
    if not misled or memory.kind not in _LOWER or not may_change(memory):
        return None
    why = f"Answers that it was told for were bad (utility {memory.utility:+.2f})."
    return Act("demote", why, [memory], [Step(memory.id, memory.version, "demoted", {"kind": _LOWER[memory.kind]})])


def faded(memory: Memory, retention: Retention, now: float) -> Act | None:
    if not may_change(memory) or memory.kind == "procedural":
        return None
    kept = retention(memory, now)
    if kept >= FADED:
        return None
    why = f"It would come to mind with {kept:.0%}: {memory.uses} uses, utility {memory.utility:+.2f}."
    return Act("archive", why, [memory], [Step(memory.id, memory.version, "archived", {"archived_at": now})])


def judged(memory: Memory, retention: Retention, now: float) -> Act | None:
    """What is to become of it by itself; one thing at a time."""
    return raised(memory) or lowered(memory) or faded(memory, retention, now)


# ── told again and again ──────────────────────────────────────────────────────────────────────────────────────────


class Repetition:
    """Gathers what the user asks for in each run; `most` different things, the first."""

    def __init__(self, most: int = 2000) -> None:
        self._most = most
        self._said: dict[str, list[tuple[Memory, Instruction]]] = {}

    def hear(self, memory: Memory) -> None:
        if memory.kind != "episodic" or memory.speaker != USER or memory.source.document_id:
            return
        for one in instructions_in(memory.text):
            if one.key in self._said or len(self._said) < self._most:
                self._said.setdefault(one.key, []).append((memory, one))

    def notes(self) -> Iterator[Act]:
        """What was asked for in enough runs, as it was said last. Where it was asked for and forbidden, what was said
        last has to be said often enough by itself."""
        for said in self._said.values():
            said.sort(key=lambda one: (one[0].created_at, one[0].num))
            last = hash_of(said[-1][1].text)
            same = [one for one in said if hash_of(one[1].text) == last]
            runs = {memory.source.run_id or memory.id: one for memory, one in same}
            corrections = sum(one.corrects for one in runs.values())
            if len(runs) < (CORRECTED if corrections >= CORRECTED else REPEATED):
                continue
            newest = {memory.source.run_id or memory.id: (memory, one) for memory, one in same}
            new = [
                _noted(memory, one.text, one.key, "procedural", one.start, one.end) for memory, one in newest.values()
            ]
            why = f"You asked for it in {len(runs)} runs."
            yield Act("note", why, [memory for memory, _ in newest.values()], new=new)


def _noted(memory: Memory, text: str, key: str, kind: Any, start: int, end: int) -> NewMemory:
    """Out of the owner's words in `memory`."""
    at = memory.source.start
    source = replace(memory.source, start=at + start, end=at + end)
    return NewMemory(
        memory.owner,
        text,
        kind,
        memory.scope if memory.scope != "private" else "owner",
        memory.agent,
        key=key,
        source=source,
        at=memory.created_at,
        speaker=USER,
    )
