"""Which network connections are let in: counted as they are made, before a byte of them is read.

Also the file descriptors: so many are kept free that the database, files and new connections (to be refused) can be
opened while the rest is in use.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from alma.security.addresses import counted_as
from alma.security.headers import ON_ITS_OWN
from alma.server.traffic import Traffic

_RESERVE = 128  # descriptors that no connection gets
_AGAIN_S = 5


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: for the head of a request, a pause in its body, a connection on which nothing happens, and what a
    client leaves unread."""

    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 60.0
    unread_s: float = 60.0


def raise_descriptors() -> int:
    """Take all the file descriptors that the system allows; says how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 1_048_576
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return soft


def room_for(connections: int, descriptors: int) -> int:
    """How many of so many connections there are descriptors for, beside what is open now and the reserve."""
    try:
        taken = len(list(Path("/proc/self/fd").iterdir()))
    except OSError:  # not Linux
        taken = 64
    return max(min(connections, descriptors - taken - min(_RESERVE, descriptors // 4)), 1)


class Admission:
    """At most `most` connections at once, `most_of_one` of one address; not counted by address: those of proxies that
    are `trusted`, whose addresses stand for many. `told`: of whom is refused, the code and the address."""

    def __init__(
        self,
        traffic: Traffic,
        most: int,
        most_of_one: int,
        trusted: Callable[[str], bool] = lambda _: False,
        told: Callable[[str, str], None] = lambda _code, _address: None,
    ) -> None:
        self.traffic = traffic
        self._most = most
        self._most_of_one = most_of_one
        self._trusted = trusted
        self._told = told
        self._of: dict[str, int] = {}

    def keep_free(self, descriptors: int) -> None:
        """Let in no more than there are file descriptors for."""
        self._most = room_for(self._most, descriptors)

    def enter(self, address: str) -> bytes | None:
        """None: it is in, and must `leave`. Else what to answer before it is closed."""
        if self.traffic.connections >= self._most:
            return self._refused(_FULL, address)
        one = counted_as(address)
        theirs = self._of.get(one, 0)
        if theirs >= self._most_of_one and not self._trusted(address):
            return self._refused(_TOO_MANY, address)
        self._of[one] = theirs + 1
        self.traffic.connections += 1
        self.traffic.opened += 1
        return None

    def leave(self, address: str) -> None:
        self.traffic.connections -= 1
        one = counted_as(address)
        if (left := self._of[one] - 1) > 0:
            self._of[one] = left
        else:
            del self._of[one]

    def _refused(self, answer: bytes, address: str) -> bytes:
        self.traffic.refuse("too_many_connections")
        self._told("too_many_connections", address)
        return answer


def answer(status: str, code: str, detail: str, *headers: str) -> bytes:
    """A problem as the bytes of a whole response, after which the connection is closed."""
    facts = {"title": code.replace("_", " "), "status": int(status[:3]), "code": code, "detail": detail}
    body = msgspec.json.encode({"type": "about:blank", **facts})
    head = (
        f"HTTP/1.1 {status}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "connection: close",
        *(f"{name}: {value}" for name, value in ON_ITS_OWN),
        *headers,
    )
    return "\r\n".join((*head, "", "")).encode() + body


_FULL = answer(
    "503 Service Unavailable",
    "too_many_connections",
    "The server has as many connections as it takes.",
    f"retry-after: {_AGAIN_S}",
)
_TOO_MANY = answer(
    "429 Too Many Requests",
    "too_many_connections",
    "This address has as many connections open as one may.",
    f"retry-after: {_AGAIN_S}",
)
