"""A run of a workflow as one page of HTML: its tasks as they went, then what each took and gave. Pure; by the rules of `html`."""

from stigmer_tui.records.html import code, head, plain, pre
from stigmer_tui.records.workflow_record import WorkflowRecord, path_of
from stigmer_tui.text.times import exact, span
from stigmer_tui.theme.phases import look_of
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.values import Json, dumped


class WorkflowHtml(WorkflowRecord):
    """Takes the events of a run, and writes the page once all are there."""

    def finish(self) -> None:
        """Write the page."""
        state, write = self._state, self._write
        write(head(state.name or "workflow"))
        took = f"{look_of(state.phase).word}, began {exact(self._began)}, took {span(self._last - self._began)}"
        write(f'<p class="quiet">{code(self._execution_id)}: {plain(took)}</p>\n')
        if state.retried_from:
            begins = " and ".join(path.rpartition("/")[2] for path in state.goes_on_at) or "its beginning"
            write(f'<p class="quiet">Run again after {code(state.retried_from)}, from {code(begins)}</p>\n')
        if self._reason:
            write(pre(self._reason))
        write(pre(self._tree()))
        if state.has_input and state.input is not None:
            self._value("Input", state.input)
        if state.has_output:
            self._value("Output", state.output)
        for told in state.signals:
            self._value(f"Signal {told.name}, {exact(told.micros)}", told.data)
        for node in state.nodes():
            if node.begun:
                self._task(node)
        write("</body></html>\n")

    def _task(self, node: Node) -> None:
        visit = node.newest
        if visit is None:
            return
        times = "" if node.begun == 1 else f", the last of {node.begun} visits"
        over = f", taken over from {visit.taken_over}" if visit.taken_over else ""
        self._write(f'<section class="call"><h2>{code(path_of(node))}</h2>')
        self._write(f'<p class="quiet">{plain(f"{node.kind}: {visit.state.value}{times}{over}")}</p>\n')
        if visit.child:
            self._write(f"<p>Its run is {code(visit.child)}</p>\n")
        if visit.why:
            self._write(pre(visit.why))
        if visit.has_input and visit.input is not None:
            self._value("Took", visit.input)
        if visit.has_output:
            self._value("Gave", visit.output)
        if visit.trouble:
            self._value("Error", dict(visit.trouble))
        self._write("</section>\n")

    def _value(self, heading: str, value: Json) -> None:
        self._write(f"<h2>{plain(heading)}</h2>{pre(dumped(value))}\n")
