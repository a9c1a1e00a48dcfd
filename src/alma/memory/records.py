"""What a memory is, who asks for one, and what comes of asking. Frozen data; knows no database and no index.

Times are Unix seconds; offsets count code points. `num` is a memory's number in the database: the key of both indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Kind = Literal["working", "episodic", "semantic", "procedural"]
Scope = Literal["private", "team", "owner"]
Why = Literal["budget", "alike", "weak", "known", "outdated"]
ChangeKind = Literal[
    "added",
    "merged",
    "edited",
    "superseded",
    "forgotten",
    "restored",
    "purged",
    "archived",
    "promoted",
    "demoted",
]
State = Literal["alive", "superseded", "archived", "forgotten", "any"]
KINDS: tuple[Kind, ...] = ("working", "episodic", "semantic", "procedural")
SCOPES: tuple[Scope, ...] = ("private", "team", "owner")
MOST_CHARS = 8000  # of one memory's text
USER = "user"  # as the author of a memory: the owner in person


def tokens_of(text: str) -> int:
    """About how many tokens a text is: a quarter of its bytes in UTF-8, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


class Source(Struct, frozen=True, omit_defaults=True):
    """Where a memory comes from. `start`, `end`: of its text, in the message's or the document's. `place`: in a file,
    in words: `page 3`, `Setup › Linux`, `rows 2 to 40`; of what an agent wrote that knew content from outside, `after`
    and which: `after a web page`."""

    thread_id: str = ""
    run_id: str = ""
    task_id: str = ""
    message_id: str = ""
    document_id: str = ""
    file: str = ""
    place: str = ""
    start: int = 0
    end: int = 0


class NewMemory(Struct, frozen=True):
    """A memory to be kept. `agent`: the role whose it is; `user`: the owner in person. `key`: what it is about, such as
    `user.city`: of the memories of an owner with the same key, in the same scope, one holds at a time. `at`: when it
    was said; 0 is now. `line`, `position`: the conversation or document that it is part of, and where: its neighbours
    have the same `line` and a `position` one lower or higher. `parent`: id of what it was cut from. `denies`: words of
    what is not so: it takes the place only of a memory with its key that has them, else it is kept without a key."""

    owner: str
    text: str
    kind: Kind = "semantic"
    scope: Scope = "owner"
    agent: str = USER
    key: str = ""
    source: Source = Source()
    at: float = 0.0
    line: str = ""
    position: int = 0
    parent: str = ""
    speaker: str = ""
    pinned: bool = False
    denies: str = ""


class Memory(Struct, frozen=True, kw_only=True):
    """A memory at rest. It holds from `valid_from` until `valid_to` (None: still); `superseded_by` took its place.
    `count`: how often the same was kept; `seen_at`: the last time. `uses`: how often it was recalled into a prompt;
    `utility`: how much that helped, from -1 to 1; `strength`: the weight of the evidence that this rests on (0: none
    but its uses). `forgotten_at`: a tombstone: never recalled, kept for undoing. `archived_at`: it holds, and comes to
    mind no more, until it is said again or wanted back. `version` counts its changes; who edits names the one they
    saw."""

    num: int
    id: str
    owner: str
    agent: str
    kind: Kind
    scope: Scope
    text: str
    created_at: float
    seen_at: float
    valid_from: float
    valid_to: float | None = None
    superseded_by: str = ""
    forgotten_at: float | None = None
    key: str = ""
    source: Source = Source()
    line: str = ""
    position: int = 0
    parent: str = ""
    speaker: str = ""
    count: int = 1
    uses: int = 0
    used_at: float = 0.0
    utility: float = 0.0
    pinned: bool = False
    version: int = 1
    archived_at: float | None = None
    strength: float = 0.0

    @property
    def author(self) -> str:
        return USER if self.speaker == USER else self.agent

    @property
    def holds(self) -> bool:
        """Nobody took it back and nothing took its place."""
        return self.forgotten_at is None and self.valid_to is None

    @property
    def alive(self) -> bool:
        """It is recalled."""
        return self.holds and self.archived_at is None


AFTER = "after "
_MADE = f"a memory made {AFTER}"


