"""`python -m tests.bench.workflow_steps HOME RUNNER_ID LEDGER STEPS`: a runner whose executions are documents of so many rounds, each with a task that
sets data by an expression and one that has something done which does nothing.

The interpreter, the expressions, the engine, the link and the daemon's journal are the real ones; the ledger stays empty.
"""

import json
import sys

from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.durable.messages import TELL
from stigmer_runner.durable.workflow_interpreter import WorkflowInterpreter
from stigmer_runner.durable.workflow_messages import EMIT, CallEnd, TaskCall, WorkflowRequest, repeatable
from stigmer_runner.engine.activities import Activities, FunctionActivity
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.link.outbox import Outbox
from tests.bench.lease_runner import run_leases

MOMENT = 1_800_000_000_000_000
HEAD = {"dsl": "1.0.0", "namespace": "bench", "name": "rounds", "version": "1.0.0"}


def rounds(count: int) -> str:
    """A document of so many rounds."""
    tasks: list[object] = [
        {"note": {"set": {"n": "${ $index + 1 }"}}},
        {"tell": {"emit": {"event": {"with": {"type": "bench.round", "data": "${ .n }"}}}}},
    ]
    return document([{"loop": {"for": {"in": f"[range({count})]"}, "do": tasks}}])


def document(tasks: list[object]) -> str:
    """A document of these tasks, as JSON text."""
    return json.dumps({"document": HEAD, "do": tasks})


def plan(execution_id: str, text: str) -> RunPlan:
    """How it is run."""
    return RunPlan(WorkflowInterpreter, execution_id, (WorkflowRequest(execution_id, text),))


def activities() -> Activities:
    """Two that do nothing: what the document asks for, and what takes events where an engine has no log of its own."""
    return Activities([FunctionActivity(repeatable(EMIT), _nothing), FunctionActivity(TELL, _told)])


async def _told(events: bytes) -> None:
    del events


async def _nothing(call: TaskCall) -> CallEnd:
    return CallEnd()


async def take_rounds(execution_id: str, outbox: Outbox) -> None:
    """Run the document to its end."""
    made = plan(execution_id, rounds(int(sys.argv[4])))
    await EmbeddedRun(made, activities(), outbox, ExecutionChronicle(lambda: MOMENT)).execute()


if __name__ == "__main__":
    sys.exit(run_leases(sys.argv[1:], take_rounds))
