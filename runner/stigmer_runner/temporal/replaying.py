"""Replays a history that a cluster holds: whether the definitions of today still decide as it says."""

from collections.abc import Sequence

from stigmer_runner.temporal.converting import data_converter
from stigmer_runner.temporal.interceptors import OfWorkers
from stigmer_runner.temporal.large_values import KeptValues
from stigmer_runner.temporal.library import Replayer, UnsandboxedWorkflowRunner, WorkflowHistory


async def replay(history: WorkflowHistory, definitions: Sequence[type[object]], key: bytes, values: KeptValues) -> None:
    """Go through `history`; nothing is done again. Raises what the library raises where a definition decides otherwise."""
    replayer = Replayer(
        workflows=list(definitions),
        data_converter=data_converter(key, values),
        interceptors=[OfWorkers()],
        workflow_runner=UnsandboxedWorkflowRunner(),
        debug_mode=True,
    )
    await replayer.replay_workflow(history)
