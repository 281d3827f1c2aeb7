"""A run of a workflow, gathered from its events until a page of it can be written. Pure."""

from collections.abc import Callable, Iterator

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.workflow.model import Workflow
from stigmer_tui.workflow.rows import draw, rows_of
from stigmer_tui.workflow.state import WorkflowState
from stigmer_tui.workflow.tree import Node

COLUMNS = 120
"""Of the tree."""


class WorkflowRecord:
    """Takes the events of a run."""

    def __init__(self, write: Callable[[str], object], execution_id: str, workflow: Workflow | None = None) -> None:
        """`workflow`: its document, where that is known: then tasks that were not begun are on the page as well."""
        self._write = write
        self._execution_id = execution_id
        self._state = WorkflowState()
        if workflow is not None:
            self._state.lay_out(workflow)
        self._began = self._last = 0
        self._reason = ""

    def take(self, seq: int, event: Event) -> None:
        """The next event."""
        self._state.apply(event)
        self._began = self._began or event.time_unix_micros
        self._last = event.time_unix_micros
        if event.HasField("phase_changed"):
            self._reason = event.phase_changed.reason

    def _tree(self) -> str:
        """The tasks as the workstation draws them, foreign parts safe."""
        rows = rows_of(self._state.roots, frozenset())
        return "\n".join("".join(text for text, _ in draw(row, COLUMNS, self._last / 1e6)).rstrip() for row in rows)


def path_of(node: Node) -> str:
    """The names of a task and those around it, the outermost first. Foreign text."""

    def names() -> Iterator[str]:
        above: Node | None = node
        while above is not None:
            yield above.name
            above = above.parent

    return " / ".join(reversed(list(names())))
