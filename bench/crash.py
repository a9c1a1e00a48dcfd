"""`kill -9` of the server at random moments under eight running tasks: nothing acknowledged lost, nothing redone.

Eight clients keep a task running each and start the next when one ends. Half are chats of 0.5 to 1.6 s, half are plans
of three tasks, one of which uses a tool (`crash_tasks.py`); these last twice as long. The server is killed up to 2.4 s
after it was ready. Some kills wait, in that time, until a client sends a start (and come 0 to 4 ms later, before or
after it is acknowledged) or until an answer ends; one in ten comes while the server is still starting. Port and data
folder stay. Clients come back with their cursors; a start that was not acknowledged is sent again, with its key.

After each kill, with nobody alive to write, the bench looks at a copy of the database and at the fake model's counters.
At that moment the journal must hold every acknowledged run, and the end of every message whose end a client has seen;
from then on no call may be made for a task whose message the journal holds. At the end every task has exactly one run,
finished, with the whole text, on the client too; and every key sent once more gives the run that it gave before.

Agents remember while all this goes on, and a ninth client adds memories over the API and notes each that was
acknowledged. After each kill every one of them is in the database. At the end each is found by its words, every
finished run has left its question and its answer once, nothing is left of what was only overheard, and the index holds
the memories that are alive and no others.

Ready again: from the start of the process to the first good answer of /readyz, without the time in which somebody
waited for a core (clients, fake model and server share the machine's); the plain figure stands beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from bench import rig
from bench.crash_tasks import PLAN, SIZES, Task, faults_of, write_agents, write_script
from bench.follower import decode
from bench.ws import connect

TASKS = 8


class Server:
    """The server that is killed and started again, always on the same port and folder."""

    def __init__(self, folder: Path, fake_port: int, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings
        self.port = rig.free_port()
        self.fake_port = fake_port
        self.served: rig.Served | None = None

    def start(self) -> rig.Served:
        """Returns when /readyz gives its first good answer."""
        self.served = rig.start_alma(self.folder, fake_port=self.fake_port, port=self.port, **self.settings)
        return self.served

    def start_and_kill(self, after: float) -> None:
        arguments, env = rig.prepare_alma(self.folder, self.port, fake_port=self.fake_port, **self.settings)
        process = subprocess.Popen(
            arguments, cwd=rig.REPO, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def kill(self) -> None:
        assert self.served is not None
        self.served.kill()


class Bench:
    def __init__(self, server: Server, fake: rig.Served, noted: Path, chance: random.Random) -> None:
        self.server = server
        self.noted = noted
        self.fake = fake
        self.chance = chance
        self.tasks: list[Task] = []
        self.running: set[Task] = set()
        self.stopping = False
        self.wrong: list[str] = []
        self.calls_at_end: dict[str, int] = {}  # marker → calls when its message was first seen in the journal
        self.tools_at_end: dict[str, int] = {}  # run and call → times it was made, when its return was first seen there
        self.kills_by_running: list[int] = []
        self.remembered: dict[str, str] = {}  # memories that were acknowledged: id → text
        self.moments = {"start": asyncio.Event(), "end": asyncio.Event()}

    # ── clients ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def client(self, number: int) -> None:
        count = 0
        while not self.stopping:
            size = PLAN if self.chance.random() < 0.5 else self.chance.choice(list(SIZES))
            task = Task(f"t{number}-{count}", size, self.moments)
            count += 1
            self.tasks.append(task)
            self.running.add(task)
            await self.see_through(task)
            self.running.discard(task)

    async def see_through(self, task: Task) -> None:
        while not task.ended and not task.refused:
            task.changed.clear()
            try:
                socket = await connect(self.server.port, "/ws?watch=none", task.on_frame)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            task.ask(socket)
            socket.closed.add_done_callback(lambda _: task.changed.set())
            await task.changed.wait()
            socket.close()
            await socket.closed

    async def remember(self) -> None:
        """Add memories, one after the other, and note each that was acknowledged."""
        number = 0
        async with aiohttp.ClientSession() as session:
            while not self.stopping:
                number += 1
                text = f"Parcel {number} of the depot waits on shelf {self.chance.randrange(1000)}."
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    url = f"http://127.0.0.1:{self.server.port}/api/memories"
                    body = {"text": text, "key": f"parcel.{number}"}
                    async with session.post(url, json=body, timeout=aiohttp.ClientTimeout(total=10)) as response:
                        if response.status == 201:
                            self.remembered[(await response.json())["memory"]["id"]] = text
                        else:
                            self.wrong.append(f"a memory was answered {response.status}")
                await asyncio.sleep(0.05)

    # ── the killer ────────────────────────────────────────────────────────────────────────────────────────────────

    async def moment(self) -> None:
        """Until it is time to kill."""
        await asyncio.sleep(self.chance.uniform(0, 1.2))
        what = self.chance.choice(("any", "any", "start", "end"))
        if what == "any":
            await asyncio.sleep(self.chance.uniform(0, 1.2))
            return
        self.moments[what].clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.2):
                await self.moments[what].wait()
                await asyncio.sleep(self.chance.uniform(0, 0.004))

    async def kill(self) -> None:
        self.kills_by_running.append(len(self.running))
        living = set(self.running)
        assert self.server.served is not None
        self.server.served.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self.server.kill)
        for task in living | self.running:
            task.kills += 1
        await asyncio.sleep(0.02)  # what the dead server had sent is still on its way to the clients
        await asyncio.to_thread(self.look)

    def look(self) -> None:
        """With the server dead: the journal against what clients were told, and the calls made so far."""
        acknowledged = {task.run_id: task for task in self.tasks if task.run_id}
        calls, tools = rig.get(f"{self.fake.url}/counts"), self.tool_calls()
        with journal_copy(self.server.folder) as database:
            runs = {row[0] for row in database.execute("SELECT id FROM runs")}
            rows = database.execute("SELECT run_id, data FROM entries").fetchall()
            kept = dict(database.execute("SELECT id, text FROM memories").fetchall())
        lost = [one for one, text in self.remembered.items() if kept.get(one) != text]
        self.wrong += [f"memory {one}: acknowledged and lost" for one in lost]
        self.wrong += [f"{task.marker}: acknowledged and lost" for run, task in acknowledged.items() if run not in runs]
        whole: set[str] = set()
        for run_id, data in rows:
            entry = msgspec.json.decode(zlib.decompress(data) if isinstance(data, bytes) else data)
            task = acknowledged.get(run_id)
            if entry["type"] == "message_finished":
                whole.add(entry["message_id"])
                if task is not None and (marker := task.marker_after(entry)) is not None:
                    self.calls_at_end.setdefault(marker, calls[marker]["started"])
            elif entry["type"] == "tool_returned":
                call = f"{run_id} {entry['call_id']}"
                self.tools_at_end.setdefault(call, tools[call])
        for task in acknowledged.values():
            self.wrong += [f"{name}: its end was shown and lost" for name in task.ends_seen if name not in whole]

    def tool_calls(self) -> Counter[str]:
        """By run and call, how often the tool was called."""
        return Counter(self.noted.read_text().splitlines() if self.noted.exists() else [])

    # ── the account at the end ────────────────────────────────────────────────────────────────────────────────────

    def compare(self) -> dict[str, int]:
        calls, tools = rig.get(f"{self.fake.url}/counts"), self.tool_calls()
        again = [one for one, made in self.calls_at_end.items() if calls[one]["started"] > made]
        tools_again = [one for one, made in self.tools_at_end.items() if tools[one] > made]
        self.wrong += [f"{marker}: its message was whole and the model was called again" for marker in again]
        self.wrong += [f"{call}: had returned and was called again" for call in tools_again]
        for task in self.tasks:
            for marker, needed in task.markers().items():
                if (made := calls.get(marker, {}).get("started", 0)) > needed + task.kills:
                    self.wrong.append(f"{marker}: {made} calls with {task.kills} kills")
            log = rig.get(f"http://127.0.0.1:{self.server.port}/api/runs/{task.run_id}/entries")["entries"]
            self.wrong += faults_of(task, log)
        with journal_copy(self.server.folder) as database:
            found = dict(database.execute("SELECT text, count(*) FROM runs GROUP BY text").fetchall())
        for task in self.tasks:
            if found.pop(task.prompt, 0) != 1:
                self.wrong.append(f"{task.marker}: has not exactly one run")
        self.wrong += [f"a run that nobody asked for: {text}" for text in found]
        needed = {marker: count for task in self.tasks for marker, count in task.markers().items()}
        made = sum(calls.get(marker, {}).get("started", 0) for marker in needed)
        return {
            "finished_steps_redone": len(again),
            "finished_tools_redone": len(tools_again),
            "calls": made,
            "attempts_replaced": made - sum(needed.values()),
            "checked_for_redoing": len(self.calls_at_end),
            "tools_checked": len(self.tools_at_end),
        }

    async def compare_memory(self) -> dict[str, int]:
        """Once it has settled: what should be remembered against what is."""
        state = await self.settled()
        counts, index = state["counts"], state["indexes"][0]
        if (index["entries"], index["missing"], state["waiting"]) != (counts["alive"], 0, 0):
            self.wrong.append(f"the index is not what is stored: {state}")
        with journal_copy(self.server.folder) as database:
            count = "SELECT run_id, position % 2, count(*) FROM memories WHERE kind = 'episodic' AND line = thread_id"
            turns = database.execute(f"{count} GROUP BY run_id, position % 2").fetchall()
            vectors = database.execute("SELECT count(*) FROM memory_vectors").fetchone()[0]
        if vectors != counts["alive"]:
            self.wrong.append(f"{vectors} vectors of {counts['alive']} memories")
        once = {(run_id, side) for run_id, side, times in turns if side or times == 1}
        for task in self.tasks:
            if {(task.run_id, 0), (task.run_id, 1)} - once:
                self.wrong.append(f"{task.marker}: its turn is not remembered once")
        for memory_id, text in self.remembered.items():
            query = urllib.parse.urlencode({"query": text, "limit": 5})
            found = await asyncio.to_thread(rig.get, f"http://127.0.0.1:{self.server.port}/api/memories?{query}")
            if memory_id not in [one["memory"]["id"] for one in found["memories"]]:
                self.wrong.append(f"memory {memory_id}: is not found")
        return {"acknowledged_memories": len(self.remembered), "memories": counts["alive"]}

    async def settled(self) -> Any:
        async with asyncio.timeout(120):
            while True:
                state = await asyncio.to_thread(rig.get, f"http://127.0.0.1:{self.server.port}/api/memory")
                with journal_copy(self.server.folder) as database:
                    ended = (
                        "SELECT count(*) FROM runs WHERE finished AND id NOT IN (SELECT run_id FROM remembered_runs)"
                    )
                    left = database.execute(ended).fetchone()[0]
                if not left and not state["waiting"] and not state["counts"]["byKind"].get("working"):
                    return state
                await asyncio.sleep(0.2)

    async def send_again(self) -> None:
        """Every key once more, on one connection: each must give the run that it gave before."""
        given: dict[str, Any] = {}
        done = asyncio.Event()

        def on_frame(payload: bytes) -> None:
            frame = decode(payload)
            if frame.name in ("alma.ack", "alma.error"):
                given[len(given)] = frame.value
                if len(given) == len(self.tasks):
                    done.set()

        socket = await connect(self.server.port, "/ws?watch=none", on_frame)
        for task in self.tasks:
            socket.send(task.start())
        await asyncio.wait_for(done.wait(), 60)
        socket.close()
        for task, value in zip(self.tasks, given.values(), strict=True):
            if value.get("runId") != task.run_id or not value.get("duplicate"):
                self.wrong.append(f"{task.marker}: its key sent again gave {value}, not {task.run_id}")


@contextlib.contextmanager
def journal_copy(folder: Path) -> Any:
    """A copy to read in: opening the database itself would tidy up what the killed server left."""
    with rig.scratch() as place:
        for name in ("alma.db", "alma.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(folder / name, place / name)
        with contextlib.closing(sqlite3.connect(place / "alma.db")) as database:
            yield database


async def main() -> int:
    quick = rig.options(__doc__).quick
    kills = 8 if quick else 100
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    ready: list[rig.Served] = []
    with rig.scratch() as folder:
        write_script(folder / "rules.json")
        with rig.fake_model(folder / "rules.json") as fake:
            noted = folder / "noted"
            server = Server(folder / "data", fake.port, {**write_agents(folder, noted), "memory": True})
            first = server.start()
            bench = Bench(server, fake, noted, chance)
            try:
                async with asyncio.TaskGroup() as group:
                    for number in range(TASKS):
                        group.create_task(bench.client(number))
                    group.create_task(bench.remember())
                    killed = 0
                    while killed < kills:
                        await bench.moment()
                        await bench.kill()
                        killed += 1
                        if killed % 10 == 5 and killed < kills:
                            await asyncio.to_thread(server.start_and_kill, chance.uniform(0, 1.2))
                            for task in bench.running:
                                task.kills += 1
                            killed += 1
                        ready.append(await asyncio.to_thread(server.start))
                    bench.stopping = True
                await bench.send_again()
                counted = await asyncio.to_thread(bench.compare)
                counted |= await bench.compare_memory()
            finally:
                server.kill()
    bench.wrong += [refused for task in bench.tasks for refused in task.refused]
    for what in bench.wrong[:20]:
        print(what)
    alone = [one.ready_alone_s for one in ready]
    figures = {
        "seed": seed,
        "kills": kills,
        "tasks": len(bench.tasks),
        "plans": sum(task.size == PLAN for task in bench.tasks),
        "running_at_a_kill": round(rig.median(bench.kills_by_running), 1),
        "tasks_that_lived_through_a_kill": sum(task.kills > 0 for task in bench.tasks),
        "starts_sent_again": sum(task.sends > 1 for task in bench.tasks),
        **counted,
        "wrong": len(bench.wrong),
        "first_ready_s": round(first.ready_s, 3),
        "ready_p50_s": round(rig.median([one.ready_s for one in ready]), 3),
        "ready_max_s": round(max(one.ready_s for one in ready), 3),
        "ready_alone_p50_s": round(rig.median(alone), 3),
        "ready_alone_max_s": round(max(alone), 3),
    }
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    targets = {
        "wrong": (len(bench.wrong), "<=", 0),
        "finished_steps_redone": (counted["finished_steps_redone"], "<=", 0),
        "finished_tools_redone": (counted["finished_tools_redone"], "<=", 0),
        "ready_alone_p50_s": (rig.median(alone), "<=", 2.0),
        "ready_alone_max_s": (max(alone), "<=", 2.0),
    }
    return rig.report("crash", figures, targets)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
