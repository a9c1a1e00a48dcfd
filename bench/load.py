"""What the server bears: idle connections, many streams at once, a client that never reads, a flood, mixed work.

Each scene runs against a real `alma serve` with limits, metrics and logs on; the clients are processes of their own on
a raw protocol. Claims about others being spared are made against the same server without the troublemaker, in turns:

- `idle`: what an open WebSocket costs in the server's memory.
- `fair`: streams at 20 tokens/s each; Jain's index (1984) over what each received in one window: 1 is even.
- `deaf`: clients that start runs and never read: what each costs, and the gaps between tokens of those who do read.
- `flood`: one token sends all it can; how long the runs of another take, with and without.
- `mixed`: people who ask, plan, list, search, leave in mid-stream and delete; memory, files and threads over time. The
  oldest conversations are removed with their memories all the time, so that the data does not grow.

    python -m bench.load [--quick] [--report FILE.html] [--connections N] [--streams N] [--people N] [--minutes M]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from bench import load_report, rig
from bench.fuzz import access_token

SCENES = ("idle", "fair", "deaf", "flood", "mixed")
_SLACK = 2  # files or threads
PACED = (100, 140, 200, 400)  # tokens of the answers that come at 20 tokens/s
LEFT = "fake-40-20"  # two seconds: long enough to leave in, and soon as many end as begin
MODELS = ("fake-20-max", LEFT, *(f"fake-{tokens}-20" for tokens in PACED))


class Client:
    """A process of clients. `begin` and `end` let several work at once; `do` is both."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load_client"], cwd=rig.REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def begin(self, do: str, **job: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **job}).encode() + b"\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the clients ended")
        return json.loads(line)

    def do(self, do: str, **job: Any) -> dict[str, Any]:
        self.begin(do, **job)
        return self.end()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Watched:
    """Resources of a server's process, and CPU and memory of its children together, twice a second, on a thread of its
    own. `at`: another server from now on."""

    def __init__(self, server: rig.Served) -> None:
        self.rows: list[dict[str, float]] = []
        self._server = server
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def at(self, server: rig.Served) -> None:
        self._server = server

    def _run(self) -> None:
        server, before = self._server, _cpu(self._server)
        at = time.monotonic()
        while not self._stop.wait(0.5):
            with contextlib.suppress(psutil.Error):
                if server is not self._server:
                    server = self._server
                    before, at = _cpu(server), time.monotonic()
                    continue
                now, cpu = time.monotonic(), _cpu(server)
                # A child that has ended takes its CPU time out of the sum.
                used = {name: max(0.0, 100 * (cpu[name] - before[name]) / (now - at)) for name in cpu}
                self.rows.append(
                    {"s": now - self._began, **used, **counts(server), "children_rss_mb": server.children_rss()}
                )
                before, at = cpu, now

    def mark(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def counts(server: rig.Served) -> dict[str, float]:
    ps = server.ps
    with ps.oneshot():
        return {"rss_mb": ps.memory_info().rss / 1e6, "files": ps.num_fds(), "threads": ps.num_threads()}


def _cpu(server: rig.Served) -> dict[str, float]:
    return {"cpu": server.cpu(), "children_cpu": server.children_cpu()}


def jain(values: list[float]) -> float:
    """Jain, Chiu and Hawe, 1984: (Σx)² / (n Σx²)."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0.0


class Load:
    def __init__(self, server: rig.Served, limited: rig.Served, folder: Path, options: argparse.Namespace) -> None:
        self.server = server
        self.limited = limited
        self.folder = folder  # of the limited one
        self.quick: bool = options.quick
        self.options = options
        self.main, self.other = Client(), Client()
        self.watched = Watched(server)
        self.spans: list[tuple[str, float, float]] = []

    def scene(self, name: str) -> dict[str, Any]:
        began = self.watched.mark()
        figures: dict[str, Any] = getattr(self, name)()
        self.spans.append((name, began, self.watched.mark()))
        print(name, json.dumps(figures), flush=True)
        return figures

    def close(self) -> None:
        self.main.close()
        self.other.close()
        self.watched.stop()

    # ── scenes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def idle(self) -> dict[str, Any]:
        """A few are opened first, so that what is made once is not counted; then the rest."""
        port, count = self.server.port, self.options.connections
        self.main.do("open", port=port, count=50)
        time.sleep(1)
        before = self.server.rss()
        self.main.do("open", port=port, count=count - 50)
        time.sleep(1 if self.quick else 20)  # in the long form heartbeats and pings go out meanwhile
        after, open_still = self.server.rss(), self.main.do("close")["were_open"]
        time.sleep(1)
        return {
            "connections": count,
            "open": open_still,
            "kb_each": round(1000 * (after - before) / (count - 50), 2),
            "rss_mb": [round(value, 1) for value in (before, after, self.server.rss())],
        }

    def fair(self) -> dict[str, Any]:
        seconds = 3 if self.quick else 15
        return self._streams(self.main, self.options.streams, seconds)

    def _streams(self, client: Client, streams: int, seconds: float) -> dict[str, Any]:
        self._begin_streams(client, streams, seconds)
        return self._figures(client.end(), seconds)

    def _begin_streams(self, client: Client, streams: int, seconds: float) -> None:
        model = f"fake/fake-{next(n for n in PACED if n >= 20 * (seconds + 3))}-20"
        client.begin("streams", port=self.server.port, streams=streams, seconds=seconds, model=model)

    @staticmethod
    def _figures(said: dict[str, Any], seconds: float) -> dict[str, Any]:
        if said["failed"]:
            raise RuntimeError(said["failed"])
        counts_of = said["counts"]
        return {
            "streams": len(counts_of),
            "jain": round(jain(counts_of), 5),
            "slowest_tokens_per_s": round(min(counts_of) / seconds, 2),
            "tokens_per_s": round(sum(counts_of) / seconds, 1),
            "gap_p50_ms": round(rig.quantile(said["gaps"], 0.5), 2),
            "gap_p99_ms": round(rig.quantile(said["gaps"], 0.99), 2),
        }

    def deaf(self) -> dict[str, Any]:
        """In turns: streams beside clients that start runs and read, and beside clients that do the same and never
        read. What these cost more is what waits for them; the runs themselves cost both the same. The gaps are of the
        time after that, when all buffers on the way are full and what is meant for them keeps coming."""
        rounds, seconds, count = (1, 2, 4) if self.quick else (6, 8, 8)
        job = {
            "port": self.server.port,
            "count": count,
            "model": "fake/fake-20-max",
            "runs": 10 if self.quick else 20,
            "chars": 60_000,
        }
        self.other.do("trouble", reads=True, **job)  # what is made once for such runs
        self._settled()
        self.other.do("close")
        gaps: dict[bool, list[float]] = {True: [], False: []}
        cost: dict[bool, list[float]] = {True: [], False: []}
        for index in range(rounds):
            for reads in (True, False) if index % 2 == 0 else (False, True):
                before = self.server.rss()
                self.other.do("trouble", reads=reads, **job)
                self._settled()
                cost[reads].append((self.server.rss() - before) / count)
                self.other.do("go_on", model="fake/fake-200-20")
                gaps[reads].append(self._streams(self.main, 32, seconds)["gap_p99_ms"])
                self.other.do("close")
                self._settled()
        ratios = [b / a for a, b in zip(gaps[True], gaps[False], strict=True)]
        return {
            "gap_p99_ms": {"beside_readers": rig.median(gaps[True]), "beside_deaf": rig.median(gaps[False])},
            "gap_ratio": round(rig.median(ratios), 3),
            "mb_each": round(max(0.0, rig.median(cost[False]) - max(0.0, rig.median(cost[True]))), 3),
        }

    def _settled(self) -> None:
        """Until the server has little to do."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            before = self.server.cpu()
            time.sleep(0.25)
            if self.server.cpu() - before < 0.05:
                return

    def flood(self) -> dict[str, Any]:
        rounds, seconds = (1, 3) if self.quick else (6, 8)
        self.watched.at(self.limited)
        good, bad = (access_token(self.folder, name) for name in ("good", "bad"))
        alone: list[float] = []  # ms of all rounds: one round has too few runs for a 95th percentile
        beside: list[float] = []
        floods = []
        for index in range(rounds):
            for trouble in (False, True) if index % 2 == 0 else (True, False):
                if trouble:
                    self.other.begin(
                        "flood", port=self.limited.port, token=bad, seconds=seconds + 1, model="fake/fake-20-max"
                    )
                    time.sleep(0.5)
                work = {"port": self.limited.port, "token": good, "seconds": seconds, "rate": 8 if self.quick else 4}
                said = self.main.do("work", model="fake/fake-20-max", **work)
                if said["refused"] or not said["ms"]:
                    raise RuntimeError(f"the other one was refused: {said['said']}")
                (beside if trouble else alone).extend(said["ms"])
                if trouble:
                    floods.append(self.other.end())
        self.watched.at(self.server)
        p95 = {"alone": rig.quantile(alone, 0.95), "beside": rig.quantile(beside, 0.95)}
        return {
            "p95_ms": {name: round(value, 2) for name, value in p95.items()},
            "p95_ratio": round(p95["beside"] / p95["alone"], 3),
            "flood": {name: sum(one[name] for one in floods) for name in floods[0]},
        }

    def mixed(self) -> dict[str, Any]:
        """The hour in short: what grows in minutes under steady work would grow in hours. Of the conversations the
        newest stay with their memories and all others go, because a memory has its vector in the process: without that
        it would be the data whose growth is seen. How much of it there is, `stored` says."""
        seconds = self.options.minutes * 60
        began = self.watched.mark()
        job = {"port": self.server.port, "people": self.options.people, "seconds": seconds}
        job["keep"] = 20 if self.quick else 200
        said = self.main.do("mixed", model="fake/fake-20-max", long_model=f"fake/{LEFT}", **job)
        rows = [row for row in self.watched.rows if row["s"] >= began]
        time.sleep(2)
        rest = counts(self.server)
        figures: dict[str, Any] = {"seconds": seconds, **{name: said[name] for name in ("done", "failed", "stored")}}
        if said["failed"]:
            figures["said"] = said["said"]
        for name in ("rss_mb", "files", "threads"):
            # The first third is for what fills once: caches, pools, the heap's first growth.
            third = max(len(rows) // 3, 1)
            middle, last = rows[third : 2 * third], rows[2 * third :]
            before, after = (rig.median([row[name] for row in part]) for part in (middle, last))
            figures[name] = {"middle": round(before, 1), "last": round(after, 1), "at_rest": round(rest[name], 1)}
            figures[name]["growth"] = round(after / before if before else 1.0, 4)
            # Of twenty threads one more is 5 %: one or two that are just at work are no growth.
            if name != "rss_mb" and after - before <= _SLACK:
                figures[name]["growth"] = min(figures[name]["growth"], 1.0)
        return figures


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short form, at most 45 s")
    parser.add_argument("--report", type=Path, help="write an HTML page with plots here")
    parser.add_argument("--connections", type=int, help="idle WebSockets (5000; quick: 2000)")
    parser.add_argument("--streams", type=int, default=256, help="streams at 20 tokens/s at once (256)")
    parser.add_argument("--people", type=int, default=16, help="people of the mixed work (16)")
    parser.add_argument("--minutes", type=float, help="of the mixed work (5; quick: 0.1)")
    parser.add_argument("--only", choices=SCENES, action="append", help="only this scene (may be repeated)")
    given = parser.parse_args()
    given.connections = given.connections or (2000 if given.quick else 5000)
    given.minutes = given.minutes or (0.1 if given.quick else 5)
    return given


def targets_of(figures: dict[str, Any], quick: bool) -> dict[str, tuple[float, str, float]]:
    targets: dict[str, tuple[float, str, float]] = {}
    if idle := figures.get("idle"):
        targets["idle_kb_each"] = (idle["kb_each"], "<=", 45)
        targets["idle_open"] = (idle["open"], ">=", idle["connections"])
    if fair := figures.get("fair"):
        targets["fair_jain"] = (fair["jain"], ">=", 0.98)
    if deaf := figures.get("deaf"):
        if not quick:  # in one round of few clients the heap's own growth is as much as theirs
            targets["deaf_mb_each"] = (deaf["mb_each"], "<=", 2)
        targets["deaf_gap_ratio"] = (deaf["gap_ratio"], "<=", 1.1)
    if flood := figures.get("flood"):
        targets["flood_p95_ratio"] = (flood["p95_ratio"], "<=", 1.2)
    if mixed := figures.get("mixed"):
        targets["mixed_failed"] = (mixed["failed"], "<=", 0)
        for name in ("rss_mb", "files", "threads"):
            targets[f"mixed_{name}_growth"] = (mixed[name]["growth"], "<=", 1.05)
    return targets


# As docs/access.md has it for a server that several people share.
SHARED: dict[str, Any] = {
    "limit_requests": "20/second; 600/minute",
    "limit_messages": "20/second; 600/minute",
    "limit_runs": "10/second; 300/minute",
    "limit_bytes": "67108864/minute",
}


def main() -> int:
    given = options()
    with rig.scratch() as folder, rig.fake_model() as fake:
        many = 4 * given.connections
        server = rig.start_alma(
            folder,
            fake_port=fake.port,
            models=MODELS,
            memory=True,
            max_connections=many,
            max_connections_per_address=many,
            max_sockets_per_caller=many,
            limit_connects="off",
        )
        # Others are spared by limits, so they hold where that is measured.
        limited = rig.start_alma(folder / "limited", fake_port=fake.port, models=MODELS, memory=True, **SHARED)
        load = Load(server, limited, folder / "limited", given)
        try:
            figures = {name: load.scene(name) for name in SCENES if not given.only or name in given.only}
        finally:
            load.close()
            for one in (server, limited):
                one.kill()  # what they would still do in order is nobody's any more
    targets = targets_of(figures, given.quick)
    if given.report is not None:
        given.report.write_text(load_report.page(figures, targets, load.watched.rows, load.spans))
        print(f"The report is in {given.report}.")
    return rig.report("load", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
