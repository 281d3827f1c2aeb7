"""Makes runs of command lines. Imported once the engine is: it needs the workflow library."""

from collections.abc import Sequence

from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.messages import AgentRequest
from stigmer_runner.engine.activities import Activities, Activity
from stigmer_runner.engine.chronicle import Chronicle
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.plan import RunPlan
from stigmer_runner.engine.port import Engine, Run


def agent_run(
    engine: Engine,
    request: AgentRequest,
    first_message: str,
    activities: Sequence[Activity],
    journal: JournalSink,
    chronicle: Chronicle,
) -> Run:
    """A run of the agent loop."""
    plan = RunPlan(AgentLoop, request.execution_id, (request, first_message.encode()))
    return engine.run(plan, Activities(activities), journal, chronicle)
