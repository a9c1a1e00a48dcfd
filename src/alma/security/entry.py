"""The entry: who asks is found out here, once, before anything else is read. Pure ASGI.

In order: is it the right host and no strange page (`rules.py`); what was shown (an access token, the cookie of a page
that has signed in, this process's own key); and else, on loopback, that it is the person at this machine. Which of
a person's things may be seen is not known here: that goes by the owner, at every door.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from alma.errors import Forbidden, Misuse, StorageFailure, TooMany, Unauthorized
from alma.security.caller import LOCAL, Caller, note_caller
from alma.security.keyring import Grant, Keyring
from alma.security.rules import Head, Rules, check_own_page, check_place, peer_of, read_head

OVER = 4401  # a WebSocket's close code: who asks is not known, or not any more
_OPEN = {
    *((method, "/api/session") for method in ("GET", "POST", "DELETE")),
    *(("GET", path) for path in ("/livez", "/readyz")),  # for who watches over the server, and has no token
}
_GRANT, _HEAD = "alma.grant", "alma.head"


class Refuse(Protocol):
    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, error: Misuse | StorageFailure, address: str
    ) -> None:
        """Answers who is not let in. `address`: where the request comes from."""
        ...


def cookie_name(*, secure: bool) -> str:
    """A browser keeps `__Host-` from other hosts of the same site, and takes it over TLS only."""
    return "__Host-alma_session" if secure else "alma_session"


def caller_with(grant: Grant, address: str) -> Caller:
    token = grant.token
    return Caller(token.owner, token.id, token.admin, address, token.name, grant.session)


def head_of(scope: Scope) -> Head:
    head = scope["state"][_HEAD]
    assert isinstance(head, Head)
    return head


def cookie_of(head: Head) -> str:
    """What the page's cookie holds; empty where there is none."""
    wanted = cookie_name(secure=head.secure)
    for part in head.cookie.split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value.strip('"')
    return ""


def grant_of(scope: Scope) -> Grant | None:
    """What was shown at the entry; None where nothing was, or it was this process's own key."""
    grant = scope["state"][_GRANT]
    assert grant is None or isinstance(grant, Grant)
    return grant


class Entry:
    """`pages`: first parts of the paths that are files of the page, which must load for a sign-in. All else is
    shut where tokens are asked for, also what is added and nobody thought of here. `local_key`: whoever shows it is the
    person at this machine."""

    def __init__(
        self,
        app: ASGIApp,
        rules: Rules,
        keyring: Keyring,
        local_key: str,
        pages: Collection[str],
        refuse: Refuse,
    ) -> None:
        self._app = app
        self._rules = rules
        self._keyring = keyring
        self._local_key = local_key.encode()
        self._pages = frozenset(pages)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        socket = scope["type"] == "websocket"
        address = peer_of(scope)
        try:
            head = read_head(scope, self._rules)
            address = head.address
            check_place(head, self._rules, socket=socket)
            caller, grant = await self._who(scope, head, socket=socket)
        except (Misuse, StorageFailure) as error:
            await self._refuse(scope, receive, send, error, address)
            return
        if head.secure:
            scope["scheme"] = "wss" if socket else "https"
        scope["client"] = (head.address, scope["client"][1] if scope.get("client") else 0)
        note_caller(scope, caller)
        scope["state"] |= {_HEAD: head, _GRANT: grant}
        await self._app(scope, receive, send)

    # ── who is it ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _who(self, scope: Scope, head: Head, *, socket: bool) -> tuple[Caller, Grant | None]:
        try:
            return await self._shown(head, socket=socket)
        except (Unauthorized, TooMany):
            path: str = scope["path"]
            first = path.removeprefix("/").partition("/")[0]
            page = head.method in ("GET", "HEAD") and first in self._pages
            if not socket and (page or (head.method, path) in _OPEN):
                return Caller("", address=head.address), None
            raise

    async def _shown(self, head: Head, *, socket: bool) -> tuple[Caller, Grant | None]:
        grant = None
        if head.authorization is not None:
            kind, _, text = head.authorization.partition(" ")
            text = text.strip()
            if secrets.compare_digest(text.encode(), self._local_key):
                return Caller(LOCAL, admin=True, address=head.address), None
            grant = await self._keyring.by_token(text if kind.lower() == "bearer" else "", head.address)
        elif cookie := cookie_of(head):
            grant = await self._keyring.by_cookie(cookie)
            if grant is not None:
                check_own_page(head, self._rules)
                if socket and head.origin is None:
                    raise Forbidden("origin_denied", "A cookie opens a WebSocket only from Alma's own page.")
        if grant is not None:
            return caller_with(grant, head.address), grant
        if self._rules.guarded or head.elsewhere:
            raise Unauthorized(
                "token_missing",
                "This Alma asks for an access token.",
                expected="Authorization: Bearer alma_…, or a page that has signed in",
                hint="`alma tokens add NAME` makes one, where Alma runs.",
            )
        return Caller(LOCAL, admin=True, address=head.address), None
