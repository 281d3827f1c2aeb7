"""Brings the events of a workflow's run to its tree, its state and its timeline."""

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from stigmer_apis.client import Client, TailBatch, TailEnd, TailReset
from stigmer_apis.workflow.model import Workflow
from stigmer_tui.moments.timeline import Timeline
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.workflow.state import WorkflowState


class WorkflowFeed:
    """Reads one run. `shown` is told whenever there is something new to draw."""

    def __init__(self, execution_id: str, directory: Path, shown: Callable[[], None]) -> None:
        """`directory`: where what is needed for going back in time is kept meanwhile."""
        self.run_state = RunState(execution_id)
        self.state = WorkflowState()
        self.timeline = Timeline(directory)
        self.workflow: Workflow | None = None
        """The document, once it is known."""
        self.begun = False
        """Whether anything of the run is known."""
        self._shown = shown

    async def run(self, client: Client) -> None:
        """Until the run has ended. Raises what does not mend itself: `NotFound`, `PermissionDenied`, `DataLoss`."""
        execution_id = self.run_state.execution_id
        self.timeline.begin(execution_id)
        async with aclosing(client.tail(execution_id)) as items:
            async for item in items:
                match item:
                    case TailBatch():
                        self.timeline.take(item.first_seq, item.events)
                        for event in item.events:
                            self.run_state.apply(event)
                            self.state.apply(event)
                    case TailReset():
                        self._forget(execution_id, item)
                    case TailEnd():
                        self.run_state.phase = self.state.phase = item.phase
                    case _:
                        continue
                self.begun = True
                self._shown()

    def know(self, workflow: Workflow) -> None:
        """The document is known."""
        self.workflow = workflow
        self.state.lay_out(workflow)
        self._shown()

    def _forget(self, execution_id: str, reset: TailReset) -> None:
        self.run_state = RunState(execution_id)
        self.state = WorkflowState()
        self.timeline.begin(execution_id)
        if reset.snapshot is not None:
            summary = reset.snapshot.summary
            self.run_state.agent, self.run_state.phase = summary.workflow_name or summary.agent_name, summary.phase
            self.run_state.subject, self.run_state.started_micros = summary.subject, summary.created_unix_micros
            self.state.phase, self.state.name = summary.phase, summary.workflow_name
        if self.workflow is not None:
            self.state.lay_out(self.workflow)
