"""All calls of one endpoint: who goes in, how many at once, whether any at all, and how they went.

Puts a gate, a limiter, a breaker and the health together; each of them knows only its own part. Owns the clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from alma.errors import EndpointError, EndpointRateLimited, EndpointRejected, EndpointUnauthorized
from alma.model_call import Tried
from alma.models.breaker import Breaker, BreakerState
from alma.models.gate import Gate
from alma.models.health import Health
from alma.models.limiter import Limiter
from alma.models.refusal import WEB_PAGE

_MARGIN = 0.005  # seconds: a timer may fire a little early


class Traffic:
    """`concurrency`: calls at once at most. `clock` gives seconds."""

    def __init__(self, concurrency: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.limiter = Limiter(concurrency)
        self.breaker = Breaker()
        self.health = Health()
        self.gate = Gate(concurrency, self)
        self.last_error: EndpointError | None = None
        self._shut_by: EndpointError | None = None
        self.closed = False  # its endpoint was removed
        self._wall = time.time() - clock()
        self._began = 0.0  # the sum over the calls under way
        self._running = 0
        self._silent_since = 0.0  # the sum over those that have not begun to answer
        self._silent = 0
        self._timer: asyncio.TimerHandle | None = None

    # ── what the gate and a pool ask ──────────────────────────────────────────────────────────────────────────────

    def opens(self) -> bool:
        return not self.closed and self.breaker.take(self.clock())

    def unused(self) -> None:
        self.breaker.unused()

    def admits(self, now: float) -> bool:
        """Whether it takes calls now, at once or after others."""
        return not self.closed and self.breaker.admits(now)

    @property
    def state(self) -> BreakerState:
        return self.breaker.state(self.clock())

    @property
    def retry_at(self) -> float:
        """Unix seconds at which the breaker lets a call through again; 0 while it is closed."""
        at = self.breaker.retry_at
        return round(self._wall + at, 3) if at else 0.0

    @property
    def trouble(self) -> EndpointError | None:
        """Why the breaker is not closed. Calls that were under way when it opened may have failed otherwise since."""
        return self._shut_by if self.state != "closed" else None

    def expected_s(self, now: float, unknown: float) -> float:
        """Seconds that a call is likely to take, from the last ones (`unknown` if there were none), and from how long
        those under way have been, or have been silent."""
        seconds = self.health.expected_s(now) or unknown
        if self._silent:
            seconds *= self.health.slowness(now - self._silent_since / self._silent)
        return max(seconds, now - self._began / self._running) if self._running else seconds

    # ── what calls tell ───────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> Call:
        """A call that has its place goes out."""
        now = self.clock()
        self._began += now
        self._silent_since += now
        self._running += 1
        self._silent += 1
        return Call(self, now, self.gate.active)

    def spoke(self, call: Call, now: float) -> None:
        self._hear(call)
        self.health.spoke(now, first_token_s=now - call.began)

    def ended(self, call: Call) -> None:
        """Its place is free."""
        if call.silent:
            self._hear(call)
        self._began -= call.began
        self._running -= 1
        self.gate.limit = self.limiter.limit
        self.gate.leave()

    def failed(self, call: Call, now: float, error: EndpointError) -> None:
        self.last_error = error
        self.health.failed(now, error.message)
        until = self.breaker.retry_at
        if isinstance(error, EndpointUnauthorized):
            self.breaker.refused_key(now)
        elif error.retry_after:
            self.breaker.held(now, error.retry_after)
        elif speaks_of_request(error) or error.status == 404:  # it is well, and said no
            self.breaker.answered(call.epoch, now)
        else:
            self.breaker.failed(call.epoch, now)
        if self.breaker.retry_at > until:
            self._shut_by = error
        if isinstance(error, EndpointRateLimited):
            self.limiter.refused(begun=call.began, now=now)
        self.shut(now)

    def shut(self, now: float) -> None:
        """If the breaker has opened: who waits chooses another endpoint, or waits for the trial at the pause's end."""
        if self.breaker.state(now) == "open":
            self.gate.turn_away()
            self._wake(now)

    def mended(self) -> None:
        """A test of it went well: calls may go in again."""
        if self.breaker.state(self.clock()) != "closed":
            self.breaker.mended()
            self.gate.admit()

    def close(self) -> None:
        """Nobody goes in any more; who waits chooses another endpoint, and calls under way go on."""
        self.closed = True
        self.gate.turn_away()
        if self._timer is not None:
            self._timer.cancel()

    def _hear(self, call: Call) -> None:
        self._silent_since -= call.began
        self._silent -= 1

    def _wake(self, now: float) -> None:
        """Let the one call through when the pause is over, for those who wait for it."""
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, self.breaker.retry_at - now) + _MARGIN
        self._timer = asyncio.get_running_loop().call_later(delay, self.gate.admit)


class Call:
    """One call on its way. It ends once: as answered, failed, slower or dropped; that frees its place."""

    __slots__ = ("_active", "_ended", "_first_at", "_traffic", "began", "epoch", "trial")

    def __init__(self, traffic: Traffic, began: float, active: int) -> None:
        self._traffic = traffic
        self._active = active
        self._first_at: float | None = None
        self._ended = False
        self.began = began
        self.epoch = traffic.breaker.epoch
        self.trial = traffic.breaker.state(began) == "half_open"

    def spoke(self) -> None:
        """The first piece of the answer came."""
        now = self._traffic.clock()
        self._traffic.spoke(self, now)
        self._first_at = now

    @property
    def silent(self) -> bool:
        return self._first_at is None

    def answered(self, tokens: int) -> None:
        """The answer is whole. `tokens` of it, 0: unknown."""
        traffic, now = self._traffic, self._traffic.clock()
        first = (self._first_at or now) - self.began
        traffic.health.answered(now, seconds=now - self.began, first_token_s=first, tokens=tokens)
        traffic.breaker.answered(self.epoch, now)
        traffic.limiter.succeeded(begun=self.began, now=now, first_token_s=first, active=self._active)
        self._end()

    def failed(self, error: EndpointError) -> Tried:
        """The endpoint did not do it."""
        now = self._traffic.clock()
        self._traffic.failed(self, now, error)
        self._end()
        return Tried(error.endpoint, error.code, round((now - self.began) * 1000, 1))

    def slower(self, endpoint: str) -> Tried:
        """Another endpoint began first. That is no failure; but a trial that ends so was none that went well."""
        traffic, now = self._traffic, self._traffic.clock()
        traffic.health.slower(now, seconds=now - self.began)
        if self.trial:
            traffic.breaker.failed(self.epoch, now)
            traffic.shut(now)
        else:
            traffic.breaker.dropped(self.epoch)
        self._end()
        return Tried(endpoint, "slower", round((now - self.began) * 1000, 1))

    def dropped(self) -> None:
        """Its caller left, which says nothing about the endpoint. Harmless after another end."""
        if not self._ended:
            self._traffic.breaker.dropped(self.epoch)
            self._end()

    def _end(self) -> None:
        assert not self._ended, "a call ends once"
        self._ended = True
        self._traffic.ended(self)


def speaks_of_request(error: EndpointError) -> bool:
    """Whether it is the request that was refused, which any other endpoint would refuse as well; not the model's name,
    the key, the address or the money."""
    if not isinstance(error, EndpointRejected):
        return False
    if error.status is None:  # said in the stream: a filter of what may be asked, or answered
        return True
    return 400 <= error.status < 500 and error.status not in (402, 404, 405, 408) and error.actual != WEB_PAGE
