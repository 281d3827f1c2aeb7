"""Makes runs of the engine. Imported on a thread, once the runner is linked: the workflow library takes most of a second."""

from collections.abc import Sequence

from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.messages import AgentRequest
from stigmer_runner.engine.activities import Activities, Activity
from stigmer_runner.engine.chronicle import Chronicle
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.journal import JournalSink


def agent_run(
    request: AgentRequest,
    first_message: str,
    activities: Sequence[Activity],
    journal: JournalSink,
    chronicle: Chronicle,
) -> EmbeddedRun:
    """A run of the agent loop."""
    plan = RunPlan(AgentLoop, request.execution_id, (request, first_message.encode()))
    return EmbeddedRun(plan, Activities(activities), journal, chronicle)
