"""Lets Prometheus fetch figures, over HTTP on an address of this machine."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stigmer_apis.errors import ConfigError
from stigmer_backend.daemon.network import Address
from stigmer_backend.telemetry.facts import CallFact, Gauges, RunFact

_RUN_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)


class _Now(Collector):
    """The gauges, read when they are asked for."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family each."""
        for gauge in self._gauges():
            yield GaugeMetricFamily(f"stigmer_{gauge.name}", gauge.about, value=gauge.value)

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing before anybody asks: a registry would collect to find the names."""
        return []


class PrometheusSink:
    """Figures for whoever asks there."""

    def __init__(self, listen: str, gauges: Gauges) -> None:
        """Listen at once. Raises `ConfigError` for an address that others reach, `OSError` for one that is taken."""
        address = Address.parse(listen)
        if not address.is_loopback:
            raise ConfigError(
                f"{listen} is reached by others, and Prometheus shows no token",
                remedy="let `telemetry.prometheus` be an address of this machine alone, such as 127.0.0.1:9464",
            )
        registry = CollectorRegistry()
        registry.register(_Now(gauges))
        self._calls = Histogram(
            "stigmer_call_seconds", "Calls that answer once", ["service", "method", "code"], registry=registry
        )
        self._streams = Counter(
            "stigmer_streams", "Calls that answered with a stream", ["service", "method", "code"], registry=registry
        )
        self._runs = Histogram(
            "stigmer_run_seconds", "Executions that ended", ["kind", "phase"], registry=registry, buckets=_RUN_SECONDS
        )
        self._tokens = Counter("stigmer_tokens", "Tokens of executions that ended", ["kind"], registry=registry)
        try:
            self._server, self._thread = start_http_server(address.port, address.host, registry)
        except OSError as error:
            raise OSError(f"Prometheus cannot be answered at {listen}: {error.strerror or error}") from error
        self.where = f"Prometheus at http://{address.host}:{self._server.server_port}/metrics"

    def call(self, fact: CallFact) -> None:
        """Count it."""
        labels = (fact.service, fact.method, fact.code)
        if fact.streams:
            self._streams.labels(*labels).inc()
        else:
            self._calls.labels(*labels).observe(fact.seconds)

    def run(self, fact: RunFact) -> None:
        """Count it."""
        self._runs.labels(fact.kind, fact.phase).observe(fact.seconds)
        self._tokens.labels(fact.kind).inc(fact.tokens)

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
