"""`server.json` in the data folder: where the server that uses it listens, while it runs."""

from __future__ import annotations

from msgspec import Struct


class ServerFile(Struct, frozen=True):
    """`key`: whoever shows it to the server is taken for the person at this machine; of this start of the server."""

    pid: int
    url: str
    key: str = ""
