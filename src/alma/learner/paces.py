"""How long each way to do a task takes, and what it costs: from the outcomes of an owner's last runs.

Read from the database when an owner is first asked for, then followed. Knows nothing of what is thought of the results.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec
import sqlalchemy as sa

from alma.agent.teaching import arm_of
from alma.db.database import Database
from alma.db.learning_tables import outcomes
from alma.learner.arms import Pace
from alma.learning.outcome import Outcome, TaskOutcome

RUNS = 500  # of an owner's last ones that are read
_OWNERS = 200  # that are kept; of others it is read again
_NEWEST = 0.1  # weight of the newest task, once there are ten

_Known = dict[tuple[str, str], Pace]  # by context and arm


class Paces:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: OrderedDict[str, _Known] = OrderedDict()

    async def of(self, owner: str) -> dict[tuple[str, str], Pace]:
        """By context and the id of an arm."""
        if owner not in self._owners:
            known: _Known = {}
            for outcome in await read_outcomes(self._database, owner, RUNS):
                _count(known, outcome)
            self._owners.setdefault(owner, known)
            if len(self._owners) > _OWNERS:
                self._owners.popitem(last=False)
        self._owners.move_to_end(owner)
        return self._owners[owner]

    def told(self, before: Outcome | None, after: Outcome) -> None:
        """A run ended (`before` None), or is seen otherwise now, which changes nothing here."""
        if before is None and (known := self._owners.get(after.owner)) is not None:
            _count(known, after)

    def forget(self, owner: str) -> None:
        """Some of its runs are deleted: the rest is read again."""
        self._owners.pop(owner, None)


async def read_outcomes(database: Database, owner: str, most: int) -> list[Outcome]:
    """Of an owner's last runs, the oldest first."""
    query = sa.select(outcomes.c.data).where(outcomes.c.owner == owner).order_by(outcomes.c.num.desc()).limit(most)

    def read(connection: sa.Connection) -> list[Outcome]:
        found = [msgspec.json.decode(data, type=Outcome) for data in connection.scalars(query)]
        return found[::-1]

    return await database.read(read)


def _count(known: _Known, outcome: Outcome) -> None:
    for task in outcome.tasks:
        if task.ms > 0:
            key = (task.kind, arm_of(task.choices).id)
            known[key] = _after(known.get(key, Pace()), task)


def _after(pace: Pace, task: TaskOutcome) -> Pace:
    weight = max(_NEWEST, 1.0 / (pace.count + 1))
    return Pace(pace.ms + weight * (task.ms - pace.ms), pace.cost + weight * (task.cost - pace.cost), pace.count + 1)
