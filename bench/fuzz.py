"""A hundred thousand wrong frames over the WebSocket, from one owner, beside another owner's work.

The frames are made from the commands' own types (`fuzz_frames.py`) and know the other owner's ids. Nothing may come of
them but answers: the server lives, answers what can be answered, takes no frame for a bug of its own, keeps its memory
within bounds, and neither tells nor changes a thing that is the other's.

    python -m bench.fuzz [--quick] [--frames N] [--seed N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from bench import rig
from bench.fuzz_frames import Frames, known_ids
from bench.ws import RawSocket, connect

CANARY = "CANARYxTHATxNOBODYxELSExMAYxSEE"
WIDE = dict.fromkeys(("limit_connects", "limit_messages", "limit_runs", "limit_bytes", "limit_requests"), "off")
_BATCH = 40  # frames between two pings that are waited for
_PATIENCE_S = 10
Opened = tuple[str, dict[str, Any]]


class Attacker:
    """One socket that is opened anew when the server closes it. What comes is judged as it comes."""

    def __init__(self, port: int, token: str, frames: Frames) -> None:
        self.codes: Counter[str] = Counter()
        self.faults: list[str] = []
        self.closed = 0
        self._port = port
        self._token = token
        self._frames = frames
        self._socket: RawSocket | None = None
        self._alive = asyncio.Event()
        self._last: list[str | bytes] = []

    async def send(self, count: int) -> None:
        for start in range(0, count, _BATCH):
            socket = await self._open()
            self._last = [self._frames.next() for _ in range(min(_BATCH, count - start))]
            for frame in self._last:
                if isinstance(frame, bytes):
                    socket.send_binary(frame)
                else:
                    socket.send(frame.encode())
            await self._answered(socket)
        if self._socket is not None:
            self._socket.close()
            await self._socket.closed

    async def _open(self) -> RawSocket:
        if self._socket is None or self._socket.closed.done():
            self._socket = await connect(self._port, "/ws?protocol=1", self._on_frame, token=self._token)
        return self._socket

    async def _answered(self, socket: RawSocket) -> None:
        """Commands are taken in order, so that an answered ping says the others were taken too."""
        self._alive.clear()
        socket.send(b'{"type":"ping","id":"still-there"}')
        waiting = asyncio.ensure_future(self._alive.wait())
        done, _ = await asyncio.wait({waiting, socket.closed}, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await asyncio.wait({waiting})
        if not done:
            self.faults.append(f"no answer after {self._last!r:.2000}")
        self.closed += socket.closed.done()

    def _on_frame(self, payload: bytes) -> None:
        if CANARY.encode() in payload:
            self.faults.append(f"told what is another's: {payload[:500]!r}")
        if b"alma.heartbeat" in payload[:60] and b"still-there" in payload:
            self._alive.set()
        elif b"alma.error" in payload[:60]:
            code = json.loads(payload)["value"]["code"]
            self.codes[code] += 1
            if code == "internal":
                self.faults.append(f"a bug: {payload[:500]!r} among {self._last!r:.3000}")


class Victim:
    """Somebody who has a conversation, a file and a memory, and loses none of it."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.threads: list[str] = []
        self.runs: list[str] = []
        self.ids: list[str] = []
        self._memories: list[str] = []

    async def settle_in(self) -> None:
        async with self._http.ws_connect("/ws?protocol=1") as socket:
            for number in range(3):
                command = {"type": "run.start", "id": "v", "key": f"v{number}", "text": f"{CANARY} {number}: be brief"}
                await socket.send_json(command)
                while (event := await socket.receive_json())["type"] not in ("RUN_FINISHED", "RUN_ERROR"):
                    pass
                self.threads.append(event["threadId"])
                self.runs.append(event["runId"])
        async with self._http.put(f"/api/threads/{self.threads[0]}/files/secret.txt", data=CANARY) as kept:
            await kept.read()
        async with self._http.post("/api/memories", json={"text": f"My word is {CANARY}."}) as added:
            self._memories = [(await added.json())["memory"]["id"]]
        seen = (await self.all_that_is()).values()
        self.ids = known_ids([json.loads(text) for text in seen if text.startswith(("{", "["))])
        self.ids += self.threads + self.runs + self._memories

    async def all_that_is(self) -> dict[str, str]:
        """What may not change. Memories are those that were there: what was said goes on being remembered."""
        paths = [
            "/api/threads",
            *(f"/api/threads/{one}/files" for one in self.threads),
            f"/api/threads/{self.threads[0]}/files/secret.txt",
            *(f"/api/runs/{one}/entries" for one in self.runs),
        ]
        found = {path: await self._get(path) for path in paths}
        for memory_id in self._memories:
            memory = json.loads(await self._get(f"/api/memories/{memory_id}"))["memory"]
            found[memory_id] = json.dumps([memory[name] for name in ("text", "version", "forgottenAt")])
        return found

    async def _get(self, path: str) -> str:
        async with self._http.get(path) as answer:
            return await answer.text()


