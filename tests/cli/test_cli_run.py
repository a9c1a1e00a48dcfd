"""`alma run` against a server: what is shown, what happens when the connection breaks, how Ctrl-C ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from server_stand import Peer, Stand

from alma.cli.door import Door, ServerGone
from alma.cli.following import Following
from alma.cli.server_transport import to_server
from alma.cli.watch import Watch
from alma.errors import Misuse
from alma.server.commands import StartRun

COMMAND = StartRun(id="run", key="k", text="the task")


async def run(tmp_path: Path, *, as_json: bool = False, patience_s: float = 20.0) -> int:
    async with to_server(tmp_path, patience_s) as transport:
        return await Watch(Door(transport), Following(), as_json=as_json).run(COMMAND)


async def acknowledge(peer: Peer, **more: Any) -> dict[str, Any]:
    await peer.welcome()
    command = await peer.command()
    await peer.custom("alma.ack", id=command["id"], threadId="t_1", runId="r_1", **more)
    return command


async def test_the_answer_goes_to_standard_output_and_the_figures_beside_it(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        command = await acknowledge(peer)
        assert command == {"type": "run.start", "id": "run", "key": "k", "text": "the task"} | command
        await peer.begin()
        await peer.text(5, "Hello")
        await peer.text(11, " world")
        await peer.finish(11)

    stand.script = script
    assert await run(tmp_path) == 0
    shown = capsys.readouterr()
    assert shown.out == "Hello world\n"
    assert "first token 0.10 s · 20 tokens/s · 21 tokens · 7 in" in shown.err


async def test_a_cut_connection_is_resumed_from_where_it_was(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resumed: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        if peer.number == 1:
            await acknowledge(peer)
            await peer.begin()
            await peer.text(5, "Hello")
            return
        resumed.append(await acknowledge(peer))
        await peer.text(11, " world")
        await peer.finish(11)

    stand.script = script
    assert await run(tmp_path) == 0
    assert capsys.readouterr().out == "Hello world\n"
    assert resumed[0]["type"] == "thread.subscribe"
    assert resumed[0]["cursors"] == {
        "r_1": {"seq": 2, "messages": {"r_1.main": {"attempt": 1, "n": 5, "reasoningN": 0}}}
    }


async def test_a_command_that_was_not_acknowledged_is_sent_again_with_its_key(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.welcome()
        command = await peer.command()
        keys.append(command["key"])
        if peer.number < 3:
            return
        await peer.custom("alma.ack", id=command["id"], threadId="t_1", runId="r_1", duplicate=True)
        await peer.begin()
        await peer.text(2, "ok")
        await peer.finish(2)

    stand.script = script
    assert await run(tmp_path) == 0
    assert keys == ["k", "k", "k"]
    assert capsys.readouterr().out == "ok\n"


async def test_a_silent_connection_is_given_up_after_two_and_a_half_heartbeats(stand: Stand, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        if peer.number == 1:
            await peer.welcome(heartbeat_seconds=0.02)
            command = await peer.command()
            await peer.custom("alma.ack", id=command["id"], threadId="t_1", runId="r_1")
            await peer.socket.receive()  # says nothing more until the client closes
            return
        await acknowledge(peer)
        await peer.begin()
        await peer.finish(0)

    stand.script = script
    assert await run(tmp_path) == 0
    assert stand.connections == 2


async def test_a_server_that_stays_away_is_reported_with_what_to_do(stand: Stand, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)

    stand.script = script
    with pytest.raises(ExceptionGroup) as caught:
        await run(tmp_path, patience_s=0.2)
    [gone] = caught.value.exceptions
    assert isinstance(gone, ServerGone)
    assert gone.hint is not None
    assert "alma threads show t_1" in gone.hint


async def test_a_replaced_attempt_leaves_nothing_behind_in_a_pipe(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.begin()
        await peer.text(5, "wrong")
        error = {"code": "endpoint_cut", "message": "The stream ended early."}
        value = {"messageId": "r_1.main", "attempt": 1, "error": error, "retryInMs": 500.0}
        await peer.event("CUSTOM", 3, name="alma.attempt_failed", value=value)
        await peer.begin(seq=4, attempt=2)
        await peer.text(5, "right", attempt=2)
        await peer.finish(5, seq=5, attempt=2)

    stand.script = script
    assert await run(tmp_path) == 0
    shown = capsys.readouterr()
    assert shown.out == "right\n"
    assert "attempt 1 failed: The stream ended early.; trying again in 0.5 s" in shown.err


async def test_a_failed_run_says_why_and_ends_with_1(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.begin()
        await peer.event("RUN_ERROR", 3, code="endpoint_unreachable", message="Nobody answers.", hint="Start it.")

    stand.script = script
    assert await run(tmp_path) == 1
    shown = capsys.readouterr()
    assert "Nobody answers. (endpoint_unreachable)" in shown.err
    assert "→ Start it." in shown.err


async def test_a_refused_task_is_an_error_with_its_code(stand: Stand, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.welcome()
        command = await peer.command()
        await peer.custom("alma.error", id=command["id"], code="empty_prompt", message="The task is empty.")
        await peer.socket.receive()

    stand.script = script
    with pytest.raises(ExceptionGroup) as caught:
        await run(tmp_path)
    [refusal] = caught.value.exceptions
    assert isinstance(refusal, Misuse)
    assert (refusal.code, refusal.message) == ("empty_prompt", "The task is empty.")


async def test_json_prints_the_runs_events_and_nothing_else(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.begin()
        await peer.custom("alma.heartbeat")
        await peer.send(type="RUN_STARTED", threadId="t_1", runId="r_other", seq=1, text="another tab's")
        await peer.send(type="SOMETHING_NEW", threadId="t_1", runId="r_1")
        await peer.text(2, "ok")
        await peer.finish(2)

    stand.script = script
    assert await run(tmp_path, as_json=True) == 0
    shown = capsys.readouterr()
    events = [json.loads(line) for line in shown.out.splitlines()]
    assert [event["type"] for event in events] == [
        "RUN_STARTED",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ]
    assert {event["runId"] for event in events} == {"r_1"}
    assert shown.err == ""


async def test_ctrl_c_stops_the_run_and_ends_with_130(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.welcome()
        command = await peer.command()
        await peer.custom("alma.ack", id=command["id"], threadId="t_1", runId="r_1")
        if command["type"] == "run.stop":
            assert command["runId"] == "r_1"
            stopped.set()
            return
        await peer.begin()
        await peer.text(4, "half")
        os.kill(os.getpid(), signal.SIGINT)
        await stopped.wait()
        await peer.finish(4, status="canceled")

    stand.script = script
    assert await run(tmp_path) == 130
    assert capsys.readouterr().out == "half\n"


async def test_a_second_ctrl_c_leaves_without_waiting(stand: Stand, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        if peer.number == 1:
            await peer.begin()
            os.kill(os.getpid(), signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)
        await peer.socket.receive()

    stand.script = script
    assert await run(tmp_path) == 130
