"""The entry while the database is away: nobody is let in by it, and they are told why."""

from __future__ import annotations

import json
from typing import Any, cast

from starlette.types import Message, Receive, Scope, Send

from alma.db.database import Database
from alma.errors import StorageFailure
from alma.security.entry import Entry
from alma.security.headers import Headers
from alma.security.keyring import Keyring
from alma.security.rules import Rules
from alma.server.guard import unguarded
from alma.server.refusing import Refusing

UNKNOWN = b"Bearer alma_0123456789_" + b"a" * 64


class Away:
    async def read(self, _work: object) -> None:
        raise StorageFailure("The database could not do it.")


class Tries:
    async def spent(self, address: str) -> bool:
        return not address

    async def wrong(self, address: str) -> None:
        raise AssertionError(f"nobody knows whether what {address} has shown is wrong")


async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("let in")


async def shown(kind: str) -> list[Message]:
    """What is answered to a token that has to be looked for."""
    rules = Rules(guarded=True)
    keyring = Keyring(cast(Database, Away()), 60, Tries())
    entry = Entry(nobody, rules, keyring, "key", (), Refusing(unguarded()))
    scope: dict[str, Any] = {
        "type": kind,
        "method": "GET",
        "scheme": "http",
        "path": "/api/threads",
        "client": ("192.0.2.1", 1),
        "headers": [(b"host", b"localhost"), (b"authorization", UNKNOWN)],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Headers(entry, rules)(scope, receive, send)
    return sent


async def test_while_the_database_is_away_a_request_is_told_so_with_the_usual_headers() -> None:
    start, body = await shown("http")
    assert start["status"] == 507
    assert json.loads(body["body"])["code"] == "storage_full"
    assert b"content-security-policy" in dict(start["headers"])


async def test_and_a_websocket_may_come_back_instead_of_signing_out() -> None:
    *_, told, end = await shown("websocket")
    assert json.loads(told["text"])["value"]["code"] == "storage_full"
    assert end["code"] == 1011
