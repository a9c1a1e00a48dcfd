"""Connections cut at random moments of streams of 2,000 tokens: every client's text equals the journal's, exactly.

Each wave holds four threads with two runs at once, paced from 300 to 1,500 tokens a second, and eight clients on each
thread. A client stays a while, then is cut without a word (the transport is aborted) and comes back with its cursors,
or reloads and comes back with nothing, or stops reading until its line is full. Every token of the script is different
and some take two or four bytes, so a token that is lost, sent twice or counted in bytes shows by itself; besides, each
frame's `n` and `seq` must continue what the client has. What a client does is drawn from the printed seed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench import rig
from bench.follower import Frame, Run, View, command, decode
from bench.ws import RawSocket, connect

TOKENS = 2000
RATES = (300, 400, 600, 1500)
CLIENTS = 8  # on each thread
ODD = ("é", "ß", "→", "雨", "🌧")


def pieces() -> list[str]:
    return [f" {index}{ODD[index // 7 % 5] if index % 7 == 0 else ''}" for index in range(TOKENS)]


def write_script(path: Path) -> None:
    rules = [{"match": f"at {rate}[.]", "pieces": pieces(), "delay": 1 / rate} for rate in RATES]
    path.write_text(json.dumps(rules))


class Client:
    """Follows one thread over as many connections as it takes."""

    def __init__(self, port: int, thread_id: str, chance: random.Random, latencies: list[float]) -> None:
        self.port = port
        self.thread_id = thread_id
        self.chance = chance
        self.latencies = latencies
        self.view = View()
        self.deeds: Counter[str] = Counter()
        self.errors: list[str] = []
        self.changed = asyncio.Event()
        self.socket: RawSocket | None = None
        self._asked = 0.0
        self._spoken = True

    def on_frame(self, payload: bytes) -> None:
        frame = decode(payload)
        if frame.run_id:
            self.view.take(frame)
        if frame.type == "TEXT_MESSAGE_CONTENT" or frame.name == "alma.live":
            if not self._spoken:
                self._spoken = True
                self.latencies.append(1000 * (time.perf_counter() - self._asked))
        elif frame.name == "alma.error":
            self.errors.append(str(frame.value))
        if frame.type in ("RUN_FINISHED", "RUN_ERROR") or frame.name in ("alma.error", "alma.live"):
            self.changed.set()

    async def open(self) -> None:
        self._asked, self._spoken = time.perf_counter(), False
        self.socket = await connect(self.port, "/ws?watch=none", self.on_frame, receive_buffer=8192)
        self.socket.send(command("thread.subscribe", threadId=self.thread_id, cursors=self.view.cursors()))

    def finished(self, runs: Sequence[str]) -> bool:
        return all(run in self.view.runs and self.view.runs[run].status for run in runs)

    async def misbehave(self, runs: Sequence[str], over: asyncio.Event) -> None:
        """Cuts, reloads and pauses until the runs are over; then a last connection without any."""
        chance = self.chance
        await asyncio.sleep(chance.uniform(0, 0.5))
        await self.open()
        while not over.is_set():
            await asyncio.sleep(chance.uniform(0, 1.2))
            assert self.socket is not None
            deed = chance.choices(("cut", "reload", "stall", "stall_cut"), (60, 15, 15, 10))[0]
            self.deeds[deed] += 1
            if deed in ("stall", "stall_cut"):
                self.socket.read(False)
                await asyncio.sleep(chance.uniform(0.5, 2.5))
                self.socket.read(True)
            if deed == "stall":
                continue
            self.socket.close()
            await self.socket.closed
            if deed == "reload":
                self.view.forget()
            if chance.random() < 0.7:
                await asyncio.sleep(chance.uniform(0, 0.6))
            await self.open()
        async with asyncio.timeout(30):
            while not self.finished(runs) and not self.errors:
                self.changed.clear()
                await self.changed.wait()
        assert self.socket is not None
        self.socket.close()


class Starter:
    """Starts runs, follows nothing."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Frame] = asyncio.Queue()

    def on_frame(self, payload: bytes) -> None:
        frame = decode(payload)
        if frame.name in ("alma.ack", "alma.error"):
            self.answers.put_nowait(frame)

    async def ask(self, socket: RawSocket, what: str, /, **fields: object) -> dict[str, str]:
        socket.send(command(what, **fields))
        frame = await asyncio.wait_for(self.answers.get(), 10)
        assert frame.name == "alma.ack", frame.value
        return frame.value


