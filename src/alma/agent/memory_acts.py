"""What an agent can do with memory of its own accord: look something up, keep something, give something up, and use the
team's board, which outlives runs. All within its role's policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from alma.agent.reminding import ABOUT_USER, entry_of, label, reader_of
from alma.agent.role import Role
from alma.errors import AlmaError, InvalidRequest, NotFound
from alma.events import JournalEntry, QuestionAsked, ToolReturned
from alma.memory.merging import check_worded
from alma.memory.recall import Asked
from alma.memory.records import USER, Filter, Hit, Memory, NewMemory, Reader, Recalled, Source, place_after

if TYPE_CHECKING:
    from alma.agent.acts import Doing

TEAM = "team/"  # keys of the board that outlives the run
_MOST_HITS = 8
_MOST_TOKENS = 800
KEEP, DROP = "Keep it", "Do not keep it"
_OFF = "Memory is switched off. Do without it."


class Recall(Struct, tag="recall", tag_field="act"):
    """Look something up in memory: what the user said before, files of the knowledge base, results of earlier tasks."""

    query: str


class Remember(Struct, tag="remember", tag_field="act"):
    """Keep one fact or rule for later, as a sentence that can be understood alone. `scope`: private (only your role),
    team (all roles), owner (something about the user). `about`: what it is about, such as user.city, where only one can
    be true: a new one takes the place of the old."""

    text: str
    scope: Literal["private", "team", "owner", ""] = ""
    kind: Literal["semantic", "procedural"] = "semantic"
    about: str = ""


class Forget(Struct, tag="forget", tag_field="act"):
    """Forget a memory that is wrong or no longer wanted; `id` as it was given with it."""

    id: str


def memory_acts(role: Role) -> list[str]:
    """Those that the role's policy allows."""
    names = ["recall"] if role.memory.recall else []
    return [*names, "remember", "forget"] if role.memory.write else names


async def recall(doing: Doing, wanted: Recall) -> list[JournalEntry]:
    if doing.memory is None or not doing.role.memory.recall:
        return [doing.returned(_OFF, ok=False)]
    query = wanted.query.strip()
    if not query:
        return [doing.returned("Say what to look for (query).", ok=False)]
    reader = reader_of(doing.task, doing.role)
    wanted_kinds = Filter(kinds=tuple(doing.role.memory.kinds))
    asked = Asked(query[:2000], reader, wanted_kinds, k=_MOST_HITS, tokens=_MOST_TOKENS, widen=True)
    found = await doing.memory.recall(asked)
    if not found.hits:
        return [doing.returned("Nothing is known of that.")]
    return [_entry(doing, found, query), doing.returned("\n".join(_said(hit) for hit in found.hits))]


async def remember(doing: Doing, wanted: Remember) -> ToolReturned | QuestionAsked:
    """What an agent keeps that knows content from outside says so for good; and nothing of it becomes a fact about the
    user before they have said yes."""
    if doing.memory is None or not doing.role.memory.write:
        return doing.returned(_OFF, ok=False)
    allowed = doing.role.memory.write
    scope = wanted.scope or allowed[0]
    if scope not in allowed:
        return doing.returned(f"You may not keep that as {scope}; you may as {' or '.join(allowed)}.", ok=False)
    task, key = doing.task, wanted.about.strip()[:200]
    if key.startswith(TEAM):
        return doing.returned("What begins with team/ is on the board: use write_board.", ok=False)
    for holder in await doing.memory.at_key(Reader(task.owner), key) if key else ():
        if holder.key == key and holder.scope == scope and (refusal := _refusal(holder, doing.role)):
            return doing.returned(f"Not kept, for {holder.id} holds {key}. {refusal}", ok=False)
    outside = doing.desk.outside()
    if outside and (scope == "owner" or key.startswith(ABOUT_USER)):
        if doing.reply is None:
            return _may_keep(doing, wanted.text, outside)
        if doing.reply != KEEP:
            return doing.returned(f"Not kept. The user says: {doing.reply}", ok=False)
    new = NewMemory(
        task.owner,
        wanted.text,
        wanted.kind,
        scope,
        doing.role.name,
        key=key,
        source=_source(doing),
        at=doing.at,
    )
    try:
        check_worded(wanted.text)
        (kept,) = await doing.memory.add([new], by=doing.role.name, urgent=True)
    except InvalidRequest as refused:
        return doing.returned(f"Not kept: {refused.message}", ok=False)
    more = f" It takes the place of {', '.join(kept.superseded)}." if kept.superseded else ""
    known = "Known already" if kept.merged else "Kept"
    return doing.returned(f"{known} as {kept.memory.id}.{more}")


