"""The rows of documents: what is known of each file of the knowledge base."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.tables import documents
from alma.events import ErrorFacts

DocumentState = Literal["waiting", "reading", "ready", "failed"]
PAGE = "page"  # the origin of files that were put in
_FACTS = msgspec.json.Decoder(ErrorFacts)


class Document(Struct, frozen=True):
    """A file. `origin`: `page` for one that was put in, else its path in the watched folder. `state`: waiting, reading,
    ready, failed; `done` of `chunks` are stored; `error`: why it failed. What was read of it before still counts."""

    id: str
    owner: str
    name: str
    origin: str
    format: str
    bytes: int
    state: DocumentState
    chunks: int
    done: int
    error: ErrorFacts | None
    created_at: float
    updated_at: float


class Shelved(Struct, frozen=True):
    """A document and the SHA-256 of its content (empty: it was never looked into)."""

    document: Document
    hash: bytes


_COLUMNS = [documents.c[name] for name in (*Document.__struct_fields__, "hash")]


def new_document_id() -> str:
    return f"d_{time.time_ns() // 1_000_000:011x}{secrets.token_hex(4)}"


def listed(connection: sa.Connection, owner: str) -> list[Document]:
    """By name."""
    of_owner = sa.select(*_COLUMNS).where(documents.c.owner == owner)
    return [_shelved(row).document for row in connection.execute(of_owner.order_by(documents.c.name, documents.c.id))]


def in_folder(connection: sa.Connection, owner: str) -> list[Shelved]:
    asked = sa.select(*_COLUMNS).where(documents.c.owner == owner, documents.c.origin != PAGE)
    return [_shelved(row) for row in connection.execute(asked)]


def every(connection: sa.Connection) -> list[Shelved]:
    return [_shelved(row) for row in connection.execute(sa.select(*_COLUMNS))]


def by_id(connection: sa.Connection, owner: str, document_id: str) -> Shelved | None:
    if not document_id.isascii() or "\0" in document_id or len(document_id) > 64:
        return None
    row = documents.c
    return _one(connection, row.owner == owner, row.id == document_id)


def by_name(connection: sa.Connection, owner: str, origin: str, name: str) -> Shelved | None:
    row = documents.c
    return _one(connection, row.owner == owner, row.origin == origin, row.name == name)


def text_of(connection: sa.Connection, document_id: str) -> str:
    found = connection.execute(sa.select(documents.c.text).where(documents.c.id == document_id)).scalar()
    return found or ""


def next_waiting(connection: sa.Connection, but: Collection[str], most_bytes: int = 0) -> Shelved | None:
    """The one that waits longest, of those that are not `but`: what is being read just now. One that is said to be read
    and is not was left so by a database that failed. `most_bytes`: the smallest, of those of at most so many; 0: of
    any size."""
    row = documents.c
    asked = sa.select(*_COLUMNS).where(row.state.in_(("waiting", "reading")), row.id.not_in(list(but)))
    if most_bytes:
        asked = asked.where(row.bytes <= most_bytes).order_by(row.bytes)
    found = connection.execute(asked.order_by(row.updated_at, row.id).limit(1)).first()
    return None if found is None else _shelved(found)


def shelve(connection: sa.Connection, document: Document, digest: bytes) -> None:
    """A new row, or the present one of that id changed; its text stays."""
    values = _values(document) | {"hash": digest}
    changed = connection.execute(sa.update(documents).where(documents.c.id == document.id).values(values))
    if not changed.rowcount:
        connection.execute(documents.insert(), values)


def change(connection: sa.Connection, document_id: str, seen: bytes, fields: dict[str, Any]) -> Document | None:
    """Change a document if its content is still the one that was seen; None: it is another, or the document is gone."""
    row = documents.c
    fields = {name: _encoded(value) if name == "error" else value for name, value in fields.items()}
    changed = connection.execute(sa.update(documents).where(row.id == document_id, row.hash == seen).values(fields))
    if not changed.rowcount:
        return None
    return _shelved(connection.execute(sa.select(*_COLUMNS).where(row.id == document_id)).one()).document


def wait_again(connection: sa.Connection) -> None:
    """What was being read when Alma ended is read anew."""
    connection.execute(sa.update(documents).where(documents.c.state == "reading").values(state="waiting"))


def drop(connection: sa.Connection, document_id: str) -> None:
    connection.execute(sa.delete(documents).where(documents.c.id == document_id))


def _one(connection: sa.Connection, *clauses: sa.ColumnElement[bool]) -> Shelved | None:
    found = connection.execute(sa.select(*_COLUMNS).where(*clauses)).first()
    return None if found is None else _shelved(found)


def _shelved(row: sa.Row[Any]) -> Shelved:
    values = dict(zip((*Document.__struct_fields__, "hash"), row, strict=True))
    digest = bytes(values.pop("hash"))
    values["error"] = _FACTS.decode(values["error"]) if values["error"] else None
    return Shelved(Document(**values), digest)


def _values(document: Document) -> dict[str, Any]:
    return {name: getattr(document, name) for name in Document.__struct_fields__} | {"error": _encoded(document.error)}


def _encoded(error: ErrorFacts | None) -> str | None:
    return None if error is None else msgspec.json.encode(error).decode()