async def wave(port: int, number: int, chance: random.Random, latencies: list[float]) -> tuple[list[Client], list[str]]:
    """Four threads with two runs and eight clients each; returns the clients and what is wrong."""
    starter = Starter()
    socket = await connect(port, "/ws?watch=none", starter.on_frame)
    threads: dict[str, list[str]] = {}
    for index, rate in enumerate(RATES):
        thread_id = None
        for which in ("first", "second"):
            started = await starter.ask(
                socket,
                "run.start",
                key=f"resume-{number}-{index}-{which}",
                text=f"Wave {number}: count for the {which} time at {rate}.",
                threadId=thread_id,
                root=True if thread_id else None,
                kind="chat",
            )
            thread_id = started["threadId"]
            threads.setdefault(thread_id, []).append(started["runId"])
        await starter.ask(socket, "thread.unsubscribe", threadId=thread_id)
    clients = {
        thread_id: [Client(port, thread_id, random.Random(chance.random()), latencies) for _ in range(CLIENTS)]
        for thread_id in threads
    }
    over = {thread_id: asyncio.Event() for thread_id in threads}
    async with asyncio.TaskGroup() as group:
        for thread_id, runs in threads.items():
            for client in clients[thread_id]:
                group.create_task(client.misbehave(runs, over[thread_id]))
            group.create_task(watch(port, runs, over[thread_id]))
    socket.close()
    wrong: list[str] = []
    for thread_id, runs in threads.items():
        for run in runs:
            wrong += await asyncio.to_thread(
                compare, port, run, [client.view.runs.get(run) for client in clients[thread_id]]
            )
    return [client for group in clients.values() for client in group], wrong


async def watch(port: int, runs: Sequence[str], over: asyncio.Event) -> None:
    """Set `over` when the journal has the end of all `runs`."""
    for run in runs:
        while not any(kind == "run_finished" for _, kind, _ in await asyncio.to_thread(journal, port, run)):
            await asyncio.sleep(0.25)
    over.set()


def journal(port: int, run: str) -> list[tuple[int, str, dict[str, str]]]:
    entries = rig.get(f"http://127.0.0.1:{port}/api/runs/{run}/entries")["entries"]
    return [(one["seq"], one["entry"]["type"], one["entry"]) for one in entries]


def compare(port: int, run: str, views: Sequence[Run | None]) -> list[str]:
    entries = journal(port, run)
    wrong = []
    if [seq for seq, _, _ in entries] != list(range(1, len(entries) + 1)):
        wrong.append(f"{run}: the journal's seq has gaps")
    text = next(entry["text"] for _, kind, entry in entries if kind == "message_finished")
    if text != "".join(pieces()):
        wrong.append(f"{run}: the journal's text is not the model's")
    for index, view in enumerate(views):
        if view is None or view.text != text:
            wrong.append(f"{run}: client {index} has another text ({len(view.text) if view else 0} of {len(text)})")
        elif view.seq != len(entries):
            wrong.append(f"{run}: client {index} has entries up to {view.seq} of {len(entries)}")
    return wrong


async def main() -> int:
    quick = rig.options(__doc__).quick
    wanted = 80 if quick else 300
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    latencies: list[float] = []
    clients: list[Client] = []
    mismatches: list[str] = []
    runs = 0
    with rig.scratch() as folder:
        write_script(folder / "rules.json")
        with rig.fake_model(folder / "rules.json") as fake:
            alma = rig.start_alma(folder / "data", fake_port=fake.port, outbox_bytes=65536)
            try:
                while sum(c.deeds.total() - c.deeds["stall"] for c in clients) < wanted:
                    more, wrong = await wave(alma.port, runs, chance, latencies)
                    clients += more
                    mismatches += wrong
                    runs += 2 * len(RATES)
            finally:
                alma.stop()
    deeds = sum((client.deeds for client in clients), Counter[str]())
    faults = [fault for client in clients for fault in (*client.view.faults, *client.errors)]
    for what in (*mismatches, *faults)[:20]:
        print(what)
    cuts = deeds.total() - deeds["stall"]
    figures = {
        "seed": seed,
        "runs": runs,
        "clients": len(clients),
        "cuts": cuts,
        "of_them_reloads": deeds["reload"],
        "stalls": deeds["stall"] + deeds["stall_cut"],
        "frames": sum(client.view.frames for client in clients),
        "frames_of_several_tokens": sum(client.view.merged for client in clients),
        "texts_compared": len(clients) * 2,
        "mismatches": len(mismatches),
        "faults": len(faults),
        "resume_p50_ms": round(rig.median(latencies), 2),
        "resume_p95_ms": round(rig.quantile(latencies, 0.95), 2),
    }
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    targets = {"cuts": (cuts, ">=", wanted), "mismatches": (len(mismatches), "<=", 0), "faults": (len(faults), "<=", 0)}
    return rig.report("resume", figures, targets)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
