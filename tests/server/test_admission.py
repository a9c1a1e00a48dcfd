"""Who is let in before a byte is read, and file descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from alma.server.admission import Admission, Patience, room_for
from alma.server.http_protocol import Doorway, HttpProtocol
from alma.server.outbox import Outbox
from alma.server.protocol import SocketProtocol
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


async def test_a_client_that_is_gone_within_its_handshake_gives_its_place_back() -> None:
    """By then the system does not know any more where it came from."""
    doorway = Doorway(Admission(Traffic(), most=9, most_of_one=1), Patience())
    config = uvicorn.Config(nobody, http=HttpProtocol, ws=partial(SocketProtocol, doorway=doorway), log_config=None)  # pyright: ignore[reportArgumentType]
    config.load()
    peer = Mock()
    peer.getpeername.side_effect = [("192.0.2.1", 1), OSError, OSError]
    transport = Mock()
    transport.get_extra_info = lambda name: peer if name == "socket" else None
    transport.is_closing.return_value = False
    first = HttpProtocol(doorway=doorway, config=config, server_state=ServerState(), app_state={})
    first.connection_made(transport)
    head = "GET /ws HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Version: 13"
    first.data_received("\r\n".join((*head, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "")).encode())
    (second,) = transport.set_protocol.call_args.args
    assert isinstance(second, SocketProtocol)
    assert doorway.admission.enter("192.0.2.1") is not None
    second.connection_lost(ConnectionResetError())
    assert doorway.admission.enter("192.0.2.1") is None
    await asyncio.gather(*second.tasks)


async def nobody(_scope: Scope, receive: Receive, send: Send) -> None:
    """Lets nobody in."""
    await receive()
    await send({"type": "websocket.close"})


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
