"""Facts of one model call: what was asked and how, what it used and took, who was tried, what a cache saved."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Sampling(Struct, frozen=True):
    """How tokens are drawn. `max_tokens` bounds the answer."""

    temperature: float = 0.7
    top_p: float = 0.95
    max_tokens: int = 1024


class Section(Struct, frozen=True, omit_defaults=True):
    """One part of a prompt: `name` (role, history, task, result, message, tool …) and its tokens. `ref`: which one of
    its kind (a task, an entry's `seq`, a call). `chars`: it was cut to that many characters; 0 is whole."""

    name: str
    tokens: int
    ref: str = ""
    chars: int = 0


class CallFacts(Struct, frozen=True, omit_defaults=True):
    """A tool call that a model asked for, as it asked. `arguments` is JSON text."""

    id: str
    name: str
    arguments: str = "{}"


class SentMessage(Struct, frozen=True, omit_defaults=True):
    """A message of a prompt, word for word."""

    role: str
    content: str


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens of one model call. `estimated`: the endpoint sent no usage, so Alma counted; `doubted`: what it sent
    cannot be true, so Alma's own counts stand here."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False
    doubted: bool = False


class Paid(Struct, frozen=True, omit_defaults=True):
    """What an attempt that became no message has used all the same, by Alma's own counts. `cost`: US dollars."""

    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    ms: float = 0.0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class Timing(Struct, frozen=True):
    """Of one attempt, in ms: from the call to its first token, and to its end."""

    first_token_ms: float = 0.0
    total_ms: float = 0.0


class Tried(Struct, frozen=True, omit_defaults=True):
    """An endpoint that was asked and did not give the answer. `code`: of its error, or `slower` when another one, asked
    as well, began first. `ms`: how long it took until that was known."""

    endpoint: str
    code: str
    ms: float = 0.0


class CacheHit(Struct, frozen=True, omit_defaults=True):
    """The answer was not made anew. `source`: of the same request (exact), of one that means the same (semantic), or of
    one that was under way at that moment (shared). `run_id`: whose answer it is; `question`, `score`: for a semantic
    one what was asked then, and its cosine similarity. `saved_…`: what making it had taken."""

    source: Literal["exact", "semantic", "shared"]
    run_id: str = ""
    age_s: float = 0.0
    question: str = ""
    score: float = 0.0
    saved_input_tokens: int = 0
    saved_output_tokens: int = 0
    saved_ms: float = 0.0
    saved_cost: float = 0.0
