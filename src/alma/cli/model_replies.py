"""What the JSON API says about models, as far as the command line shows it; other fields are ignored."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class Reply(Struct, frozen=True, rename="camel"):
    """Base: names on the wire are camelCase."""


class Model(Reply, frozen=True):
    id: str
    kind: str = ""
    context_window: int | None = None


class Endpoint(Reply, frozen=True):
    name: str
    kind: str = ""
    base_url: str | None = None
    state: str = "unknown"
    detail: str | None = ""
    active: int = 0
    queued: int = 0
    limit: int = 0
    breaker: str = "closed"
    retry_at: float = 0.0
    calls: int = 0
    errors: int = 0
    first_token_p50_ms: float = 0.0
    first_token_p95_ms: float = 0.0
    tokens_per_s: float = 0.0


class Models(Reply, frozen=True):
    default: str | None = None
    tiny_only: bool = False
    models: list[Model] = []
    endpoints: list[Endpoint] = []


class FoundServer(Reply, frozen=True):
    name: str
    base_url: str
    models: list[str] = []


class Found(Reply, frozen=True):
    found: list[FoundServer]


class Grade(Reply, frozen=True):
    name: str
    grade: str
    score: float
    detail: str = ""


class Report(Reply, frozen=True):
    grades: list[Grade]
    tokens_per_second: float = 0.0
    prompt_tokens_per_second: float = 0.0


class CatalogueModel(Reply, frozen=True):
    repo: str
    file: str
    name: str
    size_bytes: int
    ram_bytes: int
    licence: str = ""
    note: str = ""
    fits: bool = True


class Catalogue(Reply, frozen=True):
    ram_bytes: int
    models: list[CatalogueModel]


class Pull(Reply, frozen=True):
    id: str


def decoded(answer: object, shape: type[T]) -> T:
    return msgspec.convert(answer, shape)
