"""How memories are said in lines of text. Knows no server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from alma.cli.memory_replies import Counts, Detail, Entry, Found, Reasons, Source, State, Use, Version

_TEXT = 96  # characters of a memory in a table
_LEAST = 0.005  # a reason that counted less is not said


def when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def short(text: str, most: int = _TEXT) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def pieces(count: int) -> str:
    return f"{count:,} piece{'' if count == 1 else 's'}"


def row(memory: Entry) -> tuple[str, ...]:
    """Of the table of memories: id, when, kind, scope, whose, marks, text."""
    marks = f"{'*' if memory.pinned else ' '}{'' if memory.state == 'alive' else memory.state}"
    about = f"{memory.key}: " if memory.key else ""
    return (
        memory.id,
        when(memory.created_at),
        memory.kind,
        memory.scope,
        memory.agent,
        marks,
        short(about + memory.text),
    )


def hit_lines(found: Found) -> Iterator[str]:
    """A memory that was found, and why: two or three lines."""
    memory = found.memory
    about = f"  {memory.key}" if memory.key else ""
    state = "" if memory.state == "alive" else f"  {memory.state}"
    yield f"{found.score or 0:.3f}  {memory.id}  {memory.kind}, {memory.scope}, {memory.agent}{about}{state}"
    yield f"       {short(memory.text, 400)}"
    why = "; ".join(filter(None, (reasons_in_words(found.reasons), origin(memory.source))))
    if why:
        yield f"       {why}"


def reasons_in_words(reasons: Reasons | None) -> str:
    """Such as `by meaning #2 (0.63), by words #5 (porto), beside a hit +0.08`."""
    if reasons is None:
        return ""
    said: list[str] = []
    if reasons.dense_rank:
        said.append(f"by meaning #{reasons.dense_rank} ({reasons.cosine:.2f})")
    if reasons.text_rank:
        words = f" ({', '.join(reasons.words)})" if reasons.words else ""
        said.append(f"by words #{reasons.text_rank}{words}")
    for value, gained, lost in (
        (reasons.neighbour, "beside a hit", "beside a hit"),
        (reasons.stated, "stated to be kept", "said by an agent itself"),
        (reasons.speaker, "said by who is named", ""),
        (reasons.answer, "has what is asked for", "asks itself"),
        (reasons.recency, "recent", "old"),
        (reasons.utility, "helped before", "did not help before"),
        (reasons.pinned, "pinned", ""),
        (-abs(reasons.diversity), "", "like a better one"),
    ):
        if abs(value) >= _LEAST:
            said.append(f"{gained if value > 0 else lost} {value:+.2f}")
    return ", ".join(said)


def origin(source: Source) -> str:
    if source.file:
        return f"from {source.file}" + (f", {source.place}" if source.place else "")
    if source.thread_id:
        return f"from {source.thread_id}"
    return f"from run {source.run_id}" if source.run_id else ""


def detail_lines(detail: Detail) -> Iterator[str]:
    memory = detail.memory
    marks = ["pinned"] if memory.pinned else []
    words = [memory.kind, memory.scope, memory.agent, *marks, memory.state, f"version {memory.version}"]
    yield f"{memory.id}  {', '.join(words)}"
    yield ""
    yield memory.text
    yield ""
    for label, said in _facts(memory):
        yield f"{label.ljust(8)}  {said}"
    yield from _block(
        "before and after it", (f"{one.speaker or one.agent}: {short(one.text)}" for one in detail.around)
    )
    yield from _block("took the place of", (f"{one.id}  {short(one.text)}" for one in detail.superseded))
    uses = (f"{when(use.at)}  {use.role}  {_scored(use)}  {use.run_id}  {short(use.title, 60)}" for use in detail.uses)
    yield from _block("came into prompts", uses)


def _scored(use: Use) -> str:
    """What is told with every question was not searched for."""
    return f"{use.score:.3f}" if use.score else "told with every question"


def _facts(memory: Entry) -> Iterator[tuple[str, str]]:
    source = memory.source
    if memory.key:
        yield "about", memory.key
    places = (source.file, source.place, source.thread_id, source.run_id, source.message_id)
    if any(places):
        yield "from", ", ".join(filter(None, places))
    if memory.speaker:
        yield "said by", memory.speaker
    again = f", and {memory.count - 1} more times, last {when(memory.seen_at)}" if memory.count > 1 else ""
    yield "kept", when(memory.created_at) + again
    if memory.valid_to is not None:
        yield "held", f"{when(memory.valid_from)} until {when(memory.valid_to)}"
    if memory.archived_at is not None:
        yield "asleep", f"archived {when(memory.archived_at)}; `alma memory restore {memory.id}` brings it back"
    if memory.superseded_by:
        yield "now", f"{memory.superseded_by} took its place"
    if memory.forgotten_at is not None:
        yield "gone", f"forgotten {when(memory.forgotten_at)}; `alma memory restore {memory.id}` brings it back"
    if memory.uses:
        yield "used", f"{memory.uses} times, last {when(memory.used_at)}, utility {memory.utility:+.2f}"


def _block(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = [f"  {line}" for line in lines]
    if found:
        yield ""
        yield f"{title}:"
        yield from found


def version_row(version: Version) -> tuple[str, ...]:
    before = ", ".join(
        f"{name} {short(value if isinstance(value, str) else json.dumps(value), 60)!r}"
        for name, value in version.before.items()
    )
    return str(version.version), when(version.at), version.what, version.by, before


def state_lines(state: State) -> Iterator[str]:
    counts = state.counts
    yield f"memory    {'on' if state.on else 'off (ALMA_MEMORY)'}"
    files = f", and {pieces(counts.in_files)} of files" if counts.in_files else ""
    archived = f"{counts.archived:,} archived, " if counts.archived else ""
    over = f"{counts.superseded:,} superseded, {archived}{counts.forgotten:,} forgotten"
    yield f"holds     {counts.alive - counts.in_files:,}{files}; {over}"
    yield from _counted(counts)
    for index in state.indexes:
        yield (
            f"index     {index.backend}, {index.model}, {index.dimensions} dimensions: {index.entries:,} in it,"
            f" {index.missing:,} missing ({index.role})"
        )
    if state.waiting:
        yield f"waiting   {state.waiting:,} to be embedded"
    if state.problem:
        yield f"problem   {state.problem} Search goes by words alone."


def _counted(counts: Counts) -> Iterator[str]:
    tables: tuple[tuple[str, Mapping[str, int]], ...] = (
        ("kinds", counts.by_kind),
        ("scopes", counts.by_scope),
        ("agents", counts.by_agent),
    )
    for label, by in tables:
        said = ", ".join(f"{name} {count:,}" for name, count in sorted(by.items(), key=lambda one: -one[1]) if count)
        if said:
            yield f"{label.ljust(8)}  {said}"
