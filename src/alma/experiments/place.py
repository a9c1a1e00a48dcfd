"""Where the runs of a variant are done: in this Alma, or in one of its own with other settings. Protocols only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from msgspec import Struct

from alma.events import Kind
from alma.learned import Trial
from alma.session.rehearsals import Rehearsed


class Rehearsals(Protocol):
    """What is needed of `session.rehearsals.Rehearsals`."""

    async def rehearse(
        self,
        owner: str,
        trial: Trial,
        text: str,
        *,
        model: str | None = None,
        kind: Kind | None = None,
        key: str = "",
        seconds: float = 300.0,
        fresh: bool = True,
    ) -> Rehearsed: ...

    async def cancel(self, owner: str, key: str) -> None: ...

    async def forget(self, owner: str, of: str, id: str) -> None: ...


Lend = Callable[[str, Literal["prompt", "notes"], str, str], str]  # owner, what, of which role, content; gives its hash


class Place(Struct, frozen=True):
    """`fresh`: whether answers of before may not serve."""

    rehearsals: Rehearsals
    lend: Lend
    fresh: bool = True


class Annexes(Protocol):
    """Makes Almas beside this one, each with other settings and a data folder of its own."""

    def problems(self, changes: Mapping[str, str]) -> list[str]:
        """What is wrong with these settings, in words."""
        ...

    def open(self, name: str, changes: Mapping[str, str]) -> AbstractAsyncContextManager[Place]:
        """It runs while the context lasts. The same name finds what it kept."""
        ...

    async def drop(self, name: str) -> None:
        """Delete what all annexes kept whose names begin so."""
        ...
