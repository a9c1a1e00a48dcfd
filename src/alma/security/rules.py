"""Where a request comes from, and whether that is right: host, origin, proxies. Pure; knows no token.

A browser says from whose page a request comes (`Origin`, `Sec-Fetch-Site`), and a name that was rebound to this
machine's address shows in `Host`; neither can be set by the page of another site.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from alma.errors import Forbidden
from alma.security.addresses import Network, among, plain

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_ONCE = ("host", "origin", "authorization")  # two of them could be read in two ways
_MANY = {
    "cookie": "; ",
    "sec-fetch-site": ",",
    "sec-fetch-mode": ",",
    "x-forwarded-for": ",",
    "x-real-ip": ",",
    "forwarded": ",",
}
_FOR = re.compile(r"""(?:^|[;,])\s*for\s*=\s*"?(\[[^\]]*\]|[^;,:"]*)""", re.IGNORECASE)  # in RFC 7239
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[]*)(?::\d{0,5})?", re.ASCII)  # its name, its port
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Rules(Struct, frozen=True):
    """`guarded`: a token is asked of everybody. `hosts`: names by which the server is reached besides loopback's; None:
    any. `origins`: whose pages may talk to it besides its own. `proxies`: whose word on where a request comes from is
    taken."""

    guarded: bool = False
    hosts: frozenset[str] | None = frozenset()
    origins: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = ()


def is_loopback(host: str) -> bool:
    """Of an address, or of a name in a Host header without its port."""
    if host.lower() in _LOOPBACK_NAMES or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """`name:port` or `[v6]:port` without the port; all of it where what should be the port is none."""
    found = _HOST.fullmatch(host)
    return found[1] if found else host


class Head(Struct, frozen=True):
    """What of a request's head matters here. `address`: of who asks, behind proxies that are trusted. `secure`: it came
    over TLS as far as those. `elsewhere`: some proxy, trusted or not, says that it comes from another machine."""

    method: str
    host: str
    origin: str | None
    cookie: str
    authorization: str | None
    site: str
    mode: str
    address: str
    secure: bool
    elsewhere: bool


def read_head(scope: Mapping[str, Any], rules: Rules) -> Head:
    """Of an ASGI scope. Raises `Forbidden` for one that can be read in two ways."""
    said: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1")
        if name in _ONCE and name in said:
            raise Forbidden("host_denied", f"The header {name} is there twice.", expected="one")
        if name in _ONCE or name in _MANY:
            text = value.decode("latin-1")
            said[name] = text if name not in said else said[name] + _MANY[name] + text
    peer = peer_of(scope)
    hops = _listed(said.get("x-forwarded-for", ""))
    others = [*_listed(said.get("x-real-ip", "")), *_FOR.findall(said.get("forwarded", ""))]
    return Head(
        method=scope.get("method", "GET"),
        host=said.get("host", ""),
        origin=said.get("origin"),
        cookie=said.get("cookie", ""),
        authorization=said.get("authorization"),
        site=said.get("sec-fetch-site", ""),
        mode=said.get("sec-fetch-mode", ""),
        address=_behind(peer, hops, rules.proxies) if among(peer, rules.proxies) else peer,
        secure=is_secure(scope, rules),
        elsewhere=any(not is_loopback(hop) for hop in (*hops, *others)),
    )


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def is_secure(scope: Mapping[str, Any], rules: Rules) -> bool:
    """Whether the browser, or whoever it is, speaks TLS: with this server or with a proxy that is trusted."""
    if among(peer_of(scope), rules.proxies):
        said = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        if said:
            return said[-1].rpartition(b",")[2].strip().lower() in (b"https", b"wss")
    return scope["scheme"] in ("https", "wss")


def peer_of(scope: Mapping[str, Any]) -> str:
    """The address that the connection comes from, a proxy's where there is one."""
    return plain(scope["client"][0]) if scope.get("client") else ""


def _behind(peer: str, hops: list[str], proxies: tuple[Network, ...]) -> str:
    """The last that a trusted proxy has named: what stands before it in the list, anybody may have written."""
    for hop in reversed(hops):
        try:
            peer = plain(str(ipaddress.ip_address(hop.strip("[]"))))
        except ValueError:
            return peer
        if not among(peer, proxies):
            return peer
    return peer


def check_place(head: Head, rules: Rules, *, socket: bool) -> None:
    """Raises `Forbidden` where the request is for another name, or from a page that may not talk to this server."""
    name = host_name(head.host).lower()
    if rules.hosts is not None and name not in _LOOPBACK_NAMES and name not in rules.hosts:
        raise Forbidden(
            "host_denied",
            f"Host {head.host[:100]!r} is not a name of this server.",
            hint="The names by which it may be reached are set with ALMA_ALLOWED_HOSTS.",
        )
    acts = socket or head.method not in SAFE
    if head.origin is not None and (acts or not rules.guarded) and not is_own(head, rules):
        raise _strange(f"Pages from {head.origin[:100]!r} may not talk to this server.")
    if head.origin is None and head.site == "cross-site" and head.mode != "navigate":
        raise _strange("Pages of other sites may not talk to this server.")


def check_own_page(head: Head, rules: Rules) -> None:
    """For what acts by a cookie, which a browser adds to whatever page asks. Raises `Forbidden`."""
    if head.method in SAFE or head.site == "same-origin":
        return
    if head.origin is None or not is_own(head, rules):
        raise _strange("This takes effect only from Alma's own page.")


def is_own(head: Head, rules: Rules) -> bool:
    """Whether the page that asks is this server's, or one that is allowed."""
    if head.origin is None:
        return False
    try:
        origin = urlsplit(head.origin)
    except ValueError:
        return False
    if head.origin in rules.origins:
        return True
    return origin.netloc.lower() == head.host.lower() != "" and (not head.secure or origin.scheme == "https")


def _strange(message: str) -> Forbidden:
    return Forbidden(
        "origin_denied", message, hint="Sites that may besides Alma's own page are set with ALMA_ALLOWED_ORIGINS."
    )
