"""How a run asks for its activities."""

from datetime import timedelta

from stigmer_runner.durable.messages import TELL
from stigmer_runner.engine.temporalio_names import RetryPolicy, workflow

UNLIMITED = timedelta(days=3650)
"""The library wants a limit; these steps have none but the person's own."""

ONCE = RetryPolicy(maximum_attempts=1)

AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10), maximum_attempts=50)
"""For steps that may be made again: dying runners use the attempts up, nothing else does."""

WAIT = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


async def tell(events: bytes) -> None:
    """Write events, encoded as an `EventBatch`."""
    await workflow.execute_activity(
        TELL, events, start_to_close_timeout=UNLIMITED, retry_policy=AGAIN, cancellation_type=WAIT
    )


def now_micros() -> int:
    """The workflow's time, in microseconds since 1970."""
    return round(workflow.now().timestamp() * 1e6)
