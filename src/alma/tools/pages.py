"""Reading a web page from a host on a list, and from nowhere else. Owns every check between an address and its bytes.

A model writes the address, so it is hostile: the host must be on the list; what its name resolves to must be a public
address, and the connection is made to the very address that was checked; every redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from alma.tools.fault import ToolFault
from alma.tools.page_text import text_of_page
from alma.tools.signature import Provided
from alma.tools.threads import SHARED

MAX_BYTES = 1_000_000
MAX_REDIRECTS = 3
TIMEOUT_S = 10.0
_TYPES = ("text/html", "application/xhtml+xml", "text/plain", "application/json")
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

# Addresses of a host name. Raises OSError for a name that has none.
Resolve = Callable[[str], Awaitable[list[str]]]


@dataclass(frozen=True)
class Page:
    """`text`: of an HTML page what a reader sees. `cut`: the page is longer than what was read of it."""

    url: str
    text: str
    cut: bool


class PageReader(Provided):
    """`hosts`: those that may be read: `example.org`, `.example.org` for it and all below it, and `example.org:8080`
    for a port that is not the scheme's own. `allow_private`: addresses that are let through although they are not
    public; for tests."""

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        resolve: Resolve | None = None,
        allow_private: frozenset[str] = frozenset(),
        max_bytes: int = MAX_BYTES,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.hosts = [host.strip().lower().rstrip(".") for host in hosts if host.strip()]
        self._resolver = _CheckedResolver(resolve or _resolve, allow_private)
        self._max_bytes = max_bytes
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def read(self, address: str) -> Page:
        """Raises `ToolFault` with a sentence for everything that is refused or goes wrong."""
        url = self.checked(address)
        try:
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                # A compressed bomb would be unpacked before it could be measured, so nothing compressed is asked for.
                headers={"User-Agent": "Alma", "Accept": ", ".join(_TYPES), "Accept-Encoding": "identity"},
                auto_decompress=False,
                timeout=self._timeout,
            ) as session:
                return await self._follow(session, url)
        except TimeoutError:
            raise ToolFault(f"{url.host} did not answer within {self._timeout.total:g} s.") from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(refused := error.os_error, _AddressRefused):
                raise ToolFault(refused.sentence) from None
            raise ToolFault(f"{url.host} cannot be reached.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ToolFault(f"{url.host} cannot be read: {type(error).__name__}.") from None

    async def _follow(self, session: aiohttp.ClientSession, url: URL) -> Page:
        for _ in range(MAX_REDIRECTS + 1):
            async with session.get(url, allow_redirects=False) as response:
                if response.status not in _REDIRECTS:
                    return await self._take(response)
                target = response.headers.get("Location", "")
            if not target:
                raise ToolFault(f"{url.host} redirects without saying where to.")
            url = self.checked(str(url.join(URL(target))))
        raise ToolFault(f"The page redirects more than {MAX_REDIRECTS} times.")

    async def _take(self, response: aiohttp.ClientResponse) -> Page:
        host = response.url.host
        if response.status != 200:
            raise ToolFault(f"{host} answered {response.status} {response.reason or ''}".strip() + ".")
        if response.content_type not in _TYPES:
            raise ToolFault(f"The page is {response.content_type}; only HTML, plain text and JSON are read.")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ToolFault(f"{host} sent the page compressed, which it was asked not to.")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._max_bytes:
                break
        cut = len(body) > self._max_bytes
        content = bytes(body[: self._max_bytes])
        charset, html = response.charset, "html" in response.content_type
        text = await SHARED.run("read_page", lambda: text_of_page(content, html, charset))
        assert isinstance(text, str)
        return Page(str(response.url), text, cut)

    def checked(self, address: str) -> URL:
        """The address, if it may be read. Raises `ToolFault`."""
        try:
            url = URL(address.strip())
            host = (url.raw_host or "").lower().rstrip(".")
            port = url.port
        except ValueError:
            raise ToolFault(f"{address[:200]!r} is not a web address.") from None
        if url.scheme not in _PORTS or not host:
            raise ToolFault(f"Only addresses that begin with http:// or https:// are read, not {address[:200]!r}.")
        if url.user is not None or url.password is not None:
            raise ToolFault("An address with a user name or a password in it is not read.")
        asked = host if port == _PORTS[url.scheme] else f"{host}:{port}"
        if not any(_covers(entry, asked) for entry in self.hosts):
            raise ToolFault(f"{asked} is not on the list of hosts that may be read: {', '.join(self.hosts)}.")
        if _is_address(host) and not self._resolver.lets_through(host):  # no name, so the resolver is not asked
            raise ToolFault(f"{host} is not a public address.")
        return url.with_fragment(None)


def _covers(entry: str, asked: str) -> bool:
    return asked == entry.removeprefix(".") or (entry.startswith(".") and asked.endswith(entry))


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────


class _AddressRefused(OSError):
    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class _CheckedResolver(AbstractResolver):
    """Gives aiohttp the addresses that it connects to, after looking at each: no second look-up comes between."""

    def __init__(self, resolve: Resolve, allow_private: frozenset[str]) -> None:
        self._look_up = resolve
        self._allow_private = allow_private

    def lets_through(self, address: str) -> bool:
        return address in self._allow_private or is_public(address)

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  # aiohttp's signature
    ) -> list[ResolveResult]:
        results: list[ResolveResult] = []
        for address in await self._look_up(host):
            if not self.lets_through(address):
                raise _AddressRefused(f"{host} is at {address}, which is not a public address.")
            results.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
            )
        if not results:
            raise OSError(f"{host} has no address")
        return results

    async def close(self) -> None:
        """Holds nothing."""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _resolve(host: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether it leads out onto the internet: not to this machine, a private or a local network, nor to many at once;
    also not by an IPv4 address inside of an IPv6 one."""
    if not re.fullmatch(r"[0-9A-Fa-f:.]+", address):  # a scope (fe80::1%eth0) is of a local network
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if parsed.is_site_local:
            return False
    return parsed.is_global and not (
        parsed.is_private
        or parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_multicast
        or parsed.is_reserved
        or parsed.is_unspecified
    )
