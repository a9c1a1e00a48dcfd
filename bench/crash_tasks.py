"""The tasks of `bench.crash`, as their clients know them: chats of one answer, and plans of three tasks.

A plan: one call decides, tasks 1 (which uses a tool) and 2 run at once, 3 builds on both, one call joins. Each of these
calls has a marker of its own (`t0-1`, `t0-1.1` … `t0-1.join`) by which the scripted model counts it: the marker that
stands first in a prompt is the request's, a goal's, or for the joining the one that task 3 put into its result.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

from bench import rig
from bench.follower import Frame, View, command, decode
from bench.ws import RawSocket

SIZES = {"short": (100, 0.5), "middle": (240, 0.8), "long": (480, 1.6)}  # tokens, seconds
PLAN = "plan"
JOINED = [f" joined{index}" for index in range(60)]
_MARKER = r"\[#(t[\d-]+)"

# A learner's tool: it notes every time it is called, so that nobody can call it unseen.
TOOL = '''
from alma.tools.signature import ToolContext
from alma.tools.tool import tool


@tool(idempotent=True)
def note_down(text: str, context: ToolContext) -> str:
    """Note a text down.

    text: what is noted
    """
    with open({file!r}, "a") as file:
        file.write(f"{{context.run_id}} {{context.call_id}}\\n")
    return "Noted."
'''


def text_of(size: str) -> list[str]:
    return [f" {size}{index}" for index in range(SIZES[size][0])]


def write_script(path: Path) -> None:
    rules: list[dict[str, Any]] = [
        {"match": f"a {size} answer", "pieces": text_of(size), "delay": seconds / tokens}
        for size, (tokens, seconds) in SIZES.items()
    ]
    tasks = [_planned("researcher", "one", 1), _planned("analyst", "two", 2), _planned("writer", "three", 3)]
    tasks[2]["depends_on"] = [1, 2]
    decision = json.dumps({"action": "plan", "reason": "", "question": "", "tasks": tasks})
    rules.append(
        {"match": rf"(?s)Decide how to treat.*{_MARKER}\]", "answer": decision.replace("MARKER", r"\1"), "delay": 0.004}
    )
    noting = {"id": "note", "name": "note_down", "arguments": '{"text": "port one"}'}
    rules += [
        {"match": rf"{_MARKER}\.1\]", "tool_calls": [noting], "times": 1},
        {"match": rf"{_MARKER}\.1\]", "pieces": [f" one{index}" for index in range(80)], "delay": 0.005},
        {"match": rf"{_MARKER}\.2\]", "pieces": [f" two{index}" for index in range(80)], "delay": 0.008},
        {"match": rf"{_MARKER}\.3\]", "answer": r"[#\1.join]" + " and so on" * 30, "delay": 0.004},
        {"match": rf"{_MARKER}\.join\]", "pieces": JOINED, "delay": 0.01},
    ]
    path.write_text(json.dumps(rules))


def _planned(role: str, name: str, number: int) -> dict[str, Any]:
    goal = f"Describe port {name} of the sea. [#MARKER.{number}]"
    return {"role": role, "title": f"Port {name}", "goal": goal, "inputs": [], "depends_on": []}


def write_agents(folder: Path, noted: Path) -> dict[str, Path]:
    """Roles with the tool, and the tool, which writes to `noted`; the settings that name them. They recall nothing:
    the fake model would take the marker of a task that they are reminded of for that of their own."""
    shutil.copytree(rig.REPO / "agents", folder / "agents")
    for role in (folder / "agents").glob("*.md"):
        role.write_text(role.read_text().replace("recall: [private, team, owner]", "recall: []"))
    file = folder / "agents" / "researcher.md"
    text, changed = re.subn(r"(?m)^tools: .*$", "tools: [note_down]", file.read_text())
    assert changed == 1, "the researcher's file has no `tools`"
    file.write_text(text)
    (folder / "tools").mkdir()
    (folder / "tools" / "note_down.py").write_text(TOOL.format(file=str(noted)))
    return {"agents_dir": folder / "agents", "tools_dir": folder / "tools"}


class Task:
    """One run as its client knows it. `marker` names its counter at the fake model; it lived through `kills`."""

    def __init__(self, marker: str, size: str, moments: dict[str, asyncio.Event]) -> None:
        self.marker = marker
        self.moments = moments
        self.size = size
        self.sends = 0
        self.thread_id = ""
        self.run_id = ""
        self.kills = 0
        self.view = View()
        self.refused: list[str] = []
        self.changed = asyncio.Event()

    @property
    def prompt(self) -> str:
        if self.size == PLAN:
            return f"Describe the ports of the sea for me, please. [#{self.marker}]"
        return f"Give me a {self.size} answer, please. [#{self.marker}]"

    @property
    def answer(self) -> str:
        """How it must begin; Alma itself adds what a joined answer is based on."""
        return "".join(JOINED if self.size == PLAN else text_of(self.size))

    @property
    def ended(self) -> bool:
        run = self.view.runs.get(self.run_id)
        return run is not None and bool(run.status)

    @property
    def ends_seen(self) -> list[str]:
        """Messages of which the client was told that they are whole."""
        run = self.view.runs.get(self.run_id)
        return [] if run is None else [name for name, message in run.messages.items() if message.ended]

    def markers(self) -> dict[str, int]:
        """Of its model calls, and how many each needs where nobody is killed."""
        if self.size != PLAN:
            return {self.marker: 1}
        of = {"": 1, ".1": 2, ".2": 1, ".3": 1, ".join": 1}
        return {self.marker + suffix: calls for suffix, calls in of.items()}

    def marker_after(self, message: dict[str, Any]) -> str | None:
        """The marker that must not be counted any more once this entry (`message_finished`) is in the journal."""
        if self.size != PLAN:
            return self.marker
        task = message.get("task_id", "main")
        if task == "main":
            return self.marker if message.get("step") == "decide" else f"{self.marker}.join"
        return None if message.get("tool_calls") else f"{self.marker}.{task}"

    def on_frame(self, payload: bytes) -> None:
        frame: Frame = decode(payload)
        if frame.name == "alma.ack" and "runId" in frame.value:
            if self.run_id not in ("", frame.value["runId"]):
                self.refused.append(f"{self.marker} was acknowledged as {self.run_id}, then as {frame.value['runId']}")
            self.thread_id, self.run_id = frame.value["threadId"], frame.value["runId"]
        elif frame.name == "alma.error":
            self.refused.append(f"{self.marker}: {frame.value}")
        elif frame.run_id:
            self.view.take(frame)
            if frame.type == "TEXT_MESSAGE_END":
                self.moments["end"].set()
        if self.ended or self.refused:
            self.changed.set()

    def start(self) -> bytes:
        kind = "analytical" if self.size == PLAN else "chat"
        return command("run.start", key=self.marker, text=self.prompt, kind=kind)

    def ask(self, socket: RawSocket) -> None:
        """What this client has to say on a new connection."""
        if self.run_id:
            socket.send(command("thread.subscribe", threadId=self.thread_id, cursors=self.view.cursors()))
        else:
            self.sends += 1
            socket.send(self.start())
            self.moments["start"].set()


# ── what the journal must say of it in the end ────────────────────────────────────────────────────────────────────


def faults_of(task: Task, log: list[dict[str, Any]]) -> list[str]:
    """`log`: the run's entries with their `seq`, as the server gives them."""
    wrong = list(task.view.faults)
    found = [one["entry"] for one in log]
    if [one["seq"] for one in log] != list(range(1, len(log) + 1)):
        wrong.append("the journal's seq has gaps")
    if found[-1].get("status") != "completed" or found[-1]["type"] != "run_finished":
        wrong.append(f"ends as {found[-1]}")
    texts: dict[str, str] = {}
    over: set[str] = set()
    for entry in found:
        name = {"message_started": "message_id", "message_finished": "message_id"}.get(entry["type"], "call_id")
        key = entry.get(name, "")
        if key and key in over:
            wrong.append(f"{entry['type']} of {key}, which was whole")
        if entry["type"] == "message_finished":
            texts[key] = entry["text"]
        if entry["type"] in ("message_finished", "tool_returned"):
            over.add(key)
    ends = sorted(entry["task_id"] for entry in found if entry["type"] == "task_finished")
    if ends != (["1", "2", "3"] if task.size == PLAN else []):
        wrong.append(f"the tasks that ended are {ends}")
    if not texts.get(f"{task.run_id}.main", "").startswith(task.answer):
        wrong.append("its answer is not what the model said")
    seen = {name: message.text for name, message in task.view.runs[task.run_id].messages.items()}
    if seen != texts:
        wrong.append(f"the client has other texts, of {sorted(seen)} instead of {sorted(texts)}")
    return [f"{task.marker}: {what}" for what in wrong]
