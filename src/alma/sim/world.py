"""Virtual time: what happens when, in how many processes, all in one thread and all drawn from one seed.

A `World` owns the clock and the queue of events; a `SimLoop` is the event loop of one simulated process. Time moves
only when nobody has anything left to do, so an hour of waiting costs nothing. Knows nothing of Alma.

What is random, and what is not: within a process, callbacks run in the order in which they were scheduled, because
asyncio promises that and code may rely on it. What no program may rely on is drawn: which process goes on first and for
how many callbacks, how late a timer fires, how long a disk or a message takes.
"""

from __future__ import annotations

import asyncio
import heapq
import traceback
import zlib
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from random import Random
from typing import Any

EPOCH = 1_700_000_000.0  # Unix seconds at which every simulated world begins
_TURN = 12  # most callbacks of a process before another one may go on
_LATE_S = 0.003  # most that a timer is late
_APART_S = 1e-6  # what must not overtake each other; a float of today's Unix seconds resolves a quarter of that


class Violation(Exception):
    """A promise of the design does not hold."""


class World:
    """One simulated world. `tell` gets a line for everything of note (a trace), if anybody wants to read it."""

    def __init__(self, seed: int, tell: Callable[[str], None] | None = None) -> None:
        self.random = Random(seed)
        self.now = EPOCH
        self.digest = 0  # of all that was noted: two runs of a seed must agree on it
        self.callbacks = 0
        self.violation: Violation | None = None
        self._tell = tell
        self._events: list[tuple[float, float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._number = 0
        self._awake: list[SimLoop] = []

    def clock(self) -> float:
        return self.now

    def note(self, text: str) -> None:
        self.digest = zlib.crc32(text.encode(), self.digest)
        if self._tell is not None:
            self._tell(f"{self.now - EPOCH:9.3f}  {text}")

    def blame(self, text: str) -> None:
        """A promise is broken; the first one counts."""
        if self.violation is None:
            self.note(f"VIOLATION {text}")
            self.violation = Violation(text)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def at(self, when: float, callback: Callable[..., object], *args: Any) -> None:
        """Call back at this time; what is due at the same time comes in any order."""
        self._number += 1
        heapq.heappush(self._events, (when, self.random.random(), self._number, callback, args))

    def after(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        self.at(self.now + delay, callback, *args)

    def in_order(self, last: float, delay: float) -> float:
        """When something arrives that takes `delay` and does not overtake what arrives at `last`."""
        return max(last + _APART_S, self.now + delay)

    def wake(self, loop: SimLoop) -> None:
        self._awake.append(loop)

    def run(self, is_over: Callable[[], bool], until: float) -> bool:
        """Let things happen until it is over (True), time is up, a promise is broken, or nothing is left to happen."""
        while self.violation is None:
            if self._awake:
                self._step()
            elif not self._events or self._events[0][0] > until:
                return is_over()
            else:
                when, _, _, callback, args = heapq.heappop(self._events)
                self.now = max(self.now, when)
                callback(*args)
                if not self._awake and is_over():
                    return True
        return False

    def _step(self) -> None:
        index = int(self.random.random() * len(self._awake))
        loop = self._awake[index]
        if loop.turn(1 + int(self.random.random() * _TURN)):
            return
        self._awake[index] = self._awake[-1]
        self._awake.pop()


class _Soon(asyncio.Handle):
    def run(self) -> None:
        if not self._cancelled:
            self._run()


class _Timer(asyncio.TimerHandle):
    def run(self) -> None:
        if not self._cancelled:
            self._run()


class SimTask(asyncio.Task[Any]):
    """A task with a hash of its own, so that a set of tasks is walked in the same order in every run of a seed."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, loop: SimLoop, number: int, context: Context | None) -> None:
        self._number = number
        super().__init__(coro, loop=loop, context=context)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimLoop(asyncio.AbstractEventLoop):
    """The event loop of one process. A `dead` one never runs again, not even to clean up: that is kill -9. A paused one
    runs nothing until `resume`; what came for it meanwhile then comes all at once."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.paused = False
        self.fuse: int | None = None  # callbacks until it is killed
        self.on_fuse: Callable[[], None] = lambda: None
        self.tasks: list[SimTask] = []  # held, so that what a dead process had under way is not collected
        self._ready: deque[_Soon | _Timer] = deque()
        self._is_awake = False
        self._heard_at = 0.0

    def turn(self, most: int) -> bool:
        """Run some callbacks; whether there are more."""
        ready = self._ready
        asyncio._set_running_loop(self)
        try:
            for _ in range(min(most, len(ready))):
                if self.dead or self.paused:
                    break
                if self.fuse is not None:
                    self.fuse -= 1
                    if self.fuse < 0:
                        self.on_fuse()
                        break
                self.world.callbacks += 1
                ready.popleft().run()
        finally:
            asyncio._set_running_loop(None)
        self._is_awake = bool(ready) and not self.dead and not self.paused
        return self._is_awake

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._rouse()

    def kill(self) -> None:
        self.dead = True
        self._ready.clear()

    def bury(self) -> None:
        """Let go of what it had under way, in silence."""
        for task in self.tasks:
            task._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]  # asyncio has no other way to say so
        self.tasks.clear()

    def _put(self, handle: _Soon | _Timer) -> None:
        if self.dead:
            return
        self._ready.append(handle)
        self._rouse()

    def _rouse(self) -> None:
        if not self._is_awake and self._ready and not self.paused and not self.dead:
            self._is_awake = True
            self.world.wake(self)

    # ── what asyncio asks of a loop ───────────────────────────────────────────────────────────────────────────────

    def time(self) -> float:
        return self.world.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = _Soon(callback, args, self, context)
        self._put(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """From another thread: it takes a moment, and keeps its order."""
        handle = _Soon(callback, args, self, context)
        self._heard_at = self.world.in_order(self._heard_at, self.world.random.random() * 0.002)
        self.world.at(self._heard_at, self._put, handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.world.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = _Timer(when, callback, args, self, context)
        self.world.at(when + self.world.random.random() * _LATE_S, self._put, handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        del name  # names cost more than they tell here
        task = SimTask(coro, loop=self, number=len(self.tasks), context=context)
        self.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return self.dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if self.dead or "never retrieved" in context.get("message", ""):
            return  # nobody waited for it any more; what it was about is judged by the journal
        told = "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""
        self.world.blame(f"{self.name}: {context.get('message')}\n{told}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays in the world's queue and does nothing there."""
