"""Clients that trickle, fall silent, send nonsense or never read: they are let go, and nobody else notices."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable

import pytest

from raw_socket import Raw, frame
from serving import Serving, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def brisk(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(
        tmp_path_factory.mktemp("brisk"),
        request_header_s=0.4,
        request_body_s=0.4,
        idle_s=1,
        slow_reader_s=0.5,
        limit_messages="off",
    ) as serving:
        yield serving


def trickled(client: Raw, parts: Iterable[bytes]) -> None:
    """One part each tenth of a second, until the server has had enough."""
    with contextlib.suppress(ConnectionError):
        for part in parts:
            client.send(part)
            if client.over(0.1):
                return
    assert client.over()


# ── HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_head_that_trickles_is_given_up(brisk: Serving) -> None:
    with Raw(brisk) as client:
        client.send(b"GET /livez HTTP/1.1\r\n")
        trickled(client, (b"X-%d: a\r\n" % number for number in range(1000)))
        status, _, problem = client.answer()
        assert (status, problem["code"]) == (408, "head_timeout")


def test_a_handshake_that_trickles_is_given_up(brisk: Serving) -> None:
    with Raw(brisk) as client:
        head = client.head("GET /ws HTTP/1.1", Upgrade="websocket", Connection="Upgrade")
        client.send(head[:-2])
        trickled(client, (b"X-%d: a\r\n" % number for number in range(1000)))
        assert client.answer()[2]["code"] == "head_timeout"


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(brisk: Serving) -> None:
    with Raw(brisk) as client:
        assert client.rest() == b""


def test_a_second_request_has_as_little_time(brisk: Serving) -> None:
    with Raw(brisk) as client:
        client.send(client.head("GET /livez HTTP/1.1") + b"GET /livez")
        answers = client.rest()
        assert answers.startswith(b"HTTP/1.1 200")
        assert b"head_timeout" in answers


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_body_that_pauses_or_trickles_is_given_up(brisk: Serving, announced: bool) -> None:
    how = {"Content_Length": "100000"} if announced else {"Transfer_Encoding": "chunked"}
    part = b"x" if announced else b"1\r\nx\r\n"
    head = {"Content_Type": "application/json", **how}
    with Raw(brisk) as paused, Raw(brisk) as trickling:
        for client in (paused, trickling):
            client.send(client.head("POST /api/threads HTTP/1.1", **head))
        trickled(trickling, (part for _ in range(1000)))
        for client in (paused, trickling):
            status, _, problem = client.answer()
            assert (status, problem["code"]) == (408, "body_timeout")


def test_a_connection_without_a_next_request_is_closed(brisk: Serving) -> None:
    with Raw(brisk) as client:
        client.send(client.head("GET /livez HTTP/1.1"))
        assert client.rest().startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("line", "headers", "status", "code"),
    [
        ("GET /" + "a" * 9000 + " HTTP/1.1", {}, 414, "address_too_long"),
        ("GET /livez?" + "a" * 9000 + " HTTP/1.1", {}, 414, "address_too_long"),
        ("GET /livez HTTP/1.1", {"X": "a" * 40_000}, 431, "head_too_large"),
        ("GET /livez HTTP/1.1", {f"X-{n}": "a" for n in range(120)}, 431, "head_too_large"),
        (
            "GET /ws HTTP/1.1",
            {"Upgrade": "websocket", "Connection": "upgrade", "X": "a" * 40_000},
            431,
            "head_too_large",
        ),
        ("GARBAGE", {}, 400, "malformed_request"),
        ("GET /livez HTTP/1.1", {"Content-Length": "-1"}, 400, "malformed_request"),
        ("GET /livez HTTP/1.1", {"Content-Length": "1", "Transfer-Encoding": "chunked"}, 400, "malformed_request"),
    ],
)
def test_a_head_that_no_request_may_have(
    brisk: Serving, line: str, headers: dict[str, str], status: int, code: str
) -> None:
    with Raw(brisk) as client:
        client.send(client.head(line, **headers))
        seen, _, problem = client.answer()
        assert (seen, problem["code"]) == (status, code)


def test_a_header_without_end_is_not_kept(brisk: Serving) -> None:
    with Raw(brisk) as client:
        client.send(b"GET / HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                client.send(b"a" * 10_000)
        assert b"head_too_large" in client.rest()


def test_what_follows_a_body_in_pieces_has_an_end(brisk: Serving) -> None:
    pieces = {"Content_Type": "application/json", "Transfer_Encoding": "chunked"}
    with Raw(brisk) as client:
        client.send(client.head("POST /api/threads HTTP/1.1", **pieces) + b"2\r\n{}\r\n0\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                client.send(b"a" * 10_000)
        assert b"head_too_large" in client.rest()


def test_requests_that_wait_for_no_answer_are_bounded(brisk: Serving) -> None:
    with Raw(brisk) as client:
        client.send(client.head("GET /health HTTP/1.1") * 2000)
        answers = client.rest()
        assert answers.count(b"HTTP/1.1") < 50
        assert b"too_many_requests" in answers


@pytest.mark.parametrize("upgrade", [b"GET /ws\xff", b"GET /ws?\xff=1"])
def test_a_handshake_to_an_address_in_no_ascii_is_malformed(brisk: Serving, upgrade: bytes) -> None:
    with Raw(brisk) as client:
        client.send(
            client.head("GET /ws HTTP/1.1", Upgrade="websocket", Connection="Upgrade").replace(b"GET /ws", upgrade)
        )
        assert client.answer()[2]["code"] == "malformed_request"


def test_a_client_that_does_not_read_its_answer_is_cut_off(brisk: Serving) -> None:
    with Raw(brisk, window=2048) as client:
        for _ in range(16):
            client.send(client.head("GET /openapi.json HTTP/1.1"))
        assert client.over()


# ── WebSocket ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_half_open_connection_is_found_by_its_silence(brisk: Serving) -> None:
    with Raw(brisk) as silent, Raw(brisk) as living:
        silent.open()
        living.open()
        answered = 0
        while answered < 4:  # the other would be gone twice over
            heard = living.hear()
            assert heard is not None
            if heard[0] == 9:
                living.send(frame(heard[1], 10))
                answered += 1
        assert silent.over()


@pytest.mark.parametrize("how", ["frame", "fragments", "empty fragments"])
def test_a_message_that_trickles_is_given_up(brisk: Serving, how: str) -> None:
    whole = frame(b"x" * 5000)
    parts = {
        "frame": (whole[at : at + 1] for at in range(1000)),
        "fragments": (frame(b"x", 0 if number else 1, fin=False) for number in range(1000)),
        "empty fragments": (frame(b"", 0 if number else 1, fin=False) for number in range(1000)),
    }
    with Raw(brisk) as client:
        client.open()
        trickled(client, parts[how])
        assert b"too slowly" in client.rest()


def test_a_packet_of_many_small_frames_is_carried_out_in_order(brisk: Serving) -> None:
    with Raw(brisk) as client:
        client.open()
        whole = b"".join(frame(json.dumps({"type": "ping", "id": str(number)}).encode()) for number in range(3000))
        client.send(whole)
        seen = 0
        while seen < 3000:
            heard = client.hear()
            assert heard is not None
            if heard[0] == 9:
                client.send(frame(heard[1], 10))
                continue
            event = json.loads(heard[1])
            if event.get("name") == "alma.heartbeat" and "id" in event["value"]:
                assert event["value"]["id"] == str(seen)
                seen += 1


def asks_on(client: Raw) -> None:
    while True:
        client.say("ping")


def test_a_client_that_never_reads_is_let_go_and_its_run_goes_on(brisk: Serving) -> None:
    with Raw(brisk, window=2048) as deaf:
        deaf.open()
        deaf.say("run.start", key="of the deaf", text="!tokens 300 200", kind="chat")
        run = deaf.until("alma.ack")
        with pytest.raises(ConnectionError):  # at some time it is not read any more either, and then cut off
            asks_on(deaf)
    with Raw(brisk) as other:
        other.open()
        other.say("thread.subscribe", threadId=run["threadId"])
        while (heard := other.hear()) is not None and b"RUN_FINISHED" not in heard[1]:
            if heard[0] == 9:
                other.send(frame(heard[1], 10))
        assert heard is not None


def test_after_all_that_nothing_is_left(brisk: Serving) -> None:
    assert brisk.call("GET", "/livez")[0] == 200
    log = (brisk.folder / "server.log").read_text()
    assert "Traceback" not in log, log[-3000:]
