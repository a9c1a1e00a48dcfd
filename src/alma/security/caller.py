"""Who asks. Found out once, at the entry, and carried in the ASGI scope's state; every door reads it from there."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from msgspec import Struct

from alma.security.addresses import counted_as

LOCAL = "local"  # whoever reaches a server on loopback: the person at this machine
_KEY = "alma.caller"


class Caller(Struct, frozen=True):
    """`owner`: whose things it sees. `token_id`: of the access token that it showed, empty on loopback without one.
    `admin`: may also change what everybody shares: endpoints, models, alerts, errors. `address`: where it comes from.
    `name`: of the token, for logs and lists. `session`: the hash of the cookie, if it is a page
    that has signed in. `owner` empty: nobody knows who it is, and it sees the page at most."""

    owner: str
    token_id: str = ""
    admin: bool = False
    address: str = ""
    name: str = ""
    session: bytes = b""

    @property
    def known(self) -> bool:
        return bool(self.owner)

    def __str__(self) -> str:
        """For people, as in the log."""
        by = f", with the token {self.name!r}" if self.name else ""
        return f"{self.owner or 'somebody'} at {self.address or 'an unknown address'}{by}"

    @property
    def key(self) -> str:
        """Whose rates are counted together: a token's, or without one an address's."""
        return f"token:{self.token_id}" if self.token_id else f"address:{counted_as(self.address)}"


def note_caller(scope: MutableMapping[str, Any], caller: Caller) -> None:
    scope.setdefault("state", {})[_KEY] = caller


def caller_of(scope: MutableMapping[str, Any]) -> Caller:
    """Of a request that has passed the entry. Raises `KeyError` for one that has not: such a door must not be."""
    caller = scope["state"][_KEY]
    assert isinstance(caller, Caller)
    return caller
