"""The lines above and below a workflow, in words."""

from stigmer_tui.screens import run_lines
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.widgets.line import Part
from stigmer_tui.widgets.workflow.tree_view import TreeView
from stigmer_tui.workflow.state import WorkflowState
from stigmer_tui.workflow.visits import TaskState
from stigmer_tui.workflow.words import SHAPES


def head_left(state: RunState, workflow: WorkflowState) -> list[Part]:
    """Phase, and what runs."""
    shape, *_ = run_lines.head_left(state)
    again = [("  goes on" if workflow.goes_on_at else "  again", "muted")] if workflow.retried_from else []
    below = [("  for another run, u goes there", "muted")] if workflow.parent else []
    return [shape, (f"  {safe(Untrusted(workflow.name or state.agent))}", "title"), *again, *below]


def waiting_words(state: RunState, workflow: WorkflowState) -> list[Part]:
    """What waits for a person, and which key does something about it."""
    question = next(iter(state.decisions.questions.values()), None)
    if question is not None:
        return [(f"? {safe(Untrusted(question.text))}", "warning"), ("  a answers", "muted")]
    names = workflow.wanted_signals()
    if names and state.live:
        said = ", ".join(f"‘{safe(Untrusted(name))}’" for name in names[:3]) + ("" if len(names) <= 3 else " …")
        return [(f"● waits for the signal {said}", "pending"), ("  s sends it", "muted")]
    if state.decisions.approvals or not state.waits_for:
        return []
    return [(f"! {safe(Untrusted(next(reversed(state.waits_for.values()))))}", "warning")]


def reason_words(state: RunState) -> list[Part]:
    """Why it failed."""
    if state.live or not state.reason:
        return []
    return [(safe(Untrusted(state.reason)), "error")]


def place_words(view: TreeView) -> list[Part]:
    """How many tasks stand where, whether it follows."""
    counts = view.state.counts()
    parts: list[Part] = []
    for which in (TaskState.DONE, TaskState.FAILED, TaskState.RUNNING, TaskState.WAITING, TaskState.RETRYING):
        if counts.get(which):
            shape, style = SHAPES[which]
            parts.append((f"{shape} {thousands(counts[which])}  ", "pending" if style == "waiting" else style))
    if counts.get(TaskState.AHEAD):
        parts.append((f"· {thousands(counts[TaskState.AHEAD])}  ", "muted"))
    parts.append(("following" if view.following else "end follows", "muted"))
    return parts
