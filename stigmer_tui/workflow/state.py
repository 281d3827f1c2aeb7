"""A run of a workflow, folded from its events: the tree of its tasks, and where each of them stands."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from google.protobuf.struct_pb2 import Struct, Value

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    Event,
    WorkflowTaskFinished,
    WorkflowTaskProgress,
    WorkflowTaskStarted,
    WorkflowTaskWaiting,
)
from stigmer_apis.fold.workflow import SAID_BY_ACTIVITIES
from stigmer_apis.workflow.model import Workflow
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.workflow.tree import Node, last_step, nodes_of
from stigmer_tui.workflow.values import Json, json_of
from stigmer_tui.workflow.visits import TaskState, Visit, Waiting, WaitKind

KEPT_BYTES = 32 << 20
"""Of what tasks took and gave. What is older is not kept: `stigmer export` has it."""
_MOST_EARLY = 1_000
MOST_NODES = 20_000
"""Tasks that are shown; a document has at most 10,000."""


@dataclass(frozen=True, slots=True)
class Told:
    """A signal that came."""

    name: str
    data: Json
    micros: int


@dataclass(slots=True)
class WorkflowState:
    """Everything that the events of one execution say about its tasks."""

    roots: list[Node] = field(default_factory=list[Node])
    output: Json = None
    has_output: bool = False
    input: Json = None
    has_input: bool = False
    name: str = ""
    """Of the workflow."""
    workflow_id: str = ""
    """Empty where its document is not stored."""
    parent: str = ""
    """The execution that started it."""
    retried_from: str = ""
    goes_on_at: tuple[str, ...] = ()
    """Places of the tasks that it began with, where it went on in the middle of another run."""
    engine: str = ""
    engine_page: str = ""
    """Where the engine shows it, for a browser."""
    signals: deque[Told] = field(default_factory=lambda: deque[Told](maxlen=100))
    phase: "enums.ExecutionPhase.ValueType" = enums.EXECUTION_PENDING
    last: Node | None = None
    """The task to which something happened last: what one follows."""
    changes: int = 0
    """How often the tree got other nodes."""
    _by_path: dict[str, Node] = field(default_factory=dict[str, Node])
    _by_task: dict[str, tuple[Node, Visit]] = field(default_factory=dict[str, tuple[Node, Visit]])
    _early: dict[str, WorkflowTaskWaiting] = field(default_factory=dict[str, WorkflowTaskWaiting])
    """What is waited for in tasks that have not been told of yet."""
    """Visits that go on, by the id of the run's task."""
    _terminals: dict[str, Visit] = field(default_factory=dict[str, Visit])
    _kept: deque[tuple[Visit, int]] = field(default_factory=deque[tuple[Visit, int]])
    _bytes: int = 0
    _knows_document: bool = False

    # What it is asked.

    @property
    def knows_document(self) -> bool:
        """Whether the tasks ahead are known."""
        return self._knows_document

    def nodes(self) -> Iterator[Node]:
        """Every task, from the top down."""
        for root in self.roots:
            yield from root.walk()

    def node(self, path: str) -> Node | None:
        """The task at a place of the document."""
        return self._by_path.get(path)

    def live(self) -> list[tuple[Node, Visit]]:
        """What goes on now, the latest last."""
        return list(self._by_task.values())

    def going(self, task_id: str) -> tuple[Node, Visit] | None:
        """The visit of this id, where it goes on."""
        return self._by_task.get(task_id)

    def wanted_signals(self) -> list[str]:
        """Names of the signals that something waits for."""
        names = [
            name
            for _, visit in self._by_task.values()
            if visit.waiting is not None and visit.waiting.kind is WaitKind.SIGNALS
            for name in visit.waiting.names
        ]
        return list(dict.fromkeys(names))

    def counts(self) -> dict[TaskState, int]:
        """How many tasks of the tree stand where."""
        counted: dict[TaskState, int] = {}
        for node in self.nodes():
            counted[node.state] = counted.get(node.state, 0) + 1
        return counted

    # What it takes in.

    def lay_out(self, workflow: Workflow) -> None:
        """The document is known: its tasks are there, with what has happened to them already."""
        before = self._by_path
        self.roots = nodes_of(workflow)
        self._by_path = {node.path: node for node in self.nodes()}
        self._knows_document = True
        self.changes += 1
        for path, old in before.items():
            node = self._by_path.get(path)
            if node is None:
                self._hang(old, self._by_path.get(old.parent.path) if old.parent is not None else None)
            else:
                _move(old, node)
        for task_id, (old, visit) in self._by_task.items():
            self._by_task[task_id] = self._by_path.get(old.path, old), visit
        if self.last is not None:
            self.last = self._by_path.get(self.last.path, self.last)

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        match event.WhichOneof("body"):
            case "execution_created":
                created = event.execution_created
                self.name, self.workflow_id = created.workflow_name or created.agent_name, created.workflow_id
                self.parent, self.retried_from = created.parent_execution_id, created.retried_from
                self.goes_on_at = tuple(created.goes_on_at)
                self.engine, self.engine_page = created.engine, created.engine_page
                if created.HasField("input"):
                    self.input, self.has_input = json_of(created.input), True
            case "workflow_task_started":
                self._started(event.workflow_task_started, event.time_unix_micros)
            case "workflow_task_waiting":
                self._waits(event.workflow_task_waiting)
            case "workflow_task_progress":
                self._progress(event.workflow_task_progress)
            case "workflow_task_finished":
                self._finished(event.workflow_task_finished, event.time_unix_micros)
            case "workflow_output":
                self.output, self.has_output = json_of(event.workflow_output.output), True
            case "workflow_signalled":
                told = event.workflow_signalled
                self.signals.append(Told(told.name, json_of(told.data), event.time_unix_micros))
            case "tool_call_requested":
                self._terminals.pop(event.tool_call_requested.call_id, None)
            case "tool_call_started":
                self._terminal(event.tool_call_started.call_id, event.tool_call_started.terminal_id)
            case "phase_changed":
                self._phase(event)
            case _:
                return

    def apply_all(self, events: Iterable[Event]) -> None:
        """Take in several."""
        for event in events:
            self.apply(event)

    def _started(self, started: WorkflowTaskStarted, micros: int) -> None:
        found = self._by_task.get(started.task_id)
        if found is None:
            node = self._node_of(started)
            visit = Visit(started.task_id, started_micros=micros, branch=started.branch)
            visit.taken_over = started.taken_over_from
            visit.index = started.index if started.HasField("index") else None
            node.begun += 1
            node.live[visit.task_id] = visit
            self._by_task[visit.task_id] = node, visit
            early = self._early.pop(visit.task_id, None)
            if early is not None:
                self._waits(early)
        else:
            node, visit = found
            visit.state, visit.waiting = TaskState.RUNNING, None
        visit.attempt = max(1, started.attempt)
        if started.HasField("input"):
            self._keep(visit, started.input, is_input=True)
        self.last = node

    def _waits(self, waits: WorkflowTaskWaiting) -> None:
        found = self._by_task.get(waits.task_id)
        if found is None:
            # What an activity tells by itself may come before the workflow tells that the task began, where a cluster drives the run.
            if waits.WhichOneof("what") in SAID_BY_ACTIVITIES and len(self._early) < _MOST_EARLY:
                self._early[waits.task_id] = waits
            return
        node, visit = found
        visit.waiting = waiting = _waiting(waits)
        visit.state = TaskState.RETRYING if waiting.kind is WaitKind.RETRY else TaskState.WAITING
        visit.child = waiting.child or visit.child
        self.last = node

    def _progress(self, progress: WorkflowTaskProgress) -> None:
        found = self._by_task.get(progress.task_id)
        if found is not None:
            found[1].done, found[1].total = progress.done, progress.total

    def _finished(self, finished: WorkflowTaskFinished, micros: int) -> None:
        self._early.pop(finished.task_id, None)
        found = self._by_task.pop(finished.task_id, None)
        if found is None:
            node = self._by_path.get(finished.task_id.partition("#")[0])
            if node is None:
                return
            visit = Visit(finished.task_id, started_micros=micros)
            node.begun += 1
        else:
            node, visit = found
            node.live.pop(visit.task_id, None)
        visit.state = _ending(finished)
        visit.ended_micros, visit.waiting = micros, None
        visit.taken_over = finished.taken_over_from
        visit.then = finished.then
        visit.why = finished.skipped_because if finished.skipped else finished.error
        if finished.HasField("error_detail"):
            visit.trouble = _fields(finished.error_detail)
        if finished.HasField("output"):
            self._keep(visit, finished.output, is_input=False)
        node.visits.append(visit)
        node.ended[visit.state] = node.ended.get(visit.state, 0) + 1

    def _phase(self, event: Event) -> None:
        self.phase = event.phase_changed.phase
        if self.phase in LIVE:
            return
        for node, visit in self._by_task.values():
            visit.state, visit.ended_micros, visit.waiting = TaskState.CANCELLED, event.time_unix_micros, None
            visit.why = visit.why or "the run ended before it did"
            node.live.pop(visit.task_id, None)
            node.visits.append(visit)
            node.ended[visit.state] = node.ended.get(visit.state, 0) + 1
        self._by_task.clear()

    def _terminal(self, call_id: str, terminal_id: str) -> None:
        """A process has a terminal; its call has the id of the run's task, perhaps with something behind it."""
        found = self._by_task.get(call_id)
        if found is not None and terminal_id:
            found[1].terminals.append(terminal_id)

    # The tree.

    def _node_of(self, started: WorkflowTaskStarted) -> Node:
        path = started.path or started.task_id.partition("#")[0]
        node = self._by_path.get(path)
        if node is not None:
            return node
        node = Node(path, started.name or last_step(path), started.kind.lower().replace("_", " ").replace(":", " "))
        node.is_branch = bool(started.branch)
        parent = self._by_task.get(started.parent_task_id)
        self._hang(node, parent[0] if parent is not None else None)
        return node

    def _hang(self, node: Node, parent: Node | None) -> None:
        """Put a node below another one, or at the end of all."""
        node.parent = parent
        if len(self._by_path) >= MOST_NODES:
            return
        (self.roots if parent is None else parent.children).append(node)
        self._by_path[node.path] = node
        self.changes += 1

    # What tasks take and give.

    def _keep(self, visit: Visit, value: Value, *, is_input: bool) -> None:
        size = value.ByteSize()
        if is_input:
            visit.input, visit.has_input = json_of(value), True
        else:
            visit.output, visit.has_output = json_of(value), True
        self._kept.append((visit, size))
        self._bytes += size
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            old, freed = self._kept.popleft()
            self._bytes -= freed
            old.input = old.output = None
            old.dropped = True


