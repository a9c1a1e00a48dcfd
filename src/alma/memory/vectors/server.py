"""What the indexes on servers share: calls in threads, the parts that rows are sent in, and the stamp on disk."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from alma.errors import AlmaError, IndexUnavailable
from alma.memory.vectors.index import Rows, name_of

log = logging.getLogger(__name__)
T = TypeVar("T")
PART = 256  # rows sent at once
PAGE = 5000  # numbers read at once


class Calls:
    """Blocking calls of a client library, in `threads` of their own. Whatever goes wrong in one is an
    `IndexUnavailable` that names the `backend` and where it was looked for."""

    def __init__(self, backend: str, where: str, threads: int) -> None:
        self._backend = backend
        self._where = where
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"alma-{backend.lower()}")

    async def run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
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

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


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
