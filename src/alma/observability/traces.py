"""Sends spans to an OpenTelemetry collector (OTLP over HTTP), in batches, by a thread of its own.

The packages are optional and loaded when they are used. What waits to be sent is bounded; a collector that is away
costs the spans, which is said once, and nothing else.
"""

from __future__ import annotations

import importlib
import logging
import threading
from typing import Any
from urllib.parse import urlsplit

from alma import __version__
from alma.observability.channels import without_secrets
from alma.observability.spans import Span

log = logging.getLogger(__name__)
EXTRA = "otel"
_WAITING = 4_096  # spans
_BATCH = 512
_EVERY_MS = 2_000
_TIMEOUT_S = 5
_CLOSE_S = 2.0


class Traces:
    """`send` never waits. `problem`: why nothing arrives; empty: it does."""

    def __init__(self, url: str, *, every_ms: float = _EVERY_MS) -> None:
        """Raises `ImportError` where the packages are missing."""
        self._api: Any = importlib.import_module("opentelemetry.trace")
        sdk: Any = importlib.import_module("opentelemetry.sdk.trace")
        export: Any = importlib.import_module("opentelemetry.sdk.trace.export")
        resources: Any = importlib.import_module("opentelemetry.sdk.resources")
        scopes: Any = importlib.import_module("opentelemetry.sdk.util.instrumentation")
        otlp: Any = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it is said here, once
        self.problem = ""
        self._span: Any = sdk.ReadableSpan
        self._resource = resources.Resource.create({"service.name": "alma", "service.version": __version__})
        self._scope = scopes.InstrumentationScope("alma", __version__)
        exporter = otlp.OTLPSpanExporter(endpoint=endpoint_of(url), timeout=_TIMEOUT_S)
        self._where = without_secrets(endpoint_of(url))
        self._done: Any = export.SpanExportResult.SUCCESS
        self._processor: Any = export.BatchSpanProcessor(
            _Watched(exporter, self._sent),
            max_queue_size=_WAITING,
            max_export_batch_size=_BATCH,
            schedule_delay_millis=every_ms,
        )

    def send(self, span: Span) -> None:
        api = self._api
        flags = api.TraceFlags(api.TraceFlags.SAMPLED)
        parent = api.SpanContext(span.trace_id, span.parent, False, flags) if span.parent else None
        failed = bool(span.error)
        code = api.StatusCode.ERROR if failed else api.StatusCode.UNSET
        self._processor.on_end(
            self._span(
                name=span.name,
                context=api.SpanContext(span.trace_id, span.span_id, False, flags),
                parent=parent,
                resource=self._resource,
                attributes=span.attributes,
                kind=api.SpanKind.CLIENT if span.client else api.SpanKind.INTERNAL,
                status=api.Status(code, span.said or span.error if failed else None),
                start_time=int(span.start * 1e9),
                end_time=int(span.end * 1e9),
                instrumentation_scope=self._scope,
            )
        )

    def close(self) -> None:
        """Sends what waits, for a moment."""
        ending = threading.Thread(target=self._processor.shutdown, name="alma-traces-end", daemon=True)
        ending.start()
        ending.join(_CLOSE_S)

    def _sent(self, result: Any) -> None:
        if result is self._done:
            if self.problem:
                log.info("traces arrive at %s again", self._where)
            self.problem = ""
        elif not self.problem:
            self.problem = f"Traces do not arrive at {self._where}."
            log.warning("traces do not arrive at %s; they are dropped until they do", self._where)


class _Watched:
    """An exporter that says what came of it."""

    def __init__(self, exporter: Any, told: Any) -> None:
        self._exporter = exporter
        self._told = told

    def export(self, spans: Any) -> Any:
        result = self._exporter.export(spans)
        self._told(result)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def endpoint_of(url: str) -> str:
    """The address that spans are posted to: a collector's own path, where none is given."""
    url = url if "://" in url else f"http://{url}"
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1/traces"
