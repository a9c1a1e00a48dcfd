"""Clients of `bench.load`, many in one process: one JSON job per line from stdin, one JSON line for each.

`open`: sockets that say nothing, until `close`. `streams`: runs at the model's pace, each on a socket of its own, and
what each received in a window of time, with the gaps. `deaf`: sockets that start runs and never read, until `close`.
`work`: a caller's small runs at a steady rate, with the ms from the task to the end of each. `flood`: one caller sends
as fast as the server lets it. `mixed`: a bit of all that people do.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import sys
import time
from typing import Any

import aiohttp

from bench.load_stored import Old, remove, stored
from bench.ws import RawSocket, connect

PATH = "/ws?protocol=1"
QUIET = f"{PATH}&watch=none"
_numbers = itertools.count()
_mine = f"{time.time_ns():x}"


def start_run(text: str, model: str, kind: str | None = "chat") -> bytes:
    """`kind` None: as the Manager sees fit, which may be a plan."""
    number = next(_numbers)
    command = {"type": "run.start", "id": f"s{number}", "key": f"{_mine}-{number}", "text": text, "model": model}
    command |= {} if kind is None else {"kind": kind}
    return json.dumps(command).encode()


class Runner:
    """One socket on which runs go one after the other."""

    def __init__(self) -> None:
        self.socket: RawSocket | None = None
        self.times: list[float] = []
        self.tokens: list[int] = []
        self.first_at = 0.0
        self.ended = asyncio.Event()
        self.failed = ""

    def on_frame(self, payload: bytes) -> None:
        head = payload[:60]
        if b"TEXT_MESSAGE_CONTENT" in head:
            self.times.append(time.perf_counter())
            self.tokens.append(int(payload[payload.index(b'"tokens":') + 9 :].split(b",", 1)[0]))
        elif b"RUN_FINISHED" in head:
            self.ended.set()
        elif b"RUN_ERROR" in head or b"alma.error" in head:
            self.failed = payload[:300].decode()
            self.ended.set()

    async def open(self, job: dict[str, Any]) -> None:
        self.socket = await connect(job["port"], QUIET, self.on_frame, token=job.get("token", ""))

    async def ask(self, text: str, model: str, kind: str | None = "chat") -> float:
        """ms until the run has ended."""
        assert self.socket is not None
        self.times.clear()
        self.tokens.clear()
        self.ended.clear()
        self.failed = ""
        sent = time.perf_counter()
        self.socket.send(start_run(text, model, kind))
        await asyncio.wait_for(self.ended.wait(), 60)
        return 1000 * (time.perf_counter() - sent)

    def close(self) -> None:
        assert self.socket is not None
        self.socket.close()


class Clients:
    def __init__(self) -> None:
        self.held: list[RawSocket] = []

    async def open(self, job: dict[str, Any]) -> dict[str, Any]:
        for start in range(0, job["count"], 100):
            many = range(start, min(start + 100, job["count"]))
            self.held += await asyncio.gather(*(connect(job["port"], PATH, lambda _frame: None) for _ in many))
        return {"open": sum(not one.closed.done() for one in self.held)}

    async def close(self, _job: dict[str, Any]) -> dict[str, Any]:
        still = sum(not one.closed.done() for one in self.held)
        for socket in self.held:
            socket.close()
        self.held.clear()
        return {"were_open": still}

    async def streams(self, job: dict[str, Any]) -> dict[str, Any]:
        """All streams begin within a second; what counts is a window of time in which all are under way."""
        runners = [Runner() for _ in range(job["streams"])]
        for runner in runners:
            await runner.open(job)
        asking = []
        async with asyncio.TaskGroup() as group:
            for index, runner in enumerate(runners):
                asking.append(group.create_task(runner.ask(f"Tell me about the number {index}.", job["model"])))
                await asyncio.sleep(1 / len(runners))
            patience = time.perf_counter() + 3
            while not all(runner.times for runner in runners) and time.perf_counter() < patience:
                await asyncio.sleep(0.01)
            begin = time.perf_counter()
            end = begin + job["seconds"]
            await asyncio.sleep(job["seconds"])
            for one in asking:
                one.cancel()
        counts, gaps = [], []
        for runner in runners:
            inside = [(at, n) for at, n in zip(runner.times, runner.tokens, strict=True) if begin <= at < end]
            counts.append(sum(n for _, n in inside))
            gaps += [1000 * (b[0] - a[0]) for a, b in itertools.pairwise(inside)]
            runner.close()
        failed = [runner.failed for runner in runners if runner.failed]
        return {"counts": counts, "gaps": sorted(gaps), "failed": failed[:3]}

    async def trouble(self, job: dict[str, Any]) -> dict[str, Any]:
        """Long tasks that are answered at once, so that much waits to be read."""
        for index in range(job["count"]):
            socket = await connect(job["port"], QUIET, lambda _frame: None, receive_buffer=4096)
            socket.read(job["reads"])
            text = f"Client {index}. " + "word " * (job["chars"] // 5)
            for again in range(job["runs"]):
                socket.send(start_run(f"{again}. {text}", job["model"]))
            self.held.append(socket)
        return {"sockets": len(self.held)}

    async def go_on(self, job: dict[str, Any]) -> dict[str, Any]:
        """One more run on each socket that is held."""
        for socket in self.held:
            socket.send(start_run("And one more.", job["model"]))
        return {"sockets": len(self.held)}

    async def work(self, job: dict[str, Any]) -> dict[str, Any]:
        """Runs begin at a steady rate, whether or not the ones before have ended: a slow server is not spared."""
        idle: list[Runner] = []
        took: list[float] = []
        refused: list[str] = []

        async def one(number: int) -> None:
            runner = idle.pop() if idle else Runner()
            if runner.socket is None:
                await runner.open(job)
            ms = await runner.ask(f"Tell me a fun fact about the number {number}.", job["model"])
            if runner.failed:
                refused.append(runner.failed)
            else:
                took.append(ms)
            idle.append(runner)

        for _ in range(8):
            idle.append(runner := Runner())
            await runner.open(job)
        async with asyncio.TaskGroup() as group:
            count = int(job["seconds"] * job["rate"])
            began = time.perf_counter()
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number / job["rate"] - time.perf_counter()))
                group.create_task(one(number))
        for runner in idle:
            runner.close()
        return {"ms": sorted(took), "refused": len(refused), "said": refused[:1]}

    async def flood(self, job: dict[str, Any]) -> dict[str, Any]:
        """From several sockets, with commands of all kinds, and over HTTP."""
        answered = refused = asked = sent = 0
        until = time.perf_counter() + job["seconds"]

        def on_frame(payload: bytes) -> None:
            nonlocal answered, refused
            answered += 1
            refused += b"alma.error" in payload[:60]

        async def socket_flood() -> None:
            nonlocal sent
            socket = await connect(job["port"], QUIET, on_frame, token=job.get("token", ""))
            assert socket.transport is not None
            while time.perf_counter() < until and not socket.closed.done():
                if socket.transport.get_write_buffer_size() < 256 * 1024:
                    for _ in range(50):
                        socket.send(b'{"type":"ping","id":"p"}')
                    socket.send(start_run("Tell me more.", job["model"]))
                    sent += 51
                await asyncio.sleep(0.001)
            socket.close()

        async def http_flood(http: aiohttp.ClientSession) -> None:
            nonlocal asked, refused
            while time.perf_counter() < until:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with http.get(f"http://127.0.0.1:{job['port']}/api/threads") as answer:
                        await answer.read()
                        asked += 1
                        refused += answer.status == 429

        bearer = {"Authorization": f"Bearer {job['token']}"} if job.get("token") else {}
        async with (
            aiohttp.ClientSession(headers=bearer, timeout=aiohttp.ClientTimeout(5)) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(job.get("sockets", 4)):
                group.create_task(socket_flood())
            for _ in range(job.get("requests", 4)):
                group.create_task(http_flood(http))
        return {"sent": sent, "asked": asked, "answered": answered, "refused": refused}

    async def mixed(self, job: dict[str, Any]) -> dict[str, Any]:
        """So many people at once, each doing one thing after the other: tasks plain and planned, lists and searches,
        leaving and coming back, deleting what they made. Of the threads the newest stay, with their memories, `keep`
        more than there were: `stored` says how many there were in the middle and at the end."""
        done: dict[str, int] = {}
        failed: list[str] = []
        chance = random.Random(job.get("seed", 1))
        until = time.perf_counter() + job["seconds"]

        async def person(http: aiohttp.ClientSession, old: Old) -> None:
            while time.perf_counter() < until:
                act = chance.choice(("ask", "ask", "ask", "plan", "list", "memory", "leave", "delete"))
                try:
                    if act in ("ask", "plan", "leave"):
                        await old.remove_some()
                    await getattr(self, f"_{act}")(http, job)
                    done[act] = done.get(act, 0) + 1
                except (OSError, aiohttp.ClientError, TimeoutError, RuntimeError) as error:
                    failed.append(f"{act}: {error!r}")
                await asyncio.sleep(chance.uniform(0, 0.2))

        # As many connections as people: a pool that grows with every new peak would show as files of the server.
        pool = aiohttp.TCPConnector(limit=job["people"])
        url, patience = f"http://127.0.0.1:{job['port']}", aiohttp.ClientTimeout(30)
        async with (
            aiohttp.ClientSession(url, connector=pool, timeout=patience) as http,
            asyncio.TaskGroup() as keeping,
        ):
            old = Old(http, (await stored(http))["threads"] + job["keep"])
            looking = keeping.create_task(old.look())
            async with asyncio.TaskGroup() as group:
                for _ in range(job["people"]):
                    group.create_task(person(http, old))
                await asyncio.sleep(job["seconds"] / 2)
                middle = await stored(http)
            end = await stored(http)
            looking.cancel()
        return {"done": done, "failed": len(failed), "said": failed[:3], "stored": {"middle": middle, "end": end}}

    async def _run(self, job: dict[str, Any], text: str, model: str, kind: str | None = "chat") -> None:
        runner = Runner()
        await runner.open(job)
        try:
            await runner.ask(text, model, kind)
            if runner.failed:
                raise RuntimeError(runner.failed)
        finally:
            runner.close()

    async def _ask(self, _http: aiohttp.ClientSession, job: dict[str, Any]) -> None:
        await self._run(job, f"Tell me a fun fact about the number {next(_numbers)}.", job["model"])

    async def _plan(self, _http: aiohttp.ClientSession, job: dict[str, Any]) -> None:
        await self._run(job, f"Compare tea {next(_numbers)}, coffee and water for a long day.", job["model"], None)

    async def _leave(self, _http: aiohttp.ClientSession, job: dict[str, Any]) -> None:
        """In mid-stream, without a word."""
        runner = Runner()
        await runner.open(job)
        assert runner.socket is not None
        runner.socket.send(start_run("Tell me a long story.", job["long_model"]))
        await asyncio.sleep(0.3)
        runner.close()

    async def _list(self, http: aiohttp.ClientSession, _job: dict[str, Any]) -> None:
        for path in ("/api/threads?search=number", "/api/spend", "/api/models", "/health"):
            async with http.get(path) as answer:
                await answer.read()
                if answer.status >= 500 and path != "/health":
                    raise RuntimeError(f"{path}: {answer.status}")

    async def _memory(self, http: aiohttp.ClientSession, _job: dict[str, Any]) -> None:
        async with http.get("/api/memories?query=number&limit=10") as answer:
            await answer.read()
            if answer.status >= 500:
                raise RuntimeError(f"memories: {answer.status}")

    async def _delete(self, http: aiohttp.ClientSession, _job: dict[str, Any]) -> None:
        async with http.get("/api/threads?limit=50") as answer:
            found = [one for one in (await answer.json())["threads"] if not one["working"]]
        for thread in found[-1:]:
            await remove(http, thread["id"])


async def main() -> None:
    loop = asyncio.get_running_loop()
    clients = Clients()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = json.loads(line)
        print(json.dumps(await getattr(clients, job["do"])(job)), flush=True)


if __name__ == "__main__":
    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
