"""Errors go to what speaks Sentry's protocol: the new ones, without secrets, and without anything being patched."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collecting import Collector, collecting

from alma.db.database import Database
from alma.engine.bus import LocalBus
from alma.engine.journal import Journal
from alma.observability.context import bind
from alma.observability.error_groups import Seen
from alma.observability.sentry import Sentry
from alma.recorder import Choice, Recorder

log = logging.getLogger("alma.test")
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def sentry() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def dsn(collector: Collector) -> str:
    return collector.url.replace("://", f"://{KEY}@") + "/42"


def events(collector: Collector) -> list[dict[str, Any]]:
    """The events in the envelopes that came."""
    found: list[dict[str, Any]] = []
    for path, _, body in collector.posts:
        assert path == "/api/42/envelope/"
        lines = body.split(b"\n")
        for head, item in zip(lines[1::2], lines[2::2], strict=False):
            if json.loads(head)["type"] == "event":
                found.append(json.loads(item))
    return found


def fail() -> None:
    try:
        raise ValueError("the password hunter2hunter2 is wrong")
    except ValueError:
        log.exception("it failed for %s", "hunter2hunter2")


async def test_a_new_error_is_sent_with_its_traceback_and_without_secrets(tmp_path: Path, sentry: Collector) -> None:
    database = Database(f"sqlite:///{tmp_path / 'alma.db'}")
    await asyncio.to_thread(database.open)
    choice = Choice(frozenset({"hunter2hunter2", KEY}), {"log_level": "info"}, sentry_dsn=dsn(sentry))
    recorder = Recorder(database, Journal(database, LocalBus()), choice)
    async with recorder.open():
        bind(run_id="r1", owner="ada lovelace", request_id="q1")
        for _ in range(100):
            fail()
        await recorder.errors.settle()
        fail()  # it goes on: that is not sent again
        await recorder.errors.settle()
    (event,) = events(sentry)
    (error,) = event["exception"]["values"]
    assert error["type"] == "ValueError"
    assert error["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["tags"]["run_id"] == "r1"
    assert event["fingerprint"] == [(await recorder.errors.groups(None, 1))[0].fingerprint]
    assert event["release"].startswith("alma@")
    text = json.dumps(event)
    for private in ("hunter2hunter2", "lovelace", KEY):
        assert private not in text
    assert not {"user", "server_name", "breadcrumbs", "modules", "request"} & {
        name for name, value in event.items() if value
    }
    await asyncio.to_thread(database.close)


def seen(fingerprint: str) -> Seen:
    example = {"message": "m", "level": "error", "logger": "l", "ids": {}, "versions": {}, "settings": {}}
    return Seen(fingerprint, "t", "p", 1, 1.0, 1.0, example)


def test_what_goes_on_is_sent_once_an_hour_and_what_is_muted_never(sentry: Collector) -> None:
    times = iter([0.0, 10.0, 3_000.0, 3_700.0, 3_800.0, 3_900.0])
    sender = Sentry(dsn(sentry), lambda: next(times))
    for _ in range(5):
        sender.tell(seen("a"), "again")
        sender.tell(seen("muted"), "muted")
    sender.tell(seen("a"), "reopened")
    sender.close()
    assert [event["fingerprint"] for event in events(sentry)] == [["a"], ["a"], ["a"]]


def test_a_sentry_that_is_away_is_no_trouble() -> None:
    sender = Sentry(f"http://{KEY}@127.0.0.1:9/1")
    for number in range(300):
        sender.tell(seen(str(number)), "new")
    sender.close()


@pytest.mark.parametrize("wrong", ["https://sentry.example.org/1", "nonsense", "ftp://key@host/1", "https://key@host/"])
def test_a_dsn_that_is_none_is_said_and_stops_nothing(
    tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'alma.db'}")
    Recorder(database, Journal(database, LocalBus()), Choice(sentry_dsn=wrong))
    assert "errors are not sent to Sentry" in caplog.text


ALONE = """
import sys, logging
for package in {packages!r}:
    sys.modules[package] = None
from alma.db.database import Database
from alma.engine.bus import LocalBus
from alma.engine.journal import Journal
from alma.recorder import Choice, Recorder
database = Database("sqlite:///:memory:")
Recorder(database, Journal(database, LocalBus()), Choice({choice}))
print(sorted(name for name in sys.modules if name in ("sentry_sdk", "opentelemetry") and sys.modules[name]))
"""


def alone(choice: str, *packages: str) -> subprocess.CompletedProcess[str]:
    code = ALONE.format(packages=packages, choice=choice)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_without_the_packages_a_start_says_how_to_get_them() -> None:
    done = alone("sentry_dsn='https://k@h/1', trace_url='http://h'", "sentry_sdk", "opentelemetry")
    assert "pip install 'alma[sentry]'" in done.stderr
    assert "pip install 'alma[otel]'" in done.stderr


def test_what_is_off_is_not_loaded() -> None:
    assert alone("").stdout.strip() == "[]"
