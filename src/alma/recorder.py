"""What goes wrong and what takes how long, put together: the book of errors, and where it and the journal are sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from msgspec import Struct

from alma.db.database import Database
from alma.engine.journal import Journal
from alma.observability import sentry, traces
from alma.observability.error_book import ErrorBook
from alma.observability.redaction import Redactor
from alma.observability.sentry import Sentry, missing
from alma.observability.spans import Spans
from alma.observability.traces import Traces

log = logging.getLogger(__name__)


class Choice(Struct, frozen=True):
    """What the settings say. `secrets`: never to be shown. `facts`: of an error's example, the settings."""

    secrets: frozenset[str] = frozenset()
    facts: Mapping[str, Any] = {}
    sentry_dsn: str | None = None
    trace_url: str | None = None
    trace_words: bool = False


class Recorder:
    def __init__(self, database: Database, journal: Journal, choice: Choice) -> None:
        redactor = Redactor(choice.secrets)
        self.errors = ErrorBook(database, redactor, choice.facts)
        self._sentry = _sentry_of(choice)
        self._traces = _traces_of(choice)
        if self._sentry is not None:
            self.errors.listen(self._sentry.tell)
        if self._traces is not None:
            spans = Spans(self._traces.send, words=choice.trace_words, clean=redactor.text)
            journal.subscribe_all(spans.witness)

    @property
    def problem(self) -> str:
        """Why traces do not arrive; empty: they do, or there are none."""
        return self._traces.problem if self._traces is not None else ""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Errors are taken down; at the end, what waits to be written or sent is given a moment."""
        try:
            async with self.errors.open():
                yield
        finally:
            for sender in (self._sentry, self._traces):
                if sender is not None:
                    await asyncio.shield(asyncio.to_thread(sender.close))

    async def run(self) -> None:
        """Write errors down, until cancelled."""
        await self.errors.run()


def _sentry_of(choice: Choice) -> Sentry | None:
    if choice.sentry_dsn is None:
        return None
    try:
        return Sentry(choice.sentry_dsn)
    except ImportError:
        log.warning("%s", missing(sentry.EXTRA, "Errors are to be sent to ALMA_SENTRY_DSN"))
    except ValueError as error:
        log.warning("errors are not sent to Sentry: %s", error)
    return None


def _traces_of(choice: Choice) -> Traces | None:
    if choice.trace_url is None:
        return None
    try:
        return Traces(choice.trace_url)
    except ImportError:
        log.warning("%s", missing(traces.EXTRA, "Traces are to be sent to ALMA_TRACE_URL"))
    return None
