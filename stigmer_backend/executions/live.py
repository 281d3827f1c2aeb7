"""One execution that has not ended: its fold, its commands, its terminals, and who holds it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary, FoldState
from stigmer_apis.fold import Fold, is_terminal
from stigmer_backend.executions.event_batches import is_delta
from stigmer_backend.executions.runs import AnyExecution, parent_of
from stigmer_backend.executions.snapshots import Snapshot
from stigmer_backend.executions.tasks import Bell
from stigmer_backend.resources.executions import show_labels

if TYPE_CHECKING:
    from stigmer_backend.executions.leases import Lease


class LiveExecution:
    """What is known of an execution between its creation and its end. All of it changes on the event loop."""

    def __init__(
        self, execution: AnyExecution, created_ns: int, version: int, snapshot: Snapshot, runner_epoch: int = 0
    ) -> None:
        self.id = execution.metadata.id
        self.execution = execution
        """As it is stored, without a status."""
        self.created_ns = created_ns
        self.version = version
        """Of the stored record."""
        self.ledger = snapshot.ledger
        self.terminals = snapshot.terminals
        self._fold = Fold(snapshot.fold)
        self._early: dict[int, Sequence[Event]] = {}
        self.runner_epoch = runner_epoch
        """The last epoch that a runner was given, 0 for none."""
        self.lease: Lease | None = None
        """Who runs it."""
        self.closing = False
        """Its last events are being written: nothing else is taken any more."""
        self.finishing = False
        """Its end is durable, and what it leaves behind is being stored."""
        self.prompt_seq = 0
        """The last event that readers should see at once."""
        self.unsaved_bytes = 0
        """Bytes folded since the last snapshot."""
        self.children: dict[str, LiveExecution] = {}
        """Executions that it started and that have not ended, by id."""
        self.told_attention = 0
        """Of its things that wait for a person: how many those above it were told of."""
        self.problem = ""
        """What holds it up at the moment, in words for a person."""
        self.changed = Bell()
        """Rings when events were folded, and at the end."""
        self.origin: str | None = None
        """The machine whose daemon was asked for it, empty for this one; None where that is not known any more."""
        self._writing = 0
        self._quiet = Bell()

    @property
    def head(self) -> int:
        """Sequence of the last event that was folded."""
        return self._fold.seq

    @property
    def state(self) -> FoldState:
        """The fold, up to date. Not to be kept or changed."""
        return self._fold.state()

    @property
    def phase(self) -> ExecutionPhase.ValueType:
        """Where it stands."""
        return self._fold.phase

    @property
    def ended(self) -> bool:
        """Whether its terminal phase is durable."""
        return is_terminal(self.phase)

    def summary(self) -> ExecutionSummary:
        """Its row, as of now; a copy."""
        row = ExecutionSummary()
        row.CopyFrom(self.state.summary)
        if self.problem and not row.error:
            row.error = self.problem
        row.unseen = row.phase == ExecutionPhase.EXECUTION_FAILED
        row.child_attention_count = self.child_attention()
        show_labels(row, self.execution)
        return row

    def child_attention(self) -> int:
        """How many things wait for a person in executions that it started, and in those that they started."""
        return sum(child.glance().attention_count + child.child_attention() for child in self.children.values())

    @property
    def parent_id(self) -> str:
        """The workflow execution that started it; empty where none did."""
        return parent_of(self.execution)

    def refresh(self) -> None:
        """Write out what the fold keeps in buffers."""
        self._fold.state()

    def glance(self) -> ExecutionSummary:
        """Its row as it was last written out of the fold's buffers. Not to be kept or changed; may be asked from any thread."""
        return self._fold.glance

    def snapshot(self) -> Snapshot:
        """All that has to be written down; not to be kept."""
        return Snapshot(self.state, self.ledger, self.terminals)

    def take(self, first_seq: int, events: Sequence[Event], size: int) -> bool:
        """Fold durable events; those that come before their predecessors wait. Returns whether anything was folded."""
        self._early[first_seq] = events
        self.unsaved_bytes += size
        folded = False
        while (following := self._early.pop(self.head + 1, None)) is not None:
            self._take_next(following)
            folded = True
        if folded:
            self.changed.ring()
        return folded

    async def quiet(self) -> None:
        """Wait until no events are on their way."""
        while self._writing:
            await self._quiet.wait()

    async def wait_ended(self, seconds: float) -> bool:
        """Whether it ended within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not self.ended:
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True

    def begin_write(self) -> None:
        """Events are on their way."""
        self._writing += 1

    def end_write(self) -> None:
        """They have arrived and are folded, or will not."""
        self._writing -= 1
        if not self._writing:
            self._quiet.ring()

    def _take_next(self, events: Sequence[Event]) -> None:
        first_seq = self.head + 1
        self._fold.apply(first_seq, events)
        self.ledger.take(events)
        self.terminals.take(first_seq, events)
        for seq, event in enumerate(events, first_seq):
            if not is_delta(event):
                self.prompt_seq = seq
