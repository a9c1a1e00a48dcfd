"""While a task is typed: what its run will begin with is read by the model in advance.

A courtesy. It never raises, and nobody waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from msgspec import Struct

from alma.agent.task import Turn
from alma.agent.warming import Warming
from alma.db.database import Database
from alma.engine.turns import Conversations
from alma.errors import AlmaError
from alma.events import Kind
from alma.models.chat import ChatRequest
from alma.session import threads

log = logging.getLogger(__name__)


class Typed(Struct, frozen=True):
    """A task that is not sent yet: its text so far, and where it would go; as for `run.start`."""

    text: str
    kind: Kind
    thread_id: str | None = None
    parent_run_id: str | None = None
    root: bool = False
    model: str | None = None


class Warmer:
    """`read` makes the embedded model read prompts as soon as it has nothing else to do, in place of those that still
    wait for that."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        warming: Warming,
        read: Callable[[Sequence[ChatRequest]], object],
    ) -> None:
        self._database = database
        self._conversations = conversations
        self._warming = warming
        self._read = read

    async def typed(self, owner: str, typed: Typed) -> None:
        """Read what a task would follow. A later call takes the place of one that still waits."""
        try:
            if not self._warming.gains(typed.model):
                return
            turns = await self._turns(owner, typed)
            self._read(self._warming.requests(typed.text, typed.kind, model_id=typed.model, owner=owner, turns=turns))
        except AlmaError as error:
            log.debug("nothing is read in advance: %s", error)
        except Exception:  # a courtesy, whose bugs must not end what else runs
            log.exception("reading in advance failed on a bug")

    def first(self) -> None:
        """Read what a first task begins with, for when nothing is known of it: the model has just become ready."""
        try:
            if self._warming.gains(None):
                self._read(self._warming.requests("", "chat"))
        except AlmaError as error:
            log.debug("nothing is read in advance: %s", error)
        except Exception:
            log.exception("reading in advance failed on a bug")

    async def _turns(self, owner: str, typed: Typed) -> Sequence[Turn]:
        if typed.thread_id is None or typed.root:
            return ()
        thread_id, parent = typed.thread_id, typed.parent_run_id

        def find(connection: sa.Connection) -> str | None:
            threads.get_thread(connection, owner, thread_id)
            known = threads.run_ids(connection, thread_id)
            return (known[-1] if known else None) if parent is None else parent if parent in known else None

        said = await self._conversations.history(await self._database.read(find))
        return () if said.older or said.summary is not None else said.turns
