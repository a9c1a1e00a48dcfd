"""What each owner chose for learning: whether, how much may be tried out, and what each signal says. Read without I/O.

Off, nothing is chosen and nothing learned is told for this owner; runs are still counted, so that the records show
what was, and what is believed is up to date when it is turned on again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.db.database import Database, insert_for
from alma.db.learning_tables import learning_owners
from alma.errors import InvalidRequest
from alma.learning.reward import Weights, weights_of

log = logging.getLogger(__name__)


class Chosen(Struct, frozen=True, omit_defaults=True):
    """What an owner said. `exploration`: the share of tasks that may be done otherwise than is believed best; None: as
    the settings say. `time`, `money`: what is lost, of a reward of 0 to 1, when a task takes twice as long, or costs
    twice as much, as it could."""

    on: bool = True
    exploration: float | None = None
    time: float = 0.0
    money: float = 0.0
    weights: Weights = Weights()


_USUAL = Chosen()


class Preference(Struct, frozen=True):
    """As `Chosen`, as it holds: with the settings' values where the owner has not said."""

    on: bool
    exploration: float
    time: float
    money: float
    weights: Weights


class Preferences:
    """`exploration`: of owners who have not said; `on`: whether learning is on at all."""

    def __init__(self, database: Database, exploration: float, *, on: bool = True) -> None:
        self._database = database
        self._exploration = exploration
        self._on = on
        self._owners: dict[str, Chosen] = {}
        self._listeners: list[Callable[[str], None]] = []

    async def open(self) -> None:
        asked = sa.select(learning_owners.c.owner, learning_owners.c.data)
        for owner, data in await self._database.read(lambda connection: connection.execute(asked).all()):
            try:
                self._owners[owner] = msgspec.json.decode(data, type=Chosen)
            except msgspec.MsgspecError:
                log.warning("what an owner chose for learning cannot be read; it is as if nothing was chosen")

    def listen(self, told: Callable[[str], None]) -> None:
        """`told` of an owner whose choice has changed."""
        self._listeners.append(told)

    def chosen(self, owner: str) -> Chosen:
        return self._owners.get(owner, _USUAL)

    def wants(self, owner: str) -> bool:
        """Whether what is learned acts on this owner's runs."""
        return self._on and self.chosen(owner).on

    def get(self, owner: str) -> Preference:
        found = self.chosen(owner)
        exploration = self._exploration if found.exploration is None else found.exploration
        return Preference(found.on and self._on, exploration, found.time, found.money, found.weights)

    async def set(
        self,
        owner: str,
        *,
        on: bool,
        exploration: float | None,
        weights: Mapping[str, float],
        time: float = 0.0,
        money: float = 0.0,
    ) -> Preference:
        """All of it anew, durably. Raises `InvalidRequest`."""
        for name, value in (("exploration", exploration), ("time", time), ("money", money)):
            if value is not None and not (math.isfinite(value) and 0.0 <= value <= 1.0):
                raise InvalidRequest(
                    "invalid_field",
                    f"{name} is out of bounds.",
                    expected="a number from 0 to 1",
                    actual=f"{value}",
                    hint="0 is none.",
                )
        wanted = Chosen(on, exploration, time, money, weights_of(weights))
        row = {"owner": owner, "data": msgspec.json.encode(wanted).decode()}

        def write(connection: sa.Connection) -> None:
            insert = insert_for(connection)(learning_owners).values(row)
            connection.execute(insert.on_conflict_do_update(index_elements=["owner"], set_={"data": row["data"]}))

        await self._database.write(write)
        self._owners[owner] = wanted
        for told in self._listeners:
            told(owner)
        return self.get(owner)
