"""Three endpoints of one model, and what a user notices when all three go wrong in one run: nothing but a little time.

Each round starts Alma anew on three scripted servers, with the journal on disk and clients that are sent every token:
once with three healthy ones, once while the first refuses 30 % of its calls from the start, the second becomes ten
times slower after a quarter of the runs, and the third is killed (SIGKILL) after half of them. The rounds take turns.
Every run is checked: it must finish, with all its text in order and the right words.

Then the response cache: a hundred identical requests at once, and one more when the answer is there.

    python -m bench.pool [--quick]
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench import rig
from bench.follower import Frame, View, command, decode
from bench.ws import RawSocket, connect

NAMES = ("flaky", "slow", "dying")
WORDS = " ".join(f"word{index}" for index in range(35))
RULES = [
    {"match": r"at once about port (\d+)", "answer": f"Port \\1: {WORDS}."},
    {"match": r"port (\d+)", "answer": f"Port \\1: {WORDS}.", "delay": 0.01, "first_delay": 0.05},
]
AT_ONCE = 8
WARM = 24  # runs before the figures are taken, in both kinds of rounds
SAME = 100  # identical requests at once

MODELS = """
default = "pool/scripted"
"""
ENDPOINT = """
[[endpoint]]
name = "{name}"
base_url = "http://127.0.0.1:{port}/v1"
models = ["scripted"]
concurrency = 32
"""


class _End(msgspec.Struct, rename="camel"):
    """What the end of a message says about its call."""

    timing: dict[str, float]
    cache: dict[str, Any] | None = None


_ends = msgspec.json.Decoder(_End).decode


class Client:
    """One connection, one run at a time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.frames: list[bytes] = []
        self.over = asyncio.Event()
        self.socket: RawSocket | None = None

    def on_frame(self, payload: bytes) -> None:
        self.frames.append(payload)
        if payload.startswith(
            (b'{"type":"RUN_FINISHED"', b'{"type":"RUN_ERROR"', b'{"type":"CUSTOM","name":"alma.error"')
        ):
            self.over.set()

    async def open(self) -> None:
        self.socket = await connect(self.port, "/ws?watch=none", self.on_frame)

    async def ask(self, key: str, text: str) -> tuple[list[bytes], float]:
        """The frames of a run, and how many seconds it took."""
        assert self.socket is not None
        self.frames, began = [], time.perf_counter()
        self.over.clear()
        self.socket.send(command("run.start", key=key, text=text, kind="chat"))
        await asyncio.wait_for(self.over.wait(), 120)
        return self.frames, time.perf_counter() - began

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()


def serve_model(port: int, script: Path) -> rig.Served:
    arguments = [sys.executable, "-m", "alma.models.scripted", "--port", str(port), "--script", str(script)]
    return rig.spawn(arguments, port, "/v1/models")


class Stand:
    """Alma and its three endpoints, new."""

    def __init__(self, folder: Path, *, cache: bool) -> None:
        self.folder = folder
        folder.mkdir()
        script = folder / "rules.json"
        script.write_text(json.dumps(RULES))
        ports = {name: rig.free_port() for name in NAMES}
        models = folder / "models.toml"
        models.write_text(MODELS + "".join(ENDPOINT.format(name=name, port=port) for name, port in ports.items()))
        models.chmod(0o600)
        with ThreadPoolExecutor() as threads:  # at once: each takes a second to start
            started = {name: threads.submit(serve_model, port, script) for name, port in ports.items()}
            self.upstreams = {name: served.result() for name, served in started.items()}
            self.server = rig.start_alma(folder / "data", embedded=False, models_file=models, cache=cache)

    def mood(self, name: str, **mood: float) -> None:
        body = json.dumps(mood).encode()
        request = urllib.request.Request(f"{self.upstreams[name].url}/mood", body, method="PUT")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()

    def counts(self, marker: str = "") -> Counter[str]:
        """Calls that the endpoints had, by how they ended."""
        total: Counter[str] = Counter()
        for served in self.upstreams.values():
            if served.process.poll() is None:
                total.update(rig.get(f"{served.url}/counts").get(marker, {}))
        return total

    def stop(self) -> None:
        self.server.stop()
        for served in self.upstreams.values():
            served.stop()


@contextlib.contextmanager
def stand(folder: Path, *, cache: bool = False) -> Generator[Stand]:
    standing = Stand(folder, cache=cache)
    try:
        yield standing
    finally:
        standing.stop()


def text_of(frames: list[bytes]) -> tuple[str, int, list[dict[str, Any]]]:
    """The answer of a run that finished well, and the attempts that failed. Raises on anything that is wrong."""
    view, failed = View(), list[dict[str, Any]]()
    run_id = ""
    for payload in frames:
        frame: Frame = decode(payload)
        if frame.name == "alma.error":
            raise RuntimeError(str(frame.value))
        if frame.name == "alma.attempt_failed":
            failed.append(frame.value)
        if frame.run_id:
            run_id = frame.run_id
            view.take(frame)
    if view.faults:
        raise RuntimeError(view.faults[0])
    run = view.runs[run_id]
    if run.status != "completed":
        raise RuntimeError(f"run {run_id}: {run.status}")
    return run.text, len(run.messages), failed


