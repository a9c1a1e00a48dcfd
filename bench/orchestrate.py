"""What a planned run costs: one call that plans, ten agents at once, one joined answer, beside the same calls gathered.

Alma works in full: WebSocket in, plan by the model (strong-model path: schema, check), ten specialists, synthesis,
journal on disk with synchronous=FULL, every token of every agent streamed to the client that asked. The floor
(`bench/gather.py`) makes the same twelve calls on aiohttp and keeps nothing. Both talk to the same scripted server,
which answers at once, 20 pieces a call, one event each; they take turns. CPU is the server process's own.

Then: 100 tasks in one plan, 200 runs at once, runs that wait for their user's answer (memory), and what a run leaves on
disk. Every run is checked: all its messages streamed to their end, in order and whole.

    python -m bench.orchestrate [--quick]
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import uvloop

from bench import rig
from bench.follower import Frame, View, command, decode
from bench.ws import RawSocket, connect

MODEL = "fake-20-max"
PEERS_MS = "47 without persistence, 65 to 262 with"  # CPU per run of agno, langgraph, openai-agents, pydantic-ai, adk
ROLES = ("researcher", "analyst", "writer")


# ── the script ────────────────────────────────────────────────────────────────────────────────────────────────────


def request(tasks: int, number: int) -> str:
    return f"Describe {tasks} ports of the northern sea, with their trade, in report {number}."


def plan(tasks: int) -> str:
    """A decision as a model would write it: every field that the schema asks for, and no more words than it takes."""
    of = [
        {
            "role": ROLES[number % len(ROLES)],
            "title": f"Port {number}",
            "goal": f"Describe port {number} of the northern sea.",
            "inputs": [],
            "depends_on": [],
            "expected": "",
            "done_when": "",
            "review_of": None,
        }
        for number in range(1, tasks + 1)
    ]
    decision = {"action": "plan", "reason": "Each port is described alone.", "question": "", "tasks": of}
    return json.dumps(decision, separators=(",", ":"))


def cut(text: str, pieces: int = 20) -> list[str]:
    size = -(-len(text) // pieces)
    return [text[at : at + size] for at in range(0, len(text), size)]


def write_script(path: Path) -> None:
    asks = json.dumps({"action": "ask", "reason": "", "question": "Which port is meant?", "tasks": []})
    rules = [{"match": r"(?s)Decide how to treat.*Describe 0 ports", "pieces": cut(asks)}]
    rules += [
        {"match": rf"(?s)Decide how to treat.*Describe {tasks} ports", "pieces": cut(plan(tasks))}
        for tasks in (100, 10)
    ]
    rules.append({"match": "Decide how to treat", "pieces": cut(plan(10))})
    path.write_text(json.dumps(rules))


def write_roles(folder: Path) -> None:
    """The roles that ship, with a Manager that may plan a hundred tasks."""
    shutil.copytree(rig.REPO / "agents", folder)
    manager = folder / "manager.md"
    text, changed = re.subn(r"children: \d+", "children: 100", manager.read_text())
    assert changed == 1, "the Manager's budgets have no `children`"
    manager.write_text(text)


# ── the client ────────────────────────────────────────────────────────────────────────────────────────────────────


_ENDS = (
    b'{"type":"RUN_FINISHED"',
    b'{"type":"RUN_ERROR"',
    b'{"type":"CUSTOM","name":"alma.question"',
    b'{"type":"CUSTOM","name":"alma.error"',
)


class Client:
    """One connection with one run at a time. Frames are only kept while it runs, and read when the time is taken: what
    the client does must not be in the server's way."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: RawSocket | None = None
        self.frames: list[bytes] = []
        self.over = asyncio.Event()

    def on_frame(self, payload: bytes) -> None:
        self.frames.append(payload)
        if payload.startswith(_ENDS):
            self.over.set()

    async def open(self) -> None:
        self.socket = await connect(self.port, "/ws?watch=none", self.on_frame)

    async def ask(self, key: str, text: str) -> list[bytes]:
        """Start a run and follow it until it ends or asks; the frames that came."""
        assert self.socket is not None
        self.frames = []
        self.over.clear()
        self.socket.send(command("run.start", key=key, text=text, kind="analytical"))
        await asyncio.wait_for(self.over.wait(), 120)
        return self.frames

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()


