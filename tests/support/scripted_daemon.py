"""A daemon's end of the Link that does what a test tells it: grants, acknowledges or not, fences, commands, goes away."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
)
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalBatch, JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Event, EventBatch
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    AwaitCallbackRequest,
    AwaitCallbackResponse,
    AwaitExecutionRequest,
    AwaitExecutionResponse,
    CancelChildRequest,
    CancelChildResponse,
    CreateCallbackRequest,
    CreateCallbackResponse,
    GetExecutionContextRequest,
    GetExecutionContextResponse,
    GetProviderKeyRequest,
    GetProviderKeyResponse,
    KeepValueRequest,
    KeepValueResponse,
    LinkRequest,
    LinkResponse,
    PublishEventRequest,
    PublishEventResponse,
    ReadJournalRequest,
    ReadJournalResponse,
    ReadSessionMemoryRequest,
    ReadSessionMemoryResponse,
    ReadSkillRequest,
    ReadSkillResponse,
    ReadValueRequest,
    ReadValueResponse,
    StartChildExecutionRequest,
    StartChildExecutionResponse,
    WriteArtifactRequest,
    WriteArtifactResponse,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import (
    RunnerServiceServicer,
    add_RunnerServiceServicer_to_server,
)
from stigmer_apis.protocol import AUTHORIZATION
from stigmer_apis.transport import aio, grpc, server_options, unix_target

LinkContext = aio.ServicerContext[LinkRequest, LinkResponse]


@dataclass
class Execution:
    """What the daemon knows of an execution."""

    execution_id: str
    lines: list[str]
    workspace: Path
    session_id: str = "ses-1"
    epoch: int = 0
    """The lease's; 0 while nobody has it."""
    durable: int = 0
    """Last producer sequence of this epoch that is durable."""
    events: list[Event] = field(default_factory=list[Event])
    records: list[JournalRecord] = field(default_factory=list[JournalRecord])
    ended: bool = False
    sizes: list[int] = field(default_factory=list[int])

    def commands(self) -> list[CommandIssued]:
        """The lines after the first one, as commands that were not applied yet."""
        done = {event.command_applied.command_id for event in self.events}
        issued = (
            CommandIssued(command_id=f"cmd-{number}", send_message=CommandIssued.SendMessage(text=line))
            for number, line in enumerate(self.lines[1:], 2)
        )
        return [command for command in issued if command.command_id not in done]


