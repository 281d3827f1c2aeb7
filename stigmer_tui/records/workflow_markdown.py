"""A run of a workflow as Markdown: its tasks as they went, then what each took and gave. Pure."""

from collections.abc import Callable, Iterator

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.workflow.model import Workflow
from stigmer_tui.records.markdown import fenced
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, span
from stigmer_tui.theme.phases import look_of
from stigmer_tui.workflow.rows import draw, rows_of
from stigmer_tui.workflow.state import WorkflowState
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.values import Json, dumped

COLUMNS = 120
"""Of the tree."""


class WorkflowPage:
    """Takes the events of a run, and writes the page once all are there."""

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

    def finish(self) -> None:
        """Write the page."""
        state = self._state
        look = look_of(state.phase)
        self._write(f"# {_words(state.name or 'workflow')}\n\n")
        self._write(
            f"`{self._execution_id}`: {look.word}, began {exact(self._began)}, took {span(self._last - self._began)}.\n"
        )
        if self._reason:
            self._write(f"\n> {_words(self._reason)}\n")
        rows = rows_of(state.roots, frozenset())
        lines = ("".join(text for text, _ in draw(row, COLUMNS, self._last / 1e6)).rstrip() for row in rows)
        self._write("\n" + fenced("\n".join(lines)))
        if state.has_input and state.input is not None:
            self._value("Input", state.input, 2)
        if state.has_output:
            self._value("Output", state.output, 2)
        for told in state.signals:
            self._value(f"Signal {_words(told.name)}, {exact(told.micros)}", told.data, 2)
        began = [node for node in state.nodes() if node.begun]
        if began:
            self._write("\n## Tasks\n")
        for node in began:
            self._task(node)

    def _task(self, node: Node) -> None:
        visit = node.newest
        if visit is None:
            return
        times = "" if node.begun == 1 else f", the last of {node.begun} visits"
        self._write(f"\n### {_words(_path(node))}\n\n{_words(node.kind)}: {visit.state.value}{times}.\n")
        if visit.child:
            self._write(f"\nIts run is `{_words(visit.child)}`.\n")
        if visit.why:
            self._write(f"\n> {_words(visit.why)}\n")
        if visit.has_input and visit.input is not None:
            self._value("Took", visit.input, 4)
        if visit.has_output:
            self._value("Gave", visit.output, 4)
        if visit.trouble:
            self._value("Error", dict(visit.trouble), 4)

    def _value(self, heading: str, value: Json, level: int) -> None:
        self._write(f"\n{'#' * level} {heading}\n")
        self._write("\n" + fenced(dumped(value), "json"))


def _path(node: Node) -> str:
    def names() -> Iterator[str]:
        above: Node | None = node
        while above is not None:
            yield above.name
            above = above.parent

    return " / ".join(reversed(list(names())))


def _words(text: str) -> str:
    """Foreign text on one line, with nothing in it that means something in Markdown."""
    plain = safe(Untrusted(text))
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|&!~" else letter for letter in plain)
