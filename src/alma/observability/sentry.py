"""Sends errors to Sentry, or to what speaks its protocol: new ones at once, one that goes on once an hour.

The package is optional and loaded when it is used. Only its client is: nothing of it watches, patches or hooks into
anything here, and what is sent was made by `error_book`, without secrets, values of variables, or whose error it was.
"""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from alma import __version__
from alma.observability.error_groups import News, Seen

log = logging.getLogger(__name__)
EXTRA = "sentry"
_AGAIN_S = 3600.0
_MOST = 1_000  # errors of which it is known when they were last sent
_CLOSE_S = 2.0
# Ids that lead somewhere in Alma and to nobody outside of it.
_TAGS = ("run_id", "thread_id", "task_id", "request_id", "connection", "part")


def missing(extra: str, what: str) -> str:
    """What to say where an optional package is not there."""
    return f"{what}, but its package is not installed. To install it: pip install 'alma[{extra}]'"


class Sentry:
    """`tell` is a listener of the error book's. Sending is done by a thread of the package's, and never waited for."""

    def __init__(self, dsn: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises `ImportError` where the package is missing, `ValueError` where the DSN is none."""
        package: Any = importlib.import_module("sentry_sdk")
        if not urlsplit(dsn).username or not urlsplit(dsn).hostname:
            raise ValueError("ALMA_SENTRY_DSN: expected https://key@host/project")
        logging.getLogger("sentry_sdk").setLevel(logging.CRITICAL)  # its failing to send is no error of Alma's
        self._clock = clock
        self._sent: dict[str, float] = {}
        # `send_default_pii` is off unless it is asked for.
        self._client: Any = package.Client(
            dsn=dsn,
            release=f"alma@{__version__}",
            server_name="",
            integrations=[],
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            send_client_reports=False,
            enable_backpressure_handling=False,
            propagate_traces=False,
            shutdown_timeout=_CLOSE_S,
        )

    def tell(self, seen: Seen, news: News) -> None:
        if news == "muted":
            return
        now = self._clock()
        if news == "again" and now - self._sent.get(seen.fingerprint, -_AGAIN_S) < _AGAIN_S:
            return
        if len(self._sent) >= _MOST:
            self._sent.clear()
        self._sent[seen.fingerprint] = now
        self._client.capture_event(event_of(seen, news))

    def close(self) -> None:
        """Waits a moment for what is being sent."""
        self._client.close(timeout=_CLOSE_S)


def event_of(seen: Seen, news: News) -> dict[str, Any]:
    """In Sentry's form."""
    example = seen.example
    ids = example.get("ids", {})
    event: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(seen.last_at, UTC).isoformat(),
        "level": {"critical": "fatal"}.get(example["level"], example["level"]),
        "logger": example["logger"],
        "platform": "python",
        "fingerprint": [seen.fingerprint],
        "transaction": seen.place,
        "tags": {"fingerprint": seen.fingerprint, "news": news} | {tag: ids[tag] for tag in _TAGS if tag in ids},
        "contexts": {"alma": {"count": seen.count, **example["versions"]}},
        "extra": {"settings": example["settings"]},
        "logentry": {"formatted": example["message"]},
    }
    if "type" in example:
        frames = [
            {
                "filename": frame["file"],
                "lineno": frame["line"],
                "function": frame["function"],
                "in_app": "/alma/" in frame["file"],
            }
            for frame in example["frames"]
        ]
        value = {"type": example["type"], "value": example["said"], "stacktrace": {"frames": frames}}
        event["exception"] = {"values": [value]}
    return event
