"""What learning costs: CPU per streamed token and per run with it, over that without.

Three servers on the same scripted model take the same streams in turns: `off` does not learn (ALMA_LEARNING=false),
`new` learns and has been told nothing yet, as any Alma in `bench.stream`, and `taught` has approved answers to tell of
and feedback to count. `paced` and `flat` compare `new` with `off` on long answers; `run` compares `taught` with `off`
on short ones, so that what is done once for a run shows.

CPU is the server process's own. What a token costs flat out differs by a tenth from one turn to the next, for how many
happen to come at once differs, and how busy the machine's other half is. So the turns are short, many, and follow each
other without a pause, and a block of them is looked at together, once all that had ended is counted. The ratio is that
of the sums of all blocks, with the interval that another choice of blocks gives it. The short form has too few blocks
for two hundredths to be seen: it judges the near end of the interval, against ten.

    python -m bench.learning_cost [--quick]
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import statistics
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from bench import rig
from bench.stream import Bench, Client

LESSONS = 40  # approved answers that there are to choose from
REST_S = 1.2  # after a block, for what comes after its answers


class Shape(NamedTuple):
    """Streams at once, tokens of each, the model's rate; turns of each server in a block."""

    streams: int
    tokens: int
    rate: str
    turns: int


SHAPES = {"run": Shape(16, 20, "max", 12), "paced": Shape(64, 200, "50", 1), "flat": Shape(64, 1000, "max", 5)}
QUICK = {"run": Shape(16, 20, "max", 12), "paced": Shape(64, 100, "50", 1), "flat": Shape(64, 1000, "max", 3)}
BLOCKS = {"run": (12, 1), "paced": (8, 1), "flat": (20, 2)}  # in full, in short


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        raw = answer.read()
        return json.loads(raw) if raw else None


def teach(url: str) -> int:
    """Approved answers by hand; how many there are."""
    for number in range(LESSONS):
        task = f"Write about the port of town {number}, its ships and its trade, in a few plain words."
        post(f"{url}/api/learning/lessons", {"role": "manager", "task": task, "answer": f"Town {number} has a port."})
    return LESSONS


def thumbs(url: str, database: Path) -> int:
    """A thumb for each run there is; how many that were."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        run_ids = [run_id for (run_id,) in connection.execute("SELECT id FROM runs")]
    for count, run_id in enumerate(run_ids):
        post(f"{url}/api/runs/{run_id}/feedback", {"signal": "thumb", "value": 1 if count % 3 else -1})
    return len(run_ids)


def level(bench: Bench, learner: str, shape: Shape, blocks: int) -> dict[str, Any]:
    """The server named `learner` beside `off`."""
    kinds = ("off", learner)
    spent: list[tuple[float, float]] = []  # ms of CPU per run of a block: off, and the other
    gaps: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(blocks):
        before = [bench.servers[kind].cpu() for kind in kinds]
        for turn in range(shape.turns):
            for kind in kinds if turn % 2 == 0 else kinds[::-1]:
                gaps[kind] += once(bench, kind, shape)
        time.sleep(REST_S)
        runs = shape.turns * shape.streams
        off, on = (1000 * (bench.servers[kind].cpu() - was) / runs for kind, was in zip(kinds, before, strict=True))
        spent.append((off, on))
    ratio, dice = ratio_of(spent), random.Random(1)
    others = sorted(ratio_of(dice.choices(spent, k=blocks)) for _ in range(2000))
    off, on = (statistics.fmean(one) for one in zip(*spent, strict=True))
    return {
        "runs": blocks * shape.turns * shape.streams,
        "off_ms_per_run": round(off, 3),
        f"{learner}_ms_per_run": round(on, 3),
        "added_ms_per_run": round(on - off, 3),
        "gap_p99_ms": {kind: round(rig.quantile(gaps[kind], 0.99), 2) for kind in kinds},
        "blocks": [round(with_it / without, 3) for without, with_it in spent],
        "ratio": round(ratio, 4),
        "interval": [round(others[100], 4), round(others[1899], 4)],  # 90 %
    }


def once(bench: Bench, kind: str, shape: Shape) -> list[float]:
    """A turn of one server; every stream must be whole. Gives the gaps between tokens, in ms."""
    model, spread = f"fake-{shape.tokens}-{shape.rate}", 0.0 if shape.rate == "max" else 1.0
    port = bench.servers[kind].port
    said = bench.client.do(port=port, kind="alma", streams=shape.streams, model=model, spread=spread)
    assert len(set(said["chars"])) == 1, "a stream is not whole"
    return said["gaps"]


def ratio_of(spent: list[tuple[float, float]]) -> float:
    return sum(on for _, on in spent) / sum(off for off, _ in spent)


def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder, rig.fake_model() as fake:
        shapes = QUICK if quick else SHAPES
        models = [f"fake-{shape.tokens}-{shape.rate}" for shape in shapes.values()]
        servers = {
            kind: rig.start_alma(folder / kind, fake_port=fake.port, models=models, learning=kind != "off")
            for kind in ("off", "new", "taught")
        }
        client = Client()
        figures: dict[str, Any] = {}
        try:
            bench = Bench(client, servers, {}, fake)
            for kind in servers:
                bench.once(kind, 8, 20, "max")  # warm
            figures["lessons"] = teach(servers["taught"].url)
            figures["thumbs"] = thumbs(servers["taught"].url, folder / "taught" / "alma.db")
            time.sleep(1.0)
            for name, shape in shapes.items():
                learner = "taught" if name == "run" else "new"
                figures[name] = level(bench, learner, shape, BLOCKS[name][quick])
            figures["believed"] = len(rig.get(f"{servers['taught'].url}/api/learning/records?what=role")["records"])
        finally:
            client.close()
            for server in servers.values():
                server.stop()
    for name, value in figures.items():
        print(name, json.dumps(value))
    targets: dict[str, tuple[float, str, float]] = {
        f"{name}_ratio": (figures[name]["interval"][0], "<=", 1.1) if quick else (figures[name]["ratio"], "<=", 1.02)
        for name in ("paced", "flat")
    }
    targets |= {
        "added_ms_per_run": (figures["run"]["added_ms_per_run"], "<=", 3.0),
        "believed": (figures["believed"], ">=", 1),
    }
    return rig.report("learning_cost", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
