"""An agent's execution: takes messages one after the other, until there are none.

For the model `shell` a message is a command line, and nothing decides what comes next but the person. A line whose outcome
is unknown, because its runner died, ends the execution: it is never run again by itself. Any other model drives itself: see
`conversation`.
"""

from collections import deque

from stigmer_runner.durable.conversation import Conversation
from stigmer_runner.durable.deciding import Choice, Decision
from stigmer_runner.durable.delegating import LOOP
from stigmer_runner.durable.messages import (
    RUN_COMMAND_LINE,
    SHELL_MODEL,
    AgentRequest,
    AgentResult,
    CommandLine,
    LineEnd,
    TalkResult,
)
from stigmer_runner.durable.steps import ONCE, UNLIMITED
from stigmer_runner.durable.wording import not_run, unknown_outcome
from stigmer_runner.engine.errors import OUTCOME_UNKNOWN
from stigmer_runner.engine.temporalio_names import ActivityError, ApplicationError, workflow


@workflow.defn(name=LOOP)
class AgentLoop:
    """The loop of one execution."""

    @workflow.init
    def __init__(self, request: AgentRequest, first_message: bytes) -> None:
        del first_message
        self._messages: deque[tuple[str, str]] = deque()
        self._talk = None if request.model == SHELL_MODEL else Conversation(request)

    @workflow.signal
    def send_message(self, text: bytes, command_id: str, now: bool = False, attachments: tuple[str, ...] = ()) -> None:
        """Another message, UTF-8, brought by a command. It waits for its turn, or with `now` what runs is interrupted for it."""
        words = text.decode(errors="replace")
        if self._talk is None:
            self._messages.append((words, command_id))
        else:
            self._talk.say(words, command_id, now=now, attachments=attachments)

    @workflow.signal
    def interrupt(self, reason: str) -> None:
        """Stop what runs now; go on with the next message."""
        if self._talk is not None:
            self._talk.interrupt()

    @workflow.signal
    async def pause(self) -> None:
        """Stop after the current step."""
        if self._talk is not None:
            await self._talk.pause()

    @workflow.signal
    async def resume(self) -> None:
        """Go on."""
        if self._talk is not None:
            await self._talk.resume()

    @workflow.signal
    async def change_model(self, name: str) -> None:
        """Another model from the next call on."""
        if self._talk is not None:
            await self._talk.change_model(name)

    @workflow.signal
    async def change_policy(self, policy: str) -> None:
        """Another policy, encoded, as base64, from the next tool call on."""
        if self._talk is not None:
            await self._talk.change_policy(policy)

    @workflow.update
    def resolve_approval(self, call_id: str, choice: int, reason: str, binding: str, edited_args: str) -> None:
        """A person decides about a tool call. `binding` is what they were shown, as hexadecimal."""
        self._conversation().desk.decide(call_id, Decision(Choice(choice), reason, edited_args))

    @resolve_approval.validator
    def check_approval(self, call_id: str, choice: int, reason: str, binding: str, edited_args: str) -> None:
        """Only what waits, and is what was shown, is decided."""
        self._conversation().desk.check_approval(call_id, choice, binding, edited_args)

    @workflow.update
    def answer(self, attention_id: str, text: str) -> None:
        """A person answers a question."""
        self._conversation().desk.answer(attention_id, text)

    @answer.validator
    def check_answer(self, attention_id: str, text: str) -> None:
        """Only what was asked is answered."""
        self._conversation().desk.check_answer(attention_id)

    @workflow.update
    async def undo_turn(self, message_id: str) -> None:
        """Put the files of a turn back."""
        await self._conversation().undo_turn(message_id)

    @undo_turn.validator
    def check_undo(self, message_id: str) -> None:
        """A shell's own lines have no snapshots."""
        self._conversation().check_undo(message_id)

    @workflow.update
    def withdraw_message(self, sent_by: str) -> None:
        """A person takes back the message that the command `sent_by` brought."""
        if self._talk is None:
            self._messages = deque(each for each in self._messages if each[1] != sent_by)
        else:
            self._talk.withdraw(sent_by)

    @withdraw_message.validator
    def check_withdraw(self, sent_by: str) -> None:
        """Only what waits is taken back."""
        waiting = {each[1] for each in self._messages} if self._talk is None else self._talk.waiting_commands
        if sent_by not in waiting:
            raise ValueError("its turn has come, or there is no such message")

    @workflow.run
    async def run(self, request: AgentRequest, first_message: bytes) -> AgentResult | TalkResult:
        """Work off the first message and all that come meanwhile."""
        if self._talk is not None:
            return await self._talk.run(first_message.decode(errors="replace"))
        self._messages.appendleft((first_message.decode(errors="replace"), ""))
        number = 0
        while self._messages:
            number += 1
            text, command_id = self._messages.popleft()
            await self._run_line(CommandLine(number, text, command_id, request.command_timeout_seconds))
        return AgentResult(lines=number)

    def _conversation(self) -> Conversation:
        if self._talk is None:
            raise ValueError("the agent `shell` has no model: there is nothing to decide or to answer")
        return self._talk

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
