"""Building a prompt from a very long thread, and what a very long answer does to the server's memory.

Prompt: a thread of 5,000 turns (10,000 messages) stands in a database on disk, and 200 memories are at hand. Each build
is a new turn at the end of the thread: its conversation is gathered (what was read once is in memory, the newest turn
comes from the database), material and ladder make the prompt, for windows of 4,096 to 131,072 tokens. The time is that
of the loop; the baseline reads the thread from the database and counts every message, as one would without memory and
without a cut, in turn with it. Every prompt is checked: it fits, and its newest turn is in it.

Stream: `alma serve` streams an answer of 100,000 tokens from the scripted model's server to 1 client, then to 4 that
follow the same thread; before that answers of the same length have warmed it up. Growth is the largest resident memory
seen while the tokens stream, over that of just before; the median of several streams. The text itself is 0.6 MB. Every
client must have every token.

    python -m bench.context [--quick]
"""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alma.agent.context import build
from alma.agent.prompt import compose, gather, turn_parts
from alma.agent.role import load_role
from alma.agent.task import Task
from alma.db.database import Database
from alma.db.tables import runs
from alma.engine.turns import Conversations
from alma.models.scripted import ScriptedModel
from alma.models.tokens import estimate
from alma.recollection import RecalledMemory
from bench import rig
from bench.follower import command, decode
from bench.ws import RawSocket, connect

TURNS = 5000
WINDOWS = (4096, 8192, 32768, 131072)
MEMORIES = 200
TOKENS = 100_000
PORT = "harbour quay crane tide cargo pilot ledger wharf signal ferry customs anchor beacon freight dock mooring"
WORDS = PORT.split()


# ── the prompt ────────────────────────────────────────────────────────────────────────────────────────────────────


def turn(number: int) -> dict[str, Any]:
    """A row of `runs`: a question of some 20 words and an answer of some 60."""
    words = itertools.islice(itertools.cycle(WORDS[number % 7 :] + WORDS), 80)
    said = [f"{word}{number % 97}" for word in words]
    return {
        "id": f"r{number}",
        "thread_id": "t",
        "parent_run_id": f"r{number - 1}" if number else None,
        "owner": "o",
        "text": " ".join(said[:20]) + "?",
        "answer": " ".join(said[20:]) + ".",
        "finished": True,
        "head": 4,
        "created_at": float(number),
    }


async def naive(database: Database, newest: str, window: int) -> int:
    """What it costs to read all and count all each time; how many turns fit."""
    fresh = Conversations(database)
    said = await fresh.history(newest)
    parts = [part for one in said.turns for part in turn_parts(one)]
    counts = [estimate(part.text) for part in parts]
    left, kept = window - 1500, 0
    while kept < len(parts) and (left := left - counts[-kept - 1]) > 0:
        kept += 1
    compose(parts[len(parts) - kept :])
    return kept


async def prompts(folder: Path, rounds: int) -> dict[str, Any]:
    """Medians in ms by window."""
    database = Database(f"sqlite:///{folder / 'thread.db'}")
    database.open()
    try:
        await database.write(lambda c: c.execute(sa.insert(runs), [turn(number) for number in range(TURNS)]))
        conversations, role, model = Conversations(database), load_role("manager"), ScriptedModel()
        memories = [
            RecalledMemory(f"m{n}", f"The user said of {WORDS[n % 16]} {n} that it matters.", 1.0)
            for n in range(MEMORIES)
        ]
        began = time.perf_counter()
        await conversations.history(f"r{TURNS - 1}")
        first_ms = 1000 * (time.perf_counter() - began)
        taken: dict[int, list[float]] = {window: [] for window in WINDOWS}
        plain: dict[int, list[float]] = {window: [] for window in WINDOWS}
        built: dict[int, list[float]] = {window: [] for window in WINDOWS}
        numbers = itertools.count(TURNS)
        for round_number in range(rounds):
            for window in WINDOWS:
                newest = next(numbers)
                await database.write(lambda c, n=newest: c.execute(sa.insert(runs), [turn(n)]))
                task = Task("r", "t", "o", "What comes next in the harbour?", memories=memories)
                began = time.perf_counter()
                said = await conversations.history(f"r{newest}")
                read = time.perf_counter()
                task = Task("r", "t", "o", task.request, memories=memories, history=list(said.turns), older=said.older)
                prompt = await build(model, gather(task, role, "answer"), window=window, max_tokens=1024)
                ended = time.perf_counter()
                taken[window].append(1000 * (ended - began))
                built[window].append(1000 * (ended - read))
                assert prompt.tokens + prompt.max_tokens <= window
                assert prompt.turns[-1] == f"r{newest}"
                assert prompt.left_out + len(prompt.turns) == newest + 1
                if round_number < 5:
                    began = time.perf_counter()
                    assert await naive(database, f"r{newest}", window)
                    plain[window].append(1000 * (time.perf_counter() - began))
    finally:
        database.close()
    return {
        "first_read_ms": round(first_ms, 1),
        "ms": {str(window): round(rig.median(taken[window]), 2) for window in WINDOWS},
        "of_which_build_ms": {str(window): round(rig.median(built[window]), 2) for window in WINDOWS},
        "p95_ms": {str(window): round(rig.quantile(taken[window], 0.95), 2) for window in WINDOWS},
        "without_memory_ms": {str(window): round(rig.median(plain[window]), 1) for window in WINDOWS},
    }


