"""What learning costs: CPU per streamed token and per run with it, over that without.

Three servers on the same scripted model take the same streams in turns: `off` does not learn (ALMA_LEARNING=false),
`new` learns and has been told nothing yet, as any Alma in `bench.stream`, and `taught` has approved answers to tell of
and feedback to count. CPU is the server process's own, until what ended is counted; ratios are medians of neighbouring
rounds. The levels compare `new` with `off`; `run` compares `taught` with `off` on short answers, so that what is done
once for a run shows.

    python -m bench.learning_cost [--quick]
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench import rig
from bench.stream import Bench, Client

LESSONS = 40  # approved answers that there are to choose from
LEVELS = {"paced": (64, 200, "50", 8), "flat": (64, 1000, "max", 16)}  # streams, tokens, rate; rounds
QUICK = {"paced": (64, 100, "50", 2), "flat": (64, 1000, "max", 4)}
RUNS = (64, 20)  # at once, tokens each
REST_S = 0.5  # for what comes after an answer


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


def level(bench: Bench, learner: str, shape: tuple[int, int, str], rounds: int) -> dict[str, Any]:
    """`shape`: streams at once, tokens of each, the model's rate. The server named `learner` beside `off`."""
    streams, tokens, rate = shape
    seen: dict[str, list[dict[str, float]]] = {"off": [], learner: []}
    for index in range(rounds):
        for kind in ("off", learner) if index % 2 == 0 else (learner, "off"):
            seen[kind].append(bench.once(kind, streams, tokens, rate, rest=REST_S))
    result: dict[str, Any] = {
        kind: {name: round(rig.median([one[name] for one in rounds_of]), 3) for name in ("us_per_token", "gap_p99_ms")}
        for kind, rounds_of in seen.items()
    }
    pairs = [(on["us_per_token"], off["us_per_token"]) for on, off in zip(seen[learner], seen["off"], strict=True)]
    result["ratios"] = [round(on / off, 3) for on, off in pairs]
    result["ratio"] = round(rig.median([on / off for on, off in pairs]), 4)
    result["added_ms_per_run"] = round(rig.median([on - off for on, off in pairs]) * tokens / 1000, 3)
    return result


def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder, rig.fake_model() as fake:
        levels = QUICK if quick else LEVELS
        models = ["fake-20-max", *(f"fake-{tokens}-{rate}" for _, tokens, rate, _ in levels.values())]
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
            figures["run"] = level(bench, "taught", (*RUNS, "max"), 4 if quick else 16)
            for name, (streams, tokens, rate, rounds) in levels.items():
                figures[name] = level(bench, "new", (streams, tokens, rate), rounds)
            figures["believed"] = len(rig.get(f"{servers['taught'].url}/api/learning/records?what=role")["records"])
        finally:
            client.close()
            for server in servers.values():
                server.stop()
    for name, value in figures.items():
        print(name, json.dumps(value))
    targets: dict[str, tuple[float, str, float]] = {
        f"{name}_ratio": (figures[name]["ratio"], "<=", 1.02) for name in levels
    }
    targets["added_ms_per_run"] = (figures["run"]["added_ms_per_run"], "<=", 3.0)
    targets["believed"] = (figures["believed"], ">=", 1)
    return rig.report("learning_cost", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
