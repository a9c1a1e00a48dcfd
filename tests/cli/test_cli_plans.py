"""`alma run` of a planned task: what goes where, what is asked, and how a run that was left waiting is taken up."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from server_stand import PLAN, Peer, Stand

import nursery
from alma.__main__ import build_parser
from alma.cli.door import Door
from alma.cli.following import Following
from alma.cli.run_lines import cut, last_words, width
from alma.cli.server_transport import to_server
from alma.cli.watch import Watch
from alma.errors import Misuse
from alma.plan import PlanTask
from alma.server.commands import StartRun

COMMAND = StartRun(id="run", key="k", text="the task")


async def run(tmp_path: Path, **how: bool) -> int:
    async with to_server(tmp_path, 5) as transport:
        return await Watch(Door(transport), Following(), **how).run(COMMAND)


async def acknowledge(peer: Peer) -> dict[str, Any]:
    await peer.welcome()
    command = await peer.command()
    await peer.custom("alma.ack", id=command["id"], threadId="t_1", runId="r_1")
    return command


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_answer_alone_goes_to_standard_output_and_the_plan_beside_it(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan()
        await peer.task("1", "Gas is dear.")
        await peer.task("2", "Pumps are not.")
        await peer.task("3", "So a pump.", role="analyst")
        await peer.answer("Take a pump.")

    stand.script = script
    assert await run(tmp_path) == 0
    shown = capsys.readouterr()
    assert shown.out == "Take a pump.\n"
    assert shown.err.splitlines() == [
        "plan (compare): It names two things.",
        "  [1] researcher  Gas",
        "  [2] researcher  Heat pump",
        "  [3] analyst     Compare both.  (after 1, 2)",
        "[1] researcher begins",
        "[1] researcher done (2.0 s, 20 tokens)",
        "[2] researcher begins",
        "[2] researcher done (2.0 s, 20 tokens)",
        "[3] analyst begins",
        "[3] analyst done (2.0 s, 20 tokens)",
        "3 tasks · 80 tokens · 400 in · 4 calls · first visible token after 0.1 s · 5.0 s in all",
    ]


async def test_planning_and_what_leads_to_tools_are_not_the_answer(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = {"id": "c1", "name": "clock", "arguments": "{}"}

    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.event("RUN_STARTED", 1, text="the task", timestamp=peer.at(0))
        await peer.task_opens("", step="decide")
        await peer.task_says("", 8, '{"tasks"', step="decide")
        await peer.task_closes("", 8, step="decide")
        await peer.task_opens("")
        await peer.task_says("", 13, "Let me look. ")
        await peer.task_closes("", 13, toolCalls=[call])
        await peer.event("TOOL_CALL_START", 9, toolCallId="c1", toolCallName="clock", arguments="{}")
        await peer.event("TOOL_CALL_RESULT", 9, toolCallId="c1", messageId="m", content="12:00", ok=True)
        await peer.task_opens("", step="answer.2")
        await peer.task_says("", 5, "Noon.", step="answer.2")
        await peer.task_closes("", 5, step="answer.2")
        await peer.event("RUN_FINISHED", 90, outcome={}, status="completed", timestamp=peer.at(5000))

    stand.script = script
    assert await run(tmp_path) == 0
    shown = capsys.readouterr()
    assert shown.out == "Noon.\n"
    assert "[main] Let me look." in shown.err
    assert "manager → clock {}" in shown.err
    assert "manager ← 12:00" in shown.err
    assert "tasks" not in shown.err


async def test_what_happens_between_the_agents_is_said(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "endpoint_cut", "message": "The stream ended early."}

    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan()
        await peer.task_begins("1")
        failure: dict[str, Any] = {"messageId": "m", "attempt": 1, "error": error}
        await peer.note("alma.attempt_failed", task="1", **failure, retryInMs=500.0)
        await peer.note("alma.attempt_failed", task="1", **{**failure, "attempt": 2}, toRole="analyst")
        await peer.task_begins("1", "analyst", assignment=2)
        say: dict[str, Any] = {"sender": "analyst", "recipient": "2", "kind": "request", "text": "How\nmuch?"}
        await peer.note("alma.message", task="1", **say)
        await peer.note("alma.board", task="1", key="prices", version=2, text="gas: 10 ct")
        await peer.note("alma.budget", task="1", what="tokens", limit=1000, used=900, warning=True)
        await peer.event("SUBAGENT_ERROR", 9, subagentRunId="1", status="failed", **error, timestamp=peer.at(1000))
        upstream = {"code": "upstream_failed", "message": "There was nothing to work on."}
        await peer.event("SUBAGENT_ERROR", 9, subagentRunId="3", status="rejected", **upstream)
        added = {"id": "4", "role": "critic", "goal": "Check it."}
        await peer.note("alma.plan_amended", reason="Something is missing.", add=[added], replace={"3": "4"})
        await peer.note("alma.stop_requested", task="2")
        await peer.note("alma.something_new", task="2")
        await peer.answer("ok")

    stand.script = script
    assert await run(tmp_path) == 0
    said = capsys.readouterr().err
    for line in (
        "[1] researcher: attempt 1 failed: The stream ended early.; trying again in 0.5 s",
        "[1] researcher: attempt 2 failed: The stream ended early.; now to analyst",
        "[1] analyst takes it over",
        "[1] analyst to [2] (request): How much?",
        "[1] analyst board: prices (version 2): gas: 10 ct",
        "[1] analyst has used 900 of 1,000 tokens",
        "[1] analyst failed (1.0 s): The stream ended early. (endpoint_cut)",
        "[3] analyst had nothing to work on: There was nothing to work on. (upstream_failed)",
        "plan changed: Something is missing.",
        "  [4] critic  Check it.",
        "[2] researcher is being stopped",
        "4 tasks, 1 failed, 1 without input",
    ):
        assert line in said, line


async def test_stream_all_prints_every_agents_text_line_by_line(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan()
        await peer.task_begins("1")
        await peer.task_begins("2")
        await peer.task_opens("1")
        await peer.task_opens("2")
        await peer.task_says("1", 9, "One.\nGas ")
        await peer.task_says("2", 110, "word " * 22)
        await peer.task_says("1", 17, "is dear.")
        await peer.task_closes("1", 17)
        await peer.task_closes("2", 110)
        await peer.answer("Take a pump.")

    stand.script = script
    assert await run(tmp_path, every_agent=True) == 0
    shown = capsys.readouterr()
    assert shown.out == "Take a pump.\n"
    texts = [line for line in shown.err.splitlines() if line.startswith(("[1] O", "[1] G", "[2] w"))]
    assert texts == ["[1] One.", f"[2] {'word ' * 20}".rstrip(), "[1] Gas is dear.", "[2] word word"]


async def test_json_has_the_tasks_events_too(stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan()
        await peer.task("1", "Gas is dear.")
        await peer.answer("ok")

    stand.script = script
    assert await run(tmp_path, as_json=True) == 0
    shown = capsys.readouterr()
    types = [json.loads(line)["type"] for line in shown.out.splitlines()]
    assert types[:4] == ["RUN_STARTED", "CUSTOM", "SUBAGENT_STARTED", "TEXT_MESSAGE_START"]
    assert shown.err == ""


# ── without a terminal: left waiting ──────────────────────────────────────────────────────────────────────────────


async def ask_in_the_middle(peer: Peer) -> None:
    await peer.plan()
    await peer.task_begins("1")
    await peer.note("alma.question", task="1", questionId="1.q", text="Which town?", options=["Bonn", "Ulm"])


async def test_a_question_leaves_the_run_waiting_once_nothing_else_goes_on(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await ask_in_the_middle(peer)
        await peer.task("2", "It was not left before this.")
        await peer.socket.receive()

    stand.script = script
    assert await run(tmp_path) == 3
    said = capsys.readouterr().err
    assert said.index("[2] researcher done") < said.index("run r_1 waits for you")
    assert "[1] researcher asks: Which town?\n    1) Bonn\n    2) Ulm\n  → `alma answer r_1 1.q TEXT`" in said


async def test_a_plan_to_approve_leaves_the_run_waiting(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan(needs_approval=True)
        await peer.socket.receive()

    stand.script = script
    assert await run(tmp_path) == 3
    assert "→ `alma approve r_1` or `alma approve r_1 --decline`" in capsys.readouterr().err


async def test_a_tool_call_to_allow_leaves_the_run_waiting(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.begin()
        call = {"toolCallId": "main.c1", "toolCallName": "python", "arguments": '{"code": "1"}'}
        await peer.event("TOOL_CALL_START", 3, **call, needsApproval=True, because=["a web page"])
        await peer.socket.receive()

    stand.script = script
    assert await run(tmp_path) == 3
    said = capsys.readouterr().err
    assert 'manager wants to call python {"code": "1"}' in said
    assert "it asks because of what is in its context: a web page" in said
    assert "alma approve r_1 main.c1" in said


async def test_a_paused_run_is_left_once_what_was_being_written_is_finished(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan()
        await peer.task_begins("1")
        await peer.task_opens("1")
        await peer.note("alma.paused")
        await peer.task_says("1", 4, "Gas.")
        await peer.task_closes("1", 4)
        await peer.socket.receive()

    stand.script = script
    assert await run(tmp_path, every_agent=True) == 3
    said = capsys.readouterr().err
    assert said.endswith("[1] Gas.\nrun r_1 waits for you:\n  it is paused\n  → `alma resume r_1`\n")


# ── a word to a run ───────────────────────────────────────────────────────────────────────────────────────────────

ENTRIES = {"entries": [{"seq": 1, "entry": {"type": "run_started", "thread_id": "t_1"}}]}


def waiting_run(told: list[dict[str, Any]], *asks: Callable[[Peer], Any]) -> Callable[[Peer], Any]:
    """A run that has asked, and that goes on once it was told something."""

    async def script(peer: Peer) -> None:
        command = await acknowledge(peer)
        if command["type"] != "thread.subscribe":
            told.append(command)
            return
        assert command["cursors"] == {"r_1": {"seq": 0, "messages": {}}}
        for ask in asks:
            await ask(peer)
        if told:
            await peer.note("alma.question_answered", task="1", questionId="1.q", text="Ulm")
            await peer.note("alma.plan_decided", approved=True)
        await peer.send(type="CUSTOM", name="alma.live", threadId="t_1", value={})
        if told:
            await peer.task("1", "In Ulm gas is dear.")
            await peer.answer("Take a pump.")
        else:
            await peer.socket.receive()

    return script


async def steer(tmp_path: Path, *words: str) -> int:
    arguments = build_parser().parse_args([*words])
    async with to_server(tmp_path, 5) as transport:
        return await arguments.act(Door(transport), arguments)


async def test_an_answer_goes_to_the_only_question_and_the_run_is_shown(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[dict[str, Any]] = []
    stand.answers["GET /api/runs/r_1/entries"] = (200, ENTRIES)
    stand.script = waiting_run(told, ask_in_the_middle)
    assert await steer(tmp_path, "answer", "r_1", "2") == 0
    assert told == [{"type": "question.answer", "id": "answer", "runId": "r_1", "questionId": "1.q", "text": "Ulm"}]
    shown = capsys.readouterr()
    assert shown.out == "Take a pump.\n"
    assert "waits for you" not in shown.err


async def test_detached_the_word_is_said_and_that_is_all(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[dict[str, Any]] = []
    stand.answers["GET /api/runs/r_1/entries"] = (200, ENTRIES)
    stand.script = waiting_run(told, ask_in_the_middle)
    assert await steer(tmp_path, "answer", "--detach", "r_1", "1.q", "In Kiel") == 0
    assert told[0]["text"] == "In Kiel"
    assert capsys.readouterr().out == ""


def tasks_of(said: dict[str, Any]) -> list[PlanTask]:
    return msgspec.convert(said.get("tasks") or [], list[PlanTask])


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ((), {"approved": True}),
        (("--decline",), {"approved": False}),
        (("main", "--tasks", "PLAN"), {"approved": True, "tasks": PLAN["tasks"]}),
    ],
)
async def test_a_plan_is_approved_or_turned_down(
    stand: Stand, tmp_path: Path, words: tuple[str, ...], sent: dict[str, Any]
) -> None:
    told: list[dict[str, Any]] = []
    stand.answers["GET /api/runs/r_1/entries"] = (200, ENTRIES)
    stand.script = waiting_run(told, lambda peer: peer.plan(needs_approval=True))
    (tmp_path / "plan.json").write_text(json.dumps(PLAN["tasks"]))
    given = [str(tmp_path / "plan.json") if word == "PLAN" else word for word in words]
    assert await steer(tmp_path, "approve", "r_1", *given) == 0
    assert told[0]["type"] == "plan.decide"
    assert told[0]["approved"] == sent["approved"]
    assert tasks_of(told[0]) == tasks_of(sent)


async def test_a_word_that_nobody_waits_for_is_refused(stand: Stand, tmp_path: Path) -> None:
    stand.answers["GET /api/runs/r_1/entries"] = (200, ENTRIES)
    stand.script = waiting_run([], ask_in_the_middle)
    for words, code in (
        (("answer", "r_1", "1.other", "x"), "question_gone"),
        (("approve", "r_1"), "plan_decided"),
        (("answer", "r_2", "x"), "unknown_thread"),  # as the server says
    ):
        with pytest.raises(Misuse) as caught:
            await steer(tmp_path, *words)
        assert caught.value.code == code


async def test_of_several_questions_one_must_be_named(stand: Stand, tmp_path: Path) -> None:
    async def ask_more(peer: Peer) -> None:
        await peer.note("alma.question", task="2", questionId="2.q", text="How big?")

    stand.answers["GET /api/runs/r_1/entries"] = (200, ENTRIES)
    stand.script = waiting_run([], ask_in_the_middle, ask_more)
    with pytest.raises(Misuse) as caught:
        await steer(tmp_path, "answer", "r_1", "x")
    assert caught.value.expected == "one of 1.q, 2.q"


async def test_a_run_that_has_ended_takes_no_word(stand: Stand, tmp_path: Path) -> None:
    ended = [*ENTRIES["entries"], {"seq": 2, "entry": {"type": "run_finished"}}]
    stand.answers["GET /api/runs/r_1/entries"] = (200, {"entries": ended})
    with pytest.raises(Misuse) as caught:
        await steer(tmp_path, "answer", "r_1", "x")
    assert caught.value.code == "run_finished"
    assert "alma threads show t_1" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("stop", "r_1"), {"type": "run.stop"}),
        (("stop", "r_1", "--task", "2"), {"type": "run.stop", "taskId": "2"}),
        (("pause", "r_1"), {"type": "run.pause"}),
        (("resume", "--detach", "r_1"), {"type": "run.resume"}),
    ],
)
async def test_stop_pause_and_resume(
    stand: Stand, tmp_path: Path, words: tuple[str, ...], sent: dict[str, str]
) -> None:
    told: list[dict[str, Any]] = []
    stand.answers["GET /api/runs/r_1/entries"] = (200, ENTRIES)
    stand.script = waiting_run(told)
    assert await steer(tmp_path, *words) == 0
    assert told == [told[0] | sent | {"runId": "r_1"}]


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MADE = {"id": "t_1", "title": "", "createdAt": 1.0, "updatedAt": 1.0}
PUT = "PUT /api/threads/t_1/files/my%20notes.md"


async def test_files_are_in_the_thread_before_the_task_is(stand: Stand, tmp_path: Path) -> None:
    started: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        started.append(await acknowledge(peer))
        await peer.begin()
        await peer.finish(0)

    stand.script = script
    stand.answers["POST /api/threads"] = (201, MADE)
    stand.answers["PUT /api/threads/t_1/files/my notes.md"] = (200, {})
    assert (await done(tmp_path, "run", "--file", str(notes(tmp_path)), "the task")).returncode == 0
    assert stand.asked == [("POST /api/threads", {"title": ""}), (PUT, b"notes")]
    assert started[0]["threadId"] == "t_1"


async def test_a_file_that_is_refused_leaves_no_thread_behind(stand: Stand, tmp_path: Path) -> None:
    stand.answers["POST /api/threads"] = (201, MADE)
    stand.answers["PUT /api/threads/t_1/files/my notes.md"] = (400, {"code": "not_text", "detail": "It is not text."})
    stand.answers["DELETE /api/threads/t_1"] = (204, None)
    refused = await done(tmp_path, "run", "--file", str(notes(tmp_path)), "the task")
    assert (refused.returncode, refused.stderr) == (1, "alma: It is not text.\n")
    assert stand.asked[-1] == ("DELETE /api/threads/t_1", None)


async def test_a_file_that_is_not_there_is_said_before_anything_is_asked(stand: Stand, tmp_path: Path) -> None:
    refused = await done(tmp_path, "run", "--file", str(tmp_path / "none.md"), "the task")
    assert refused.returncode == 1
    assert "none.md cannot be used: No such file" in refused.stderr
    assert stand.asked == []


async def test_files_are_listed_and_removed(stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = {"name": "my notes.md", "bytes": 1234, "modified": 1_700_000_000.0}
    stand.answers["GET /api/threads/t_1/files"] = (200, {"files": [file], "maxBytes": 1, "maxFiles": 1})
    stand.answers["DELETE /api/threads/t_1/files/my notes.md"] = (204, None)
    async with to_server(tmp_path, 1) as transport:
        for words in (("list", "t_1"), ("remove", "t_1", "my notes.md")):
            arguments = build_parser().parse_args(["files", *words])
            await arguments.act(Door(transport), arguments)
    assert "my notes.md  1,234" in capsys.readouterr().out
    assert stand.asked[-1][0] == "DELETE /api/threads/t_1/files/my%20notes.md"


def notes(tmp_path: Path) -> Path:
    (tmp_path / "my notes.md").write_text("notes")
    return tmp_path / "my notes.md"


def environment(tmp_path: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("ALMA_")}
    return env | {"TERM": "xterm", "NO_COLOR": "1", "ALMA_DATA_DIR": str(tmp_path)}


async def done(tmp_path: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command from its start to its end, on the stand."""
    return await asyncio.to_thread(nursery.done, list(words), tmp_path, environment(tmp_path) | env)


