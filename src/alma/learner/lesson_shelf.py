"""The lessons that are kept in memory, by owner and role, with their vectors in one array each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec.structs import replace

from alma.learner.lesson_store import Lesson
from alma.memory.embedder import DIMENSIONS, Vector

MOST = 5000  # of an owner: 8 MB of vectors
_NONE: Vector = np.zeros((0, DIMENSIONS), np.float32)
_ROOM = 250  # that is made when they are too many, so that it is not made for each


class Shelf:
    """`use` says how useful a lesson is; of more than `most` of an owner the least useful go, the oldest of those
    first: from memory, not from the table."""

    def __init__(self, use: Callable[[Lesson], float], most: int = MOST) -> None:
        self._use = use
        self._most = most
        self._owners: dict[str, dict[str, Lesson]] = {}
        self._arrays: dict[tuple[str, str], tuple[list[Lesson], Vector]] = {}

    def put(self, lesson: Lesson) -> None:
        there = self._owners.setdefault(lesson.owner, {})
        self._arrays_gone(there.get(lesson.id), lesson)
        there[lesson.id] = lesson
        if len(there) > self._most:
            worst = sorted(there.values(), key=lambda one: (self._use(one), one.created_at))
            for one in worst[: min(_ROOM, len(there) // 10 + 1)]:
                self.drop(one.owner, one.id)

    def drop(self, owner: str, lesson_id: str) -> None:
        self._arrays_gone(self._owners.get(owner, {}).pop(lesson_id, None))

    def drop_runs(self, owner: str, run_ids: Sequence[str]) -> None:
        runs = set(run_ids)
        for lesson in list(self._owners.get(owner, {}).values()):
            if lesson.run_id in runs:
                self.drop(owner, lesson.id)

    def embedded(self, lesson: Lesson, vector: Vector) -> None:
        """Unless it is gone, or another, by now."""
        now = self._owners.get(lesson.owner, {}).get(lesson.id)
        if now is not None and now.task == lesson.task:
            self.put(replace(now, vector=vector))

    def waiting(self) -> list[Lesson]:
        """Those that have no vector yet."""
        return [one for there in self._owners.values() for one in there.values() if one.vector is None]

    def count(self, owner: str) -> int:
        return len(self._owners.get(owner, {}))

    def of(self, owner: str, role: str) -> tuple[list[Lesson], Vector]:
        """Those that may be told for a role, and (n, 384) of their vectors."""
        if owner not in self._owners:
            return [], _NONE
        found = self._arrays.get((owner, role))
        if found is None:
            known: list[Lesson] = []
            vectors: list[Vector] = []
            for one in self._owners.get(owner, {}).values():
                if one.on and one.role == role and one.vector is not None:
                    known.append(one)
                    vectors.append(one.vector)
            found = known, np.stack(vectors) if vectors else _NONE
            if known:
                self._arrays[owner, role] = found
        return found

    def _arrays_gone(self, *lessons: Lesson | None) -> None:
        for one in lessons:
            if one is not None:
                self._arrays.pop((one.owner, one.role), None)
