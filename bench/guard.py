"""What guarding and watching cost: CPU per streamed token with limits, metrics and log file, over that without.

Two servers on the same scripted model, one with everything on (rates of all kinds, figures, the log file) and one with
everything off, take the same streams in turns. CPU is the server process's own; the ratio is the median of neighbouring
rounds. `idle`: CPU of both while nobody asks anything. At the end it is seen that figures were taken: on the
dashboard's connection and for Prometheus.

    python -m bench.guard [--quick]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from typing import Any

import aiohttp

from bench import rig
from bench.stream import Bench, Client

RATES = ("requests", "connects", "messages", "runs", "tokens", "bytes")
AMPLE = "1000000000/second; 1000000000/minute"  # counted all the same
OFF = {"metrics": False, "log_file": False, **{f"limit_{rate}": "off" for rate in RATES}}
ON = {"metrics": True, "log_file": True, **{f"limit_{rate}": AMPLE for rate in RATES}}
LEVELS = {  # streams, tokens, rate; rounds
    "paced": (64, 200, "50", 8),
    "flat": (64, 1000, "max", 16),
}
QUICK = {
    "paced": (64, 100, "50", 2),
    "flat": (64, 1000, "max", 4),
}


async def watch(port: int, seconds: float) -> int:
    """The dashboard's connection for so long; how many frames of figures came."""
    seen = 0
    url = f"http://127.0.0.1:{port}/ws?protocol=1"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str(json.dumps({"type": "metrics.watch", "id": "w"}))
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame = (await socket.receive(timeout=left)).data
            except TimeoutError:
                break
            seen += isinstance(frame, str) and '"alma.metrics"' in frame
    return seen


def scrape(port: int) -> int:
    """As Prometheus does; bytes of the answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return len(answer.read())


def idle(servers: dict[str, rig.Served], seconds: float) -> dict[str, float]:
    """Percent of a core that each takes while nothing is asked."""
    before = {kind: server.cpu() for kind, server in servers.items()}
    time.sleep(seconds)
    return {kind: round(100 * (server.cpu() - before[kind]) / seconds, 2) for kind, server in servers.items()}


def level(bench: Bench, streams: int, tokens: int, rate: str, rounds: int) -> dict[str, Any]:
    seen: dict[str, list[dict[str, float]]] = {"off": [], "on": []}
    for index in range(rounds):
        for kind in ("off", "on") if index % 2 == 0 else ("on", "off"):
            seen[kind].append(bench.once(kind, streams, tokens, rate))
    names = ("us_per_token", "tokens_per_s", "gap_p50_ms", "gap_p99_ms")
    result: dict[str, Any] = {
        kind: {name: round(rig.median([one[name] for one in all_of]), 3) for name in names}
        for kind, all_of in seen.items()
    }
    pairs = [on["us_per_token"] / off["us_per_token"] for on, off in zip(seen["on"], seen["off"], strict=True)]
    result["ratio"] = round(rig.median(pairs), 3)
    result["ratios"] = [round(pair, 3) for pair in pairs]
    return result


def main() -> int:
    quick = rig.options(__doc__).quick
    with rig.scratch() as folder, rig.fake_model() as fake:
        levels = QUICK if quick else LEVELS
        models = ["fake-20-max", *(f"fake-{tokens}-{rate}" for _, tokens, rate, _ in levels.values())]
        servers = {
            kind: rig.start_alma(folder / kind, fake_port=fake.port, models=models, **settings)
            for kind, settings in (("off", OFF), ("on", ON))
        }
        client = Client()
        figures: dict[str, Any] = {}
        try:
            bench = Bench(client, servers, {}, fake)
            for kind in servers:
                bench.once(kind, 8, 20, "max")  # warm
            figures["idle_percent"] = idle(servers, 3.0 if quick else 20.0)
            for name, (streams, tokens, rate, rounds) in levels.items():
                figures[name] = level(bench, streams, tokens, rate, rounds)
            figures["frames"] = asyncio.run(watch(servers["on"].port, 3.2))
            figures["scraped_bytes"] = scrape(servers["on"].port)
        finally:
            client.close()
            for server in servers.values():
                server.stop()
    for name, value in figures.items():
        print(name, json.dumps(value))
    targets = {f"{name}_ratio": (figures[name]["ratio"], "<=", 1.1) for name in levels}
    targets["idle_added_percent"] = (figures["idle_percent"]["on"] - figures["idle_percent"]["off"], "<=", 1.0)
    targets["frames_in_3_s"] = (figures["frames"], ">=", 2)
    return rig.report("guard", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