# ── on a terminal ─────────────────────────────────────────────────────────────────────────────────────────────────


class Terminal:
    """A terminal with `alma` in it; `text` is all that was written to it."""

    def __init__(self) -> None:
        self.master, self.inside = pty.openpty()
        self.text = ""

    async def run(self, tmp_path: Path, *words: str, **env: str) -> asyncio.subprocess.Process:
        ends = dict.fromkeys(("stdin", "stdout", "stderr"), self.inside)
        whole = (sys.executable, "-m", "alma", *words)
        process = await asyncio.create_subprocess_exec(*whole, **ends, env=environment(tmp_path) | env)
        os.close(self.inside)
        asyncio.get_running_loop().add_reader(self.master, self._read)
        return process

    def _read(self) -> None:
        try:
            self.text += os.read(self.master, 65_536).decode()
        except OSError:  # the other end is closed
            self.close()

    async def type_after(self, prompt: str, line: str) -> None:
        async with asyncio.timeout(120):
            while prompt not in self.text:
                await asyncio.sleep(0.01)
        self.text = self.text.replace(prompt, "")
        os.write(self.master, f"{line}\n".encode())

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)


async def test_on_a_terminal_the_tasks_lines_are_updated_in_place(stand: Stand, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan()
        await peer.task("1", "Gas is dear.")
        await peer.answer("Take a pump.")

    stand.script = script
    terminal = Terminal()
    process = await terminal.run(tmp_path, "run", "the task")
    assert await process.wait() == 0
    terminal.close()
    assert "  · [1] researcher  Gas" in terminal.text
    assert "\x1b[3A\r\x1b[J  ▸ [1] researcher  Gas" in terminal.text
    assert "  ✓ [1] researcher  Gas            2.0 s · 20 tok" in terminal.text
    assert "[1] researcher begins" not in terminal.text
    assert terminal.text.rindex("  ✓ [1]") < terminal.text.index("Take a pump.")


async def test_on_a_terminal_a_question_is_asked_and_its_answer_sent(stand: Stand, tmp_path: Path) -> None:
    told = asyncio.Event()
    commands: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        command = await acknowledge(peer)
        if command["type"] == "question.answer":
            commands.append(command)
            told.set()
            return
        await ask_in_the_middle(peer)
        await told.wait()
        await peer.note("alma.question_answered", task="1", questionId="1.q", text="Bonn")
        await peer.answer("In Bonn.")

    stand.script = script
    terminal = Terminal()
    process = await terminal.run(tmp_path, "run", "the task")
    await terminal.type_after("researcher> ", "1")
    assert await process.wait() == 0
    terminal.close()
    assert (commands[0]["questionId"], commands[0]["text"]) == ("1.q", "Bonn")
    assert "[1] researcher asks: Which town?" in terminal.text
    assert "In Bonn." in terminal.text
    assert "no answer is needed" not in terminal.text


async def test_a_question_that_is_answered_elsewhere_is_withdrawn(stand: Stand, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await ask_in_the_middle(peer)
        async with asyncio.timeout(120):
            while "researcher> " not in terminal.text:
                await asyncio.sleep(0.01)
        await peer.note("alma.question_answered", task="1", questionId="1.q", text="Kiel")
        await peer.answer("In Kiel.")

    stand.script = script
    terminal = Terminal()
    process = await terminal.run(tmp_path, "run", "the task")
    assert await process.wait() == 0
    terminal.close()
    assert "(no answer is needed any more)" in terminal.text
    assert "answer: Kiel" in terminal.text


async def test_a_plan_is_edited_refused_edited_again_and_approved(stand: Stand, tmp_path: Path) -> None:
    told = asyncio.Event()
    commands: list[dict[str, Any]] = []

    async def script(peer: Peer) -> None:
        if peer.number == 1:
            assert (await acknowledge(peer))["approve"] is True
            await peer.plan(needs_approval=True)
            await told.wait()
            await peer.note("alma.plan_decided", approved=True, tasks=commands[1]["tasks"])
            await peer.answer("ok")
            return
        await peer.welcome()
        command = await peer.command()
        commands.append(command)
        if len(commands) == 1:
            await peer.custom("alma.error", id="decide", code="invalid_plan", message="The plan cannot be used.")
            return
        await peer.custom("alma.ack", id="decide", threadId="t_1", runId="r_1")
        told.set()

    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/Heat pump/Heat pump!/" "$1"\n')
    editor.chmod(0o755)
    stand.script = script
    terminal = Terminal()
    process = await terminal.run(tmp_path, "run", "--approve", "the task", VISUAL="", EDITOR=str(editor))
    prompt = "[y]es, [n]o, [e]dit: "
    for word in ("maybe", "e", "y", "e", "y"):
        await terminal.type_after(prompt, word)
    assert await process.wait() == 0
    terminal.close()
    assert [command["tasks"][1]["title"] for command in commands] == ["Heat pump!", "Heat pump!!"]
    assert "The plan cannot be used." in terminal.text
    assert "plan approved, changed:" in terminal.text


async def test_the_end_of_the_input_leaves_the_run_waiting(stand: Stand, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await acknowledge(peer)
        await peer.plan(needs_approval=True)
        await peer.socket.receive()

    stand.script = script
    terminal = Terminal()
    process = await terminal.run(tmp_path, "run", "--approve", "the task")
    await terminal.type_after("[e]dit: ", "\x04")
    assert await process.wait() == 3
    terminal.close()
    assert "alma approve r_1" in terminal.text


# ── with a whole Alma ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_without_a_server_a_plan_is_approved_in_another_process(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "models").symlink_to((data_dir / "models").resolve())
    env = {"ALMA_SCRIPTED": "true", "ALMA_EMBEDDED": "false", "ALMA_MODEL": "scripted/scripted"}
    task = "Compare trains and planes: price, climate, comfort"
    waits = await done(tmp_path, "run", "--approve", "--file", str(notes(tmp_path)), task, **env)
    assert (waits.returncode, waits.stdout) == (3, ""), waits.stderr
    run_id = waits.stderr.partition("alma approve ")[2].split("`")[0]
    approved = await done(tmp_path, "approve", run_id, **env)
    assert approved.returncode == 0, approved.stderr
    assert "The scripted model heard" in approved.stdout
    assert "done (" in approved.stderr
    assert " tasks · " in approved.stderr


# ── columns ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", ["", "short", "a longer line of words", "漢字かな交じり文", "e\u0301t\u0301e\u0301" * 9]
)
@pytest.mark.parametrize("most", [2, 5, 12])
def test_what_is_cut_fits(text: str, most: int) -> None:
    for cut_off in (cut(text, most), last_words(text, most)):
        assert width(cut_off) <= most
    assert cut(text, 400) == last_words(text, 400) == text
