"""What those who watch are told of the whole: threads that changed, models, downloads, trouble with the storage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from alma.errors import StorageFailure
from alma.models.hub import PullProgress as Pulled
from alma.session.notices import Notices
from alma.session.wire import ModelsChanged, Notice, PullProgress

log = logging.getLogger(__name__)
WAIT_S = 0.05  # in which changes of threads are gathered


class Telling:
    """`announce`: tells those who watch this owner's list of this thread."""

    def __init__(self, notices: Notices, announce: Callable[[str, str], Awaitable[None]]) -> None:
        self._notices = notices
        self._announce = announce
        self._changed: dict[str, str] = {}  # thread → owner
        self._group: asyncio.TaskGroup | None = None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Tell from now on; what takes time is done in `group`."""
        self._group = group

    def thread_changed(self, owner: str, thread_id: str) -> None:
        """Tell the watchers of the list, a little later and once for many."""
        if self._group is None or not self._notices.watched:
            return
        first = not self._changed
        self._changed[thread_id] = owner
        if first:
            self._group.create_task(self._tell_threads())

    async def _tell_threads(self) -> None:
        await asyncio.sleep(WAIT_S)
        changed, self._changed = self._changed, {}
        for thread_id, owner in changed.items():
            try:
                await self._announce(owner, thread_id)
            except Exception as error:  # noqa: BLE001  # a courtesy: the page reads the list again when it reconnects
                log.warning("the list of threads could not be told: %s", error)

    def models_changed(self, reason: str) -> None:
        self._notices.broadcast(ModelsChanged(reason=reason))

    def pulled(self, progress: Pulled) -> None:
        self._notices.broadcast(
            PullProgress(
                id=progress.id,
                file=progress.file,
                state=progress.state,
                done_bytes=progress.done_bytes,
                total_bytes=progress.total_bytes,
                model=progress.model,
                error=progress.error,
            ),
            admins=True,
        )

    def trouble(self, error: StorageFailure | None) -> None:
        """The database cannot be written, or (None) can again."""
        if error is None:
            self._notices.broadcast(Notice(code="storage_ok", message="The database can be written again."))
        else:
            message = "The database cannot be written; answers wait until it can. Nothing is lost."
            self._notices.broadcast(Notice(code=error.code, message=message, hint=error.hint))

    def stopping(self) -> None:
        message = "Alma is restarting; your runs go on when it is back."
        self._notices.broadcast(Notice(code="server_stopping", message=message))
