"""Who leaves before being answered is no failure of ours: not in the figures, and not in the log."""

from __future__ import annotations

import logging

import pytest
from starlette.types import Message, Receive, Scope, Send

from alma.server.request_log import RequestLog
from alma.server.timing import Timing


class Clerk:
    def __init__(self) -> None:
        self.statuses: list[int] = []

    def answered(self, method: str, route: str, status: int, ms: float) -> None:
        self.statuses.append(status)


async def leave(_scope: Scope, receive: Receive, _send: Send) -> None:
    assert (await receive())["type"] == "http.disconnect"


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise KeyError("a bug")


async def fail_late(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise KeyError("a bug")


async def gone() -> Message:
    return {"type": "http.disconnect"}


async def nowhere(_message: Message) -> None: ...


async def test_who_has_left_is_counted_and_logged_as_one_who_has_left(caplog: pytest.LogCaptureFixture) -> None:
    clerk = Clerk()
    scope = {"type": "http", "method": "PUT", "path": "/api/x", "headers": []}
    caplog.set_level(logging.DEBUG, "alma.server.request_log")
    await Timing(RequestLog(leave), clerk)(dict(scope), gone, nowhere)
    for app in (fail, fail_late):
        with pytest.raises(KeyError):
            await Timing(RequestLog(app), clerk)(dict(scope), gone, nowhere)
    assert clerk.statuses == [499, 500, 200]
    assert [record.levelname for record in caplog.records] == ["DEBUG", "WARNING", "WARNING"]
