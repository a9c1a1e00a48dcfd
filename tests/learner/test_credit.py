"""Who and what gets the credit of a task."""

from __future__ import annotations

from alma.learned import LearnedNote
from alma.learner.credit import parts_of
from alma.learner.trail import Assignment


def notes_of(role: str, *notes: LearnedNote) -> list[str]:
    now = Assignment(notes={one.id: one for one in notes})
    parts = parts_of(now, role, "small", "", "chat", "What is tea?")
    return [part.item for part in parts if part.item.startswith("note:")]


def test_notes_of_other_roles_and_sets_are_others_though_their_ids_are_the_same() -> None:
    short, euros = LearnedNote("n1", "Be short.", "3f9a"), LearnedNote("n1", "Give prices in euros.", "77aa")
    assert notes_of("writer", short) == ["note:writer.3f9a.n1"]
    assert len({*notes_of("writer", short), *notes_of("writer", euros), *notes_of("analyst", short)}) == 3
