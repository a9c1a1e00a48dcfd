"""What keeps memories from being searched by meaning, in words for the user: each kind once, the newest."""

from __future__ import annotations

import logging
from typing import Literal

from alma.errors import AlmaError, IndexUnavailable

log = logging.getLogger(__name__)
What = Literal["dimensions", "index", "embedding"]


class Problems:
    def __init__(self) -> None:
        self._texts: dict[What, str] = {"dimensions": "", "index": "", "embedding": ""}

    def __getitem__(self, what: What) -> str:
        return self._texts[what]

    def note(self, what: What, error: AlmaError) -> None:
        text = " ".join(filter(None, (error.message, error.hint)))
        if self._texts[what] != text:
            log.warning("memories are searched by words alone: %s", text)
        self._texts[what] = text

    def solved(self, what: What) -> None:
        self._texts[what] = ""

    def check(self, model: str, got: int, dimensions: int) -> bool:
        """Whether the embedding model makes vectors as long as those that there are."""
        fine = got == dimensions
        self._texts["dimensions"] = (
            ""
            if fine
            else f"The embedding model {model} makes vectors of {got} dimensions now; those of the memories have "
            f"{dimensions}. Give the model that made them, or let `alma memory reindex` embed them anew."
        )
        return fine

    @property
    def first(self) -> str:
        """Empty: there is none."""
        return next(filter(None, self._texts.values()), "")


def closed() -> IndexUnavailable:
    return IndexUnavailable("The index of vectors is closed; words are searched.")


def silent(backend: str, seconds: float) -> IndexUnavailable:
    return IndexUnavailable(
        f"The index of vectors ({backend}) did not answer within {seconds:g} s; words are searched.",
        hint="See ALMA_MEMORY_BACKEND_URL; it is tried again.",
    )
