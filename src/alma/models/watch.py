"""How long an endpoint may be silent: one timer for a whole stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
from msgspec import Struct

from alma.errors import EndpointTimeout


class Timeouts(Struct, frozen=True):
    """Seconds. `connect`: for the connection; `first_token`: from the request to the first piece of the answer;
    `stall`: between two pieces."""

    connect: float = 10.0
    first_token: float = 120.0
    stall: float = 60.0


class Watch:
    """One timer for a whole stream. Whoever reads moves `deadline` (an assignment, not a timer per token); when it has
    passed, the waiting read of `content` gets an EndpointTimeout."""

    __slots__ = ("_endpoint", "_handle", "_loop", "_started", "_timeouts", "content", "deadline", "now")

    def __init__(self, endpoint: str, timeouts: Timeouts) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self._loop.time
        self.content: aiohttp.StreamReader | None = None
        self._started = self.deadline = self.now() + timeouts.first_token
        self._handle = self._loop.call_at(self.deadline, self._look)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self._handle.cancel()

    def _look(self) -> None:
        now = self.now()
        if now < self.deadline:
            self._handle = self._loop.call_at(min(self.deadline, now + self._timeouts.stall), self._look)
        elif self.content is None:  # `_post` has a deadline of its own
            self._handle = self._loop.call_at(now + 1.0, self._look)
        else:
            first = self.deadline == self._started
            waited = self._timeouts.first_token if first else self._timeouts.stall
            self.content.set_exception(silence(self._endpoint, "a first token" if first else "a next token", waited))


def silence(endpoint: str, what: str, seconds: float) -> EndpointTimeout:
    """The error for `seconds` without `what`."""
    return EndpointTimeout(
        f"{endpoint} sent nothing for {seconds:g} s while Alma waited for {what}.",
        endpoint=endpoint,
        expected=f"{what} within {seconds:g} s",
        actual="silence",
        hint="The model may be loading or overloaded; try again, or raise the endpoint's timeouts in models.toml.",
    )