@dataclass
class ScriptedDaemon(RunnerServiceServicer):
    """Serves RunnerService on `socket`. Its memory outlives `stop`, as a store does."""

    socket: Path
    token: str = "runner-token"
    acknowledging: bool = True
    """Whether appends become durable. What is not is forgotten when it stops."""
    refuse: grpc.StatusCode | None = None
    """Answer a hello with this."""
    executions: dict[str, Execution] = field(default_factory=dict[str, Execution])
    hellos: list[LinkRequest.Hello] = field(default_factory=list[LinkRequest.Hello])
    heartbeats: list[LinkRequest.Heartbeat] = field(default_factory=list[LinkRequest.Heartbeat])
    repeats: int = 0
    """Appends that were known already."""
    _server: aio.Server | None = None
    _out: "asyncio.Queue[LinkResponse | None]" = field(default_factory=lambda: asyncio.Queue[LinkResponse | None]())
    _waiting: dict[str, list[LinkRequest.Append]] = field(
        default_factory=lambda: defaultdict[str, list[LinkRequest.Append]](list)
    )
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Serve."""
        self._server = aio.server(options=server_options())
        add_RunnerServiceServicer_to_server(self, self._server)
        self._server.add_insecure_port(unix_target(self.socket))
        await self._server.start()

    async def stop(self) -> None:
        """Go away without a word; what was not durable is forgotten."""
        if self._server is not None:
            self._waiting.clear()
            await self._server.stop(None)
            self._server = None

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until `condition` holds; it is looked at after everything that happens."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def grant(self, execution: Execution) -> None:
        """Lease an execution, under the next epoch."""
        self.executions[execution.execution_id] = execution
        execution.epoch += 1
        execution.durable = 0
        self._waiting.pop(execution.execution_id, None)
        spec = AgentExecutionSpec(
            session_id=execution.session_id,
            message=execution.lines[0],
            options=RunOptions(workspace=str(execution.workspace)),
        )
        self.send(
            LinkResponse(
                lease_granted=LinkResponse.LeaseGranted(
                    execution_id=execution.execution_id,
                    epoch=execution.epoch,
                    execution=AgentExecution(spec=spec),
                    agent=Agent(spec=AgentSpec(model="shell")),
                    workspace=str(execution.workspace),
                    journal_records=len(execution.records),
                    fresh=not execution.records,
                    pending=[
                        LinkResponse.CommandDelivered(execution_id=execution.execution_id, command=command)
                        for command in execution.commands()
                    ],
                )
            )
        )

    def deliver(self, execution_id: str, command: CommandIssued) -> None:
        """Deliver a command."""
        delivered = LinkResponse.CommandDelivered(execution_id=execution_id, command=command)
        self.send(LinkResponse(command_delivered=delivered))

    def send(self, frame: LinkResponse) -> None:
        """Say something to the runner."""
        self._out.put_nowait(frame)

    def acknowledge(self) -> None:
        """Make durable what was held back, and acknowledge from now on."""
        self.acknowledging = True
        waiting = {name: list(appends) for name, appends in self._waiting.items()}
        self._waiting.clear()
        for appends in waiting.values():
            for append in appends:
                self._store(append)

    @property
    def held_back(self) -> int:
        """Bytes of appends that came and are not durable."""
        return sum(len(append.events) + len(append.journal) for each in self._waiting.values() for append in each)

    # RunnerService

    async def GetExecutionContext(
        self,
        request: GetExecutionContextRequest,
        context: aio.ServicerContext[GetExecutionContextRequest, GetExecutionContextResponse],
    ) -> GetExecutionContextResponse:
        """See RunnerService: executions here have no variables."""
        return GetExecutionContextResponse()

    async def GetProviderKey(
        self,
        request: GetProviderKeyRequest,
        context: aio.ServicerContext[GetProviderKeyRequest, GetProviderKeyResponse],
    ) -> GetProviderKeyResponse:
        """See RunnerService: no provider has a key here."""
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no keys here")

    async def ReadSessionMemory(
        self,
        request: ReadSessionMemoryRequest,
        context: aio.ServicerContext[ReadSessionMemoryRequest, ReadSessionMemoryResponse],
    ) -> AsyncIterator[ReadSessionMemoryResponse]:
        """See RunnerService: sessions here have no past."""
        for response in ():
            yield response

    async def ReadSkill(
        self, request: ReadSkillRequest, context: aio.ServicerContext[ReadSkillRequest, ReadSkillResponse]
    ) -> AsyncIterator[ReadSkillResponse]:
        """See RunnerService: there are no skills here."""
        for response in ():
            yield response

    async def WriteArtifact(
        self,
        request_iterator: AsyncIterator[WriteArtifactRequest],
        context: aio.ServicerContext[WriteArtifactRequest, WriteArtifactResponse],
    ) -> WriteArtifactResponse:
        """See RunnerService: nothing is kept here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no files are kept here")

    async def StartChildExecution(
        self,
        request: StartChildExecutionRequest,
        context: aio.ServicerContext[StartChildExecutionRequest, StartChildExecutionResponse],
    ) -> StartChildExecutionResponse:
        """See RunnerService: starts no children."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "starts no children")

    async def CancelChild(
        self,
        request: CancelChildRequest,
        context: aio.ServicerContext[CancelChildRequest, CancelChildResponse],
    ) -> CancelChildResponse:
        """See RunnerService: there are no children here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "there are no children here")

    async def PublishEvent(
        self,
        request: PublishEventRequest,
        context: aio.ServicerContext[PublishEventRequest, PublishEventResponse],
    ) -> PublishEventResponse:
        """See RunnerService: nobody listens here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "nobody listens here")

    async def CreateCallback(
        self,
        request: CreateCallbackRequest,
        context: aio.ServicerContext[CreateCallbackRequest, CreateCallbackResponse],
    ) -> CreateCallbackResponse:
        """See RunnerService: there are no callbacks here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "there are no callbacks here")

    async def AwaitCallback(
        self,
        request: AwaitCallbackRequest,
        context: aio.ServicerContext[AwaitCallbackRequest, AwaitCallbackResponse],
    ) -> AwaitCallbackResponse:
        """See RunnerService: there are no callbacks here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "there are no callbacks here")

    async def AwaitExecution(
        self,
        request: AwaitExecutionRequest,
        context: aio.ServicerContext[AwaitExecutionRequest, AwaitExecutionResponse],
    ) -> AsyncIterator[AwaitExecutionResponse]:
        """See RunnerService: there are no children here."""
        for response in ():
            yield response

    async def KeepValue(
        self,
        request_iterator: AsyncIterator[KeepValueRequest],
        context: aio.ServicerContext[KeepValueRequest, KeepValueResponse],
    ) -> KeepValueResponse:
        """See RunnerService: nothing is kept here."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "nothing is kept here")

    async def ReadValue(
        self, request: ReadValueRequest, context: aio.ServicerContext[ReadValueRequest, ReadValueResponse]
    ) -> AsyncIterator[ReadValueResponse]:
        """See RunnerService: nothing is kept here."""
        for response in ():
            yield response

    async def ReadJournal(
        self, request: ReadJournalRequest, context: aio.ServicerContext[ReadJournalRequest, ReadJournalResponse]
    ) -> AsyncIterator[ReadJournalResponse]:
        """See RunnerService."""
        records = self.executions[request.execution_id].records
        for start in range(0, len(records), 7):
            part = JournalBatch(records=records[start : start + 7])
            yield ReadJournalResponse(journal=part.SerializeToString(), first_record=start + 1)

    async def Link(
        self, request_iterator: AsyncIterator[LinkRequest], context: LinkContext
    ) -> AsyncIterator[LinkResponse]:
        """See RunnerService."""
        sent = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        if sent.get(AUTHORIZATION) != f"Bearer {self.token}":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "unknown token")
        if self.refuse is not None:
            await context.abort(self.refuse, "not you")
        hello = (await anext(request_iterator)).hello
        self.hellos.append(hello)
        self._out = asyncio.Queue()
        yield LinkResponse(welcome=self._welcome(hello))
        listening = asyncio.create_task(self._listen(request_iterator))
        try:
            while (frame := await self._out.get()) is not None:
                yield frame
        finally:
            listening.cancel()
            await asyncio.wait((listening,))

    def _welcome(self, hello: LinkRequest.Hello) -> LinkResponse.Welcome:
        kept = [
            LinkResponse.KeptLease(execution_id=known.execution_id, epoch=known.epoch, producer_seq=known.durable)
            for held in hello.held
            if (known := self.executions.get(held.execution_id)) is not None
            and known.epoch == held.epoch
            and not known.ended
        ]
        self._changed.set()
        return LinkResponse.Welcome(incarnation="inc-1", lease_milliseconds=10_000, kept=kept)

    async def _listen(self, requests: AsyncIterator[LinkRequest]) -> None:
        async for request in requests:
            match request.WhichOneof("frame"):
                case "append":
                    self._take(request.append)
                case "heartbeat":
                    self.heartbeats.append(request.heartbeat)
                case _:
                    raise AssertionError(f"unexpected: {request}")
            self._changed.set()
        self._out.put_nowait(None)

    def _take(self, append: LinkRequest.Append) -> None:
        known = self.executions[append.execution_id]
        if append.epoch != known.epoch or known.ended:
            revoked = LinkResponse.LeaseRevoked(
                execution_id=append.execution_id, epoch=append.epoch, reason="somebody else has it"
            )
            self.send(LinkResponse(lease_revoked=revoked))
        elif append.producer_seq <= known.durable:
            self.repeats += 1
            self._acknowledged(known)
        elif self.acknowledging:
            self._store(append)
        else:
            self._waiting[append.execution_id].append(append)

    def _store(self, append: LinkRequest.Append) -> None:
        known = self.executions[append.execution_id]
        assert append.producer_seq == known.durable + 1, "producer sequences are dense"
        known.durable = append.producer_seq
        known.sizes.append(append.ByteSize())
        events = EventBatch.FromString(append.events).events
        records = JournalBatch.FromString(append.journal).records
        assert (len(events), len(records)) == (append.event_count, append.journal_count)
        known.events.extend(events)
        known.records.extend(records)
        known.ended = known.ended or append.final
        self._acknowledged(known)
        self._changed.set()

    def _acknowledged(self, known: Execution) -> None:
        told = LinkResponse.Acknowledged(execution_id=known.execution_id, epoch=known.epoch, producer_seq=known.durable)
        self.send(LinkResponse(acknowledged=told))
