"""Addresses of who asks, as text: whose they are, and as whose they count."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ONE = 64  # bits of an IPv6 address that one customer of a network has; the rest they choose as they like


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word, strict=False) for word in words)


def among(address: str, some: tuple[Network, ...]) -> bool:
    """Whether it is of one of these networks; what is no address is of none."""
    if not some:
        return False
    try:
        parsed = ipaddress.ip_address(plain(address))
    except ValueError:
        return False
    return any(parsed in network for network in some)


def plain(address: str) -> str:
    """An IPv4 address as such, also where a socket for both kinds says it in IPv6: `::ffff:10.0.0.1`."""
    if not address.lower().startswith("::ffff:"):
        return address
    try:
        inside = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return str(inside) if inside is not None else address


def reached_at(host: str) -> str:
    """Where others reach what listens on `host`: where that is all addresses of this machine, the one by which it goes
    out to networks (asking for it sends nothing); its name, where it is in none."""
    far = {"0.0.0.0": "192.0.2.1", "::": "2001:db8::1"}.get(host)  # set aside for documents: nobody is there
    if far is None:
        return host
    with contextlib.suppress(OSError), socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
        probe.connect((far, 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def counted_as(address: str) -> str:
    """What is counted together: of IPv6 all of a /64, for whoever has one address there has 2^64."""
    address = plain(address)
    if ":" not in address:
        return address
    try:
        whole = int(ipaddress.IPv6Address(address))
    except ValueError:
        return address
    return f"{ipaddress.IPv6Address(whole >> _ONE << _ONE)}/{_ONE}"
