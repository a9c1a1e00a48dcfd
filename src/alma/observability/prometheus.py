"""The figures as Prometheus reads them: text made of what was counted anyway, when it is asked for.

Names are those of OpenTelemetry's conventions for generative AI, as Prometheus writes them, where there are such;
`alma_` and `process_` are for the rest. The library is imported at the first request.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from alma.observability.catalog import BY_NAME
from alma.observability.meter import Meter
from alma.observability.resources import MIB, Resources
from alma.observability.sampling import Sampler
from alma.observability.sketch import Sketch
from alma.observability.totals import Totals

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# Bounds of histograms: seconds as the conventions advise, tokens likewise, milliseconds for what is quick.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576)
_MOST_ENDPOINTS = 200
_GEN_AI = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_agent_name")
_CHAT = "chat"

# Catalog's names → Prometheus' own, of what has no labels. (Where no name stands, see docs/operations.md.)
COUNTERS = {
    "runs_started": "alma_runs_started",
    "cache_hits": "alma_cache_hits",
    "cache_misses": "alma_cache_misses",
    "refused": "alma_refused",
    "errors": "alma_errors",
}
LEVELS = {
    "runs_running": "alma_runs_running",
    "tasks_running": "alma_tasks_running",
    "tasks_queued": "alma_tasks_queued",
    "endpoints_down": "alma_endpoints_down",
    "memories": "alma_memories",
    "memories_waiting": "alma_memories_waiting",
    "connections": "alma_connections",
    "db_queue": "alma_db_writes_waiting",
    "disk_free": "alma_disk_free_bytes",
}
HISTOGRAMS = {
    "response": ("alma_run_duration_seconds", _SECONDS),
    "recall": ("alma_recall_duration_seconds", _QUICK),
    "db_write": ("alma_db_write_duration_seconds", _QUICK),
    "loop_lag": ("alma_event_loop_lag_seconds", _QUICK),
    "gc_pause": ("alma_gc_pause_seconds", _QUICK),
}


class EndpointNow(Struct, frozen=True):
    """`breaker`: closed, half_open or open."""

    name: str
    breaker: str
    active: int
    queued: int
    limit: int


class Exposition:
    """`endpoints`: all of them, as they are now; `refused`: how often by code."""

    def __init__(
        self,
        meter: Meter,
        totals: Totals,
        sampler: Sampler,
        resources: Resources,
        endpoints: Callable[[], Sequence[EndpointNow]],
        refused: Callable[[], Mapping[str, int]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._meter = meter
        self._totals = totals
        self._sampler = sampler
        self._resources = resources
        self._endpoints = endpoints
        self._refused = refused
        self._started = clock()

    async def text(self, accept: str) -> tuple[bytes, str]:
        """The figures in the format that `accept` (a header) asks for, and its content type. They are collected at
        once, since everything here is the event loop's; a thread then writes them out."""
        return await asyncio.to_thread(_written, list(self.collect()), accept)

    def collect(self) -> Iterator[Metric]:
        yield from self._calls()
        yield from self._plain()
        yield from self._labelled()
        yield from self._http()
        yield from self._processes()

    def _calls(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        tokens = HistogramMetricFamily(
            "gen_ai_client_token_usage", "Tokens of a model call.", labels=[*_GEN_AI, "gen_ai_token_type"]
        )
        duration = HistogramMetricFamily(
            "gen_ai_client_operation_duration_seconds",
            BY_NAME["call_p50_ms"].description,
            labels=[*_GEN_AI, "error_type"],
        )
        first = HistogramMetricFamily(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            BY_NAME["first_token_p50_ms"].description,
            labels=_GEN_AI,
        )
        cost = CounterMetricFamily("alma_cost_usd", BY_NAME["cost"].description, labels=_GEN_AI)
        for (agent, model, provider), total in self._totals.calls.items():
            labels = [_CHAT, provider, model, agent]
            for kind, sketch in (("input", total.input_tokens), ("output", total.output_tokens)):
                if sketch.counts:
                    tokens.add_metric([*labels, kind], *_buckets(sketch, _TOKENS, 1))
            for code, sketch in (("", total.duration), *total.errors.items()):
                if sketch.counts:
                    duration.add_metric([*labels, code], *_buckets(sketch, _SECONDS, 1000))
            if total.first_token.counts:
                first.add_metric(labels, *_buckets(total.first_token, _SECONDS, 1000))
            cost.add_metric(labels, total.cost)
        yield from (tokens, duration, first, cost)

    def _plain(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        total, levels = self._meter.whole(), self._sampler.levels
        for name, called in COUNTERS.items():
            if name != "refused":  # has a label
                yield CounterMetricFamily(called, BY_NAME[name].description, total.sums.get(name, 0.0))
        for name, called in LEVELS.items():
            if name in levels:
                value = levels[name] * (MIB if name == "disk_free" else 1)
                yield GaugeMetricFamily(called, BY_NAME[name].description, value)
        for name, (called, bounds) in HISTOGRAMS.items():
            metric = BY_NAME.get(f"{name}_p50_ms") or BY_NAME[f"{name}_ms"]
            buckets, whole = _buckets(total.sketches.get(name, Sketch()), bounds, 1000)
            yield HistogramMetricFamily(called, metric.description, buckets, whole)

    def _labelled(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        ends = CounterMetricFamily("alma_runs_ended", "Runs that ended, by how.", labels=["status"])
        for status, count in {"completed": 0, "failed": 0, "canceled": 0, **self._totals.ends}.items():
            ends.add_metric([status], count)
        refused = CounterMetricFamily(COUNTERS["refused"], BY_NAME["refused"].description, labels=["policy"])
        for policy, count in self._refused().items():
            refused.add_metric([policy], count)
        open_now = GaugeMetricFamily(
            "alma_endpoint_breaker_state", "1 for the state that its breaker is in.", labels=["endpoint", "state"]
        )
        active = GaugeMetricFamily("alma_endpoint_calls_active", "Calls under way.", labels=["endpoint"])
        queued = GaugeMetricFamily("alma_endpoint_calls_queued", "Calls that wait for a place.", labels=["endpoint"])
        limit = GaugeMetricFamily("alma_endpoint_calls_limit", "Calls that it gets at once.", labels=["endpoint"])
        for endpoint in self._endpoints()[:_MOST_ENDPOINTS]:
            for state in ("closed", "half_open", "open"):
                open_now.add_metric([endpoint.name, state], float(endpoint.breaker == state))
            active.add_metric([endpoint.name], endpoint.active)
            queued.add_metric([endpoint.name], endpoint.queued)
            limit.add_metric([endpoint.name], endpoint.limit)
        yield from (ends, refused, open_now, active, queued, limit)

    def _http(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        duration = HistogramMetricFamily(
            "http_server_request_duration_seconds",
            BY_NAME["request_p50_ms"].description,
            labels=["http_request_method", "http_route"],
        )
        answers = CounterMetricFamily(
            "alma_http_answers",
            "HTTP requests answered, by the class of the status.",
            labels=["http_request_method", "http_route", "status"],
        )
        for (method, route), total in self._totals.routes.items():
            duration.add_metric([method, route], *_buckets(total.ms, _QUICK, 1000))
            for status, count in total.statuses.items():
                answers.add_metric([method, route, status], count)
        yield from (duration, answers)

    def _processes(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        cpu = CounterMetricFamily("alma_process_cpu_seconds", "CPU of each process.", labels=["process"])
        rss = GaugeMetricFamily("alma_process_resident_memory_bytes", "Memory of each process.", labels=["process"])
        threads = GaugeMetricFamily("alma_process_threads", "Threads of each process.", labels=["process"])
        files = GaugeMetricFamily("alma_process_open_fds", "Files and sockets of each process.", labels=["process"])
        for role, count in self._resources.files.items():
            files.add_metric([role], count)
        for role, use in self._resources.uses.items():
            cpu.add_metric([role], use.cpu_s)
            rss.add_metric([role], use.rss)
            threads.add_metric([role], use.threads)
        yield from (cpu, rss, threads, files)
        own = self._resources.uses.get("server")
        if own is not None:
            yield CounterMetricFamily("process_cpu_seconds", "CPU of the server's process.", own.cpu_s)
            yield GaugeMetricFamily("process_resident_memory_bytes", BY_NAME["rss"].description, own.rss)
        if "server" in self._resources.files:
            yield GaugeMetricFamily("process_open_fds", BY_NAME["files"].description, self._resources.files["server"])
        yield GaugeMetricFamily("process_start_time_seconds", "When the server began, in Unix time.", self._started)
        collected = CounterMetricFamily("python_gc_collections", "Collections of garbage.", labels=["generation"])
        for generation, stats in enumerate(gc.get_stats()):
            collected.add_metric([str(generation)], stats["collections"])
        yield collected


class _Collected:
    """What was collected, as the library wants to have it."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _written(metrics: list[Metric], accept: str) -> tuple[bytes, str]:
    from prometheus_client.exposition import choose_encoder

    encode, kind = choose_encoder(accept)
    return encode(_Collected(metrics)), kind


def _buckets(sketch: Sketch, bounds: Sequence[float], per_unit: float) -> tuple[list[tuple[str, float]], float]:
    """Cumulative counts by bound, within the sketch's error, and the sum. `per_unit`: of the sketch's in one of the
    bounds' unit."""
    buckets = [(repr(float(bound)), float(sketch.up_to(bound * per_unit))) for bound in bounds]
    return [*buckets, ("+Inf", float(sketch.count))], sketch.total / per_unit
