"""Whether anything is told, put together for one runner."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.config import Telemetry
from stigmer_runner.telemetry.watching import Call, EventWatcher

if TYPE_CHECKING:
    from stigmer_runner.telemetry.otlp import OtlpSink

_logger = logging.getLogger(__name__)

Watch = Callable[[Sequence[Event]], None]
"""Is shown the events of an execution as they are appended."""


class Telling:
    """Tells nothing where the settings name no address; else opened by `open`, and closed."""

    def __init__(self, settings: Telemetry, environ: Mapping[str, str], runner_id: str = "") -> None:
        self._endpoint = settings.endpoint if environ.get("OTEL_SDK_DISABLED", "").lower() != "true" else ""
        self._environ = environ
        self._runner_id = runner_id
        self._sink: OtlpSink | None = None

    async def open(self, leases: Callable[[], tuple[int, int]]) -> None:
        """Begin. Libraries that are missing are told in the log, and change nothing else. `leases`: held, and awake."""
        if not self._endpoint:
            return
        try:
            self._sink = await asyncio.to_thread(self._open, leases)
        except ImportError as error:
            _logger.warning(
                "telemetry: its libraries are not installed: pip install 'stigmer[telemetry]' (%s)", error.name
            )
            return
        _logger.info("telemetry: OpenTelemetry to %s", self._endpoint)

    async def close(self) -> None:
        """Tell what is left."""
        sink, self._sink = self._sink, None
        if sink is not None:
            await asyncio.to_thread(sink.close)

    def watch(self, execution_id: str, trace_parent: str) -> Watch | None:
        """Who is to be shown the events of an execution; None where nothing is told."""
        return EventWatcher(execution_id, trace_parent, self).take if self._endpoint else None

    def call(self, call: Call) -> None:
        """A call is over."""
        if self._sink is not None:
            self._sink.call(call)

    def _open(self, leases: Callable[[], tuple[int, int]]) -> "OtlpSink":
        from stigmer_runner.telemetry.otlp import OtlpSink

        return OtlpSink(self._endpoint, self._runner_id, leases, self._environ)