async def forget(doing: Doing, wanted: Forget) -> ToolReturned:
    if doing.memory is None:
        return doing.returned(_OFF, ok=False)
    reader = reader_of(doing.task, doing.role)
    try:
        memory = await doing.memory.get(reader, wanted.id.strip())
        if refusal := _refusal(memory, doing.role):
            return doing.returned(refusal, ok=False)
        if memory.author == USER and (outside := doing.desk.outside()):
            told = f"You know {', '.join(outside)} by now: only the user can forget what is from them."
            return doing.returned(told, ok=False)
        await doing.memory.forget(reader, memory.id, by=doing.role.name)
    except NotFound:
        return doing.returned(f"There is no memory {wanted.id!r} that you can see.", ok=False)
    except AlmaError as error:
        return doing.returned(f"Not forgotten: {error.message}", ok=False)
    return doing.returned(f"{memory.id} is forgotten; the user can restore it.")


def _may_keep(doing: Doing, text: str, outside: list[str]) -> QuestionAsked:
    said = (
        f"May the {doing.role.name} keep this about you? “{text[:1000].strip()}”"
        f" It asks because what it knows by now is also from outside: {', '.join(outside)}."
    )
    return QuestionAsked(
        at=doing.at, task_id=doing.task.task_id, question_id=doing.call_id, text=said, options=[KEEP, DROP]
    )


def _source(doing: Doing) -> Source:
    task = doing.task
    place = place_after(doing.desk.outside())
    return Source(task.thread_id, task.run_id, task.task_id, task.message_id(doing.step), place=place)


def _refusal(memory: Memory, role: Role) -> str:
    """Why the role may not forget the memory; empty when it may."""
    if memory.scope not in role.memory.write:
        return f"You may not forget what is kept as {memory.scope}."
    if memory.pinned:
        return "The user has pinned it; only they can forget it."
    if memory.source.document_id:
        return "It stands in a file of the knowledge base; only the user can take that away."
    if (memory.agent == USER and not memory.source.run_id) or (memory.kind == "episodic" and memory.speaker == USER):
        return "The user said it; only they can forget it."
    return ""


# ── the board that outlives the run ───────────────────────────────────────────────────────────────────────────────


async def write_team_board(doing: Doing, key: str, text: str, seen: int) -> list[JournalEntry]:
    """Compare and swap, as on the run's own board. Who comes too late is shown what stands there, and knows it then."""
    if doing.memory is None or "team" not in doing.role.memory.write:
        return [doing.returned("You may not write on the team's board; use a key without team/.", ok=False)]
    task, role = doing.task, doing.role
    try:
        written = await doing.memory.put(task.owner, key, text, seen, agent=role.name, source=_source(doing))
    except InvalidRequest as refused:
        return [doing.returned(f"Not written: {refused.message}", ok=False)]
    if written is not None:
        return [doing.returned(f"{key} is on the team's board, version {written.version}.")]
    there = [one for one in await doing.memory.at_key(reader_of(doing.task, role), key) if one.key == key]
    shown = f"version {there[0].version}: {there[0].text}" if there else "not there"
    told = f"Not written: you saw version {seen}, and {key} is {shown}. Write again from that."
    return [*_known(doing, there[:1], key), doing.returned(told, ok=False)]


async def read_team_board(doing: Doing) -> tuple[list[str], list[JournalEntry]]:
    """Its lines, and the entry that says that the agent knows them now, so that it is told when they change."""
    if doing.memory is None or "team" not in doing.role.memory.recall:
        return [], []
    found = await doing.memory.at_key(reader_of(doing.task, doing.role), TEAM)
    return [f"{one.key} (version {one.version}): {one.text}" for one in found], _known(doing, found, TEAM)


def _known(doing: Doing, shown: list[Memory], query: str) -> list[JournalEntry]:
    if not shown:
        return []
    found = Recalled([Hit(memory, 1.0) for memory in shown], dense=False, considered=len(shown))
    return [_entry(doing, found, query)]


def _entry(doing: Doing, found: Recalled, query: str) -> JournalEntry:
    message_id = doing.task.message_id(doing.step)
    return entry_of(found, found.hits, [], query, doing.task, message_id, doing.at, call_id=doing.call_id)


def _said(hit: Hit) -> str:
    return f"{hit.memory.id} ({label(hit.memory)}): {hit.text or hit.memory.text}"
