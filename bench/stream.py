"""Server CPU per streamed token, first token and pace: Alma beside the fast floor, same run, interleaved.

Alma works in full: WebSocket in, route, agent, journal on disk with synchronous=FULL, bus, AG-UI frames out. The floor
(`bench/floor.py`) only passes tokens through. Both talk to the same scripted model server; the client is a process of
its own on a raw protocol. CPU is the server process's own (the embedder's process is reported beside it).

Alma sends what one read from the model brought in one frame (flat out that is several tokens; paced it is one), the
floor one frame a token: `frames_per_token` says how it was. `one_by_one` is Alma on a model paced so that no read can
bring two tokens.

`ingesting` is Alma with memory on, which listens to every stream, keeps what is said and takes the run in at its end;
its agents recall nothing. Beside Alma without, in turns, in both orders: the CPU of the server per token, until all is
kept for good, and what is added to the gaps between tokens. The answers are prose of 400 tokens (`prose.py`), in which
no two sentences are alike: 64 at once, paced at 50 a second and flat out; in the short form 17 at once, at 200 a
second. `memory` has the agents recall too, once for each message, which has its price by the message and not by the
token.

    python -m bench.stream [--quick]
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import prose, rig

REMEMBER = ("ingesting", "memory")


class Client:
    """The client process: one job in, one answer out."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.stream_client"], cwd=rig.REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def do(self, **job: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client ended")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


class Bench:
    """`folders`: of the servers that remember, their data."""

    def __init__(
        self, client: Client, servers: dict[str, rig.Served], folders: dict[str, Path], fake: rig.Served
    ) -> None:
        self.client = client
        self.servers = servers
        self.folders = folders
        self.fake = fake
        self.rounds = 0

    def once(
        self, kind: str, streams: int, tokens: int, rate: str, speaking: str = "", rest: float = 0.0
    ) -> dict[str, float]:
        """One round; every stream must have received every token. `speaking`: how prose comes, in place of words.
        `rest`: seconds for which a server that remembers nothing is watched afterwards."""
        self.rounds += 1
        prompt = {"prompt": prose.prompt(self.rounds, speaking)} if speaking else {}
        server = self.servers[kind]
        cpu, embed, fake = server.cpu(), server.children_cpu(), self.fake.cpu()
        spread = 0.0 if rate == "max" else 1.0
        said = self.client.do(
            port=server.port,
            kind="floor" if kind == "floor" else "alma",
            streams=streams,
            model="fake-20-max" if speaking else f"fake-{tokens}-{rate}",
            spread=spread,
            **prompt,
        )
        ended = time.monotonic()
        if kind in REMEMBER:
            self.settle(self.folders[kind])
        else:
            time.sleep(rest)
        total = streams * tokens
        whole = min(said["chars"]) > 5 * tokens if speaking else len(set(said["chars"])) == 1
        assert whole, "a stream is not whole"
        return {
            "settled_s": time.monotonic() - ended,
            "us_per_token": 1e6 * (server.cpu() - cpu) / total,
            "embedder_us_per_token": 1e6 * (server.children_cpu() - embed) / total,
            "fake_us_per_token": 1e6 * (self.fake.cpu() - fake) / total,
            "frames_per_token": said["frames"] / total,
            "tokens_per_s": total / said["seconds"],
            "cores": (server.cpu() - cpu) / said["seconds"],
            "gap_p50_ms": rig.quantile(said["gaps"], 0.5),
            "gap_p99_ms": rig.quantile(said["gaps"], 0.99),
        }

    @staticmethod
    def settle(folder: Path) -> None:
        """Until all that was said is kept for good: what that costs counts too. Looks into the database itself, so that
        looking costs the server nothing."""
        overheard = "SELECT count(*) FROM memories WHERE kind = 'working'"
        ended = "SELECT count(*) FROM runs WHERE id NOT IN (SELECT run_id FROM remembered_runs)"
        deadline = time.monotonic() + 60
        with contextlib.closing(sqlite3.connect(f"file:{folder / 'alma.db'}?mode=ro", uri=True)) as database:
            while any(left := [database.execute(one).fetchone()[0] for one in (overheard, ended)]):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"what was said is not kept: {left}")
                time.sleep(0.2)

    def level(self, streams: int, tokens: int, rate: str, rounds: int) -> dict[str, Any]:
        """Rounds of both, one after the other; medians and the ratio of the CPU per token."""
        seen: dict[str, list[dict[str, float]]] = {"floor": [], "alma": []}
        for index in range(rounds):
            for kind in ("floor", "alma") if index % 2 == 0 else ("alma", "floor"):
                seen[kind].append(self.once(kind, streams, tokens, rate))
        result: dict[str, Any] = {
            kind: {name: round(rig.median([one[name] for one in all_of]), 3) for name in all_of[0]}
            for kind, all_of in seen.items()
        }
        pairs = [a["us_per_token"] / f["us_per_token"] for a, f in zip(seen["alma"], seen["floor"], strict=True)]
        result["ratio"] = round(rig.median(pairs), 3)
        return result

    def remembering(self, speakers: int, pace: str, rounds: int, *kinds: str) -> dict[str, Any]:
        """Rounds of prose, of Alma without memory and with; medians, and against the round without: the ratio of the
        CPU per token, and what is added to the gaps. The embedder needs longer than the model: so that a server with
        nothing to do costs both the same, the one without memory is watched for as long as the other was."""
        seen: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
        rest = 0.0
        for index in range(rounds):
            for kind in kinds[::-1] if index % 2 == 0 else kinds:
                rate = "max" if pace == prose.FLAT else "paced"
                seen[kind].append(one := self.once(kind, speakers, prose.TOKENS, rate, pace, rest))
                rest = one["settled_s"] if kind == "ingesting" else rest
        names = ("us_per_token", "settled_s", "embedder_us_per_token", "tokens_per_s", "gap_p50_ms", "gap_p99_ms")
        result: dict[str, Any] = {
            kind: {name: round(rig.median([one[name] for one in all_of]), 3) for name in names}
            for kind, all_of in seen.items()
        }
        for kind in kinds[1:]:
            pairs = [*zip(seen[kind], seen["alma"], strict=True)]
            of = result[kind]
            of["ratio"] = round(rig.median([m["us_per_token"] / a["us_per_token"] for m, a in pairs]), 3)
            of["added_gap_p99_ms"] = round(rig.median([m["gap_p99_ms"] - a["gap_p99_ms"] for m, a in pairs]), 3)
            of["kept"] = rig.get(f"{self.servers[kind].url}/api/memory")["counts"]["byKind"]
        return result

    def first_token(self, count: int) -> dict[str, float]:
        """What Alma adds before the first token, against the floor's way to the same fake (which adds its own)."""
        waits: dict[str, list[float]] = {"floor": [], "typed": [], "untyped": []}
        offset = 0
        for _ in range(4):
            for way in waits:
                kind = "floor" if way == "floor" else "alma"
                port = self.servers[kind].port
                job = {"first": count // 4, "model": "fake-20-max", "offset": offset, "typed": way == "typed"}
                waits[way] += self.client.do(port=port, kind=kind, **job)["first_ms"]
                offset += count
        direct = self.client.do(port=self.fake.port, kind="direct", first=count, model="fake-20-max")["first_ms"]
        base = rig.median(direct)
        figures = {"direct_p50_ms": base, "floor_added_p50_ms": rig.median(waits["floor"]) - base}
        for way in ("typed", "untyped"):
            figures[f"{way}_added_p50_ms"] = rig.median(waits[way]) - base
            figures[f"{way}_added_p99_ms"] = rig.quantile(waits[way], 0.99) - base
        return {name: round(value, 3) for name, value in figures.items()}


def agents_that_recall_nothing(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for file in (rig.REPO / "agents").glob("*.md"):
        (folder / file.name).write_text(file.read_text().replace("recall: [private, team, owner]", "recall: []"))
    return folder


def main() -> int:
    quick = rig.options(__doc__).quick
    rounds = 1 if quick else 3
    speakers, pace = (17, 200.0) if quick else (64, 50.0)
    with rig.scratch() as folder, rig.fake_model(prose.write_script(folder / "prose.json", speakers, pace)) as fake:
        floor_port = rig.free_port()
        floor = rig.spawn([sys.executable, "-m", "bench.floor", str(floor_port), str(fake.port)], floor_port, "/readyz")
        models = [f"fake-{tokens}-{rate}" for tokens in (20, 200, 250, 500, 1000, 2000, 5000) for rate in ("max", "50")]
        alma = rig.start_alma(folder, fake_port=fake.port, models=models)
        agents = agents_that_recall_nothing(folder / "agents")
        ingesting = rig.start_alma(
            folder / "ingesting", fake_port=fake.port, models=models, memory=True, agents_dir=agents
        )
        client = Client()
        servers = {"floor": floor, "alma": alma, "ingesting": ingesting}
        if not quick:
            servers["memory"] = rig.start_alma(folder / "memory", fake_port=fake.port, models=models, memory=True)
        try:
            bench = Bench(client, servers, {kind: folder / kind for kind in REMEMBER}, fake)
            for kind in servers:
                bench.once(kind, 8, 20, "max")  # warm
            figures: dict[str, Any] = {"first_token": bench.first_token(60 if quick else 400)}
            for streams, tokens in ((1, 5000), (16, 1000), (64, 1000)):
                figures[f"flat_{streams}"] = bench.level(streams, tokens, "max", rounds if quick else 5)
            for streams in (64, 256) if quick else (16, 64, 128, 256):
                figures[f"paced_{streams}"] = bench.level(streams, 200 if quick else 500, "50", rounds)
            kinds = [kind for kind in servers if kind != "floor"]
            figures["memory_paced"] = bench.remembering(speakers, prose.PACED, 2 if quick else 6, *kinds)
            if not quick:
                figures["memory_flat"] = bench.remembering(speakers, prose.FLAT, 6, *kinds)
        finally:
            client.close()
            for server in servers.values():
                server.stop()
    for name, value in figures.items():
        print(name, json.dumps(value))
    first, held = figures["first_token"], figures["paced_256"]
    targets = {
        "flat_64_ratio": (figures["flat_64"]["ratio"], "<=", 2.0),
        "paced_64_ratio": (figures["paced_64"]["ratio"], "<=", 1.8),
        "first_token_added_p50_ms": (first["typed_added_p50_ms"], "<=", 3.0),
        "first_token_added_p99_ms": (first["typed_added_p99_ms"], "<=", 10.0),
    }
    for level in ("memory_paced", "memory_flat"):
        if level in figures:
            targets[f"{level}_ratio"] = (figures[level]["ingesting"]["ratio"], "<=", 1.3)
    added = figures["memory_paced"]["ingesting"]["added_gap_p99_ms"]
    targets["memory_added_gap_p99_ms"] = (added, "<=", 10.0)
    if held["floor"]["gap_p99_ms"] <= 50 and abs(held["floor"]["gap_p50_ms"] - 20) <= 2:
        targets["paced_256_median_off_ms"] = (abs(held["alma"]["gap_p50_ms"] - 20), "<=", 2.0)
        targets["paced_256_p99_ms"] = (held["alma"]["gap_p99_ms"], "<=", 50.0)
    return rig.report("stream", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
