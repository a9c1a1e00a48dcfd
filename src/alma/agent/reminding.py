"""What an agent is reminded of before it speaks: what to look for, how much of it, and what it knows anyway.

Looks once for each message, an attempt that is made again is told the same. What was told before stays: a later step of
the task only adds what its new words bring to mind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from alma.agent.role import Role
from alma.agent.task import Task
from alma.events import MemoriesRecalled
from alma.memory.memories import Added
from alma.memory.packing import plain
from alma.memory.question import read_question
from alma.memory.recall import Asked
from alma.memory.records import (
    USER,
    Filter,
    Hit,
    Kind,
    Memory,
    NewMemory,
    Reader,
    Recalled,
    Scope,
    Source,
    outside_of,
    tokens_of,
)
from alma.models.tokens import estimate
from alma.plan import MAIN
from alma.recollection import PassedOver, RecalledMemory
from alma.security.text import visible

_WEAK_TOKENS = 120  # a small model reads 250 tokens a second, and is led astray by much
_STANDING_TOKENS = 120
_WEAK_STANDING = 60
_LABEL_TOKENS = 10  # before each memory: "Remembered (the user, 26 November 2026): "
ABOUT_USER = "user."  # keys of facts about the user begin so
_FEW_WORDS = 6  # a request of fewer is understood with the one before it
_SEEN_CHARS = 300  # of what a tool gave back, as a thing to look for
_QUERY_CHARS = 2000
_TOLD_CHARS = 160  # of a memory that was passed over


class MemoryDoor(Protocol):
    """What agents need of `alma.memory.memories.Memories`."""

    async def recall(self, asked: Asked) -> Recalled: ...

    async def add(self, new: Sequence[NewMemory], *, by: str = USER, urgent: bool = False) -> list[Added]: ...

    async def get(self, reader: Reader, memory_id: str) -> Memory: ...

    async def forget(self, reader: Reader, memory_id: str, *, by: str = USER) -> Memory: ...

    async def put(
        self,
        owner: str,
        key: str,
        text: str,
        seen: int,
        *,
        agent: str,
        scope: Scope = "team",
        kind: Kind = "working",
        source: Source = ...,
    ) -> Memory | None: ...

    async def at_key(self, reader: Reader, prefix: str) -> list[Memory]: ...


def reader_of(task: Task, role: Role) -> Reader:
    """Whose memories the agent may read."""
    return Reader(task.owner, role.name, tuple(role.memory.recall))


class Reminding:
    """`memories` None: agents remember nothing. `clock` gives Unix seconds."""

    def __init__(self, memories: MemoryDoor | None, clock: Callable[[], float] = time.time) -> None:
        self._memories = memories
        self._clock = clock

    async def remind(self, task: Task, role: Role, step: str, window: int, *, weak: bool) -> MemoriesRecalled | None:
        """What the agent is told for its message of `step`, all of it; None: nothing that it was not told before."""
        policy, message_id = role.memory, task.message_id(step)
        if self._memories is None or not policy.recall or not policy.kinds or task.reminded_for == message_id:
            return None
        tokens = min(policy.tokens, _WEAK_TOKENS) if weak else policy.tokens
        tokens -= sum(memory.tokens + _LABEL_TOKENS for memory in task.memories)
        most = policy.hits - len(task.memories)
        query = _query(task)
        if tokens <= 0 or most <= 0 or not query:
            return None
        asked = Asked(
            query,
            reader_of(task, role),
            Filter(kinds=tuple(policy.kinds), not_runs=_in_view(task, window)),
            k=most,
            tokens=tokens,
            beside=_LABEL_TOKENS,
            known=tuple(memory.text for memory in task.memories),
            widen=not weak,
            strict=True,
        )
        found = await self._memories.recall(asked)
        told, known = _sift(found.hits, task)
        standing: list[RecalledMemory] = []
        if not task.memories and self._holds_anyway(task, role, query, weak):
            left = tokens - sum(hit.tokens + _LABEL_TOKENS for hit in told)
            left = min(left, _WEAK_STANDING if weak else _STANDING_TOKENS)
            ids = {hit.memory.id for hit in told}
            standing = await self._standing(asked.reader, policy.kinds, ids, left, most - len(told))
        if not told and not found.missed and not known and not standing:
            return None
        entry = entry_of(found, told, known, query, task, message_id, self._clock(), before=task.memories)
        return replace(entry, hits=[*entry.hits, *standing])

    @staticmethod
    def _holds_anyway(task: Task, role: Role, query: str, weak: bool) -> bool:
        """Whether facts about the user are told besides: not in answer to a greeting. Of a small model's agents only to
        the one that answers the user, and only where they speak of themselves: it is led astray by what it is told."""
        allowed = "owner" in role.memory.recall and not read_question(query).small_talk
        return allowed and (not weak or (task.task_id == MAIN and read_question(task.goal).own))

    async def _standing(
        self, reader: Reader, kinds: Sequence[str], told: set[str], room: int, most: int
    ) -> list[RecalledMemory]:
        """Facts about the user that hold whatever is asked, such as a diet, which no question for a dinner brings to
        mind: the newest, as far as there is room."""
        assert self._memories is not None
        there = await self._memories.at_key(reader, ABOUT_USER)
        facts = [one for one in there if one.id not in told and one.kind in kinds]
        found: list[RecalledMemory] = []
        for memory in sorted(facts, key=lambda one: -one.seen_at)[: max(most, 0)]:
            room -= tokens_of(memory.text) + _LABEL_TOKENS
            if room < 0:
                break
            found.append(replace(recalled(Hit(memory, 0.0)), standing=True))
        return found


def entry_of(
    found: Recalled,
    told: Sequence[Hit],
    known: Sequence[Hit],
    query: str,
    task: Task,
    message_id: str,
    at: float,
    *,
    before: Sequence[RecalledMemory] = (),
    call_id: str = "",
) -> MemoriesRecalled:
    """As it stands in the journal: `before` was told already, `told` is new, `known` was found and left out."""
    new = {hit.memory.id for hit in told}  # of one that was told before, it is the text of now
    missed = [PassedOver(hit.memory.id, hit.memory.text[:_TOLD_CHARS], hit.score, "known") for hit in known]
    missed += [PassedOver(one.id, one.text[:_TOLD_CHARS], one.score, one.why) for one in found.missed]
    return MemoriesRecalled(
        at=at,
        task_id=task.task_id,
        message_id=message_id,
        query=query,
        hits=[*(one for one in before if one.id not in new), *map(recalled, told)],
        missed=missed,
        call_id=call_id,
        considered=found.considered,
        dense=found.dense,
        ms=found.ms,
    )


def recalled(hit: Hit) -> RecalledMemory:
    """A hit with its reasons, as it is told to an agent and kept in the journal."""
    memory, reasons = hit.memory, hit.reasons
    text = hit.text or memory.text
    return RecalledMemory(
        id=memory.id,
        text=text,
        score=round(hit.score, 4),
        label=label(memory),
        kind=memory.kind,
        scope=memory.scope,
        agent=memory.agent,
        tokens=hit.tokens or tokens_of(text),
        cosine=round(reasons.cosine, 4),
        dense_rank=reasons.dense_rank,
        bm25=round(reasons.bm25, 4),
        text_rank=reasons.text_rank,
        fused=round(reasons.fused, 4),
        neighbour=round(reasons.neighbour, 4),
        stated=round(reasons.stated, 4),
        recency=round(reasons.recency, 4),
        utility=round(reasons.utility, 4),
        diversity=round(reasons.diversity, 4),
        speaker=round(reasons.speaker, 4),
        answer=round(reasons.answer, 4),
        pinned=round(reasons.pinned, 4),
        words=reasons.words,
        created_at=memory.created_at,
        document_id=memory.source.document_id,
        outside=hit.outside or outside_of(memory),
    )


def label(memory: Memory) -> str:
    """Where a memory is from, in a few words of one line: file and place, who said it and when, whose it is."""
    source = memory.source
    if source.file:
        return visible(f"{source.file}, {source.place}" if source.place else source.file)
    day = time.strftime("%d %B %Y", time.gmtime(memory.created_at)).lstrip("0")
    if memory.key.startswith("team/"):
        return f"the team's board, {memory.key.removeprefix('team/')}"
    match memory.kind:
        case "episodic":
            return f"{'the user' if memory.speaker in ('', USER) else memory.speaker}, {day}"
        case "working":
            return f"{memory.agent}, just now"
        case "procedural":
            return "how to do it"
        case "semantic":
            if memory.scope == "owner" and USER in (memory.speaker, memory.agent) and not source.place:
                return "about the user"
            noted = f"noted by {memory.agent}, {day}" if memory.agent != USER else f"noted on {day}"
            return f"{noted}, {source.place}" if source.place else noted


def _query(task: Task) -> str:
    """What to look for: the goal, a short one with what was said before it; after tools what they brought."""
    done = [use for use in task.calls if use.returned is not None]
    if done:
        newest = done[-1].called.step
        brought = [use.returned.text[:_SEEN_CHARS] for use in done if use.called.step == newest and use.returned]
        return " ".join([task.steps[newest].text if newest in task.steps else "", *brought]).strip()[:_QUERY_CHARS]
    goal = task.goal.strip()
    if task.history and len(goal.split()) < _FEW_WORDS:
        goal = f"{task.history[-1].text[:_SEEN_CHARS]}\n{goal}"
    return goal[:_QUERY_CHARS]


def _in_view(task: Task, window: int) -> tuple[str, ...]:
    """Runs of the newest turns, as far as they surely stand in the prompt themselves."""
    room, seen = window // 2, list[str]()
    for turn in reversed(task.history):
        room -= estimate(turn.text) + estimate(turn.answer)
        if room < 0:
            break
        seen.append(turn.run_id)
    return tuple(seen)


def _sift(hits: Sequence[Hit], task: Task) -> tuple[list[Hit], list[Hit]]:
    """Those to tell, and those that say nothing new: its own words, results that it is given anyway, and an earlier
    asking of the very same with what was answered then. That answer is the cache's to give again; who asks anew wants a
    new one."""
    given = {result.task_id for result in task.results} | {task.task_id}
    same = {
        hit.memory.source.run_id
        for hit in hits
        if hit.memory.kind == "episodic" and plain(hit.memory.text) == plain(task.request)
    }
    told: list[Hit] = []
    known: list[Hit] = []
    for hit in hits:
        source = hit.memory.source
        own = source.run_id == task.run_id and source.task_id in given
        asked = hit.memory.kind == "episodic" and source.run_id in same
        (known if own or asked else told).append(hit)
    return told, known
