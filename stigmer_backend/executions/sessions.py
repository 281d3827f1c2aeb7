"""One connected runner: what it said of itself, and what is to be sent to it."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Sandbox
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.errors import StigmerError
from stigmer_apis.ids import Prefix
from stigmer_backend.executions.tasks import Bell

if TYPE_CHECKING:
    from stigmer_backend.executions.leases import Lease

WORKFLOWS = 20_000
"""Executions of workflows that one runner takes beside what its capacity counts."""
_WORKFLOW = f"{Prefix.WORKFLOW_EXECUTION}-"
INPUT_BYTES = 256 << 10
"""Keys that wait for one runner; who attaches is made to wait beyond."""


@dataclass(slots=True)
class RunnerReport:
    """What a runner said of itself."""

    runner_id: str
    pid: int
    version: str
    capacity: int
    sandbox: Sandbox
    labels: Sequence[str] = ()
    """What work may ask for."""
    host: str = ""
    """Its machine, where that is another one."""
    takes_groups: bool = False
    """Whether it takes several acknowledgements as one frame."""
    via: str = ""
    """The machine of the daemon that it came by, where that is another one on the same database: its own machine, unless `host` says otherwise."""
    memory_bytes: int = 0
    running: int = 0
    unacknowledged_bytes: int = 0


@dataclass(slots=True)
class RunnerSession:
    """A Link that is open. Frames wait here until they are written; acknowledgements of a lease wait as one."""

    report: RunnerReport
    connected_at: float
    heard_at: float
    """Time of the loop when it last said something."""
    leases: "dict[str, Lease]" = field(default_factory=dict[str, "Lease"])
    """What it holds, by execution."""
    granting: int = 0
    """Leases that are being made for it."""
    taking: bool = True
    """Whether it takes more: not when it is told to stop."""
    draining: bool = False
    """Whether it is to leave once what it runs has ended."""
    _frames: deque[LinkResponse] = field(default_factory=deque[LinkResponse])
    _acknowledged: dict[str, LinkResponse.Acknowledged] = field(default_factory=dict[str, LinkResponse.Acknowledged])
    _input_bytes: int = 0
    _workflows: int = 0
    """How many of the leases are of workflows."""
    _bell: Bell = field(default_factory=Bell)
    _drained: Bell = field(default_factory=Bell)
    _error: StigmerError | None = None
    _closed: bool = False

    def room_for(self, execution_id: str) -> int:
        """How many more executions of that kind it takes. Workflows, which mostly wait, take no place from what works: a workflow
        that waits for an agent would else keep that agent waiting."""
        if not self.taking or self._closed:
            return 0
        if _is_workflow(execution_id):
            return max(0, WORKFLOWS - self._workflows - self.granting)
        return max(0, self.report.capacity - (len(self.leases) - self._workflows) - self.granting)

    def hold(self, execution_id: str, lease: "Lease") -> None:
        """It has this lease."""
        self._workflows += execution_id not in self.leases and _is_workflow(execution_id)
        self.leases[execution_id] = lease

    def let_go(self, execution_id: str) -> None:
        """It has it no longer."""
        if self.leases.pop(execution_id, None) is not None:
            self._workflows -= _is_workflow(execution_id)

    def let_go_of_all(self) -> None:
        """It has nothing any more."""
        self.leases.clear()
        self._workflows = 0

    @property
    def closed(self) -> bool:
        """Whether the Link is over."""
        return self._closed

    def send(self, frame: LinkResponse) -> None:
        """Send a frame, behind those that wait."""
        self._frames.append(frame)
        self._bell.ring()

    def deliver(self, execution_id: str, command: CommandIssued) -> None:
        """Send a command."""
        self.send(LinkResponse(command_delivered=delivered(execution_id, command)))

    def acknowledge(self, execution_id: str, epoch: int, producer_seq: int) -> None:
        """Tell how far a lease's appends are durable."""
        self._acknowledged[execution_id] = LinkResponse.Acknowledged(
            execution_id=execution_id, epoch=epoch, producer_seq=producer_seq
        )
        self._bell.ring()

    async def send_input(self, frame: LinkResponse.TerminalInput) -> None:
        """Send keys, when what was typed before is gone."""
        while self._input_bytes >= INPUT_BYTES and not self._closed:
            await self._drained.wait()
        self._input_bytes += len(frame.data)
        self.send(LinkResponse(terminal_input=frame))

    def close(self, error: StigmerError | None = None) -> None:
        """End the Link: with `error`, or because it broke."""
        if not self._closed:
            self._closed, self._error = True, error
            self._bell.ring()
            self._drained.ring()

    async def outgoing(self) -> AsyncIterator[LinkResponse]:
        """What is to be sent, until the end. Raises what `close` was given."""
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.HasField("terminal_input"):
                    self._input_bytes -= len(frame.terminal_input.data)
                    self._drained.ring()
                yield frame
            acknowledged, self._acknowledged = self._acknowledged, {}
            if len(acknowledged) > 1 and self.report.takes_groups:
                yield LinkResponse(acknowledged_all=LinkResponse.AcknowledgedAll(acknowledged=acknowledged.values()))
            else:
                for frame in acknowledged.values():
                    yield LinkResponse(acknowledged=frame)
            if self._frames or self._acknowledged:
                continue
            if self._closed:
                if self._error is not None:
                    raise self._error
                return
            await self._bell.wait()


def delivered(execution_id: str, command: CommandIssued) -> LinkResponse.CommandDelivered:
    """A command on its way."""
    return LinkResponse.CommandDelivered(execution_id=execution_id, command=command)


def _is_workflow(execution_id: str) -> bool:
    return execution_id.startswith(_WORKFLOW)
