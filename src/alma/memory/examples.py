"""Corrected routes at rest: what a user said a task's kind was, with the task's vector."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from msgspec import Struct

from alma.db.tables import route_examples
from alma.events import Kind
from alma.memory.embedder import Vector


class SavedExample(Struct, frozen=True):
    id: str
    owner: str
    text: str
    kind: Kind
    created_at: float
    vector: Vector


def save_example(
    connection: sa.Connection, owner: str, example_id: str, text: str, kind: Kind, vector: Vector, at: float
) -> None:
    """Keep `text` as an example of `kind`, in place of what was said of the same text before."""
    same = (route_examples.c.owner == owner, route_examples.c.text == text)
    connection.execute(sa.delete(route_examples).where(*same))
    connection.execute(
        sa.insert(route_examples).values(
            id=example_id,
            owner=owner,
            text=text,
            kind=kind,
            vector=vector.astype(np.float32).tobytes(),
            created_at=at,
        )
    )


def load_examples(connection: sa.Connection, owner: str | None = None) -> list[SavedExample]:
    """All, or one owner's, oldest first."""
    query = sa.select(route_examples).order_by(route_examples.c.created_at)
    if owner is not None:
        query = query.where(route_examples.c.owner == owner)
    return [
        SavedExample(row.id, row.owner, row.text, row.kind, row.created_at, np.frombuffer(row.vector, np.float32))
        for row in connection.execute(query)
    ]


def delete_example(connection: sa.Connection, owner: str, example_id: str) -> str | None:
    """Returns the text of what was deleted."""
    same = (route_examples.c.owner == owner, route_examples.c.id == example_id)
    text = connection.execute(sa.select(route_examples.c.text).where(*same)).scalar()
    connection.execute(sa.delete(route_examples).where(*same))
    return text
