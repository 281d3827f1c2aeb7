"""The end of a tool call as an event tells it."""

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.sandbox import Outcome
from stigmer_runner.tools.interface import CommandDetails

LONGEST_RESULT = 64 * 1024
"""Characters of a result that the event holds; the model has it whole."""


def tell_command(finished: ev.ToolCallFinished, details: CommandDetails) -> None:
    """What came of a command."""
    finished.background_id = details.background_id
    finished.output_bytes = details.output_bytes
    result = details.result
    if result is None:
        return
    if result.outcome is Outcome.EXITED and result.exit_code is not None:
        finished.exit_code = result.exit_code
    finished.signal = result.signal or 0
    finished.error = result.limit
    finished.killed.extend(ev.KilledProcess(pid=each.pid, command=each.command) for each in result.killed)
    if result.outcome is Outcome.TIMED_OUT:
        finished.outcome = ev.TOOL_OUTCOME_TIMED_OUT
    elif result.outcome is Outcome.CANCELLED:
        finished.outcome = ev.TOOL_OUTCOME_CANCELLED


def shortened(text: str) -> str:
    """Beginning and end of a result that is too long for an event."""
    if len(text) <= LONGEST_RESULT:
        return text
    half = LONGEST_RESULT // 2
    return f"{text[:half]}\n[{len(text) - LONGEST_RESULT} characters left out]\n{text[-half:]}"
