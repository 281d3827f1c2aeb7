"""A run of a workflow as Markdown: its tasks as they went, then what each took and gave. Pure."""

from stigmer_tui.records.markdown import fenced
from stigmer_tui.records.workflow_record import WorkflowRecord, path_of
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, span
from stigmer_tui.theme.phases import look_of
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.values import Json, dumped


class WorkflowPage(WorkflowRecord):
    """Takes the events of a run, and writes the page once all are there."""

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
        self._write("\n" + fenced(self._tree()))
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
        self._write(f"\n### {_words(path_of(node))}\n\n{_words(node.kind)}: {visit.state.value}{times}.\n")
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


def _words(text: str) -> str:
    """Foreign text on one line, with nothing in it that means something in Markdown."""
    plain = safe(Untrusted(text))
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|&!~" else letter for letter in plain)
