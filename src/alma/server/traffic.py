"""What came in and what was turned away, as plain counts that whoever measures reads."""

from __future__ import annotations

MOST_UNFINISHED = 256 * 1024 * 1024
_SMALL = 16 * 1024
_POLICIES = ("requests", "connects", "messages", "runs", "tokens", "bytes", "sign_ins")
CODES = ("too_many_connections", *(f"too_many_{policy}" for policy in _POLICIES))  # of all that may be refused


class Traffic:
    """`connections`: network connections open now, `sockets` of them WebSockets; `opened`: so far. `refused`: so far,
    by code (`too_many_requests`, `too_many_connections`, …). `unfinished`: bytes of messages and bodies that are not
    whole yet, of all connections."""

    __slots__ = ("connections", "opened", "refused", "sockets", "timed_out", "unfinished")

    def __init__(self) -> None:
        self.connections = 0
        self.sockets = 0
        self.opened = 0
        self.timed_out = 0  # connections that were closed because nothing moved on them
        self.unfinished = 0
        self.refused: dict[str, int] = {}

    def refuse(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    def crowded(self, held: int) -> bool:
        """Whether what is unfinished takes more than it may in all, and the one that holds so many bytes of it is to
        give way: small ones never need to."""
        return self.unfinished > MOST_UNFINISHED and held > _SMALL

    @property
    def refused_in_all(self) -> int:
        return sum(self.refused.values())
