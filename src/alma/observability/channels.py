"""The ways on which alerts are told: each sends one telling, or raises `NotTold` with a sentence.

A webhook gets JSON, the log a line; e-mail is in `mail.py`, which few need. What is told, when and to whom is decided
elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, Protocol
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct

from alma.observability.alert_rules import LOGGER, ChannelName, Severity

log = logging.getLogger(LOGGER)
TIMEOUT_S = 10.0  # that a webhook or a mail server may take


class Telling(Struct, frozen=True, rename="camel"):
    """`what`: it began, it ended, or somebody tries the channel. Times are Unix seconds; `ended_at` 0: not yet.
    `value`: the metric's when it began, or when it ended (None: it had none). `metric` empty: there is no rule."""

    what: Literal["firing", "ended", "test"]
    id: str
    rule: str
    severity: Severity
    summary: str
    hint: str
    metric: str
    value: float | None
    threshold: float
    fired_at: float
    ended_at: float = 0.0
    link: str = ""


class NotTold(Exception):
    """Its text says why, for a person."""


class Here(Protocol):
    """A channel within this process: it tells at once. `detail`: where it goes."""

    name: ChannelName
    detail: str

    def say(self, telling: Telling) -> None: ...


class Away(Protocol):
    """A channel that asks others, so it is tried again where it fails, and nobody waits for it."""

    name: ChannelName
    detail: str

    async def tell(self, telling: Telling) -> None:
        """Raises `NotTold`."""
        ...


class LogChannel:
    name: ChannelName = "log"
    detail = "the log, as alma.alerts"

    def say(self, telling: Telling) -> None:
        level = logging.INFO if telling.what != "firing" or telling.severity == "info" else logging.WARNING
        if telling.what == "firing" and telling.severity == "critical":
            level = logging.ERROR
        said = measured(telling)
        log.log(level, "alert %s %s: %s%s", telling.rule, telling.what, telling.summary, f" ({said})" if said else "")


class Webhook:
    """`session` gives the HTTP session to use."""

    name: ChannelName = "webhook"

    def __init__(self, url: str, session: Callable[[], aiohttp.ClientSession], timeout_s: float = TIMEOUT_S) -> None:
        self._url = url if "://" in url else f"http://{url}"
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self.detail = without_secrets(self._url)

    async def tell(self, telling: Telling) -> None:
        body = as_json(telling)
        try:
            async with self._session().post(
                self._url, json=body, timeout=self._timeout, allow_redirects=False
            ) as response:
                if response.status >= 300:
                    raise NotTold(f"{self.detail} answered with status {response.status}.")
        except TimeoutError:
            raise NotTold(f"{self.detail} did not answer within {self._timeout.total:g} s.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotTold(f"{self.detail} cannot be reached: {str(error) or type(error).__name__}.") from None


def as_json(telling: Telling) -> dict[str, object]:
    return {
        "what": telling.what,
        "id": telling.id,
        "rule": telling.rule,
        "severity": telling.severity,
        "summary": telling.summary,
        "hint": telling.hint,
        "metric": telling.metric,
        "value": telling.value,
        "threshold": telling.threshold,
        "firedAt": telling.fired_at,
        "endedAt": telling.ended_at or None,
        "link": telling.link,
    }


def measured(telling: Telling) -> str:
    """In words; empty for a test."""
    if telling.what == "test":
        return ""
    if not telling.metric:
        return "its rule is gone"
    return f"{telling.metric} {'has no value' if telling.value is None else f'is {telling.value:g}'}"


def without_secrets(url: str) -> str:
    """Addresses may carry their secrets in user, path or query: only the host is shown."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
