"""Tells a collector, by OpenTelemetry's protocol over gRPC. The `OTEL_*` variables mean what they mean everywhere."""

import threading
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stigmer_apis import __version__
from stigmer_runner.telemetry.watching import Call

_CLOSE_SECONDS = 2.0


class OtlpSink:
    """Spans and metrics for one collector."""

    def __init__(
        self, endpoint: str, runner_id: str, leases: Callable[[], tuple[int, int]], environ: Mapping[str, str]
    ) -> None:
        """`leases`: how many the runner holds, and how many of them do not sleep; asked from another thread.

        `OTEL_TRACES_EXPORTER=none` and `OTEL_METRICS_EXPORTER=none` leave one of the two out.
        """
        name = environ.get("OTEL_SERVICE_NAME", "stigmer-runner")
        resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__, SERVICE_INSTANCE_ID: runner_id})
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if environ.get("OTEL_TRACES_EXPORTER", "otlp") != "none":
            self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self._traces.get_tracer("stigmer", __version__)
        readers = []
        if environ.get("OTEL_METRICS_EXPORTER", "otlp") != "none":
            readers = [PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))]
        self._metrics = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        meter = self._metrics.get_meter("stigmer", __version__)
        self._turns = meter.create_histogram("stigmer.model.duration", "s", "Calls of models: turns")
        self._tokens = meter.create_counter("stigmer.model.tokens", "{token}", "Tokens of calls of models")
        self._tools = meter.create_histogram("stigmer.tool.duration", "s", "Calls of tools")

        def held(options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(leases()[0])]

        def awake(options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(leases()[1])]

        meter.create_observable_gauge("stigmer.leases", [held], description="Executions that the runner holds")
        meter.create_observable_gauge("stigmer.leases_awake", [awake], description="Those of them that do not sleep")

    def call(self, call: Call) -> None:
        """A span below its run's, and its figures."""
        about = {"gen_ai.operation.name": call.kind, "error.type": call.error}
        if call.kind == "chat":
            about |= {"gen_ai.provider.name": call.provider, "gen_ai.request.model": call.name}
        else:
            about |= {"gen_ai.tool.name": call.name}
        about = {key: value for key, value in about.items() if value}
        counted: dict[str, str | int] = {**about, "stigmer.execution.id": call.execution_id}
        if call.input_tokens or call.output_tokens:
            counted |= {
                "gen_ai.usage.input_tokens": call.input_tokens,
                "gen_ai.usage.output_tokens": call.output_tokens,
            }
        span = self._tracer.start_span(
            f"{call.kind} {call.name}",
            _below(call.trace_parent),
            SpanKind.CLIENT if call.kind == "chat" else SpanKind.INTERNAL,
            counted,
            start_time=call.began_ns,
        )
        if call.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(call.ended_ns)
        if call.kind != "chat":
            self._tools.record(call.seconds, about)
            return
        self._turns.record(call.seconds, about)
        for direction, count in (("input", call.input_tokens), ("output", call.output_tokens)):
            if count:
                self._tokens.add(count, {**about, "gen_ai.token.type": direction})

    def close(self) -> None:
        """Send what is left, and wait for a collector that is away no longer than some seconds."""
        ending = threading.Thread(target=self._end, name="end of telemetry", daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)

    def _end(self) -> None:
        self._traces.shutdown()
        self._metrics.shutdown()


def _below(trace_parent: str) -> Context:
    return TraceContextTextMapPropagator().extract({"traceparent": trace_parent}) if trace_parent else Context()
