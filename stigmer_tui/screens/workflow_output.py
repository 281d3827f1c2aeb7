"""What the processes of a workflow printed, with their terminals: a run as any other, to which nothing is written."""

from stigmer_tui.screens.run import RunScreen


class WorkflowOutputScreen(RunScreen):
    """The output, the terminals and the time bar of a workflow's run."""

    AUTO_FOCUS = "#output"

    def on_mount(self) -> None:
        """A workflow takes signals, and no messages."""
        super().on_mount()
        self.bar.display = False