# ── the stream ────────────────────────────────────────────────────────────────────────────────────────────────────


class Listener:
    """A client that keeps nothing but how far it is: of each message the code points that came."""

    def __init__(self) -> None:
        self.n = 0
        self.ended = asyncio.Event()
        self.live = asyncio.Event()
        self.thread_id = ""
        self.begun = asyncio.Event()

    def take(self, payload: bytes) -> None:
        frame = decode(payload)
        match frame.type:
            case "TEXT_MESSAGE_CONTENT":
                assert frame.n - len(frame.delta) == self.n, "a gap or a duplicate"
                self.n = frame.n
            case "TEXT_MESSAGE_START":
                self.n = 0
            case "RUN_FINISHED" | "RUN_ERROR":
                self.ended.set()
            case "CUSTOM" if frame.name == "alma.ack":
                self.thread_id = frame.value.get("threadId") or self.thread_id
                self.begun.set()
            case "CUSTOM" if frame.name == "alma.live":
                self.live.set()
            case _:
                pass


def long_winded(folder: Path) -> Path:
    """The roles that ship, with leave to write as much as they like."""
    agents = folder / "agents"
    shutil.copytree(rig.REPO / "agents", agents)
    manager = agents / "manager.md"
    manager.write_text(re.sub(r"max_tokens: \d+", f"max_tokens: {2 * TOKENS}", manager.read_text()))
    return agents


async def stream(server: rig.Served, clients: int, model: str) -> tuple[float, int]:
    """One answer to so many clients: growth in MB, and code points that each received."""
    listeners = [Listener() for _ in range(clients)]
    sockets: list[RawSocket] = [await connect(server.port, "/ws?watch=none", one.take) for one in listeners]
    before = largest = server.rss()
    first = listeners[0]
    asked = {"key": f"k{time.time()}", "text": "Tell me all.", "kind": "chat", "model": f"fake/{model}"}
    sockets[0].send(command("run.start", **asked))
    await first.begun.wait()
    for socket in sockets[1:]:
        socket.send(command("thread.subscribe", threadId=first.thread_id))
    ended = asyncio.gather(*(one.ended.wait() for one in listeners))
    while not ended.done():
        await asyncio.wait([ended], timeout=0.02)
        largest = max(largest, server.rss())
    for socket in sockets:
        socket.close()
    assert len({one.n for one in listeners}) == 1, "every client has all"
    return largest - before, first.n


async def streams(folder: Path, quick: bool) -> dict[str, Any]:
    model = f"fake-{TOKENS}-max"
    with rig.fake_model() as fake:
        server = rig.start_alma(
            folder / "alma", fake_port=fake.port, models=[model], agents_dir=long_winded(folder), cache=False
        )
        try:
            for clients in (1, 1, 4, 4):
                await stream(server, clients, model)
            one = [await stream(server, 1, model) for _ in range(5 if quick else 9)]
            four = [await stream(server, 4, model) for _ in range(3 if quick else 5)]
        finally:
            server.stop()
    return {
        "tokens": TOKENS,
        "code_points": one[0][1],
        "growth_mb_one_client": round(rig.median([growth for growth, _ in one]), 2),
        "growth_mb_one_client_most": round(max(growth for growth, _ in one), 2),
        "growth_mb_four_clients": round(rig.median([growth for growth, _ in four]), 2),
        "growth_mb_four_clients_most": round(max(growth for growth, _ in four), 2),
    }


async def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder:
        of_prompts = await prompts(folder, 12 if quick else 40)
        of_streams = await streams(folder, quick)
    slowest = max(of_prompts["ms"].values())
    figures = {**of_prompts, **of_streams}
    figures["ratio"] = round(rig.median(list(of_prompts["without_memory_ms"].values())) / slowest, 1)
    targets = {
        "prompt_ms": (slowest, "<=", 5.0),
        "growth_mb": (of_streams["growth_mb_one_client"], "<=", 5.0),
        "growth_mb_four_clients": (of_streams["growth_mb_four_clients"], "<=", 5.0),
        "tokens_streamed": (float(of_streams["code_points"]), ">=", float(TOKENS)),
    }
    return rig.report("context", figures, targets)


if __name__ == "__main__":
    rig.run(main)
