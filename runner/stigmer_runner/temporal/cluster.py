"""The connection of a runner to a cluster, and the workers that serve it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Chronicle
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.plan import ChildKinds, RunPlan, childless
from stigmer_runner.temporal import attributes
from stigmer_runner.temporal.converting import data_converter
from stigmer_runner.temporal.interceptors import OfClients, OfWorkers
from stigmer_runner.temporal.large_values import KeptValues
from stigmer_runner.temporal.library import (
    Client,
    LogForwardingConfig,
    LoggingConfig,
    RawValue,
    RPCError,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
    TLSConfig,
    TypedSearchAttributes,
    UnsandboxedWorkflowRunner,
    Worker,
    activity,
)
from stigmer_runner.temporal.naming import AGENT_RUNS, WORKFLOW_RUNS
from stigmer_runner.temporal.patience import ClusterAway
from stigmer_runner.temporal.reasons import why_away
from stigmer_runner.temporal.run import TemporalRun

_CONNECT = timedelta(seconds=5)
_AGAIN_AFTER = 2.0
_MISSED_AFTER = timedelta(seconds=3)
"""How long a step waits for the runner that has the run in memory before any other is asked, which replays it: a runner that was killed takes no longer."""
_CANCEL_NOTICED = timedelta(milliseconds=500)
"""How often heartbeats are sent on: a cancelled activity hears of it with one."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Where the cluster is, and who we are to it."""

    address: Callable[[], Awaitable[str]]
    """Where it answers now. Raises `ClusterAway`."""
    namespace: str
    identity: str
    """As its pages show this runner."""
    at_once: int = 10
    """Activities at once in one worker."""
    api_key: str | None = None
    tls: TLSConfig | bool = False
    own: bool = False
    """Whether the cluster is there for us alone: its namespace is set up as we want it."""


class TemporalEngine:
    """Makes runs that a cluster drives: an `engine.port.Engine`. Connects when the first one needs it. Close it by `close`."""

    def __init__(
        self,
        options: ClusterOptions,
        definitions: Callable[[], Sequence[type[object]]],
        key: Callable[[], Awaitable[bytes]],
        values: KeptValues,
    ) -> None:
        """`definitions`: the durable classes. `key`: what seals payloads, see `SealedPayloads`. `values`: keeps those that are large."""
        self._options = options
        self._definitions = definitions
        self._key = key
        self._values = values
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._serving: list[asyncio.Task[None]] = []
        self._searchable = False

    def run(
        self,
        plan: RunPlan,
        activities: Activities,
        journal: JournalSink,
        chronicle: Chronicle,
        *,
        child_kinds: ChildKinds = childless,
    ) -> TemporalRun:
        """A run; nothing happens before its `execute`."""
        return TemporalRun(self, plan, activities, journal, chronicle, child_kinds)

    async def client(self) -> Client:
        """A client that is connected, its namespace looked at once. Raises `ClusterAway`."""
        async with self._connecting:
            if self._client is None:
                client = await self._connect()
                self._searchable = await attributes.are_known(client, make=self._options.own)
                self._client = client
                self._serving = [
                    asyncio.create_task(self._serve(self._client, queue), name=f"temporal {queue}")
                    for queue in (AGENT_RUNS, WORKFLOW_RUNS)
                ]
            return self._client

    def attributes(self, execution_id: str) -> TypedSearchAttributes | None:
        """What a run can be found by; None where the namespace knows nothing of it. Asked for once there is a client."""
        return attributes.of_run(execution_id) if self._searchable else None

    def worker(self, client: Client, queue: str, perform: Callable[[Sequence[RawValue]], Awaitable[object]]) -> Worker:
        """A worker that does the activities of one execution."""

        @activity.defn(dynamic=True)
        async def work(arguments: Sequence[RawValue]) -> object:
            return await perform(arguments)

        return Worker(
            client,
            task_queue=queue,
            activities=[work],
            interceptors=[OfWorkers()],
            identity=self._options.identity,
            max_concurrent_activities=self._options.at_once,
            max_concurrent_activity_task_polls=2,
            max_heartbeat_throttle_interval=_CANCEL_NOTICED,
            default_heartbeat_throttle_interval=_CANCEL_NOTICED,
        )

    async def close(self) -> None:
        """End the workers: what they were at is taken up by others."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _connect(self) -> Client:
        options = self._options
        address = await options.address()
        try:
            return await Client.connect(
                address,
                namespace=options.namespace,
                api_key=options.api_key,
                tls=options.tls,
                identity=options.identity,
                data_converter=data_converter(await self._key(), self._values),
                interceptors=[OfClients()],
                connect_timeout=_CONNECT,
                runtime=_runtime(),
            )
        except (RPCError, RuntimeError, OSError) as error:
            raise ClusterAway(f"Temporal cannot be reached at {address}: {why_away(error)}") from error

    async def _serve(self, client: Client, queue: str) -> None:
        """Take workflow tasks of a queue, again and again."""
        while True:
            try:
                worker = Worker(
                    client,
                    task_queue=queue,
                    workflows=list(self._definitions()),
                    interceptors=[OfWorkers()],
                    identity=self._options.identity,
                    # The definitions keep to the workflow's clock, chance and activities; both engines replay them in the tests.
                    workflow_runner=UnsandboxedWorkflowRunner(),
                    workflow_failure_exception_types=[Exception],
                    # Its one effect here: a task that takes two seconds, over large values or on a busy machine, is not taken for a deadlock.
                    debug_mode=True,
                    sticky_queue_schedule_to_start_timeout=_MISSED_AFTER,
                )
                await worker.run()
            except (RPCError, RuntimeError, ValueError) as error:
                _logger.warning("the worker of %s ended: %s", queue, _short(error))
            await asyncio.sleep(_AGAIN_AFTER)


@cache
def _runtime() -> Runtime:
    """The library's threads, which write to our log. That an activity failed stands there already."""
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    forwarded = LogForwardingConfig(logger=logging.getLogger("stigmer_runner.temporal"))
    logs = LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarded)
    return Runtime(telemetry=TelemetryConfig(logging=logs))


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
