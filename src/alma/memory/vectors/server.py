"""What the indexes on servers share: calls in threads, the parts that rows are sent in, and the stamp on disk."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from alma.errors import AlmaError, IndexUnavailable
from alma.memory.vectors.index import Rows, name_of
from alma.memory.vectors.problems import closed

log = logging.getLogger(__name__)
T = TypeVar("T")
PART = 256  # rows sent at once
PAGE = 5000  # numbers read at once


_Queue = queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]


class Calls:
    """Blocking calls of a client library, in `threads` of their own, for which Python does not wait when it ends: a
    server that is silent keeps nobody. Whatever goes wrong in a call is an `IndexUnavailable` that names the `backend`
    and where it was looked for."""

    def __init__(self, backend: str, where: str, threads: int) -> None:
        self._backend = backend
        self._where = where
        self._threads = threads
        self._asked: _Queue = queue.SimpleQueue()
        self._end: Callable[[], Any] | None = None
        self._stopped = False

    async def run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.wrap_future(self._submit(work))
        except AlmaError:
            raise
        except Exception as error:  # the connection's boundary: each client library has errors of its own
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise IndexUnavailable(
                f"{self._backend} at {self._where} cannot search the vectors of memories; words are searched.",
                expected="a server that answers",
                actual=said[:300],
                hint="Start it, or see ALMA_MEMORY_BACKEND_URL; ALMA_MEMORY_BACKEND=usearch needs no server.",
            ) from error

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        if self._stopped:
            raise closed()
        if self._end is None:
            self._end = weakref.finalize(self, _stop, self._asked, self._threads)  # also where nobody stops it
            for _ in range(self._threads):
                name = f"alma-{self._backend.lower()}"
                threading.Thread(target=_answer, args=(self._asked,), name=name, daemon=True).start()
        future: Future[T] = Future()
        self._asked.put((work, future))
        return future

    def stop(self) -> None:
        """After the calls that were asked for; later ones raise."""
        self._stopped = True
        if self._end is not None:
            self._end()


def _answer(asked: _Queue) -> None:
    while (call := asked.get()) is not None:
        work, future = call
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # whoever waits hears of it
                future.set_exception(error)
        del call, work, future  # else they live until the next one comes


def _stop(asked: _Queue, threads: int) -> None:
    for _ in range(threads):
        asked.put(None)


def missing_package(extra: str) -> IndexUnavailable:
    return IndexUnavailable(
        f"Memories are to be searched in {extra.capitalize()}, and its package is not installed.",
        hint=f'pip install "alma[{extra}]"',
    )


def parts(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows.nums), PART):
        yield rows.part(start, start + PART)


class StampFile:
    """Up to where the index on a server has seen changes, as this process knows it. Lost, it costs reading all rows
    once."""

    def __init__(self, folder: Path, backend: str, where: str, model: str, dimensions: int) -> None:
        self._file = folder / f"{backend}-{name_of(f'{where} {model}', dimensions)}.json"

    def read(self) -> int:
        try:
            stamp = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return 0
        return stamp if isinstance(stamp, int) else 0

    def write(self, stamp: int) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            written = self._file.with_suffix(".new")
            written.write_text(json.dumps(stamp))
            written.replace(self._file)
        except OSError as error:
            log.warning("the stamp of an index could not be written: %s", error)

    def drop(self) -> None:
        self._file.unlink(missing_ok=True)
