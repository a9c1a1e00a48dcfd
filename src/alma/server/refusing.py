"""What the entry does not let in: counted by address, and answered. Pure ASGI.

It has counts of its own: else a page or a neighbour that knocks without end would use up what the people at the same
address may do.
"""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from alma.errors import Forbidden, Misuse, StorageFailure, TooMany, Unauthorized
from alma.security.addresses import counted_as
from alma.security.caller import Caller
from alma.security.entry import OVER
from alma.server.frames import refusal
from alma.server.guard import Guard
from alma.server.limiting import rate_headers
from alma.server.problems import problem

_AWAY = 1011  # a close code: whether what was shown holds cannot be looked up now
_LATER = 1013  # also one: too many


class Refusing:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, error: Misuse | StorageFailure, address: str
    ) -> None:
        socket = scope["type"] == "websocket"
        key = f"refused:{counted_as(address)}"
        error = await self._counted("connects" if socket else "requests", key, address, error)
        if socket:
            await _tell(receive, send, error)
            return
        answer = problem(error)
        if isinstance(error, Unauthorized):
            why = f', error="invalid_token", error_description="{error.message}"'
            answer.headers["www-authenticate"] = f'Bearer realm="Alma"{"" if error.code == "token_missing" else why}'
        of_sign_ins = isinstance(error, TooMany) and error.policy == "sign_ins"
        policy, key = ("sign_ins", counted_as(address)) if of_sign_ins else ("requests", key)
        answer.raw_headers += await rate_headers(self._guard.rates, policy, key)
        await answer(scope, receive, send)

    async def _counted(
        self, policy: str, key: str, address: str, error: Misuse | StorageFailure
    ) -> Misuse | StorageFailure:
        """What to answer: the error, or that there were too many."""
        if not isinstance(error, TooMany):
            try:
                await self._guard.rates.take(policy, key)
            except TooMany as too_many:
                self._guard.door_log.note(too_many.code, Caller("", address=address))
                error = too_many
        if isinstance(error, TooMany):
            await self._guard.slowing.pause(key, error)
        return error


async def _tell(receive: Receive, send: Send, error: Misuse | StorageFailure) -> None:
    if isinstance(error, Forbidden):
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})
        return
    # A page cannot read the answer to a handshake; so it is told over the WebSocket.
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": refusal("", error)})
    code = OVER
    if isinstance(error, StorageFailure):
        code = _AWAY
    elif isinstance(error, TooMany) and error.policy == "connects":
        code = _LATER
    await send({"type": "websocket.close", "code": code, "reason": error.code})
