"""An agent's execution: takes messages one after the other, until there are none.

For the model `shell` a message is a command line, and nothing decides what comes next but the person. A line whose outcome
is unknown, because its runner died, ends the execution: it is never run again by itself.
"""

from collections import deque
from datetime import timedelta

from stigmer_runner.durable.messages import (
    RUN_COMMAND_LINE,
    SHELL_MODEL,
    AgentRequest,
    AgentResult,
    CommandLine,
    LineEnd,
)
from stigmer_runner.durable.wording import not_run, unknown_outcome
from stigmer_runner.engine.errors import OUTCOME_UNKNOWN
from stigmer_runner.engine.temporalio_names import ActivityError, ApplicationError, RetryPolicy, workflow

UNLIMITED = timedelta(days=3650)
"""The library wants a limit; a command line has none but the person's own, which its terminal keeps."""

ONCE = RetryPolicy(maximum_attempts=1)


@workflow.defn(name="stigmer/agent-execution/loop")
class AgentLoop:
    """The loop of one execution."""

    def __init__(self) -> None:
        self._messages: deque[tuple[str, str]] = deque()

    @workflow.signal
    def send_message(self, text: bytes, command_id: str) -> None:
        """Another message, UTF-8, brought by a command. It waits for its turn."""
        self._messages.append((text.decode(errors="replace"), command_id))

    @workflow.run
    async def run(self, request: AgentRequest, first_message: bytes) -> AgentResult:
        """Work off the first message and all that come meanwhile."""
        if request.model != SHELL_MODEL:
            named = f"the model `{request.model}`" if request.model else "an agent that names no model"
            words = f"This version of Stigmer runs the built-in agent `shell` alone: it cannot run {named}."
            raise ApplicationError(words, type="UnknownModel")
        self._messages.appendleft((first_message.decode(errors="replace"), ""))
        number = 0
        while self._messages:
            number += 1
            text, command_id = self._messages.popleft()
            await self._run_line(CommandLine(number, text, command_id, request.command_timeout_seconds))
        return AgentResult(lines=number)

    async def _run_line(self, line: CommandLine) -> None:
        try:
            await workflow.execute_activity(
                RUN_COMMAND_LINE,
                line,
                result_type=LineEnd,
                start_to_close_timeout=UNLIMITED,
                retry_policy=ONCE,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
        except ActivityError as error:
            cause = error.cause
            if not isinstance(cause, ApplicationError):
                raise
            unknown = cause.type == OUTCOME_UNKNOWN
            words = unknown_outcome(line.text) if unknown else cause.message
            left = not_run([text for text, _ in self._messages])
            raise ApplicationError(" ".join((words, *left)), type=cause.type or "", non_retryable=True) from error