def check(frames: list[bytes], tasks: int) -> None:
    """A run's frames: each fits what came before; all its messages are there, each streamed to its end."""
    view, run_id = View(), ""
    for payload in frames:
        frame: Frame = decode(payload)
        if frame.name == "alma.error":
            raise RuntimeError(str(frame.value))
        if frame.name == "alma.ack":
            run_id = frame.value["runId"]
        elif frame.run_id:
            view.take(frame)
    if view.faults:
        raise RuntimeError(view.faults[0])
    run = view.runs[run_id]
    whole = sum(message.ended and len(message.text) > 20 for message in run.messages.values())
    wanted = ("completed", tasks + 2) if tasks else ("", 1)
    if (run.status, whole) != wanted or whole != len(run.messages):
        raise RuntimeError(f"run {run_id}: {run.status}, {whole} whole messages of {len(run.messages)}")


class Floor:
    def __init__(self, fake_port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.gather", str(fake_port), MODEL],
            cwd=rig.REPO,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, runs: int, at_once: int) -> dict[str, float]:
        """CPU per run (ms) and runs a second."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"runs": runs, "at_once": at_once}) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        return {"cpu_ms": 1000 * said["cpu"] / runs, "runs_per_s": runs / said["seconds"]}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Bench:
    def __init__(self, server: rig.Served, database: Path) -> None:
        self.server = server
        self.database = database
        self._keys = 0

    async def do(self, runs: int, at_once: int, tasks: int = 10) -> dict[str, float]:
        """As `Floor.do`. 0 tasks: runs that ask, and stay."""
        clients = [Client(self.server.port) for _ in range(at_once)]
        for client in clients:
            await client.open()
        first = self._keys
        self._keys += runs
        numbers = iter(range(first, first + runs))
        seen: list[list[bytes]] = []

        async def work(client: Client) -> None:
            for number in numbers:
                seen.append(await client.ask(f"o{number}", request(tasks, number)))

        began, spent = time.perf_counter(), self.server.cpu()
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(work(client))
        seconds, spent = time.perf_counter() - began, self.server.cpu() - spent
        for client in clients:
            client.close()
        for frames in seen:
            check(frames, tasks)
        await asyncio.sleep(0.1)
        return {"cpu_ms": 1000 * spent / runs, "runs_per_s": runs / seconds}

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    def disk(self) -> float:
        """KB of the database, with its log written back into it."""
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.database.stat().st_size / 1024


# ── the measurements ──────────────────────────────────────────────────────────────────────────────────────────────


async def twelve_calls(bench: Bench, floor: Floor, rounds: int, runs: int) -> dict[str, Any]:
    """Alma and the floor in turns, eight runs at once and (for the wait of a single user) one by one."""
    seen: dict[str, list[dict[str, float]]] = {"floor": [], "alma": []}
    before = bench.disk()
    for index in range(rounds):
        for kind in ("floor", "alma") if index % 2 == 0 else ("alma", "floor"):
            seen[kind].append(floor.do(runs, 8) if kind == "floor" else await bench.do(runs, 8))
    disk = (bench.disk() - before) / (rounds * runs)
    pairs = list(zip(seen["alma"], seen["floor"], strict=True))
    alone = {"floor": floor.do(20, 1), "alma": await bench.do(20, 1)}
    return {
        "runs": rounds * runs,
        **{f"{kind}_{name}": rig.median([one[name] for one in seen[kind]]) for kind in seen for name in seen[kind][0]},
        "cpu_ratio": rig.median([alma["cpu_ms"] / floor["cpu_ms"] for alma, floor in pairs]),
        "rate_ratio": rig.median([alma["runs_per_s"] / floor["runs_per_s"] for alma, floor in pairs]),
        "alone_wall_ms": 1000 / alone["alma"]["runs_per_s"],
        "alone_floor_wall_ms": 1000 / alone["floor"]["runs_per_s"],
        "disk_kb_per_run": disk,
    }


async def growth(bench: Bench, rounds: int) -> dict[str, Any]:
    """CPU of a model call in a plan of 100 tasks and with 200 runs at once, against plans of ten, eight at once."""
    per_call: dict[str, list[float]] = {"hundred": [], "crowd": []}
    small: dict[str, list[float]] = {"hundred": [], "crowd": []}
    for _ in range(rounds):
        small["hundred"].append((await bench.do(40, 8))["cpu_ms"] / 12)
        per_call["hundred"].append((await bench.do(10, 1, 100))["cpu_ms"] / 102)
        small["crowd"].append((await bench.do(40, 8))["cpu_ms"] / 12)
        per_call["crowd"].append((await bench.do(200, 200))["cpu_ms"] / 12)
    return {
        f"{name}_{what}": value
        for name in per_call
        for what, value in (
            ("cpu_ms_per_call", rig.median(per_call[name])),
            ("ratio", rig.median([one / two for one, two in zip(per_call[name], small[name], strict=True)])),
        )
    }


async def idle(bench: Bench, runs: int) -> dict[str, Any]:
    """Memory of runs that wait for their user, whose clients have left; on a server that did nothing else before, after
    as many that only warm it up."""
    await bench.do(runs, 8, 0)
    before = bench.server.rss()
    await bench.do(runs, 8, 0)
    after = bench.server.rss()
    working = sum(not row[0] for row in bench.query("SELECT finished FROM runs"))
    assert working == 2 * runs, f"{working} runs wait, not {2 * runs}"
    return {"idle_runs": 2 * runs, "rss_mb": after, "idle_kb_per_run": 1000 * (after - before) / runs}


@contextlib.contextmanager
def started(folder: Path) -> Generator[tuple[Bench, Floor]]:
    write_script(folder / "rules.json")
    write_roles(folder / "agents")
    with rig.fake_model(folder / "rules.json") as fake:
        server = rig.start_alma(folder / "data", fake_port=fake.port, models=[MODEL], agents_dir=folder / "agents")
        floor = Floor(fake.port)
        try:
            yield Bench(server, folder / "data" / "alma.db"), floor
        finally:
            floor.close()
            server.stop()


async def main() -> int:
    quick = rig.options(__doc__).quick
    figures: dict[str, dict[str, Any]] = {}
    with rig.scratch() as folder, started(folder) as (bench, floor):
        floor.do(8, 8)
        await bench.do(24, 8)
        await bench.do(2, 1, 100)
        figures["twelve"] = await twelve_calls(bench, floor, 5 if quick else 11, 40)
        figures["growth"] = await growth(bench, 2 if quick else 5)
    with rig.scratch() as folder, started(folder) as (bench, _):
        figures["idle"] = await idle(bench, 200 if quick else 1000)
    for name, value in figures.items():
        print(name, ", ".join(f"{what} {seen:.4g}" for what, seen in value.items()))
    print(f"peers: CPU per run of twelve calls, ms: {PEERS_MS}")
    twelve = figures["twelve"]
    rate = ("runs_per_s", twelve["alma_runs_per_s"], 45.0)
    if rate[1] < 45.0:  # the machine is slow or busy: then the floor, which was as slow, is the measure
        rate = ("rate_over_floor", twelve["rate_ratio"], 0.3)
    targets = {
        "cpu_over_floor": (twelve["cpu_ratio"], "<=", 3.5),
        rate[0]: (rate[1], ">=", rate[2]),
        "hundred_tasks_ratio": (figures["growth"]["hundred_ratio"], "<=", 1.25),
        "crowd_ratio": (figures["growth"]["crowd_ratio"], "<=", 1.25),
        "idle_kb_per_run": (figures["idle"]["idle_kb_per_run"], "<=", 20.0),
        "disk_kb_per_run": (twelve["disk_kb_per_run"], "<=", 20.0),
    }
    return rig.report("orchestrate", figures, targets)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