def _waiting(waits: WorkflowTaskWaiting) -> Waiting:
    match waits.WhichOneof("what"):
        case "timer_until_micros":
            return Waiting(WaitKind.TIME, until_micros=waits.timer_until_micros)
        case "signals":
            signals = waits.signals
            return Waiting(
                WaitKind.SIGNALS, names=tuple(signals.names), wants_all=signals.all, received=signals.received
            )
        case "retry":
            again = waits.retry
            return Waiting(WaitKind.RETRY, until_micros=again.at_unix_micros, attempt=again.attempt, error=again.error)
        case "child_execution_id":
            return Waiting(WaitKind.CHILD, child=waits.child_execution_id)
        case "activity":
            outside = waits.activity
            return Waiting(
                WaitKind.ACTIVITY, until_micros=outside.expires_unix_micros, about=outside.queue, token=outside.token
            )
        case _:
            return Waiting(WaitKind.PERSON, about=waits.attention_id)


def _ending(finished: WorkflowTaskFinished) -> TaskState:
    if finished.cancelled:
        return TaskState.CANCELLED
    if finished.skipped:
        return TaskState.SKIPPED
    failed = bool(finished.error) or finished.HasField("error_detail")
    return TaskState.FAILED if failed else TaskState.DONE


def _fields(detail: Struct) -> dict[str, Json]:
    whole = Value()
    whole.struct_value.CopyFrom(detail)
    found = json_of(whole)
    return found if isinstance(found, dict) else {}


def _move(old: Node, new: Node) -> None:
    """What happened to a task is known of its place in the document from now on."""
    new.visits, new.begun, new.ended, new.live = old.visits, old.begun, old.ended, old.live