class Round:
    """One load. `seconds` of each run; `wrong`: what was not as it had to be; `replaced`: attempts of which text was
    seen and that another one replaced."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.wrong: list[str] = []
        self.replaced = 0
        self._began = 0

    async def run(self, standing: Stand, runs: int, *, trouble: bool) -> None:
        clients = [Client(standing.server.port) for _ in range(AT_ONCE)]
        for client in clients:
            await client.open()
        await self._all(clients, iter(range(-WARM, 0)), standing, runs, trouble=False)
        self.seconds.clear()
        await self._all(clients, iter(range(runs)), standing, runs, trouble=trouble)
        for client in clients:
            client.close()

    async def _all(
        self, clients: list[Client], numbers: Iterator[int], standing: Stand, runs: int, *, trouble: bool
    ) -> None:
        if trouble:
            await asyncio.to_thread(standing.mood, "flaky", fail=0.3)

        async def work(client: Client) -> None:
            for number in numbers:
                if trouble and number == runs // 4:
                    await asyncio.to_thread(standing.mood, "slow", slow=10)
                if trouble and number == runs // 2:
                    standing.upstreams["dying"].kill()
                frames, seconds = await client.ask(f"r{number}", f"Tell me all about port {number + WARM}.")
                self._check(number + WARM, frames)
                self.seconds.append(seconds)

        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(work(client))

    def _check(self, port: int, frames: list[bytes]) -> None:
        try:
            text, messages, failed = text_of(frames)
        except RuntimeError as error:
            self.wrong.append(str(error))
            return
        self.replaced += len(failed)
        if text != f"Port {port}: {WORDS}." or messages != 1:
            self.wrong.append(f"port {port}: {messages} messages, {text[:60]!r}")


async def endpoints_in_trouble(rounds: int, runs: int) -> tuple[dict[str, Any], list[str]]:
    seen: dict[str, list[Round]] = {"healthy": [], "troubled": []}
    for index in range(rounds):
        for kind in ("healthy", "troubled") if index % 2 == 0 else ("troubled", "healthy"):
            with rig.scratch() as folder, stand(folder / kind) as standing:
                done = Round()
                await done.run(standing, runs, trouble=kind == "troubled")
                seen[kind].append(done)
    seconds = {kind: [one for done in of for one in done.seconds] for kind, of in seen.items()}
    wrong = [what for of in seen.values() for done in of for what in done.wrong]
    p95 = {kind: rig.quantile(of, 0.95) for kind, of in seconds.items()}
    figures = {
        "runs": rounds * runs,
        **{f"{kind}_p50_ms": 1000 * rig.median(of) for kind, of in seconds.items()},
        **{f"{kind}_p95_ms": 1000 * of for kind, of in p95.items()},
        **{f"{kind}_max_ms": 1000 * max(of) for kind, of in seconds.items()},
        "p95_ratio": p95["troubled"] / p95["healthy"],
        "attempts_replaced": sum(done.replaced for done in seen["troubled"]),
        "slower_than_target": sum(one > 1.5 * p95["healthy"] for one in seconds["troubled"]) / len(seconds["troubled"]),
        "wrong": len(wrong),
    }
    return figures, wrong


def end_of(frames: list[bytes]) -> _End:
    (end,) = [_ends(frame) for frame in frames if frame.startswith(b'{"type":"TEXT_MESSAGE_END"')]
    return end


async def one_call_for_all(rounds: int) -> dict[str, Any]:
    """Identical requests at once, then one by one when the answer is kept."""
    calls: list[int] = []
    hits: list[float] = []
    floor: list[float] = []
    kept_ms: list[float] = []
    with rig.scratch() as folder, stand(folder / "cached", cache=True) as standing:
        clients = [Client(standing.server.port) for _ in range(SAME)]
        for client in clients:
            await client.open()
        for index in range(rounds):
            marker = f"same-{index}"
            text = f"[#{marker}] Tell me all about port {index}."
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(client.ask(f"{marker}-{at}", text)) for at, client in enumerate(clients)]
            for task in asked:
                assert text_of(task.result()[0])[0] == f"Port {index}: {WORDS}."
            await asyncio.sleep(0.5)  # a hundred runs have just ended
            for at in range(10):
                await asyncio.sleep(0.02)
                frames, seconds = await clients[at].ask(f"{marker}-again-{at}", text)
                end = end_of(frames)
                assert end.cache is not None, "the answer was made anew"
                hits.append(end.timing["first_token_ms"])
                new = f"Tell me all at once about port {100 * index + at}."
                frames, _ = await clients[at].ask(f"{marker}-new-{at}", new)
                floor.append(end_of(frames).timing["first_token_ms"])
                kept_ms.append(1000 * seconds)
            calls.append(standing.counts(marker)["started"])
        for client in clients:
            client.close()
    return {
        "identical_requests": SAME,
        "calls_max": max(calls),
        "hit_first_token_p50_ms": rig.median(hits),
        "hit_first_token_p95_ms": rig.quantile(hits, 0.95),
        "instant_endpoint_first_token_p50_ms": rig.median(floor),
        "hit_whole_run_p50_ms": rig.median(kept_ms),
    }


async def main() -> int:
    quick = rig.options(__doc__).quick
    trouble, wrong = await endpoints_in_trouble(*((1, 160) if quick else (3, 400)))
    for what in wrong[:10]:
        print("wrong:", what)
    cache = await one_call_for_all(3 if quick else 10)
    figures = {"trouble": trouble, "cache": cache}
    for name, value in figures.items():
        print(name, ", ".join(f"{what} {seen:.4g}" for what, seen in value.items()))
    targets = {
        "runs_wrong": (float(trouble["wrong"]), "<=", 0.0),
        "p95_over_healthy": (trouble["p95_ratio"], "<=", 1.5),
        "calls_for_identical_requests": (float(cache["calls_max"]), "<=", 1.0),
        "hit_first_token_ms": (cache["hit_first_token_p50_ms"], "<=", 2.0),
    }
    return rig.report("pool", figures, targets)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
