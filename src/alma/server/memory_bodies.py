"""What the memory and knowledge API take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from alma.memory.records import Kind, Scope
from alma.security.fields import Id, Line, Text
from alma.server.bodies import Body, Reply

_MOST = 1_000_000  # characters that are looked at; what is too long for a memory has a code of its own


class SourceReply(Reply):
    """Where a memory comes from. `start`, `end`: code points of the message or the document."""

    thread_id: str
    run_id: str
    task_id: str
    message_id: str
    document_id: str
    file: str
    place: str
    start: int
    end: int


class MemoryEntryReply(Reply):
    """A memory. Times are Unix seconds. `agent`: the role whose it is; `user`: the owner in person. It holds from
    `validFrom` until `validTo`; `supersededBy` took its place. `count`: how often the same was kept; `uses`: how often
    it was recalled into a prompt; `utility`, from -1 to 1: how much that helped, and `strength`: the weight of what
    people said of it; `archivedAt`: it is not recalled any more; `version`: of its content, for changing it."""

    id: str
    agent: str
    kind: Kind
    scope: Scope
    text: str
    key: str
    source: SourceReply
    line: str
    position: int
    parent: str
    speaker: str
    created_at: float
    seen_at: float
    valid_from: float
    valid_to: float | None
    superseded_by: str
    forgotten_at: float | None
    count: int
    archived_at: float | None
    uses: int
    used_at: float
    utility: float
    strength: float
    pinned: bool
    version: int


class ReasonsReply(Reply):
    """See `RecalledMemory`: ranks are from 1, 0 is not found by that method. `fused` and what follows it, without
    `words` and `near`, add up to the score."""

    cosine: float
    dense_rank: int
    bm25: float
    text_rank: int
    fused: float
    neighbour: float
    stated: float = 0.0
    speaker: float = 0.0
    answer: float = 0.0
    recency: float
    utility: float
    pinned: float = 0.0
    diversity: float
    words: list[str]
    near: str


class FoundReply(Reply):
    """A memory in a list; with a search `score` and `reasons` say why it came."""

    memory: MemoryEntryReply
    score: float | None = None
    reasons: ReasonsReply | None = None


class MemoryListReply(Reply):
    """Newest first, or by score where a query was given. `total`: how many there are with these filters (of a search:
    how many were compared); `next`: give it as `before` for the next page."""

    memories: list[FoundReply]
    total: int
    next: str | None = None
    ms: float = 0.0
    dense: bool = True


class VersionReply(Reply):
    """A change: `before` has the fields that changed, as they were. `what`: added, merged, edited, superseded, …"""

    version: int
    at: float
    what: str
    by: str
    before: dict[str, object]


class UseReply(Reply):
    """Where a memory came into a prompt. `title`: of the thread; empty where that is gone."""

    run_id: str
    message_id: str
    thread_id: str
    title: str
    role: str
    score: float
    at: float


class MemoryDetailReply(Reply):
    """`history`: the newest 200 changes, oldest first. `around`: what was said (or stands) before and after it.
    `superseded`: those whose place it took."""

    memory: MemoryEntryReply
    history: list[VersionReply]
    uses: list[UseReply]
    around: list[MemoryEntryReply]
    superseded: list[MemoryEntryReply]


class NewMemoryBody(Body):
    """`text`: at most 8,000 characters, else `memory_too_long`; `empty_memory` without a letter, digit or emoji."""

    text: Annotated[str, Text(_MOST)]
    kind: Kind = "semantic"
    scope: Scope = "owner"
    key: Annotated[str, Line(200)] = ""
    pinned: bool = False


class MemoryChange(Body):
    """What is left out stays. `version`: the one that was seen; refused with 409 (`changed_meanwhile`) when it is not
    the newest."""

    version: int = Field(ge=1, le=2**31 - 1)
    text: Annotated[str, Text(_MOST)] | None = None
    kind: Kind | None = None
    scope: Scope | None = None
    pinned: bool | None = None
    key: Annotated[str, Line(200)] | None = None


class MemoryIds(Body):
    ids: list[Id] = Field(min_length=1, max_length=500)


class ManyReply(Reply):
    """Of several: `changed`: those that it made a difference to; `unknown`: those that there are none of."""

    changed: list[str]
    unknown: list[str]


class AddedReply(Reply):
    """`merged`: the same was known, and counts once more."""

    memory: MemoryEntryReply
    merged: bool
    superseded: list[str]


class CountsReply(Reply):
    """`inFiles`: pieces of files, of those that are alive; `by…`: of the alive that are no pieces of files.
    `byAgent`: by author, as the filter `agent` takes it."""

    alive: int
    superseded: int
    archived: int
    forgotten: int
    by_kind: dict[str, int]
    by_scope: dict[str, int]
    by_agent: dict[str, int]
    in_files: int


class IndexReply(Reply):
    """An index of vectors: of which model, in which backend. `missing`: memories that have no vector of it yet."""

    backend: str
    model: str
    dimensions: int
    entries: int
    missing: int
    role: Literal["serving", "leaving", "building"]


class MemoryStateReply(Reply):
    """`on`: whether agents remember at all. `waiting`: texts that are to be embedded; `problem`: why vectors do not
    take part just now."""

    on: bool
    counts: CountsReply
    indexes: list[IndexReply]
    waiting: int
    problem: str


class PointReply(Reply):
    """A memory on the map: `x`, `y` from -1 to 1; near is alike. `label`: the beginning of its text."""

    id: str
    x: float
    y: float
    kind: Kind
    agent: str
    speaker: str
    scope: Scope
    created_at: float
    utility: float
    uses: int
    pinned: bool
    label: str


class MapReply(Reply):
    """`shown` of `total`: the newest, where there are very many. `explained`: the share of the differences that the two
    axes show. `of_run`: ids that the run asked for was reminded of."""

    points: list[PointReply]
    total: int
    explained: float
    of_run: list[str]


class LineProblem(Reply):
    line: int
    message: str


class ImportReply(Reply):
    """`replaced`: memories that held before, and whose place was taken. `problems`: lines that were passed over, and
    why (at most 100 of them)."""

    added: int
    merged: int
    replaced: int
    passed_over: int
    problems: list[LineProblem]


class DocumentReply(Reply):
    """A file of the knowledge base. `origin`: `page`, or its path in the watched folder. `done` of `chunks` are stored;
    `error` says what is wrong with it."""

    id: str
    name: str
    origin: str
    format: str
    bytes: int
    state: Literal["waiting", "reading", "ready", "failed"]
    chunks: int
    done: int
    error: dict[str, str | None] | None
    created_at: float
    updated_at: float


class KnowledgeReply(Reply):
    """`folder`: the one that is watched, if any; `problem`: why it cannot be watched just now, as a sentence.
    `formats`: file name endings that are read. `maxBytes`: of a file."""

    documents: list[DocumentReply]
    folder: str | None
    formats: list[str]
    max_bytes: int
    problem: str = ""


class ChunkReply(Reply):
    """A piece of a file: `start`, `end` in its text; `parent`: the id of the section it is part of."""

    id: str
    text: str
    place: str
    start: int
    end: int
    uses: int


class DocumentDetailReply(Reply):
    """`text`: as it was read from the file; offsets of chunks are into it."""

    document: DocumentReply
    text: str
    chunks: list[ChunkReply]
