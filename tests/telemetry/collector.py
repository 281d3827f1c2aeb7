"""A collector of OpenTelemetry on loopback: it takes traces and metrics by the real protocol, and keeps them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stigmer_apis.transport import aio


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """What it was told."""

    spans: list[Span] = field(default_factory=list[Span])
    metrics: dict[str, Metric] = field(default_factory=dict[str, Metric])
    """The last of each name."""
    resources: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    raw: bytearray = field(default_factory=bytearray)
    """Every byte of every message."""
    endpoint: str = ""

    async def Export(self, request: Any, context: object) -> Any:
        """Both services call it so."""
        self.raw += request.SerializeToString()
        if isinstance(request, trace_service_pb2.ExportTraceServiceRequest):
            for of_resource in request.resource_spans:
                self.resources.append(texts(of_resource.resource.attributes))
                for scope in of_resource.scope_spans:
                    self.spans += scope.spans
            return trace_service_pb2.ExportTraceServiceResponse()
        for of_resource in request.resource_metrics:
            for scope in of_resource.scope_metrics:
                self.metrics |= {metric.name: metric for metric in scope.metrics}
        return metrics_service_pb2.ExportMetricsServiceResponse()

    def named(self, name: str) -> list[Span]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]


def texts(attributes: Sequence[KeyValue]) -> dict[str, str]:
    """Attributes that are texts."""
    return {each.key: each.value.string_value for each in attributes}


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    """A collector that listens."""
    collector, server = Collector(), aio.server()
    for add in (
        attrgetter("add_TraceServiceServicer_to_server")(trace_service_pb2_grpc),
        attrgetter("add_MetricsServiceServicer_to_server")(metrics_service_pb2_grpc),
    ):
        add(collector, server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(None)
