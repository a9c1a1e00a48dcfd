"""A memory as an agent was reminded of it, with the reasons; and one that was passed over. Frozen data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class RecalledMemory(Struct, frozen=True, omit_defaults=True):
    """A memory as an agent was reminded of it: `text` as it stood in the prompt, after `label`, which says where it is
    from. `outside`: what it comes from, where that is not the user themselves. `cosine`, `dense_rank`: by its vector;
    `bm25`, `text_rank`: by its words (0: not found so); the rest is what raised or lowered its score. `words`: those of
    the query that it has. `standing`: a fact about the user that is told whatever is asked."""

    id: str
    text: str
    score: float
    label: str = ""
    kind: str = ""
    scope: str = ""
    agent: str = ""
    tokens: int = 0
    cosine: float = 0.0
    dense_rank: int = 0
    bm25: float = 0.0
    text_rank: int = 0
    fused: float = 0.0
    neighbour: float = 0.0
    stated: float = 0.0
    recency: float = 0.0
    utility: float = 0.0
    diversity: float = 0.0
    speaker: float = 0.0
    answer: float = 0.0
    pinned: float = 0.0
    words: list[str] = []
    created_at: float = 0.0
    document_id: str = ""
    standing: bool = False
    outside: str = ""


class PassedOver(Struct, frozen=True, omit_defaults=True):
    """A memory that was found and not told to the agent: no room in its budget, too like a better one, too weak, or
    known to it anyway, or said when something
    else was true."""

    id: str
    text: str
    score: float
    why: Literal["budget", "alike", "weak", "known", "outdated"]
