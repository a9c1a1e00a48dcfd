"""Alerts by e-mail: plain text over SMTP. A module of its own because few need it, and what it imports is not small."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from alma.observability.alert_rules import ChannelName
from alma.observability.channels import TIMEOUT_S, NotTold, Telling, measured


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
        lines += [f"{measured(telling)} (threshold {telling.threshold:g})" if telling.metric else measured(telling)]
        lines += [f"Since: {_time(telling.fired_at)}"]
    if telling.ended_at:
        lines += [f"Over:  {_time(telling.ended_at)}"]
    if telling.hint and telling.what != "ended":
        lines += ["", telling.hint]
    if telling.link:
        lines += ["", telling.link]
    message.set_content("\n".join(lines) + "\n")
    return message


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
