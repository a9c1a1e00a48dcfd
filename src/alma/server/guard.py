"""What every door asks before it lets something in: one object for rates, open connections, and what was refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from alma.errors import TooMany
from alma.security.addresses import counted_as
from alma.security.caller import Caller
from alma.security.rates import Rates
from alma.server.access_bodies import LimitReply
from alma.server.admission import Admission, Patience
from alma.server.door_log import DoorLog
from alma.server.http_protocol import Doorway
from alma.server.slowing import Slowing
from alma.server.sockets import Sockets
from alma.server.traffic import Traffic

_AGAIN_S = 5.0
_OF_ADDRESS = ("connects", "sign_ins")


@dataclass(frozen=True, slots=True)
class Sizes:
    """What one request or frame may be: `body` in bytes, `depth` in levels of JSON."""

    body: int
    depth: int


@dataclass(frozen=True, slots=True)
class Guard:
    """`most_sockets`: of one caller."""

    rates: Rates
    doorway: Doorway
    sockets: Sockets
    traffic: Traffic
    sizes: Sizes
    most_sockets: int
    door_log: DoorLog = field(default_factory=DoorLog)
    slowing: Slowing = field(default_factory=Slowing)
    _used: Counter[str] = field(default_factory=Counter[str])  # tokens by owner that are not counted yet
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, policy: str, caller: Caller, cost: int = 1) -> None:
        """Count `cost`. Raises `TooMany` when that is too much, and says so in the log."""
        try:
            await self.rates.take(policy, self._key(policy, caller), cost)
        except TooMany as error:
            self.door_log.note(error.code, caller)
            raise

    async def spent(self, address: str) -> bool:
        """Whether one more wrong access token from there would be too many."""
        return any(one.left < 1 for one in await self.rates.left("sign_ins", counted_as(address)))

    async def wrong(self, address: str) -> None:
        """Counts a wrong access token. Raises `TooMany`."""
        self.door_log.note("wrong_token", Caller("", address=address))
        await self.rates.take("sign_ins", counted_as(address))

    async def let_connect(self, caller: Caller) -> None:
        """A WebSocket is opened. Raises `TooMany`."""
        try:
            await self.take("connects", caller)
            self._count_sockets(caller)
        except TooMany as error:
            await self.slowing.pause(caller.key, error)
            raise

    def _count_sockets(self, caller: Caller) -> None:
        if self.sockets.of(caller.key) >= self.most_sockets:
            self.traffic.refuse("too_many_connections")
            self.door_log.note("too_many_connections", caller)
            raise TooMany(
                "too_many_connections",
                "Too many connections are open.",
                policy="connections",
                quota=self.most_sockets,
                window_s=0,
                retry_after_s=_AGAIN_S,
                hint=f"At most {self.most_sockets:,} at once: close one of them first.",
            )

    async def let_send(self, caller: Caller, frame: str | bytes) -> None:
        """A command is sent. Raises `TooMany`."""
        await self.take("messages", caller)
        size = len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode(errors="replace"))
        await self.take("bytes", caller, size)

    async def let_run(self, caller: Caller) -> None:
        """A run is started. Raises `TooMany`."""
        try:
            await self.rates.check("tokens", caller.owner)
        except TooMany as error:
            self.door_log.note(error.code, caller)
            raise
        await self.take("runs", caller)

    async def left(self, caller: Caller) -> list[LimitReply]:
        """Of every limit that there is, the shortest window of a policy first."""
        found: list[LimitReply] = []
        for policy in self.rates.policies:
            key = self._key(policy, caller)
            found += [
                LimitReply(
                    policy=policy,
                    quota=one.limit.quota,
                    window_s=one.limit.window_s,
                    left=one.left,
                    reset_s=one.reset_s,
                )
                for one in await self.rates.left(policy, key)
            ]
        return found

    def _key(self, policy: str, caller: Caller) -> str:
        if policy in _OF_ADDRESS:
            return counted_as(caller.address)
        return caller.owner if policy == "tokens" else caller.key

    def used(self, owner: str, tokens: int) -> None:
        """Model calls of this owner have used so many tokens. Does not wait."""
        self._used[owner] += tokens
        self._news.set()

    async def run(self) -> None:
        """Count what is used, until cancelled."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._used:
                    owner, tokens = self._used.popitem()
                    await self.rates.add("tokens", owner, tokens)
        finally:
            self.door_log.flush()
            await self.rates.close()


def unguarded(heartbeat_s: float = 15.0) -> Guard:
    """One that counts nothing and lets in as much as comes: for simulations, and what is no server."""
    traffic = Traffic()
    doorway = Doorway(Admission(traffic, 2**31, 2**31), Patience())
    return Guard(Rates({}), doorway, Sockets(heartbeat_s), traffic, Sizes(body=2**22, depth=64), 2**31)
