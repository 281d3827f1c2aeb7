"""A workflow at any of its moments: where each task stood then, and its terminal."""

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.workflow.model import Workflow
from stigmer_tui.moments.past import Past
from stigmer_tui.moments.timeline import Timeline
from stigmer_tui.screens.moments import MomentsScreen
from stigmer_tui.widgets.rows_view import RowsView
from stigmer_tui.widgets.workflow.tree_view import TreeView
from stigmer_tui.workflow.state import WorkflowState


class WorkflowPast(Past):
    """The same as of any run, and the tree."""

    def __init__(self, timeline: Timeline, workflow: Workflow | None) -> None:
        """`workflow`: its document, where that is known."""
        super().__init__(timeline)
        self._workflow = workflow
        self.state = self._blank()
        self.micros = 0
        """When the last event came, since 1970."""

    def _blank(self) -> WorkflowState:
        state = WorkflowState()
        if self._workflow is not None:
            state.lay_out(self._workflow)
        return state

    def apply(self, event: Event) -> None:
        """What was known with this event."""
        self.state.apply(event)
        self.micros = event.time_unix_micros

    def forget(self) -> None:
        """From the beginning again."""
        self.state = self._blank()


class WorkflowMomentsScreen(MomentsScreen):
    """Over a run of a workflow."""

    CSS_PATH = ["moments.tcss", "workflow.tcss"]  # noqa: RUF012

    def __init__(self, timeline: Timeline, title: str, workflow: Workflow | None) -> None:
        """`title`: what the workflow is called, foreign."""
        self.past = WorkflowPast(timeline, workflow)
        super().__init__(timeline, title)
        self.tree_view = TreeView(self.past.state, lambda: self.past.micros / 1e6, self._leave_tree)
        self.tree_view.title = title

    def _leave_tree(self, what: str) -> None:
        """The tree of a moment is to be looked at; its keys are the bar's."""
        self.set_focus(self.bar)

    def past_of(self, timeline: Timeline) -> Past:
        """It goes back in the tree too."""
        return self.past

    @property
    def scene(self) -> RowsView:
        """The tree, as it stood."""
        return self.tree_view

    def scene_changed(self) -> None:
        """It is another moment."""
        if self.tree_view.state is not self.past.state:
            self.tree_view.show(self.past.state)
        else:
            self.tree_view.grown()
