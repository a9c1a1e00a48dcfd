"""Every figure that Alma takes, by name: what it is, its unit, and how it is taken. Data only.

Series, the dashboard, alert rules and reports all go by these names; `/metrics` has the same under Prometheus' own.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

What = Literal["percentile", "rate", "sum", "level", "peak"]
Group = Literal["answers", "models", "runs", "cache", "memory", "server", "resources"]


class Metric(Struct, frozen=True):
    """`what`: a percentile of what ended in the interval, a rate (a second), a sum in it, a level (of a second at its
    end, of more the mean of its seconds, beside which the highest and the lowest are kept), or the peak in it."""

    name: str
    title: str
    unit: str
    what: What
    group: Group
    description: str


def _percentiles(name: str, title: str, group: Group, description: str) -> tuple[Metric, ...]:
    return tuple(
        Metric(f"{name}_p{share}_ms", f"{title}, p{share}", "ms", "percentile", group, description)
        for share in (50, 95, 99)
    )


METRICS: tuple[Metric, ...] = (
    *_percentiles("response", "Response", "answers", "From a task to the end of its run."),
    *_percentiles(
        "first_token", "First token", "answers", "From a model call to its first token, unless the cache answered."
    ),
    Metric("tokens_out", "Tokens written", "tokens/s", "rate", "answers", "Tokens that models wrote."),
    Metric("tokens_in", "Tokens read", "tokens/s", "rate", "answers", "Tokens that models read, from their cache too."),
    Metric("runs_started", "Runs begun", "count", "sum", "runs", "Runs that began."),
    Metric("runs_finished", "Runs ended", "count", "sum", "runs", "Runs that ended well or were stopped."),
    Metric("runs_failed", "Runs failed", "count", "sum", "runs", "Runs that ended with an error."),
    Metric("runs_running", "Running", "count", "level", "runs", "Runs that are under way."),
    Metric("tasks_running", "Tasks at work", "count", "level", "runs", "Tasks that a worker holds."),
    Metric("tasks_queued", "Tasks waiting", "count", "level", "runs", "Tasks that are ready and wait for a worker."),
    Metric("calls", "Model calls", "count", "sum", "models", "Model calls that ended."),
    Metric("call_errors", "Failed calls", "count", "sum", "models", "Model calls that ended with an error."),
    *_percentiles("call", "Model call", "models", "From a model call to its end, of those that a model answered."),
    Metric("cost", "Cost", "USD", "sum", "models", "What model calls cost, by the prices of their endpoints."),
    Metric("endpoints_down", "Endpoints down", "count", "level", "models", "Endpoints that health says are down."),
    Metric("cache_hits", "Answers reused", "count", "sum", "cache", "Model calls that the response cache answered."),
    Metric("cache_misses", "Answers made", "count", "sum", "cache", "Model calls that a model answered."),
    Metric("memories", "Memories", "count", "level", "memory", "Memories that are alive, of all owners."),
    Metric("memories_waiting", "Memories waiting", "count", "level", "memory", "Memories that have no vector yet."),
    *_percentiles("recall", "Recall", "memory", "From a question to what is remembered of it."),
    Metric("connections", "Connections", "count", "level", "server", "WebSockets that are open."),
    Metric("requests", "Requests", "/s", "rate", "server", "HTTP requests that were answered."),
    Metric(
        "request_errors",
        "Server errors",
        "count",
        "sum",
        "server",
        "HTTP requests answered with a 5xx, but for `/livez` and `/readyz`.",
    ),
    *_percentiles("request", "Request", "server", "From an HTTP request to the end of its answer."),
    Metric("refused", "Refused", "count", "sum", "server", "Requests, commands and connections over a limit."),
    Metric("errors", "Errors", "count", "sum", "server", "Errors that were logged, as the errors page groups them."),
    Metric("loop_lag_ms", "Event loop lag", "ms", "peak", "resources", "How late the event loop came to a timer."),
    Metric("gc_pause_ms", "GC pause", "ms", "peak", "resources", "The longest pause for collecting garbage."),
    Metric("db_queue", "Writes waiting", "count", "level", "resources", "Writes that wait for the database's writer."),
    *_percentiles("db_write", "Write", "resources", "From a write's queuing to its being durable."),
    Metric("cpu", "CPU", "%", "level", "resources", "Of the server's process; 100 is one core."),
    Metric("rss", "Memory", "MiB", "level", "resources", "Resident memory of the server's process."),
    Metric("files", "Open files", "count", "level", "resources", "Files and sockets that the server has open."),
    Metric("threads", "Threads", "count", "level", "resources", "Threads of the server's process."),
    Metric("model_cpu", "CPU of the model", "%", "level", "resources", "Of the embedded model's process."),
    Metric("model_rss", "Memory of the model", "MiB", "level", "resources", "Of the embedded model's process."),
    Metric("model_files", "Open files of the model", "count", "level", "resources", "Of the embedded model's process."),
    Metric("embedder_cpu", "CPU of the embedder", "%", "level", "resources", "Of the embedding model's process."),
    Metric("embedder_rss", "Memory of the embedder", "MiB", "level", "resources", "Of the embedding model's process."),
    Metric(
        "embedder_files",
        "Open files of the embedder",
        "count",
        "level",
        "resources",
        "Of the embedding model's process.",
    ),
    Metric("disk_free", "Disk space", "MiB", "level", "resources", "Free where the data folder is."),
)
BY_NAME = {metric.name: metric for metric in METRICS}
