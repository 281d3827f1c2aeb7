"""Everything that is told, put together for one daemon."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import CancelledError as FutureCancelled

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusResponse
from stigmer_apis.config import Telemetry
from stigmer_apis.transport import aio
from stigmer_backend.telemetry.calls import CallWatcher
from stigmer_backend.telemetry.facts import CallFact, Gauge, Sink
from stigmer_backend.telemetry.runs import run_fact

_GAUGE_SECONDS = 5.0
_MISSING = "the libraries for it are not installed: pip install 'stigmer[telemetry]'"

_log = logging.getLogger(__name__)

Status = Callable[[], Awaitable[GetStatusResponse]]


class Telling:
    """Tells nothing where the settings name no address; else opened by `open`, and closed."""

    def __init__(self, settings: Telemetry, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._sinks: list[Sink] = []
        self._status: Status | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._problem = ""

    @property
    def wanted(self) -> bool:
        """Whether anything is to be told."""
        off = self._environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        return bool(self._settings.prometheus or (self._settings.endpoint and not off))

    @property
    def traces(self) -> bool:
        """Whether a collector is told of traces."""
        off = self._environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        return bool(self._settings.endpoint) and not off

    @property
    def interceptors(self) -> Sequence[aio.ServerInterceptor]:
        """To stand before everything else."""
        return (CallWatcher(self._call),) if self.wanted else ()

    def component(self) -> GetStatusResponse.Component | None:
        """How it does, for `status`; None where nothing is told."""
        if not self.wanted:
            return None
        told = "; ".join(sink.where for sink in self._sinks)
        return GetStatusResponse.Component(
            name="telemetry", healthy=not self._problem, detail=" ".join(filter(None, (told, self._problem)))
        )

    async def open(self, status: Status) -> None:
        """Begin; `status` gives the figures. Missing libraries and an address that is taken are told, in the log and in `status`, and change
        nothing else.

        Raises `ConfigError` for an address that others reach.
        """
        if not self.wanted:
            return
        self._status, self._loop = status, asyncio.get_running_loop()
        first = gauges_of(await status())
        try:
            self._sinks = await asyncio.to_thread(self._open, first)
        except ImportError as error:
            self._problem = f"{_MISSING} ({error.name})"
        except OSError as error:
            self._problem = str(error)
        if self._problem:
            _log.warning("telemetry: %s", self._problem)
        for sink in self._sinks:
            _log.info("telemetry: %s", sink.where)

    async def close(self) -> None:
        """Tell what is left."""
        sinks, self._sinks = self._sinks, []
        for sink in sinks:
            await asyncio.to_thread(sink.close)

    def ended(self, state: FoldState) -> None:
        """An execution ended."""
        if self._sinks:
            fact = run_fact(state)
            for sink in self._sinks:
                sink.run(fact)

    def _call(self, fact: CallFact) -> None:
        for sink in self._sinks:
            sink.call(fact)

    def _open(self, first: Sequence[Gauge]) -> list[Sink]:
        """Import what is wanted, and no more."""
        sinks: list[Sink] = []
        if self._settings.prometheus:
            from stigmer_backend.telemetry.prometheus import PrometheusSink

            sinks.append(PrometheusSink(self._settings.prometheus, self._gauges))
        if self._settings.endpoint and self._environ.get("OTEL_SDK_DISABLED", "").lower() != "true":
            from stigmer_backend.telemetry.otlp import OtlpSink

            sinks.append(OtlpSink(self._settings.endpoint, self._gauges, first, self._environ))
        return sinks

    def _gauges(self) -> Sequence[Gauge]:
        """The figures now, asked of the event loop from another thread; none where it has no time."""
        assert self._loop is not None
        assert self._status is not None
        asked = asyncio.run_coroutine_threadsafe(_read(self._status), self._loop)
        try:
            return asked.result(_GAUGE_SECONDS)
        except (TimeoutError, FutureCancelled):
            asked.cancel()
            return ()


async def _read(status: Status) -> Sequence[Gauge]:
    return gauges_of(await status())


def gauges_of(status: GetStatusResponse) -> Sequence[Gauge]:
    """The figures of a status."""
    connected = [runner for runner in status.runners if runner.connected]
    return (
        Gauge("uptime_seconds", "Since the daemon started", status.uptime_seconds),
        Gauge("memory_bytes", "Resident memory of the daemon", status.memory_bytes),
        Gauge("executions", "Executions that are kept", status.executions),
        Gauge("executions_live", "Executions that have not ended", status.live_executions),
        Gauge("open_streams", "Calls under way that answer with a stream", status.open_streams),
        Gauge("runners", "Connected runners", len(connected)),
        Gauge("running", "Executions that runners run", sum(runner.running for runner in connected)),
        Gauge("store_healthy", "1 where the store works", float(status.store.healthy)),
        Gauge("store_bytes", "What the store takes on the disk", status.store.disk_bytes),
    )
