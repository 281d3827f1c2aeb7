"""A run of a workflow line by line: for the command line, and for who has it read aloud."""

from collections.abc import Iterator

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import span
from stigmer_tui.workflow.state import WorkflowState
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.visits import TaskState, Visit, WaitKind
from stigmer_tui.workflow.words import SHAPES, waiting_words

TURNS_TOLD = 3
"""Turns of a loop whose tasks are told one by one; of later ones what fails or waits."""


class RunLines:
    """Reads the events of a run in order, and tells what of them is worth a line."""

    def __init__(self, execution_id: str, *, shapes: bool = True) -> None:
        """`shapes`: `✓` and `✗` before the lines; else words alone, to be read aloud."""
        self.state = WorkflowState()
        self._execution_id = execution_id
        self._shapes = shapes
        self._now = 0.0

    def take(self, event: Event) -> list[str]:
        """Take in the next event; the lines that it is worth. Safe to print."""
        self._now = event.time_unix_micros / 1e6 or self._now
        before = self._visit(event)
        self.state.apply(event)
        return list(self._lines(event, before))

    def _visit(self, event: Event) -> tuple[Node, Visit] | None:
        if event.HasField("workflow_task_finished"):
            return self.state.going(event.workflow_task_finished.task_id)
        return None

    def _lines(self, event: Event, before: tuple[Node, Visit] | None) -> Iterator[str]:
        match event.WhichOneof("body"):
            case "execution_created" if self.state.goes_on_at:
                begins = " and ".join(safe(Untrusted(path.rpartition("/")[2])) for path in self.state.goes_on_at)
                yield self._line("›", f"goes on at {begins}, after {safe(Untrusted(self.state.retried_from))}")
            case "workflow_task_waiting":
                found = self.state.going(event.workflow_task_waiting.task_id)
                if found is not None:
                    yield from self._waits(*found)
            case "workflow_task_started":
                # One that waits already was told of by its activity, before it was told that it began.
                found = self.state.going(event.workflow_task_started.task_id)
                if found is not None:
                    yield from self._waits(*found)
            case "workflow_task_finished" if before is not None:
                yield from self._ended(*before)
            case "workflow_signalled":
                yield self._line("›", f"signal ‘{safe(Untrusted(event.workflow_signalled.name))}’ came")
            case "question_asked":
                question = safe(Untrusted(event.question_asked.text))
                yield self._line("?", f"{question}   stigmer answer {self._execution_id} TEXT")
            case "approval_requested":
                asked = event.approval_requested
                summary = safe(Untrusted(asked.summary.split("\n")[0][:200]))
                yield self._line(
                    "!", f"wants a decision: {summary}   stigmer approve {self._execution_id} {asked.call_id}"
                )
            case _:
                return

    def _waits(self, node: Node, visit: Visit) -> Iterator[str]:
        waiting = visit.waiting
        if waiting is None:
            return
        shape = SHAPES[visit.state][0]
        name = _name(node)
        match waiting.kind:
            case WaitKind.SIGNALS:
                wanted = safe(Untrusted(waiting.names[0])) if waiting.names else "NAME"
                yield self._line(
                    shape,
                    f"{name} waits {waiting_words(waiting, self._now)}   stigmer signal {self._execution_id} {wanted} --data JSON",
                )
            case WaitKind.ACTIVITY:
                yield self._line(
                    shape,
                    f"{name} waits {waiting_words(waiting, self._now)}   stigmer complete {safe(Untrusted(waiting.token))} --result JSON",
                )
            case WaitKind.CHILD:
                yield self._line(shape, f"{name} started {safe(Untrusted(waiting.child))}")
            case WaitKind.RETRY:
                error = safe(Untrusted(waiting.error))
                yield self._line(shape, f"{name} failed: {error}; {waiting_words(waiting, self._now)}")
            case WaitKind.TIME if waiting.until_micros - self._now * 1e6 >= 1_000_000:
                yield self._line(shape, f"{name} waits {waiting_words(waiting, self._now)}")
            case _:
                return

    def _ended(self, node: Node, visit: Visit) -> Iterator[str]:
        state = visit.state
        if state in (TaskState.DONE, TaskState.SKIPPED) and not self._is_told(node):
            return
        shape = SHAPES[state][0]
        name = _name(node)
        micros = visit.ended_micros - visit.started_micros
        took = f"  {span(micros)}" if micros >= 1_000 else ""
        then = visit.then if visit.then not in ("", "continue") else ""
        way = f"  → {safe(Untrusted({'end': 'the end', 'exit': 'out of its list'}.get(then, then)))}" if then else ""
        why = safe(Untrusted(visit.why))
        match state:
            case TaskState.DONE:
                over = ", taken over" if visit.taken_over else ""
                turns = f", {node.begun} times" if node.begun > 1 and not self._turns(node) else ""
                yield self._line(shape, f"{name}{took}{over}{turns}{way}")
            case TaskState.SKIPPED:
                yield self._line(shape, f"{name} is skipped{f': {why}' if why else ''}")
            case TaskState.FAILED:
                yield self._line(shape, f"{name} failed: {why}")
            case TaskState.CANCELLED:
                yield self._line(shape, f"{name} was stopped")
            case _:
                return

    def _turns(self, node: Node) -> bool:
        return node.newest is not None and node.newest.index is not None

    def _is_told(self, node: Node) -> bool:
        """Of many turns the first few."""
        return node.begun <= TURNS_TOLD

    def _line(self, shape: str, text: str) -> str:
        return f"{shape} {text}" if self._shapes else text


def _name(node: Node) -> str:
    """A task by its name, with that of the one around it where it is inside of another."""
    above = f"{safe(Untrusted(node.parent.name))}/" if node.parent is not None else ""
    return above + safe(Untrusted(node.name))
