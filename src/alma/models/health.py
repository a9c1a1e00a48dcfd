"""How an endpoint has been doing: the calls of the last five minutes, and how long one is likely to take. Pure; the
clock is passed in."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

WINDOW = 300.0  # seconds
MOST = 2000  # calls that are kept
NEWEST = 0.3  # weight of the newest call in what one is expected to take …
USUAL = 0.05  # … and in what calls usually take
SLOWER = 2.0  # times the usual latency to the first token from which on the whole call is expected to be as much slower
NOTICED = 0.2  # seconds of silence below which nothing is read out of it
FORGOTTEN = 30.0  # seconds without a call after which half of that is forgotten, so that it is tried again
DOUBT = 4  # calls that are taken to have gone well before any was seen
ENOUGH = 20  # calls from which on percentiles mean something


class Figures(Struct, frozen=True):
    """Of the last five minutes: latencies to the first token in ms (0: none yet), and tokens a second while writing."""

    calls: int = 0
    errors: int = 0
    last_error: str = ""
    first_token_p50_ms: float = 0.0
    first_token_p95_ms: float = 0.0
    tokens_per_s: float = 0.0


class _Call(Struct, frozen=True):
    at: float
    failed: bool
    first_token_s: float | None
    tokens: int
    writing_s: float


class Health:
    """A record of calls. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._calls: deque[_Call] = deque(maxlen=MOST)
        self._errors = 0
        self._last_error = ""
        self._expected = 0.0
        self._usual = 0.0
        self._usual_first = 0.0
        self._last_at = 0.0
        self._p95: tuple[float, float | None] = (-1.0, None)  # when it was taken, and what it was

    def answered(self, now: float, *, seconds: float, first_token_s: float, tokens: int) -> None:
        """A call gave its answer, of `tokens` (0: unknown)."""
        self._note(_Call(now, False, first_token_s, tokens, seconds - first_token_s))
        weight = USUAL if self._usual else 1.0
        self._usual += weight * (seconds - self._usual)
        self._usual_first += weight * (first_token_s - self._usual_first)
        self._expect(now, seconds)

    def spoke(self, now: float, *, first_token_s: float) -> None:
        """A call began to answer. When that took much longer than usual, so will all of it."""
        slowness = self.slowness(first_token_s)
        if slowness > 1:
            self._expected = max(self.expected_s(now), self._usual * slowness)
            self._last_at = now

    def slowness(self, silent_s: float) -> float:
        """How many times slower than usual it seems by so many seconds without a first token; 1: not noticeably."""
        if silent_s < NOTICED or not self._usual_first:
            return 1.0
        slowness = silent_s / self._usual_first
        return slowness if slowness > SLOWER else 1.0

    def failed(self, now: float, said: str) -> None:
        """A call failed, and `said` is the sentence about it."""
        self._note(_Call(now, True, None, 0, 0.0))
        self._errors += 1
        self._last_error = said

    def slower(self, now: float, *, seconds: float) -> None:
        """A call was given up because another endpoint began first: it would have taken more than `seconds`."""
        self._note(_Call(now, False, seconds, 0, 0.0))
        self._expect(now, max(seconds, self._expected))

    def expected_s(self, now: float) -> float:
        """Seconds that a call is likely to take; 0 when none was ever seen. Fades while nobody calls."""
        idle = now - self._last_at
        return self._expected if idle < FORGOTTEN else self._expected * 0.5 ** (idle / FORGOTTEN)

    def share_of_errors(self, now: float) -> float:
        """Below 1, and the lower the fewer calls it is known from."""
        self._forget(now)
        return self._errors / (len(self._calls) + DOUBT)

    def usual_s(self, now: float) -> float | None:
        """The 95th percentile of seconds to the first token, not older than a second; None without enough calls."""
        taken_at, known = self._p95
        if taken_at < 0 or now - taken_at >= 1.0:
            self._forget(now)
            firsts = self._firsts()
            known = percentile(firsts, 0.95) if len(firsts) >= ENOUGH else None
            self._p95 = (now, known)
        return known

    def figures(self, now: float) -> Figures:
        self._forget(now)
        firsts = self._firsts()
        written = [call for call in self._calls if call.tokens > 1 and call.writing_s > 0]
        seconds = sum(call.writing_s for call in written)
        return Figures(
            calls=len(self._calls),
            errors=self._errors,
            last_error=self._last_error if self._errors else "",
            first_token_p50_ms=round(percentile(firsts, 0.5) * 1000, 1),
            first_token_p95_ms=round(percentile(firsts, 0.95) * 1000, 1),
            tokens_per_s=round(sum(call.tokens for call in written) / seconds, 1) if seconds else 0.0,
        )

    def _note(self, call: _Call) -> None:
        if len(self._calls) == MOST and self._calls[0].failed:
            self._errors -= 1
        self._calls.append(call)

    def _expect(self, now: float, seconds: float) -> None:
        before = self.expected_s(now)
        self._expected = seconds if not before else before + NEWEST * (seconds - before)
        self._last_at = now

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0].at < now - WINDOW:
            self._errors -= self._calls.popleft().failed

    def _firsts(self) -> list[float]:
        return sorted(call.first_token_s for call in self._calls if call.first_token_s is not None)


def percentile(ordered: list[float], share: float) -> float:
    """The value below which `share` of the `ordered` ones lie (nearest rank); 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