def place_after(outside: Sequence[str]) -> str:
    """The `place` of what an agent writes that knows this of outside; empty: it knows nothing of it."""
    origins = dict.fromkeys(origin for phrase in outside for origin in phrase.removeprefix(_MADE).split(", "))
    return f"{AFTER}{', '.join(origins)}"[:200] if origins else ""


def outside_of(memory: Memory) -> str:
    """What it comes from, in a phrase, where that is not the user themselves or an agent that knew nothing else. Of
    what an agent is just saying nobody knows that yet."""
    if memory.source.document_id:
        return "a file of the knowledge base"
    if memory.source.place.startswith(AFTER):
        return f"a memory made {memory.source.place}"
    if memory.author == USER:
        return ""
    return "what an agent is saying" if memory.kind == "working" and not memory.key else ""


class Reader(Struct, frozen=True):
    """Who asks. An agent (`role`) sees of its owner's memories those that are private to its own role, and those of the
    team and of the owner, each only if `scopes` has it. `role` None: the owner in person, who sees all of their own."""

    owner: str
    role: str | None = None
    scopes: tuple[Scope, ...] = SCOPES


class Filter(Struct, frozen=True):
    """Which memories are wanted, of those that the reader may read. Empty means all. `since`, `until`: of `created_at`.
    `not_runs`: none that come from these runs. `authors`: as a person takes it: `user` for all that the user said,
    whichever agent kept it, a role for what else it keeps. `files`: only pieces of files, or none of them."""

    kinds: tuple[Kind, ...] = ()
    scopes: tuple[Scope, ...] = ()
    agents: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    not_runs: tuple[str, ...] = ()
    key: str = ""
    since: float | None = None
    until: float | None = None
    pinned: bool | None = None
    files: bool | None = None
    state: State = "alive"


class Reasons(Struct, frozen=True, omit_defaults=True):
    """Why a memory came. `cosine`, `dense_rank`: of the vectors; `bm25`, `text_rank`: of the words (rank 0: it was not
    among the found). `fused`: both together; then what it gained or lost: `neighbour`: from what was said beside it,
    `stated`: a fact or a rule that was stated, or else what an agent said by itself (a loss),
    `speaker`: said by who is named in the query, `answer`: has the time or number asked for, or asks itself,
    `recency`, `utility`, `pinned`, `diversity` (loss to a likeness with a better one). From `fused` on they add up to
    the score. `words`: of the query, that it has."""

    cosine: float = 0.0
    dense_rank: int = 0
    bm25: float = 0.0
    text_rank: int = 0
    fused: float = 0.0
    neighbour: float = 0.0
    stated: float = 0.0
    speaker: float = 0.0
    answer: float = 0.0
    recency: float = 0.0
    utility: float = 0.0
    pinned: float = 0.0
    diversity: float = 0.0
    words: list[str] = []
    near: str = ""  # the id of the neighbour that it gained from


class Hit(Struct, frozen=True):
    """A memory that was found. `score`: by which hits are ordered. `text`: what is to be said of it: its own text, or
    more where it was widened to its parent or neighbours; `tokens`: about how many that is; `outside`: what of that
    comes from outside, in a phrase."""

    memory: Memory
    score: float
    reasons: Reasons = Reasons()
    text: str = ""
    tokens: int = 0
    outside: str = ""


class Missed(Struct, frozen=True):
    """A memory that was found and left out, and why. `text`: its beginning."""

    id: str
    score: float
    why: Why
    text: str = ""


class Recalled(Struct, frozen=True):
    """What came of a search. `considered`: how many memories were compared in detail; `dense`: whether vectors took
    part (else words alone were searched)."""

    hits: list[Hit]
    missed: list[Missed] = []
    considered: int = 0
    dense: bool = True
    ms: float = 0.0


class Change(Struct, frozen=True):
    """What happened to a memory. `memory`: as it is now (None: it is gone for good)."""

    what: Literal[
        "added", "merged", "edited", "superseded", "forgotten", "restored", "purged", "archived", "promoted", "demoted"
    ]
    owner: str
    id: str
    memory: Memory | None = None
    by: str = USER
