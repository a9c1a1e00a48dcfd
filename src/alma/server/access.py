"""Who may enter this server, put together: tokens, where requests may come from, and the way in of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from alma.errors import Unauthorized
from alma.security.caller import Caller
from alma.security.entry import OVER
from alma.security.keyring import Keyring, Tries
from alma.security.rules import Rules
from alma.server.access_bodies import LimitReply
from alma.server.sockets import Sockets


class Limits(Tries, Protocol):
    async def left(self, caller: Caller) -> list[LimitReply]: ...


@dataclass(frozen=True, slots=True)
class Access:
    """`local_key`: whoever shows it is the person at this machine; made anew by each process."""

    keyring: Keyring
    rules: Rules
    local_key: str
    limits: Limits

    async def run(self, sockets: Sockets) -> None:
        """Keep up with the tokens, and close what was opened with one that is over, until cancelled."""
        await self.keyring.run(lambda: self._close_over(sockets))

    def _close_over(self, sockets: Sockets) -> None:
        why: dict[tuple[str, bytes], Unauthorized | None] = {}
        for one in sockets:
            caller = one.caller
            if not caller.token_id:
                continue
            shown = caller.token_id, caller.session
            if shown not in why:
                why[shown] = self.keyring.why_over(*shown)
            if (over := why[shown]) is not None:
                one.close(over, OVER)
