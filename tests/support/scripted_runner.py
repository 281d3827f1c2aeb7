"""A runner without an engine: it speaks Link for real, and does what a test tells it to."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityStarted, JournalBatch, JournalRecord
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    LinkRequest,
    LinkResponse,
    ReadJournalRequest,
    ReadSkillRequest,
    WriteArtifactRequest,
    WriteArtifactResponse,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceStub
from stigmer_apis.home import Home
from stigmer_apis.protocol import AUTHORIZATION, PROTOCOL
from stigmer_apis.transport import aio, client_options, unix_target
from tests.support.waiting import PATIENCE


@dataclass(slots=True)
class Held:
    """A lease as the runner knows it."""

    granted: LinkResponse.LeaseGranted
    sent: int = 0
    """The last step that was sent."""
    acknowledged: int = 0
    unacknowledged: dict[int, LinkRequest.Append] = field(default_factory=dict[int, LinkRequest.Append])


class ScriptedRunner:
    """One runner process, played. It keeps its leases over connections, as a real one does."""

    def __init__(self, home: Home, runner_id: str, token: str, *, capacity: int = 4, host: str = "") -> None:
        self.runner_id = runner_id
        self.capacity = capacity
        self.host = host
        """The machine that it is on, where that is another one; its name is its label."""
        self.held: dict[str, Held] = {}
        self.frames: list[LinkResponse] = []
        """All that the daemon sent, in order, over all connections."""
        self.takes_groups = False
        """Whether it takes several acknowledgements as one frame."""
        self.connected = False
        self.ended_with: aio.AioRpcError | None = None
        """What the daemon ended the last connection with."""
        self._home = home
        self._metadata = ((AUTHORIZATION, f"Bearer {token}"),)
        self._channel: aio.Channel | None = None
        self._call: aio.StreamStreamCall[LinkRequest, LinkResponse] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self._turn = asyncio.Lock()

    # -- connection ------------------------------------------------------------------------------------------------------

    async def connect(self, *, resend: bool = True) -> LinkResponse.Welcome:
        """Open the Link and say hello with what is held; what the daemon does not have is sent again."""
        self._channel = aio.insecure_channel(unix_target(self._home.runner_socket), options=client_options())
        self._call = RunnerServiceStub(self._channel).Link(metadata=self._metadata)
        await self._call.write(
            LinkRequest(
                hello=LinkRequest.Hello(
                    runner_id=self.runner_id,
                    pid=4711,
                    version="0",
                    protocol=PROTOCOL,
                    capacity=self.capacity,
                    takes_groups=self.takes_groups,
                    sandbox=ev.Sandbox(kind="none", reason="scripted"),
                    host=self.host,
                    labels=[self.host] if self.host else [],
                    held=[
                        LinkRequest.HeldLease(execution_id=one.granted.execution_id, epoch=one.granted.epoch)
                        for one in self.held.values()
                    ],
                )
            )
        )
        first = await self._call.read()
        assert isinstance(first, LinkResponse)
        assert first.HasField("welcome")
        self.connected = True
        await self._keep(first.welcome, resend)
        self._reader = asyncio.create_task(self._read(self._call))
        return first.welcome

    async def disconnect(self) -> None:
        """The connection breaks; what is held stays held."""
        if self._call is not None:
            self._call.cancel()
        if self._reader is not None:
            await asyncio.wait([self._reader])
        if self._channel is not None:
            await self._channel.close()
        self._call = self._reader = self._channel = None

    async def heartbeat(self) -> None:
        """Say that it lives."""
        await self.send(LinkRequest(heartbeat=LinkRequest.Heartbeat(memory_bytes=1 << 20, running=len(self.held))))

    # -- executions ------------------------------------------------------------------------------------------------------

    async def lease(self, execution_id: str) -> Held:
        """Wait until the execution was given to this runner."""
        await self.until(lambda: execution_id in self.held)
        return self.held[execution_id]

    async def append(
        self,
        execution_id: str,
        events: Iterable[ev.Event] = (),
        *,
        journal: Iterable[JournalRecord] = (),
        urgent: bool = True,
        wait: bool = True,
        step: int = 0,
        epoch: int = 0,
    ) -> int:
        """Send an append, the next step unless `step` says otherwise; with `wait`, until it is acknowledged."""
        append = self._append(execution_id, events, journal, urgent=urgent, step=step, epoch=epoch)
        await self.send(LinkRequest(append=append))
        if wait:
            sent, held = append.producer_seq, self.held[execution_id]
            await self.until(lambda: held.acknowledged >= sent or execution_id not in self.held)
        return append.producer_seq

    async def append_together(self, events: Mapping[str, Iterable[ev.Event]]) -> None:
        """Send the next step of several executions as one frame, and wait until all are acknowledged."""
        appends = [self._append(name, each, (), urgent=True) for name, each in events.items()]
        await self.send(LinkRequest(appends=LinkRequest.Appends(appends=appends)))
        await self.until(lambda: all(self.held[one.execution_id].acknowledged >= one.producer_seq for one in appends))

    def _append(
        self,
        execution_id: str,
        events: Iterable[ev.Event],
        journal: Iterable[JournalRecord],
        *,
        urgent: bool,
        step: int = 0,
        epoch: int = 0,
    ) -> LinkRequest.Append:
        held = self.held[execution_id]
        batch, records = ev.EventBatch(events=events), JournalBatch(records=journal)
        append = LinkRequest.Append(
            execution_id=execution_id,
            epoch=epoch or held.granted.epoch,
            producer_seq=step or held.sent + 1,
            events=batch.SerializeToString(),
            event_count=len(batch.events),
            journal=records.SerializeToString(),
            journal_count=len(records.records),
            urgent=urgent,
            final=bool(batch.events) and _is_last(batch.events[-1]),
        )
        if not step:
            held.sent += 1
            held.unacknowledged[held.sent] = append
        return append

    async def begin(self, execution_id: str) -> Held:
        """Take the lease and say that the execution is in progress."""
        held = await self.lease(execution_id)
        await self.append(execution_id, [phase(ExecutionPhase.EXECUTION_IN_PROGRESS)])
        return held

    async def start_line(self, execution_id: str, line: str, call_id: str = "call-1") -> None:
        """The events of a command line up to its start, the last of them with its engine record."""
        message = f"msg-{call_id}"
        arguments = Struct()
        arguments.update({"command": line})
        await self.append(
            execution_id,
            [
                ev.Event(message_started=ev.MessageStarted(message_id=message, type=MessageType.MESSAGE_HUMAN)),
                ev.Event(text_delta=ev.TextDelta(message_id=message, text=line)),
                ev.Event(message_completed=ev.MessageCompleted(message_id=message)),
                ev.Event(
                    tool_call_requested=ev.ToolCallRequested(
                        call_id=call_id, message_id=message, name="shell", args=arguments
                    )
                ),
            ],
        )
        started = ev.ToolCallStarted(call_id=call_id, terminal_id=f"term-{call_id}", columns=80, rows=24)
        await self.append(
            execution_id,
            [ev.Event(tool_call_started=started)],
            journal=[JournalRecord(activity_started=ActivityStarted(sequence=1, attempt=1))],
        )

    async def finish_line(self, execution_id: str, call_id: str = "call-1", exit_code: int = 0) -> None:
        """The end of a command line."""
        await self.append(execution_id, [finished(call_id, exit_code)])

    async def run_line(self, execution_id: str, line: str, output: bytes, call_id: str = "call-1") -> None:
        """A command line from its message to its end."""
        await self.start_line(execution_id, line, call_id)
        await self.append(execution_id, [printed(f"term-{call_id}", output)], urgent=False)
        await self.finish_line(execution_id, call_id)

    async def complete(self, execution_id: str) -> None:
        """The execution is over."""
        await self.append(execution_id, [phase(ExecutionPhase.EXECUTION_COMPLETED)])
        self.held.pop(execution_id, None)

    async def give_back(self, execution_id: str, reason: str) -> None:
        """Give a lease back."""
        held = self.held.pop(execution_id)
        returned = LinkRequest.LeaseReturned(execution_id=execution_id, epoch=held.granted.epoch, reason=reason)
        await self.send(LinkRequest(lease_returned=returned))

    async def read_journal(self, execution_id: str) -> list[JournalRecord]:
        """The engine's lane of an execution that it holds."""
        assert self._channel is not None
        request = ReadJournalRequest(execution_id=execution_id, epoch=self.held[execution_id].granted.epoch)
        records: list[JournalRecord] = []
        async for response in RunnerServiceStub(self._channel).ReadJournal(request, metadata=self._metadata):
            assert response.first_record == len(records) + 1
            records += JournalBatch.FromString(response.journal).records
        return records

    async def read_skill(self, execution_id: str, version_hash: str, epoch: int) -> bytes:
        """The archive of a skill."""
        assert self._channel is not None
        request = ReadSkillRequest(execution_id=execution_id, epoch=epoch, version_hash=version_hash)
        answers = RunnerServiceStub(self._channel).ReadSkill(request, metadata=self._metadata)
        return b"".join([piece.data async for piece in answers])

    @property
    def calls(self) -> RunnerServiceStub:
        """What a runner calls beside its Link; each call takes `metadata`."""
        assert self._channel is not None
        return RunnerServiceStub(self._channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Carries the runner's token."""
        return self._metadata

    async def write_artifact(
        self,
        execution_id: str,
        name: str,
        *pieces: bytes,
        epoch: int = 0,
        call_id: str = "",
        media_type: str = "",
    ) -> WriteArtifactResponse:
        """Hand a file over."""
        assert self._channel is not None
        first = WriteArtifactRequest(
            execution_id=execution_id,
            epoch=epoch or self.held[execution_id].granted.epoch,
            name=name,
            media_type=media_type,
            call_id=call_id,
        )
        requests = [first, *(WriteArtifactRequest(data=piece) for piece in pieces)]
        return await RunnerServiceStub(self._channel).WriteArtifact(iter(requests), metadata=self._metadata)

    # -- what came -------------------------------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds()` is true, looking each time something comes."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(holds)

    def commands(self, execution_id: str) -> list[ev.CommandIssued]:
        """Commands that were delivered, with a grant or after, in order and with repeats."""
        found: list[ev.CommandIssued] = []
        for frame in self.frames:
            if frame.HasField("lease_granted") and frame.lease_granted.execution_id == execution_id:
                found += [one.command for one in frame.lease_granted.pending]
            if frame.HasField("command_delivered") and frame.command_delivered.execution_id == execution_id:
                found.append(frame.command_delivered.command)
        return found

    async def command(self, execution_id: str, count: int = 1) -> ev.CommandIssued:
        """Wait until so many commands were delivered, and return the last."""
        await self.until(lambda: len(self.commands(execution_id)) >= count)
        return self.commands(execution_id)[-1]

    def kinds(self) -> list[str]:
        """Which frames came, acknowledgements left out."""
        return [
            kind for frame in self.frames if (kind := frame.WhichOneof("frame")) and not kind.startswith("acknowledged")
        ]

    # -- inner -----------------------------------------------------------------------------------------------------------

    async def send(self, frame: LinkRequest) -> None:
        """Send a frame as it is."""
        assert self._call is not None
        async with self._turn:
            await self._call.write(frame)

    async def _keep(self, welcome: LinkResponse.Welcome, resend: bool) -> None:
        kept = {one.execution_id: one for one in welcome.kept}
        self.held = {name: held for name, held in self.held.items() if name in kept}
        for name, held in self.held.items():
            self._acknowledge(held, kept[name].producer_seq)
            for append in list(held.unacknowledged.values()) if resend else []:
                await self.send(LinkRequest(append=append))

    async def _read(self, call: aio.StreamStreamCall[LinkRequest, LinkResponse]) -> None:
        try:
            while isinstance(frame := await call.read(), LinkResponse):
                async with self._news:
                    self._take(frame)
                    self._news.notify_all()
        except aio.AioRpcError as error:
            self.ended_with = error
        except asyncio.CancelledError:
            if not call.cancelled():
                raise
        async with self._news:
            self.connected = False
            self._news.notify_all()

    def _take(self, frame: LinkResponse) -> None:
        self.frames.append(frame)
        match frame.WhichOneof("frame"):
            case "lease_granted":
                self.held[frame.lease_granted.execution_id] = Held(frame.lease_granted)
            case "lease_revoked":
                held = self.held.get(frame.lease_revoked.execution_id)
                if held is not None and held.granted.epoch == frame.lease_revoked.epoch:
                    del self.held[frame.lease_revoked.execution_id]
            case "acknowledged":
                self._acknowledged(frame.acknowledged)
            case "acknowledged_all":
                for told in frame.acknowledged_all.acknowledged:
                    self._acknowledged(told)
            case _:
                pass

    def _acknowledged(self, told: LinkResponse.Acknowledged) -> None:
        held = self.held.get(told.execution_id)
        if held is not None and held.granted.epoch == told.epoch:
            self._acknowledge(held, told.producer_seq)

    def _acknowledge(self, held: Held, step: int) -> None:
        held.acknowledged = max(held.acknowledged, step)
        for old in [one for one in held.unacknowledged if one <= step]:
            del held.unacknowledged[old]


def _is_last(event: ev.Event) -> bool:
    return event.phase_changed.phase >= ExecutionPhase.EXECUTION_COMPLETED


def phase(value: ExecutionPhase.ValueType, reason: str = "") -> ev.Event:
    """The execution moved on."""
    return ev.Event(phase_changed=ev.PhaseChanged(phase=value, reason=reason))


def printed(terminal_id: str, data: bytes) -> ev.Event:
    """Output of a terminal."""
    return ev.Event(terminal_output=ev.TerminalOutput(terminal_id=terminal_id, data=data))


def finished(call_id: str, exit_code: int = 0) -> ev.Event:
    """A command ended by itself."""
    outcome = ev.ToolOutcome.TOOL_OUTCOME_ENDED
    return ev.Event(tool_call_finished=ev.ToolCallFinished(call_id=call_id, outcome=outcome, exit_code=exit_code))


def applied(command_id: str) -> ev.Event:
    """A command took effect."""
    return ev.Event(command_applied=ev.CommandApplied(command_id=command_id))
