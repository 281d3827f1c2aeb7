"""`python -m tests.bench.deltas HOME RUNNER_ID LEDGER COUNT RATE`: a runner whose executions are text deltas at a steady rate, each with its time."""

import asyncio
import sys
import time

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, MessageStarted, PhaseChanged, TextDelta
from stigmer_runner.link.outbox import Outbox
from tests.bench.lease_runner import run_leases

MESSAGE = "m1"
TEXT = "x" * 78


def micros() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


async def tell(execution_id: str, outbox: Outbox) -> None:
    """So many deltas, one at a time, and the end."""
    count, rate = int(sys.argv[4]), float(sys.argv[5])
    started = MessageStarted(message_id=MESSAGE, type=MessageType.MESSAGE_AI)
    in_progress = PhaseChanged(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    outbox.append((), [Event(phase_changed=in_progress), Event(message_started=started)], urgent=True)
    begin = time.perf_counter()
    for step in range(count):
        await asyncio.sleep(begin + step / rate - time.perf_counter())
        delta = Event(time_unix_micros=micros(), text_delta=TextDelta(message_id=MESSAGE, text=TEXT))
        outbox.append((), [delta], urgent=False)
    completed = PhaseChanged(phase=ExecutionPhase.EXECUTION_COMPLETED)
    await outbox.append((), [Event(time_unix_micros=micros(), phase_changed=completed)], urgent=True, final=True)


if __name__ == "__main__":
    sys.exit(run_leases(sys.argv[1:], tell))