async def attack(server: rig.Served, tokens: tuple[str, str], count: int, seed: int) -> dict[str, Any]:
    """`tokens`: of the one who is to be spared and of the one who attacks. The figures; `faults` is to be empty."""
    bearer = {"Authorization": f"Bearer {tokens[0]}"}
    async with aiohttp.ClientSession(server.url, headers=bearer) as http, aiohttp.ClientSession(server.url) as admin:
        victim = Victim(http)
        await victim.settle_in()
        before, rss = await victim.all_that_is(), server.rss()
        began = time.monotonic()
        ids = [*victim.ids, "t_unknown", "r_unknown", "main", "main.1"]
        attackers = [
            Attacker(server.port, tokens[1], Frames(seed + number, ids, ["scripted/scripted", "no/such"]))
            for number in range(4)
        ]
        async with asyncio.TaskGroup() as group:
            for attacker in attackers:
                group.create_task(attacker.send(count // len(attackers)))
        faults = [fault for attacker in attackers for fault in attacker.faults]
        faults += [f"changed: {path}" for path, text in (await victim.all_that_is()).items() if text != before[path]]
        async with admin.get("/api/errors") as answer:
            groups = (await answer.json())["groups"]
        faults += [f"an error was logged: {one['title']} at {one['place']}" for one in groups]
        async with admin.get("/livez") as answer:
            if answer.status != 200:
                faults.append("it does not live")
    codes = sum((attacker.codes for attacker in attackers), Counter[str]())
    return {
        "frames": count,
        "seed": seed,
        "frames_per_s": round(count / (time.monotonic() - began)),
        "refused": dict(codes.most_common()),
        "closed": sum(attacker.closed for attacker in attackers),
        "grown_mb": round(server.rss() - rss, 1),
        "faults": faults,
    }


def access_token(folder: Path, name: str) -> str:
    """Made by the command line, as a person would."""
    command = [sys.executable, "-m", "alma", "tokens", "add", name, "--data-dir", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout
    return next(word for word in said.split() if word.startswith("alma_"))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short form, at most 45 s")
    parser.add_argument("--frames", type=int, help="100,000; quick: 10,000")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    count = given.frames or (10_000 if given.quick else 100_000)
    print(f"seed {given.seed}", flush=True)
    with rig.scratch() as folder:
        server = rig.start_alma(folder, memory=True, embedded=False, scripted=True, model="scripted/scripted", **WIDE)
        try:
            tokens = (access_token(folder, "ada"), access_token(folder, "eve"))
            figures = asyncio.run(attack(server, tokens, count, given.seed))
        finally:
            server.stop()
    targets = {"faults": (len(figures["faults"]), "<=", 0), "grown_mb": (figures["grown_mb"], "<=", 256)}
    return rig.report("fuzz", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
