"""The ways on which alerts are told: each sends one telling, or raises `NotTold` with a sentence.

A webhook gets JSON, a mailbox plain text, the log a line. What is told, when and to whom is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

import aiohttp
from msgspec import Struct

from alma.observability.alert_rules import ChannelName, Severity

log = logging.getLogger("alma.alerts")
TIMEOUT_S = 10.0  # that a webhook or a mail server may take


class Telling(Struct, frozen=True, rename="camel"):
    """`what`: it began, it ended, or somebody tries the channel. Times are Unix seconds; `ended_at` 0: not yet."""

    what: Literal["firing", "ended", "test"]
    id: str
    rule: str
    severity: Severity
    summary: str
    hint: str
    metric: str
    value: float
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
        log.log(level, "alert %s %s: %s (%s is %g)", telling.rule, telling.what, telling.summary, *_measured(telling))


class Webhook:
    """`session` gives the HTTP session to use."""

    name: ChannelName = "webhook"

    def __init__(self, url: str, session: Callable[[], aiohttp.ClientSession], timeout_s: float = TIMEOUT_S) -> None:
        self._url = url if "://" in url else f"http://{url}"
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self.detail = _without_secrets(self._url)

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


class Mail:
    """By SMTP: `smtp://` upgrades to TLS where the server offers it, `smtps://` begins with it. `url` may have a user
    and a password, which are sent over TLS only."""

    name: ChannelName = "mail"

    def __init__(self, url: str, sender: str, to: Sequence[str], timeout_s: float = TIMEOUT_S) -> None:
        self._at = urlsplit(url)
        self._sender = sender
        self._to = list(to)
        self._timeout_s = timeout_s
        self.detail = f"{', '.join(self._to)} by {self._at.hostname}"

    async def tell(self, telling: Telling) -> None:
        message = as_mail(telling, self._sender, self._to)
        try:
            await asyncio.to_thread(self._send, message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotTold(f"The mail server {self._at.hostname} did not take it: {error}.") from None

    def _send(self, message: EmailMessage) -> None:
        host, secure = self._at.hostname or "", self._at.scheme == "smtps"
        tls = ssl.create_default_context()
        if secure:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, self._at.port or 465, timeout=self._timeout_s, context=tls)
        else:
            server = smtplib.SMTP(host, self._at.port or 25, timeout=self._timeout_s)
        with server:
            server.ehlo()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=tls)
                server.ehlo()
                secure = True
            if self._at.username:
                if not secure:
                    raise NotTold("The mail server offers no TLS, so the password is not sent to it.")
                server.login(unquote(self._at.username), unquote(self._at.password or ""))
            server.send_message(message)


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


def as_mail(telling: Telling, sender: str, to: Sequence[str]) -> EmailMessage:
    mark = {"firing": telling.severity, "ended": "over", "test": "test"}[telling.what]
    message = EmailMessage()
    message["Subject"] = f"[Alma, {mark}] {telling.summary}".replace("\r", " ").replace("\n", " ")
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    lines = [telling.summary, ""]
    if telling.what != "test":
        lines += ["{}: {:g} (threshold {:g})".format(*_measured(telling), telling.threshold)]
        lines += [f"Since: {_time(telling.fired_at)}"]
    if telling.ended_at:
        lines += [f"Over:  {_time(telling.ended_at)}"]
    if telling.hint and telling.what != "ended":
        lines += ["", telling.hint]
    if telling.link:
        lines += ["", telling.link]
    message.set_content("\n".join(lines) + "\n")
    return message


def _measured(telling: Telling) -> tuple[str, float]:
    return telling.metric, telling.value


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _without_secrets(url: str) -> str:
    """Addresses of webhooks carry their secrets in user, path or query: only the host is shown."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
