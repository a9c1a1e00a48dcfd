"""Which answers of before were to a question much like this one: vectors by context, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from alma.models.answers import Alike

MOST_OF_ONE = 1000  # questions of one context: comparing with so many takes a tenth of a millisecond
_MOST = 8192  # vectors in memory, 1.5 KB each
Vector = NDArray[np.float32]


class Context:
    """The questions that were asked with one and the same prompt around them."""

    def __init__(self, found: Iterable[Alike]) -> None:
        rows: dict[bytes, bytes] = {}
        for one in found:
            rows.setdefault(one.key, one.vector)
        self._keys = list(rows)
        whole = np.frombuffer(b"".join(rows.values()), np.float32)  # at once: one by one is quadratic
        self._vectors: Vector | None = whole.reshape(len(rows), -1) if rows else None

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, one: Alike) -> None:
        if one.key not in self._keys:
            row = np.frombuffer(one.vector, np.float32)[None, :]
            self._keys.append(one.key)
            self._vectors = row if self._vectors is None else np.concatenate((self._vectors, row))

    def nearest(self, vector: bytes, threshold: float) -> list[tuple[bytes, float]]:
        """Keys and cosine similarities from `threshold` on, the nearest first."""
        if self._vectors is None:
            return []
        scores = self._vectors @ np.frombuffer(vector, np.float32)
        best = np.argsort(scores)[::-1]
        return [(self._keys[at], round(min(float(scores[at]), 1.0), 4)) for at in best if scores[at] >= threshold]


class Nearby:
    """The contexts used last; who asks for another reads it from the database."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[bytes, Context] = OrderedDict()

    def get(self, likes: bytes) -> Context | None:
        context = self._contexts.get(likes)
        if context is not None:
            self._contexts.move_to_end(likes)
        return context

    def put(self, likes: bytes, context: Context) -> None:
        self._contexts[likes] = context
        while len(self._contexts) > 1 and sum(map(len, self._contexts.values())) > _MOST:
            self._contexts.popitem(last=False)

    def add(self, likes: bytes, one: Alike) -> None:
        """An answer that has just been kept. Of a context that is not here it is found in the database; so is a context
        that is full, next time."""
        if (context := self._contexts.get(likes)) is not None:
            context.add(one)
            if len(context) > MOST_OF_ONE:
                del self._contexts[likes]

    def clear(self) -> None:
        self._contexts.clear()
