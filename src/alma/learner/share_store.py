"""Shares over a restart: what resources followed is kept once a minute and at the end, and taken up at the start.

It is as old as it is when it is taken up: weights have gone back as far as they would have with nothing to do, what
was wanted has faded, and of the history there is the last hour.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec
import sqlalchemy as sa

from alma.db.database import Database, insert_for
from alma.db.learning_tables import shares as rows
from alma.errors import StorageFailure
from alma.learner.shares import Kept, Shares

log = logging.getLogger(__name__)
EVERY_S = 60.0
_ENCODER = msgspec.json.Encoder()


class ShareStore:
    def __init__(self, database: Database, shares: Shares) -> None:
        self._database = database
        self._shares = shares
        self._stored: dict[str, str] = {}  # by owner, without the time

    async def open(self) -> None:
        asked = sa.select(rows.c.owner, rows.c.data)
        found: dict[str, Kept] = {}
        for owner, data in await self._database.read(lambda connection: connection.execute(asked).all()):
            self._stored[owner] = ""
            try:
                found[owner] = msgspec.json.decode(data, type=Kept)
            except msgspec.MsgspecError:
                log.warning("shares of an owner cannot be read; they begin anew")
        self._shares.resume(found)

    async def run(self) -> None:
        """Move, and keep what has moved; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._shares.run())
            group.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.save()

    async def save(self) -> None:
        """What has changed. A database that cannot be written is tried again the next time."""
        kept = self._shares.kept()
        texts = {owner: _ENCODER.encode(msgspec.structs.replace(one, at=0.0)).decode() for owner, one in kept.items()}
        new = [{"owner": one, "data": _ENCODER.encode(kept[one]).decode()} for one in kept if self._differs(one, texts)]
        gone = self._stored.keys() - kept.keys()

        def write(connection: sa.Connection) -> None:
            if new:
                insert = insert_for(connection)(rows)
                connection.execute(
                    insert.on_conflict_do_update(index_elements=["owner"], set_={"data": insert.excluded.data}), new
                )
            for owner in gone:
                connection.execute(rows.delete().where(rows.c.owner == owner))

        if not (new or gone):
            return
        try:
            await self._database.write(write)
        except StorageFailure as error:
            log.warning("shares could not be kept: %s", error.actual)
            return
        self._stored = texts

    def _differs(self, owner: str, texts: dict[str, str]) -> bool:
        return self._stored.get(owner) != texts[owner]
