"""Threads for tools that are plain functions: few, dedicated, and not used up by a tool that hangs.

A function cannot be stopped from outside. A call that nobody waits for any more is therefore left to itself and its
thread is replaced; how many calls of one tool may hang like that is bounded, and other tools do not notice. Knows
nothing of tools but their names.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal

from alma.tools.fault import ToolFault


class _Job:
    """One call on its way. `state` and `given_up` change under the lock of its `Threads` only."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.name = name
        self.work = work
        self.context = contextvars.copy_context()
        self.loop = asyncio.get_running_loop()
        self.result: asyncio.Future[object] = self.loop.create_future()
        self.state: Literal["waiting", "running", "done"] = "waiting"
        self.given_up = False  # nobody waits for it any more

    def deliver(self, value: object, error: BaseException | None) -> None:
        if self.result.done():
            return
        if error is None:
            self.result.set_result(value)
        else:
            self.result.set_exception(error)


class Threads:
    """At most `most` threads work, started when needed. A further call waits; the queue is bounded by its callers, each
    of whom waits for its own. A tool of which `most_hung` calls hang is refused until one of them ends."""

    def __init__(self, most: int = 8, most_hung: int = 4) -> None:
        self._most = most
        self._most_hung = most_hung
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._threads = 0  # those that take jobs
        self._busy = 0  # jobs waiting or running
        self._hung: Counter[str] = Counter()

    def hung(self, name: str) -> int:
        """How many calls of the tool `name` were given up and still run."""
        return self._hung[name]

    async def run(self, name: str, work: Callable[[], object]) -> object:
        """What `work` returns or raises. Cancelled, it comes back at once, whatever `work` does. Raises `ToolFault`
        where too many calls of the same tool hang."""
        if self._hung[name] >= self._most_hung:
            raise ToolFault(
                f"{name} is not called: {self._most_hung} earlier calls of it have not come back. Do without it."
            )
        job = _Job(name, work)
        with self._lock:
            self._busy += 1
            start = self._busy > self._threads and self._threads < self._most
            self._threads += start
        self._jobs.put(job)
        if start:
            self._start()
        try:
            return await job.result
        finally:
            self._leave(job)

    def _start(self) -> None:
        # A daemon, so that a call that hangs does not keep Alma from ending.
        threading.Thread(target=self._work, name="alma-tool", daemon=True).start()

    def _leave(self, job: _Job) -> None:
        """Nobody waits for the job any more. If it runs, another thread takes its thread's place."""
        with self._lock:
            replace = job.state == "running"
            if replace:
                self._hung[job.name] += 1
            if job.state != "done":
                job.given_up = True
                self._busy -= 1
        if replace:
            self._start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            with self._lock:
                if job.given_up:
                    continue
                job.state = "running"
            value, error = _outcome(job)
            with self._lock:
                replaced = job.given_up
                if replaced:
                    self._hung[job.name] -= 1
                else:
                    job.state = "done"
                    self._busy -= 1
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                job.loop.call_soon_threadsafe(job.deliver, value, error)
            if replaced:
                return


def _outcome(job: _Job) -> tuple[object, BaseException | None]:
    try:
        return job.context.run(job.work), None
    except StopIteration as error:  # a future cannot carry it
        return None, RuntimeError(f"StopIteration: {error}")
    except BaseException as error:  # noqa: BLE001  # a tool's boundary: also sys.exit() in a tool is its failure
        return None, error


SHARED = Threads()
