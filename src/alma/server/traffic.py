"""What came in and what was turned away, as plain counts that whoever measures reads."""

from __future__ import annotations


class Traffic:
    """`connections`: network connections open now, `sockets` of them WebSockets; `opened`: so far. `refused`: so far,
    by code (`too_many_requests`, `too_many_connections`, …)."""

    __slots__ = ("connections", "opened", "refused", "sockets", "timed_out")

    def __init__(self) -> None:
        self.connections = 0
        self.sockets = 0
        self.opened = 0
        self.timed_out = 0  # connections that were closed because nothing moved on them
        self.refused: dict[str, int] = {}

    def refuse(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    @property
    def refused_in_all(self) -> int:
        return sum(self.refused.values())
