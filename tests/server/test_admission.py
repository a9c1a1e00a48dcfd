"""Who is let in before a byte is read, and file descriptors."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import psutil
import pytest

from alma.server.admission import Admission, room_for
from alma.server.outbox import Outbox
from alma.server.traffic import Traffic
from raw_socket import Raw
from serving import running


def test_places_are_counted_in_all_and_by_address_and_given_again() -> None:
    traffic = Traffic()
    admission = Admission(traffic, most=3, most_of_one=2, trusted=lambda address: address == "proxy")
    assert admission.enter("a") is None
    assert admission.enter("a") is None
    refusal = admission.enter("a")
    assert refusal is not None
    assert refusal.startswith(b"HTTP/1.1 429 ")
    admission.leave("a")
    assert [admission.enter("proxy"), admission.enter("proxy")] == [None, None]
    refusal = admission.enter("b")
    assert refusal is not None
    assert refusal.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after" in refusal
    assert (traffic.connections, traffic.refused) == (3, {"too_many_connections": 2})


def test_a_proxy_stands_for_many() -> None:
    admission = Admission(Traffic(), most=100, most_of_one=1, trusted=lambda address: address == "proxy")
    assert [admission.enter("proxy") for _ in range(50)] == [None] * 50


@pytest.mark.parametrize(("descriptors", "least", "most"), [(100_000, 1000, 1000), (300, 1, 225), (10, 1, 10)])
def test_some_descriptors_are_kept(descriptors: int, least: int, most: int) -> None:
    assert least <= room_for(1000, descriptors) <= most


def test_an_outbox_counts_what_its_frames_take_in_memory() -> None:
    outbox = Outbox(100_000, lambda: None)
    while outbox.push("🦜" * 1000):
        pass
    frames = 0
    while outbox.pop() is not None:
        frames += 1
    assert frames * 4000 <= 110_000
    assert outbox.push("x")


def test_a_sealed_outbox_has_its_last_word_and_takes_nothing() -> None:
    outbox = Outbox(100_000, lambda: None)
    outbox.push("before")
    outbox.seal("last")
    assert not outbox.push("after", force=True)
    assert (outbox.pop(), outbox.pop()) == ("last", None)


@pytest.mark.slow
def test_without_a_descriptor_left_who_is_in_is_served_and_later_others_are_again(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        taken = psutil.Process(server.process.pid).num_fds()
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (taken + 20, taken + 20))
        clients: list[Raw] = []
        try:
            for _ in range(60):
                with contextlib.suppress(ConnectionError):
                    clients.append(Raw(server))
            for _ in range(3):
                clients[0].send(clients[0].head("GET /livez HTTP/1.1"))
                assert clients[0].socket.recv(12) == b"HTTP/1.1 200"
                while b'"ok"' not in clients[0].socket.recv(4096):
                    pass
        finally:
            for client in clients:
                client.socket.close()
        for _ in range(1000):
            with contextlib.suppress(OSError):
                if server.call("GET", "/livez")[0] == 200:
                    return
        raise AssertionError("nobody is let in any more")
