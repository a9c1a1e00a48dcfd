"""Webhooks and e-mail: what is sent, over which kind of line, and what is said when it does not go through."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from alma.observability.channels import LogChannel, NotTold, Telling, Webhook
from alma.observability.mail import Mail
from hook_server import posts_to
from serving import free_port

FIRING = Telling(
    what="firing",
    id="al_1",
    rule="disk_low",
    severity="critical",
    summary="Disk space runs out",
    hint="Free some.",
    metric="disk_free",
    value=12.5,
    threshold=500,
    fired_at=1_795_600_000.0,
    link="http://127.0.0.1:8000/?page=health",
)


@asynccontextmanager
async def hook(status: int = 200, *, silent: bool = False) -> AsyncGenerator[tuple[str, list[Any]]]:
    got: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        if silent:
            await asyncio.Event().wait()
        return web.Response(status=status)

    async with posts_to("/hook/secret", take) as address:
        yield f"{address}?key=secret", got


async def test_a_webhook_gets_json() -> None:
    async with hook() as (url, got), aiohttp.ClientSession() as session:
        channel = Webhook(url, lambda: session)
        await channel.tell(FIRING)
        assert "secret" not in channel.detail
    (body,) = got
    assert body["what"] == "firing"
    assert (body["rule"], body["severity"], body["value"], body["threshold"]) == ("disk_low", "critical", 12.5, 500)
    assert body["endedAt"] is None
    assert body["link"] == FIRING.link


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_webhook_that_answers_with_anything_else_was_not_told(status: int) -> None:
    async with hook(status) as (url, _), aiohttp.ClientSession() as session:
        with pytest.raises(NotTold, match=f"status {status}") as refused:
            await Webhook(url, lambda: session).tell(FIRING)
        assert "secret" not in str(refused.value)


async def test_a_webhook_that_is_silent_or_not_there_was_not_told() -> None:
    async with hook(silent=True) as (url, _), aiohttp.ClientSession() as session:
        with pytest.raises(NotTold, match="did not answer within"):
            await Webhook(url, lambda: session, timeout_s=0.1).tell(FIRING)
        with pytest.raises(NotTold, match="cannot be reached"):
            await Webhook(f"127.0.0.1:{free_port()}/hook", lambda: session).tell(FIRING)


# ── e-mail ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.secure: list[bool] = []
        self.people: list[tuple[str, str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.secure.append(session.ssl is not None)
        return "250 OK"

    def log_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.people.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"pass word")


@contextmanager
def mail_server(**how: Any) -> Generator[tuple[str, Mailbox]]:
    box, port = Mailbox(), free_port()
    if how.pop("asks", False):
        how |= {"authenticator": box.log_in, "auth_required": True}
    controller = Controller(box, hostname="127.0.0.1", port=port, **how)
    controller.start()
    try:
        yield f"127.0.0.1:{port}", box
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's context, and the certificate by which it is known."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


async def test_a_mail_says_what_since_when_how_much_and_what_to_do() -> None:
    with mail_server() as (address, box):
        await Mail(f"smtp://{address}", "alma@example.org", ["ann@example.org", "ben@example.org"]).tell(FIRING)
    (mail,) = box.mails
    assert mail["Subject"] == "[Alma, critical] Disk space runs out"
    assert mail["To"] == "ann@example.org, ben@example.org"
    assert mail["From"] == "alma@example.org"
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    for part in ("disk_free is 12.5 (threshold 500)", "Since: 2026-11-25 09:46:40 UTC", "Free some.", FIRING.link):
        assert part in text


async def test_a_mail_that_it_is_over_says_how_it_was_then() -> None:
    over = msgspec.structs.replace(FIRING, what="ended", value=700.0, ended_at=FIRING.fired_at + 60)
    gone = msgspec.structs.replace(over, metric="", value=None)
    with mail_server() as (address, box):
        for telling in (over, gone):
            await Mail(f"smtp://{address}", "alma@example.org", ["ann@example.org"]).tell(telling)
    first, second = (mail.get_content() for mail in box.mails)
    assert "disk_free is 700 (threshold 500)" in first
    assert "its rule is gone" in second


async def test_a_summary_with_a_line_break_adds_no_header() -> None:
    with mail_server() as (address, box):
        odd = Telling("firing", "a", "r", "info", "one\r\nBcc: eve@example.org", "", "rss", 1, 1, 1)
        await Mail(f"smtp://{address}", "a@b.c", ["d@e.f"]).tell(odd)
    assert box.mails[0]["Bcc"] is None


async def test_a_password_is_sent_over_tls(tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(tls_context=context, asks=True) as (address, box):
        await Mail(f"smtp://ann:pass%20word@{address}", "a@b.c", ["d@e.f"]).tell(FIRING)
        assert box.secure == [True], "STARTTLS was offered"
        assert box.people == [("ann", "pass word")]
    with mail_server(ssl_context=context) as (address, box):
        await Mail(f"smtps://{address}", "a@b.c", ["d@e.f"]).tell(FIRING)
        assert len(box.mails) == 1


async def test_a_password_is_not_sent_where_there_is_no_tls_or_a_wrong_one(tls: tuple[ssl.SSLContext, Path]) -> None:
    with mail_server() as (address, box):
        with pytest.raises(NotTold, match="no TLS"):
            await Mail(f"smtp://ann:secret@{address}", "a@b.c", ["d@e.f"]).tell(FIRING)
        assert not box.people
    with mail_server(tls_context=tls[0], asks=True) as (address, box):
        with pytest.raises(NotTold, match="certificate"):
            await Mail(f"smtp://ann:secret@{address}", "a@b.c", ["d@e.f"]).tell(FIRING)
        assert not box.people, "whose certificate nobody vouches for"


async def test_a_mail_server_that_is_not_there_was_not_told() -> None:
    with pytest.raises(NotTold, match="did not take it"):
        await Mail(f"smtp://127.0.0.1:{free_port()}", "a@b.c", ["d@e.f"]).tell(FIRING)


def test_the_log_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "alma.alerts"):
        LogChannel().say(FIRING)
    (record,) = caplog.records
    assert (record.levelname, record.name) == ("ERROR", "alma.alerts")
    assert record.getMessage() == "alert disk_low firing: Disk space runs out (disk_free is 12.5)"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"what": "ended", "value": 700.0}, "alert disk_low ended: Disk space runs out (disk_free is 700)"),
        ({"what": "ended", "value": None}, "alert disk_low ended: Disk space runs out (disk_free has no value)"),
        ({"what": "ended", "metric": ""}, "alert disk_low ended: Disk space runs out (its rule is gone)"),
        ({"what": "test", "metric": ""}, "alert disk_low test: Disk space runs out"),
    ],
)
def test_the_log_says_why_it_is_over(changes: dict[str, Any], line: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "alma.alerts"):
        LogChannel().say(msgspec.structs.replace(FIRING, **changes))
    assert caplog.messages == [line]
