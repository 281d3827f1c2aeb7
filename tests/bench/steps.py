"""`python -m tests.bench.steps HOME RUNNER_ID LEDGER STEPS`: a runner whose executions are so many steps that do nothing, one after the other.

The engine, the link and the daemon's journal are the real ones; the ledger stays empty.
"""

import sys
from datetime import timedelta

from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.engine.activities import Activities, Activity, ActivityCall
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.link.outbox import Outbox
from tests.bench.lease_runner import run_leases

STEP_SECONDS = timedelta(seconds=60)
MOMENT = 1_800_000_000_000_000


class Nothing(Activity):
    """Does nothing."""

    name = "nothing"
    argument_types = (int,)
    repeatable = True

    async def run(self, call: ActivityCall) -> object:
        """Answer at once."""
        return call.arguments[0]


@workflow.defn(name="bench/steps")
class Steps:
    """So many steps, one after the other."""

    @workflow.run
    async def run(self, count: int) -> int:
        """Run."""
        total = 0
        for number in range(count):
            total += await workflow.execute_activity(
                "nothing", number, result_type=int, start_to_close_timeout=STEP_SECONDS
            )
        return total


async def take_steps(execution_id: str, outbox: Outbox) -> None:
    """Run `Steps` to its end."""
    plan = RunPlan(Steps, execution_id, (int(sys.argv[4]),))
    await EmbeddedRun(plan, Activities([Nothing()]), outbox, ExecutionChronicle(lambda: MOMENT)).execute()


if __name__ == "__main__":
    sys.exit(run_leases(sys.argv[1:], take_steps))
