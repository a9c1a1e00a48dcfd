"""Figures of a real server: taken while it works, over HTTP, over the WebSocket and for Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sqlite3
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from alma.observability.catalog import METRICS
from serving import REPO, Serving, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Generator[Serving]:
    folder = tmp_path_factory.mktemp("measured")
    (folder / "data").mkdir()
    (folder / "data" / "models").symlink_to(data_dir / "models")
    (folder / "models.toml").write_text(
        '[[endpoint]]\nname = "gone"\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["m"]\n'
    )
    with running(folder, memory="true", cache="true", embedded="true") as serving:
        yield serving


async def talk(server: Serving, *texts: str, frames: int = 0) -> list[dict[str, Any]]:
    """Send tasks one after the other, each to its end, then wait for so many frames of figures; gives these."""
    seen: list[dict[str, Any]] = []
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/ws?protocol=1") as socket:
        if frames:
            await socket.send_str(json.dumps({"type": "metrics.watch", "id": "w"}))
        for text in texts:
            key = uuid.uuid4().hex
            command = {"type": "run.start", "id": key, "key": key, "text": text, "kind": "chat"}
            await socket.send_str(json.dumps(command))
            while True:
                event = json.loads((await socket.receive(timeout=120)).data)
                assert event.get("name") != "alma.error", event
                if event.get("name") == "alma.metrics":
                    seen.append(event["value"])
                if event["type"] in ("RUN_FINISHED", "RUN_ERROR"):
                    break
        while len(seen) < frames:
            event = json.loads((await socket.receive(timeout=120)).data)
            if event.get("name") == "alma.metrics":
                seen.append(event["value"])
        if frames:
            await socket.send_str(json.dumps({"type": "metrics.unwatch", "id": "u"}))
            while json.loads((await socket.receive(timeout=120)).data).get("value", {}).get("id") != "u":
                pass
            with contextlib.suppress(asyncio.TimeoutError):
                while True:
                    assert json.loads((await socket.receive(timeout=1.5)).data).get("name") != "alma.metrics"
    return seen


def get(server: Serving, path: str) -> dict[str, Any]:
    status, reply = server.call("GET", path)
    assert status == 200, reply
    assert isinstance(reply, dict)
    return reply


def scrape(server: Serving) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    status, text = server.call("GET", "/metrics", Accept="text/plain")
    assert status == 200
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def total(samples: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    wanted = labels.items()
    return sum(value for (called, has), value in samples.items() if called == name and wanted <= set(has))


def test_the_metric_counts_the_endpoints_that_health_calls_down(server: Serving) -> None:
    parts = {one["name"]: one["status"] for one in get(server, "/health?fresh=1")["components"]}
    assert [name for name, status in parts.items() if name.startswith("endpoint ") and status == "down"] == [
        "endpoint gone"
    ]
    deadline = time.monotonic() + 120
    while (counted := total(scrape(server), "alma_endpoints_down")) != 1:  # a sample is taken now and then
        assert time.monotonic() < deadline, counted
        time.sleep(0.1)


async def test_every_metric_of_the_catalog_has_a_value_in_a_server_that_works(server: Serving) -> None:
    server.call("POST", "/api/memory", {"text": "Ada likes rye bread."})
    server.call("GET", "/api/memory?q=bread")
    server.call("POST", "/api/memory/search", {"query": "bread"})
    frames = await talk(server, "!say one two three", "!say one two three", "!status 401", frames=8)
    reply = get(server, "/api/metrics/dashboard?range=1h")
    missing = {metric.name for metric in METRICS} - set(reply["values"])
    assert missing == set()
    values = reply["values"]
    for name in ("runs_started", "runs_finished", "runs_failed", "calls", "call_errors", "cache_hits", "cache_misses"):
        assert values[name] >= 1, name
    names = ("tokens_out", "tokens_in", "requests", "rss", "files", "threads", "disk_free", "model_rss", "embedder_rss")
    for name in names:
        assert values[name] > 0, name
    assert values["connections"] > 0
    assert [one["name"] for one in reply["metrics"]] == [metric.name for metric in METRICS]
    assert all(set(frame["values"]) <= {metric.name for metric in METRICS} for frame in frames)
    assert all(later["at"] > earlier["at"] for earlier, later in itertools.pairwise(frames))
    assert sum(frame["values"]["runs_started"] for frame in frames) == 3


async def test_series_and_tables_tell_what_was_done(server: Serving) -> None:
    before = get(server, "/api/metrics/dashboard?range=1h")
    await talk(server, "!say alpha beta gamma delta", frames=2)
    after = get(server, "/api/metrics/dashboard?range=1h")
    (agent,) = [row for row in after["agents"] if row["name"] == "manager"]
    earlier = sum(row["calls"] for row in before["agents"] if row["name"] == "manager")
    assert agent["calls"] == earlier + 1
    assert [row["name"] for row in after["models"]] == ["scripted/scripted"]
    assert [row["name"] for row in after["endpoints"]] == ["scripted"]
    assert agent["p50Ms"] >= agent["firstTokenP50Ms"] > 0
    routes = {row["route"]: row for row in after["routes"]}
    assert routes["GET /api/metrics/dashboard"]["requests"] >= 1
    assert routes["GET /api/metrics/dashboard"]["p50Ms"] > 0
    series = get(server, "/api/metrics/series?range=5m&names=calls&names=rss")
    assert set(series["series"]) == {"calls", "rss"}
    assert (series["step"], len(series["at"])) == (1, 300)
    assert sum(value or 0 for value in series["series"]["calls"]) == after["values"]["calls"]
    for range, step in (("1h", 10), ("6h", 60), ("24h", 300), ("7d", 1800)):
        wider = get(server, f"/api/metrics/series?range={range}&names=calls")
        assert wider["step"] == step
        assert sum(value or 0 for value in wider["series"]["calls"]) == after["values"]["calls"]
    end = series["until"]
    part = get(server, f"/api/metrics/series?since={end - 60}&until={end}&names=calls")
    assert len(part["at"]) in (60, 61)


async def test_tokens_count_while_they_are_written(tmp_path: Path) -> None:
    """Not all at once when the call ends."""
    with running(tmp_path) as server:
        frames = await talk(server, "!tokens 60 20", frames=5)
        paces = [frame["values"]["tokens_out"] for frame in frames]
        assert sum(pace > 0 for pace in paces) >= 2


async def test_a_number_leads_to_its_run(server: Serving) -> None:
    await talk(server, "!wait 0.2 !say slowly")
    found = get(server, "/api/metrics/behind?metric=first_token_p99_ms&range=1h&limit=1")
    (run,) = found["runs"]
    assert run["value"] >= 200
    assert (run["agent"], run["endpoint"], run["status"]) == ("manager", "scripted", "completed")
    thread = get(server, f"/api/threads/{run['threadId']}")
    assert run["title"] == thread["title"]


async def test_the_runs_of_one_chat_can_be_told_apart(server: Serving) -> None:
    asked = ["!say first,\n  then more", "!say second " + "and more " * 100]
    await talk(server, *asked, frames=2)
    for metric in ("response_p95_ms", "calls", "runs_started", "cpu"):
        found = get(server, f"/api/metrics/behind?metric={metric}&range=1h")["runs"]
        texts = {run["text"] for run in found}
        assert {"!say first, then more", asked[1][:200].strip()} <= texts, metric


async def test_a_table_counts_the_runs_that_its_list_shows(server: Serving) -> None:
    await talk(server, "!say once", "!status 401", frames=2)
    for range in ("1h", "24h"):
        reply = get(server, f"/api/metrics/dashboard?range={range}")
        for by, rows in (("agent", "agents"), ("model", "models"), ("endpoint", "endpoints")):
            for row in reply[rows]:
                path = f"/api/metrics/behind?metric=runs&range={range}&limit=200&{by}={row['name']}"
                listed = [run["runId"] for run in get(server, path)["runs"]]
                assert len(set(listed)) == len(listed) == row["runs"] > 0, (range, by, row["name"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/metrics/behind?metric=nothing", 404, "unknown_metric"),
        ("/api/metrics/series?names=nothing", 404, "unknown_metric"),
        ("/api/metrics/series?range=1y", 400, "invalid_field"),
        ("/api/metrics/behind?metric=calls&limit=1000", 400, "invalid_field"),
        ("/api/metrics/behind?metric=calls&since=nan&until=5", 400, "invalid_field"),
    ],
)
def test_what_is_not_there_is_said(server: Serving, path: str, status: int, code: str) -> None:
    got, reply = server.call("GET", path)
    assert (got, reply["code"]) == (status, code)


def test_times_that_make_no_sense_give_nothing_but_an_answer(server: Serving) -> None:
    for times in ("since=5&until=1", "since=0&until=100000000000", "since=99999999999&until=100000000000", "since=5"):
        for door in ("series?names=cpu&", "dashboard?", "behind?metric=calls&"):
            status, reply = server.call("GET", f"/api/metrics/{door}{times}")
            assert status == 200, (door, times, reply)
            if door.startswith("series"):
                assert len(reply["at"]) <= 402


async def test_prometheus_can_read_it_and_its_counters_rise(server: Serving) -> None:
    before = scrape(server)
    await talk(server, "!say one two three four five", "!status 401", frames=2)
    after = scrape(server)
    calls = "gen_ai_client_operation_duration_seconds_count"
    of = {
        "gen_ai_request_model": "scripted/scripted",
        "gen_ai_provider_name": "scripted",
        "gen_ai_agent_name": "manager",
    }
    assert total(after, calls, error_type="", **of) - total(before, calls, error_type="", **of) == 1
    failed = "endpoint_unauthorized"
    assert total(after, calls, error_type=failed) - total(before, calls, error_type=failed) == 1
    tokens = "gen_ai_client_token_usage_sum"
    assert total(after, tokens, gen_ai_token_type="output") - total(before, tokens, gen_ai_token_type="output") == 5
    first = "gen_ai_client_operation_time_to_first_chunk_seconds_count"
    assert total(after, first) - total(before, first) == 1
    assert total(after, "alma_runs_started_total") - total(before, "alma_runs_started_total") == 2
    assert total(after, "alma_runs_ended_total", status="failed") > total(
        before, "alma_runs_ended_total", status="failed"
    )
    route = {"http_request_method": "GET", "http_route": "/metrics"}
    assert total(after, "http_server_request_duration_seconds_count", **route) >= 1
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "alma_connections"):
        assert any(called == name for called, _ in after), name
    assert total(after, "alma_process_resident_memory_bytes", process="embedder") > 0
    assert all(value >= before.get(key, 0) for key, value in after.items() if key[0].endswith(("_total", "_count")))


def test_openmetrics_too_for_who_asks_for_it(server: Serving) -> None:
    status, text = server.call("GET", "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert text.decode().endswith("# EOF\n")
    names = {family.name for family in openmetrics.text_string_to_metric_families(text.decode())}
    assert {"gen_ai_client_token_usage", "alma_runs_started", "process_cpu_seconds"} <= names


def test_it_is_all_in_the_docs() -> None:
    from alma.observability.prometheus import COUNTERS, HISTOGRAMS, LEVELS

    table = (REPO / "docs" / "operations.md").read_text()
    for metric in METRICS:
        assert f"`{metric.name}`" in table, metric.name
        assert metric.title in table, metric.title
    for name in (*COUNTERS.values(), *LEVELS.values(), *(name for name, _ in HISTOGRAMS.values())):
        assert f"`{name}" in table, name


async def test_without_metrics_the_doors_say_so(tmp_path: Path) -> None:
    with running(tmp_path, metrics="false") as server:
        for path in ("series", "dashboard", "behind?metric=calls"):
            status, reply = server.call("GET", f"/api/metrics/{path}")
            assert (status, reply["code"]) == (409, "metrics_off")
            assert "ALMA_METRICS" in reply["hint"]
        assert server.call("GET", "/metrics")[0] == 409
        url = f"{server.url}/ws?protocol=1"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_str(json.dumps({"type": "metrics.watch", "id": "w"}))
            while (event := json.loads((await socket.receive(timeout=120)).data)).get("name") != "alma.error":
                pass
            assert event["value"]["code"] == "metrics_off"
        await talk(server, "!say one")
        assert not _rows(server.folder / "data" / "alma.db")


def _rows(path: Path) -> list[Any]:
    with sqlite3.connect(path) as database:
        return [
            row
            for table in ("calls", "run_ends", "metric_samples")
            for row in database.execute(f"SELECT * FROM {table}")
        ]
