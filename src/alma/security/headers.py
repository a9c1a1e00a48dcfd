"""What every answer tells a browser about how far to trust it. Pure ASGI, outermost: refusals and bugs have it too."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alma.security.rules import Rules, is_secure

_INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL)
_YEAR_S = 31_536_000
_NOTHING = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_FIXED = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), "
        b"microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
]


ON_ITS_OWN = [(name.decode(), value.decode()) for name, value in (*_FIXED, (b"content-security-policy", _NOTHING))]
"""Of what is answered before there is a request for an app, or on a handshake."""


def inline_scripts(html: str) -> list[str]:
    """The hashes of the scripts that stand in a page, as its policy names them."""
    texts = [found["text"] for found in _INLINE.finditer(html) if "src=" not in found["attributes"]]
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]


def policy(host: str = "", scripts: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of a page of this server. `scripts`: hashes of those that stand in it. Sockets are
    named with the host, because not every browser counts them to 'self'."""
    sockets = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.\-:\[\]]+", host) else ""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *dict.fromkeys(scripts))),
            "style-src 'self' 'unsafe-inline'",  # the page's components place and size things by style attributes
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self'{sockets}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class Headers:
    """Adds to every answer what it does not say itself."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = is_secure(scope, self._rules)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                headers += [one for one in _FIXED if one[0] not in said]
                if b"content-security-policy" not in said:
                    headers.append((b"content-security-policy", _NOTHING))
                if secure:
                    headers.append((b"strict-transport-security", b"max-age=%d" % _YEAR_S))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, with_headers)
