"""Addresses: as whose they count, and whom a proxy may speak for."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from alma.security.addresses import among, counted_as, networks, plain, reached_at
from alma.security.caller import Caller
from alma.security.rules import Rules, host_name, read_head
from alma.server.admission import Admission
from alma.server.traffic import Traffic


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:0207", "192.0.2.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("::ffff:none", "::ffff:none"),
    ],
)
def test_what_one_can_choose_of_an_address_does_not_count(address: str, counted: str) -> None:
    assert counted_as(address) == counted


def test_a_network_of_ipv6_has_the_connections_and_rates_of_one_address() -> None:
    admission = Admission(Traffic(), most=100, most_of_one=2)
    assert [admission.enter(f"2001:db8::{number}") is None for number in range(4)] == [True, True, False, False]
    assert admission.enter("2001:db8:0:1::1") is None
    admission.leave("2001:db8::1")
    assert admission.enter("2001:db8::9") is None
    assert Caller("ada", address="2001:db8::1").key == Caller("ada", address="2001:db8::2").key
    assert Caller("ada", address="::ffff:192.0.2.1").key != Caller("ada", address="::ffff:192.0.2.2").key


def test_a_proxy_is_known_also_where_a_socket_for_both_kinds_names_it() -> None:
    proxies = networks(["10.0.0.0/8"])
    assert among("::ffff:10.1.2.3", proxies)
    assert not among("::ffff:11.1.2.3", proxies)
    head = read_head(
        {
            "scheme": "http",
            "client": ("::ffff:10.1.2.3", 1),
            "headers": [(b"x-forwarded-for", b"192.0.2.7"), (b"x-forwarded-proto", b"https")],
        },
        Rules(proxies=proxies),
    )
    assert (head.address, head.secure) == ("192.0.2.7", True)
    assert plain("::ffff:10.1.2.3") == "10.1.2.3"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("localhost:", "localhost"),
        ("localhost:8000", "localhost"),
        ("[::1]:8000", "[::1]"),
        ("[::1]", "[::1]"),
        ("localhost:80@evil.example", "localhost:80@evil.example"),
        ("[::1]evil.example", "[::1]evil.example"),
        ("localhost:123456", "localhost:123456"),
        ("::1", "::1"),
    ],
)
def test_what_is_no_port_is_not_taken_off_a_host(host: str, name: str) -> None:
    assert host_name(host) == name


def test_others_are_told_an_address_that_they_can_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reached_at("192.0.2.7") == "192.0.2.7"
    for everywhere in ("0.0.0.0", "::"):
        there = reached_at(everywhere)
        assert there == socket.gethostname() or not ipaddress.ip_address(there).is_unspecified

    def no_way(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(socket, "socket", no_way)
    assert reached_at("0.0.0.0") == socket.gethostname(), "in no network"
