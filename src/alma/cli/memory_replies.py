"""The memory API's replies, as far as the command line shows them."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from alma.events import ErrorFacts

T = TypeVar("T")


class Reply(Struct, frozen=True, rename="camel"):
    pass


class Source(Reply, frozen=True):
    thread_id: str = ""
    run_id: str = ""
    task_id: str = ""
    message_id: str = ""
    document_id: str = ""
    file: str = ""
    place: str = ""


class Entry(Reply, frozen=True):
    id: str
    agent: str
    kind: str
    scope: str
    text: str
    key: str
    source: Source
    speaker: str
    created_at: float
    seen_at: float
    valid_from: float
    valid_to: float | None
    superseded_by: str
    forgotten_at: float | None
    count: int
    uses: int
    used_at: float
    utility: float
    pinned: bool
    version: int
    archived_at: float | None = None
    strength: float = 0.0

    @property
    def state(self) -> str:
        if self.forgotten_at is not None:
            return "forgotten"
        if self.valid_to is not None:
            return "superseded"
        return "alive" if self.archived_at is None else "archived"


class Reasons(Reply, frozen=True):
    cosine: float = 0.0
    dense_rank: int = 0
    bm25: float = 0.0
    text_rank: int = 0
    neighbour: float = 0.0
    stated: float = 0.0
    speaker: float = 0.0
    answer: float = 0.0
    recency: float = 0.0
    utility: float = 0.0
    pinned: float = 0.0
    diversity: float = 0.0
    words: list[str] = []


class Found(Reply, frozen=True):
    memory: Entry
    score: float | None = None
    reasons: Reasons | None = None


class Listing(Reply, frozen=True):
    memories: list[Found]
    total: int
    next: str | None = None
    ms: float = 0.0
    dense: bool = True


class Version(Reply, frozen=True):
    version: int
    at: float
    what: str
    by: str
    before: dict[str, Any]


class Use(Reply, frozen=True):
    run_id: str
    thread_id: str
    title: str
    role: str
    score: float
    at: float


class Detail(Reply, frozen=True):
    memory: Entry
    history: list[Version]
    uses: list[Use]
    around: list[Entry]
    superseded: list[Entry]


class Added(Reply, frozen=True):
    memory: Entry
    merged: bool
    superseded: list[str]


class Many(Reply, frozen=True):
    changed: list[str]
    unknown: list[str]


class Counts(Reply, frozen=True):
    alive: int
    superseded: int
    forgotten: int
    by_kind: dict[str, int]
    by_scope: dict[str, int]
    by_agent: dict[str, int]
    in_files: int = 0
    archived: int = 0


class Index(Reply, frozen=True):
    backend: str
    model: str
    dimensions: int
    entries: int
    missing: int
    role: str


class State(Reply, frozen=True):
    on: bool
    counts: Counts
    indexes: list[Index]
    waiting: int
    problem: str

    @property
    def lacking(self) -> int:
        """How many memories are not in the index yet."""
        entries = [min(one.entries, self.counts.alive - one.missing) for one in self.indexes if one.role != "leaving"]
        return max(self.counts.alive - min(entries, default=0), 0)


class About(Reply, frozen=True):
    id: str
    text: str


class RefiningAct(Reply, frozen=True):
    n: int
    what: str
    why: str
    memories: list[About]
    adds: list[str] = []
    undone_at: float | None = None
    left: list[str] = []


class RefiningPass(Reply, frozen=True):
    id: str
    at: float
    by: str
    undone_at: float | None
    counts: dict[str, int]
    acts: list[RefiningAct] = []


class RefiningPasses(Reply, frozen=True):
    passes: list[RefiningPass]
    next: str | None = None


class Refinement(Reply, frozen=True):
    pass_id: str
    dry_run: bool
    acts: list[RefiningAct]
    more: bool
    contradictions: int


class LineProblem(Reply, frozen=True):
    line: int
    message: str


class Imported(Reply, frozen=True):
    added: int
    merged: int
    replaced: int
    passed_over: int
    problems: list[LineProblem]


class Document(Reply, frozen=True):
    id: str
    name: str
    origin: str
    format: str
    bytes: int
    state: str
    chunks: int
    done: int
    error: ErrorFacts | None
    updated_at: float


class Knowledge(Reply, frozen=True):
    documents: list[Document]
    folder: str | None
    formats: list[str]
    max_bytes: int


class Chunk(Reply, frozen=True):
    id: str
    text: str
    place: str
    uses: int


class DocumentDetail(Reply, frozen=True):
    document: Document
    text: str
    chunks: list[Chunk]


def decoded(answer: object, shape: type[T]) -> T:
    return msgspec.convert(answer, shape)
