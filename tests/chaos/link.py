"""A producer that speaks to the daemon as a runner does, numbers what it appends, and tells what was acknowledged."""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from stigmer_apis import __version__
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    Event,
    EventBatch,
    MessageCompleted,
    MessageStarted,
    PhaseChanged,
    Sandbox,
    TextDelta,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceStub
from stigmer_apis.home import Home
from stigmer_apis.protocol import AUTHORIZATION, PROTOCOL
from stigmer_apis.transport import aio, client_options, unix_target

MESSAGE = "numbers"
Call = aio.StreamStreamCall[LinkRequest, LinkResponse]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it appends."""

    most_events: int = 8
    """In one append: 1 to this many."""
    pause: float = 0.004
    """Longest pause between two appends, in seconds."""
    window: int = 32
    """Appends of an execution that may be unacknowledged."""
    text: str = ""
    """Stands behind each number."""


class LeaseLost(Exception):
    """The daemon took a lease away that was held and had a heartbeat."""


@dataclass(slots=True)
class _Lease:
    execution_id: str
    epoch: int
    step: int = 0
    number: int = 0
    finished: bool = False
    waiting: deque[tuple[LinkRequest.Append, int]] = field(
        default_factory=lambda: deque[tuple[LinkRequest.Append, int]]()
    )


class LinkProducer:
    """Takes every lease that it is given, and appends numbered text deltas to all of them until it is told to finish."""

    def __init__(
        self,
        home: Home,
        runner_id: str,
        token: str,
        pid: int,
        *,
        acknowledged: Callable[[str, int], None],
        pace: Pace,
        random_source: random.Random,
    ) -> None:
        """`acknowledged` is told an execution and the last of its numbers that is durable."""
        self._home = home
        self._runner_id = runner_id
        self._metadata = [(AUTHORIZATION, f"Bearer {token}")]
        self._pid = pid
        self._acknowledged = acknowledged
        self._pace = pace
        self._random = random_source
        self._leases: dict[str, _Lease] = {}
        self._finishing = False
        self._turn = asyncio.Lock()
        self.links = 0
        """How often it connected."""

    def finish(self) -> None:
        """End every execution as COMPLETED; `run` returns once that is acknowledged."""
        self._finishing = True

    async def run(self) -> None:
        """Produce, over as many connections as it takes. Raises `LeaseLost`."""
        while not self._is_done():
            try:
                async with self._link() as call:
                    await self._work(call)
            except* (aio.AioRpcError, asyncio.InvalidStateError, aio.UsageError, ConnectionError):
                await asyncio.sleep(0.02)

    def _is_done(self) -> bool:
        return self._finishing and all(lease.finished and not lease.waiting for lease in self._leases.values())

    @asynccontextmanager
    async def _link(self) -> AsyncGenerator[Call]:
        async with aio.insecure_channel(unix_target(self._home.runner_socket), options=client_options()) as channel:
            call = RunnerServiceStub(channel).Link(metadata=self._metadata)
            held = [LinkRequest.HeldLease(execution_id=lease.execution_id, epoch=lease.epoch) for lease in self._held()]
            hello = LinkRequest.Hello(
                runner_id=self._runner_id,
                pid=self._pid,
                version=__version__,
                protocol=PROTOCOL,
                held=held,
                capacity=64,
                sandbox=Sandbox(kind="none", reason="a producer of a test runs no commands"),
            )
            await call.write(LinkRequest(hello=hello))
            first = await call.read()
            if not isinstance(first, LinkResponse) or first.WhichOneof("frame") != "welcome":
                raise ConnectionError(f"no welcome: {first}")
            self.links += 1
            self._welcomed(first.welcome)
            try:
                yield call
            finally:
                call.cancel()

    def _held(self) -> list[_Lease]:
        return [lease for lease in self._leases.values() if not lease.finished or lease.waiting]

    def _welcomed(self, welcome: LinkResponse.Welcome) -> None:
        """Take note of what is durable already. Raises `LeaseLost` where a lease is not kept."""
        kept = {lease.execution_id: lease for lease in welcome.kept}
        for lease in self._held():
            known = kept.get(lease.execution_id)
            if known is not None and known.epoch == lease.epoch:
                self._durable(lease, known.producer_seq)
            elif lease.finished:
                self._durable(lease, lease.step)
            else:
                raise LeaseLost(f"{lease.execution_id}, epoch {lease.epoch}, is not among the kept ones: {welcome}")

    async def _work(self, call: Call) -> None:
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read(call))
            beating = tasks.create_task(self._beat(call))
            for lease in self._held():
                for append, _ in list(lease.waiting):
                    await self._write(call, LinkRequest(append=append))
            while not self._is_done():
                await self._append_somewhere(call)
                await asyncio.sleep(self._random.uniform(0, self._pace.pause))
            reader.cancel()
            beating.cancel()

    async def _write(self, call: Call, request: LinkRequest) -> None:
        """One after the other: gRPC ends a call that is written to by two at once."""
        async with self._turn:
            await call.write(request)

    async def _append_somewhere(self, call: Call) -> None:
        open_leases = [
            lease for lease in self._leases.values() if not lease.finished and len(lease.waiting) < self._pace.window
        ]
        if not open_leases:
            return
        lease = self._random.choice(open_leases)
        events = self._closing(lease) if self._finishing else self._more(lease)
        lease.step += 1
        append = LinkRequest.Append(
            execution_id=lease.execution_id,
            epoch=lease.epoch,
            producer_seq=lease.step,
            events=EventBatch(events=events).SerializeToString(),
            event_count=len(events),
            urgent=self._finishing or self._random.random() < 0.5,
            final=self._finishing,
        )
        lease.waiting.append((append, lease.number))
        lease.finished = self._finishing
        await self._write(call, LinkRequest(append=append))

    def _more(self, lease: _Lease) -> list[Event]:
        now = time.time_ns() // 1000
        events: list[Event] = []
        if lease.step == 0:
            events += [
                Event(time_unix_micros=now, phase_changed=PhaseChanged(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)),
                Event(
                    time_unix_micros=now,
                    message_started=MessageStarted(message_id=MESSAGE, type=MessageType.MESSAGE_AI),
                ),
            ]
        for _ in range(self._random.randint(1, self._pace.most_events)):
            lease.number += 1
            text = f"{lease.number} {self._pace.text}"
            events.append(Event(time_unix_micros=now, text_delta=TextDelta(message_id=MESSAGE, text=text)))
        return events

    def _closing(self, lease: _Lease) -> list[Event]:
        now = time.time_ns() // 1000
        return [
            Event(time_unix_micros=now, message_completed=MessageCompleted(message_id=MESSAGE)),
            Event(time_unix_micros=now, phase_changed=PhaseChanged(phase=ExecutionPhase.EXECUTION_COMPLETED)),
        ]

    async def _read(self, call: Call) -> None:
        while isinstance(response := await call.read(), LinkResponse):
            match response.WhichOneof("frame"):
                case "acknowledged":
                    lease = self._leases.get(response.acknowledged.execution_id)
                    if lease is not None and lease.epoch == response.acknowledged.epoch:
                        self._durable(lease, response.acknowledged.producer_seq)
                case "lease_granted":
                    granted = response.lease_granted
                    self._leases[granted.execution_id] = _Lease(granted.execution_id, granted.epoch)
                case "lease_revoked":
                    raise LeaseLost(str(response.lease_revoked))
                case _:
                    pass
        raise ConnectionError("the daemon closed the link")

    def _durable(self, lease: _Lease, step: int) -> None:
        number = 0
        while lease.waiting and lease.waiting[0][0].producer_seq <= step:
            number = lease.waiting.popleft()[1]
        if number:
            self._acknowledged(lease.execution_id, number)

    async def _beat(self, call: Call) -> None:
        with suppress(asyncio.InvalidStateError):
            while True:
                await self._write(call, LinkRequest(heartbeat=LinkRequest.Heartbeat(running=len(self._leases))))
                await asyncio.sleep(1.0)


def numbers_of(events: list[Event]) -> list[int]:
    """The numbers that a producer gave to its events, in their order."""
    texts = (event.text_delta.text for event in events if event.text_delta.message_id == MESSAGE)
    return [int(text.split()[0]) for text in texts]
