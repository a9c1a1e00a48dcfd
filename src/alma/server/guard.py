"""What every door asks before it lets something in: one object for rates, open connections, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from alma.server.sockets import Sockets
from alma.server.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Guard:
    sockets: Sockets
    traffic: Traffic = field(default_factory=Traffic)
