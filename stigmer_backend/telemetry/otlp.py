"""Tells a collector, by OpenTelemetry's protocol over gRPC. The `OTEL_*` variables mean what they mean everywhere."""

import threading
from collections.abc import Iterable, Mapping
from functools import partial

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stigmer_apis import __version__
from stigmer_backend.telemetry.facts import CallFact, Gauge, Gauges, RunFact
from stigmer_backend.telemetry.trace_ids import trace_ids

_CLOSE_SECONDS = 2.0
_SERVER_FAULTS = frozenset({"UNKNOWN", "INTERNAL", "DATA_LOSS", "UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED"})
"""Codes that are the server's mistake (OpenTelemetry's conventions for gRPC servers)."""


class OtlpSink:
    """Spans and metrics for one collector."""

    def __init__(self, endpoint: str, gauges: Gauges, names: Iterable[Gauge], environ: Mapping[str, str]) -> None:
        """`names`: the gauges that there are; their values are read with `gauges` when they are sent.

        `OTEL_TRACES_EXPORTER=none` and `OTEL_METRICS_EXPORTER=none` leave one of the two out.
        """
        self.where = f"OpenTelemetry to {endpoint}"
        name = environ.get("OTEL_SERVICE_NAME", "stigmer-server")
        resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__})
        self._ids = _Ids()
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=self._ids)
        if environ.get("OTEL_TRACES_EXPORTER", "otlp") != "none":
            self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self._traces.get_tracer("stigmer", __version__)
        readers = []
        if environ.get("OTEL_METRICS_EXPORTER", "otlp") != "none":
            readers = [PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))]
        self._metrics = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        meter = self._metrics.get_meter("stigmer", __version__)
        self._calls = meter.create_histogram("stigmer.call.duration", "s", "Calls that answer once")
        self._streams = meter.create_counter("stigmer.streams", "{call}", "Calls that answered with a stream")
        self._runs = meter.create_histogram("stigmer.run.duration", "s", "Executions that ended")
        self._tokens = meter.create_counter("stigmer.tokens", "{token}", "Tokens of executions that ended")
        for gauge in names:
            callback = partial(_observe, gauges, gauge.name)
            meter.create_observable_gauge(f"stigmer.{gauge.name}", [callback], description=gauge.about)

    def call(self, fact: CallFact) -> None:
        """A span, and its time."""
        attributes = {
            "rpc.system": "grpc",
            "rpc.service": fact.service,
            "rpc.method": fact.method,
            "rpc.response.status_code": fact.code,
        }
        parent = TraceContextTextMapPropagator().extract({"traceparent": fact.parent}) if fact.parent else Context()
        span = self._tracer.start_span(
            f"{fact.service}/{fact.method}", parent, SpanKind.SERVER, attributes, start_time=fact.began_ns
        )
        if fact.code in _SERVER_FAULTS:
            span.set_status(Status(StatusCode.ERROR))
        span.end(fact.ended_ns)
        if fact.streams:
            self._streams.add(1, attributes)
        else:
            self._calls.record(fact.seconds, attributes)

    def run(self, fact: RunFact) -> None:
        """A span with one for each step below it."""
        attributes = {"stigmer.kind": fact.kind, "stigmer.phase": fact.phase}
        named = attributes | {
            "stigmer.execution.id": fact.execution_id,
            "stigmer.name": fact.name,
            "stigmer.tokens": fact.tokens,
        }
        links = [Link(_context_of(fact.parent_id))] if fact.parent_id else []
        self._ids.wanted = trace_ids(fact.execution_id)
        span = self._tracer.start_span(
            f"run {fact.name}", Context(), attributes=named, links=links, start_time=fact.began_ns
        )
        self._ids.wanted = None
        below = set_span_in_context(span, Context())
        for step in fact.steps:
            child = self._tracer.start_span(step.name, below, start_time=step.began_ns)
            if step.failed:
                child.set_status(Status(StatusCode.ERROR))
            child.end(step.ended_ns)
        if fact.phase == "failed":
            span.set_status(Status(StatusCode.ERROR))
        span.end(fact.ended_ns)
        self._runs.record(fact.seconds, attributes)
        self._tokens.add(fact.tokens, attributes)

    def close(self) -> None:
        """Send what is left, and wait for a collector that is away no longer than some seconds: its libraries would try for much longer."""
        ending = threading.Thread(target=self._end, name="end of telemetry", daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)

    def _end(self) -> None:
        self._traces.shutdown()
        self._metrics.shutdown()


class _Ids(RandomIdGenerator):
    """Ids at random, but for the span of an execution. On the event loop alone."""

    def __init__(self) -> None:
        self.wanted: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        """Of the next trace."""
        return super().generate_trace_id() if self.wanted is None else self.wanted[0]

    def generate_span_id(self) -> int:
        """Of the next span."""
        return super().generate_span_id() if self.wanted is None else self.wanted[1]


def _context_of(execution_id: str) -> SpanContext:
    trace, span = trace_ids(execution_id)
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _observe(gauges: Gauges, name: str, options: CallbackOptions) -> Iterable[Observation]:
    return [Observation(gauge.value) for gauge in gauges() if gauge.name == name]
