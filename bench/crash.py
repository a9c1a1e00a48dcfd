"""`kill -9` of the server at random moments under eight running tasks: nothing acknowledged lost, nothing redone.

Eight clients keep a task running each and start the next when one ends; a task lasts 0.5 to 1.6 s. The server is killed
up to 2.4 s after it was ready. Some kills wait, in that time, until a client sends a start (and come 0 to 4 ms later,
before or after it is acknowledged) or until an answer ends; one in ten comes while the server is still starting. Port
and data folder stay. Clients come back with their cursors; a start that was not acknowledged is sent again, with its
key.

After each kill, with nobody alive to write, the bench looks at a copy of the database and at the fake model's counters.
At that moment the journal must hold every acknowledged run, and the end of every message whose end a client has seen;
from then on no call may be made for a task whose message the journal holds. At the end every task has exactly one run,
finished, with the whole text, on the client too; and every key sent once more gives the run that it gave before.

Ready again: from the start of the process to the first good answer of /readyz, without the time in which somebody
waited for a core (clients, fake model and server share the machine's); the plain figure stands beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import rig
from bench.follower import Frame, View, command, decode
from bench.ws import RawSocket, connect

TASKS = 8
SIZES = {"short": (100, 0.5), "middle": (240, 0.8), "long": (480, 1.6)}  # tokens, seconds


def text_of(size: str) -> list[str]:
    return [f" {size}{index}" for index in range(SIZES[size][0])]


def write_script(path: Path) -> None:
    rules = [
        {"match": f"a {size} answer", "pieces": text_of(size), "delay": seconds / tokens}
        for size, (tokens, seconds) in SIZES.items()
    ]
    path.write_text(json.dumps(rules))


class Task:
    """One task as its client knows it. `marker` names its counter at the fake model; it lived through `kills`."""

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
        return f"Give me a {self.size} answer, please. [#{self.marker}]"

    @property
    def ended(self) -> bool:
        run = self.view.runs.get(self.run_id)
        return run is not None and bool(run.status)

    @property
    def end_seen(self) -> bool:
        """Whether the client was told that the message is whole."""
        run = self.view.runs.get(self.run_id)
        return run is not None and any(message.ended for message in run.messages.values())

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

    def ask(self, socket: RawSocket) -> None:
        """What this client has to say on a new connection."""
        if self.run_id:
            socket.send(command("thread.subscribe", threadId=self.thread_id, cursors=self.view.cursors()))
        else:
            self.sends += 1
            socket.send(command("run.start", key=self.marker, text=self.prompt, kind="chat"))
            self.moments["start"].set()


class Server:
    """The server that is killed and started again, always on the same port and folder."""

    def __init__(self, folder: Path, fake_port: int) -> None:
        self.folder = folder
        self.port = rig.free_port()
        self.fake_port = fake_port
        self.served: rig.Served | None = None

    def start(self) -> rig.Served:
        """Returns when /readyz gives its first good answer."""
        self.served = rig.start_alma(self.folder, fake_port=self.fake_port, port=self.port)
        return self.served

    def start_and_kill(self, after: float) -> None:
        arguments, env = rig.prepare_alma(self.folder, self.port, fake_port=self.fake_port)
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
    def __init__(self, server: Server, fake: rig.Served, chance: random.Random) -> None:
        self.server = server
        self.fake = fake
        self.chance = chance
        self.tasks: list[Task] = []
        self.running: set[Task] = set()
        self.stopping = False
        self.wrong: list[str] = []
        self.calls_at_end: dict[str, int] = {}  # marker → calls when its message was first seen in the journal
        self.kills_by_running: list[int] = []
        self.moments = {"start": asyncio.Event(), "end": asyncio.Event()}

    # ── clients ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def client(self, number: int) -> None:
        count = 0
        while not self.stopping:
            task = Task(f"t{number}-{count}", self.chance.choice(list(SIZES)), self.moments)
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
        seen = [task for task in acknowledged.values() if task.end_seen]
        with journal_copy(self.server.folder) as database:
            runs = {row[0] for row in database.execute("SELECT id FROM runs")}
            whole = {
                row[0] for row in database.execute("SELECT run_id FROM entries WHERE data LIKE '%message_finished%'")
            }
        calls = rig.get(f"{self.fake.url}/counts")
        self.wrong += [f"{task.marker}: acknowledged and lost" for run, task in acknowledged.items() if run not in runs]
        self.wrong += [f"{task.marker}: its end was shown and lost" for task in seen if task.run_id not in whole]
        for run in whole & acknowledged.keys():
            marker = acknowledged[run].marker
            self.calls_at_end.setdefault(marker, calls[marker]["started"])

    # ── the account at the end ────────────────────────────────────────────────────────────────────────────────────

    def compare(self) -> dict[str, int]:
        calls = rig.get(f"{self.fake.url}/counts")
        redone = 0
        for task in self.tasks:
            made = calls[task.marker]["started"]
            if made > self.calls_at_end.get(task.marker, made):
                redone += 1
                self.wrong.append(f"{task.marker}: its message was whole and the model was called again")
            if made > 1 + task.kills:
                self.wrong.append(f"{task.marker}: {made} calls with {task.kills} kills")
            self.wrong += self.compare_text(task)
        with journal_copy(self.server.folder) as database:
            found = dict(database.execute("SELECT text, count(*) FROM runs GROUP BY text").fetchall())
        for task in self.tasks:
            if found.pop(task.prompt, 0) != 1:
                self.wrong.append(f"{task.marker}: has not exactly one run")
        self.wrong += [f"a run that nobody asked for: {text}" for text in found]
        return {
            "finished_steps_redone": redone,
            "calls": sum(calls[task.marker]["started"] for task in self.tasks),
            "checked_for_redoing": len(self.calls_at_end),
        }

    def compare_text(self, task: Task) -> list[str]:
        entries = rig.get(f"http://127.0.0.1:{self.server.port}/api/runs/{task.run_id}/entries")["entries"]
        text = "".join(text_of(task.size))
        finished = [one["entry"] for one in entries if one["entry"]["type"] == "message_finished"]
        wrong = list(task.view.faults)
        if [one["seq"] for one in entries] != list(range(1, len(entries) + 1)):
            wrong.append(f"{task.marker}: the journal's seq has gaps")
        if [one["text"] for one in finished] != [text]:
            wrong.append(f"{task.marker}: the journal has not exactly one whole message")
        if entries[-1]["entry"].get("status") != "completed":
            wrong.append(f"{task.marker}: ends as {entries[-1]['entry']}")
        if task.view.runs[task.run_id].text != text:
            wrong.append(f"{task.marker}: the client has another text")
        return wrong

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
            socket.send(command("run.start", key=task.marker, text=task.prompt, kind="chat"))
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
    kills = 8 if quick else 60
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    ready: list[rig.Served] = []
    with rig.scratch() as folder:
        write_script(folder / "rules.json")
        with rig.fake_model(folder / "rules.json") as fake:
            server = Server(folder / "data", fake.port)
            first = server.start()
            bench = Bench(server, fake, chance)
            try:
                async with asyncio.TaskGroup() as group:
                    for number in range(TASKS):
                        group.create_task(bench.client(number))
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
        "running_at_a_kill": round(rig.median(bench.kills_by_running), 1),
        "tasks_that_lived_through_a_kill": sum(task.kills > 0 for task in bench.tasks),
        "starts_sent_again": sum(task.sends > 1 for task in bench.tasks),
        "attempts_replaced": counted["calls"] - len(bench.tasks),
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
        "ready_alone_p50_s": (rig.median(alone), "<=", 2.0),
        "ready_alone_max_s": (max(alone), "<=", 2.0),
    }
    return rig.report("crash", figures, targets)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
