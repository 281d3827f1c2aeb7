"""A run that a model drives: what is said to it, what it answers, and the tools that it wants called, until it wants none."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.durable import telling
from stigmer_runner.durable.asking import Model, user_entry
from stigmer_runner.durable.bounding import Bounds
from stigmer_runner.durable.compaction import (
    tokens_of,
)
from stigmer_runner.durable.deciding import Desk, OpenQuestion
from stigmer_runner.durable.delegating import LOOP, SubAgents
from stigmer_runner.durable.messages import (
    SET_UP,
    UNDO_TURN,
    AgentRequest,
    AskedCall,
    Carried,
    Entry,
    ModelAnswer,
    Said,
    SetUp,
    TalkResult,
    ToolInfo,
)
from stigmer_runner.durable.steps import AGAIN, UNLIMITED, WAIT, now_micros, tell
from stigmer_runner.durable.tool_turn import ToolTurn
from stigmer_runner.engine.temporalio_names import (
    ApplicationError,
    CancelledError,
    workflow,
)
from stigmer_runner.policy.granting import with_prefix

__all__ = ["LOOP", "Conversation"]

RUNNING_ON = 3
"""How often in a row a model may run into the limit of one answer."""

INTERRUPTED = "(The person interrupted you here.)"


class Conversation:
    """One run. `run` is its life; the other methods are called by signals and updates meanwhile."""

    def __init__(self, request: AgentRequest) -> None:
        left_over = request.carried or Carried()
        self.request = request
        self.desk = Desk()
        self.prefix = f"{request.sub_agent_id}/" if request.sub_agent_id else ""
        self.sub_agent_id = request.sub_agent_id
        self.policy = request.policy
        self.granted = list(left_over.granted or request.granted)
        self.last_call = left_over.last_call
        self.repeated = left_over.repeated
        self._waiting = deque(left_over.waiting)
        self._bounds = Bounds(
            request.limits, left_over.used, left_over.told_limits, left_over.started_micros, self.interrupt
        )
        self._messages, self._calls, sub_agents, self._questions, _ = left_over.numbers
        self._sub_agents = SubAgents(sub_agents)
        self._model = Model(left_over, self._bounds, self.prefix, request.sub_agent)
        self._paused = left_over.paused
        self._answered = left_over.answered
        self._text = left_over.text
        self._turn_id = left_over.turn_id
        self.changing_turns = list(left_over.changing_turns)
        self._ran_on = 0
        self.changing = 0
        self._current: asyncio.Task[None] | None = None
        self._interrupted = False

    # What persons want

    def say(self, text: str, command_id: str, *, now: bool = False, attachments: tuple[str, ...] = ()) -> None:
        """Another message. Now: what runs is interrupted for it."""
        message = Said(self._next_message(), text, command_id, attachments)
        if now:
            self._waiting.appendleft(message)
            self.interrupt()
        else:
            self._waiting.append(message)

    @property
    def waiting_commands(self) -> set[str]:
        """The commands that brought messages whose turn has not come."""
        return {message.command_id for message in self._waiting if message.command_id}

    def withdraw(self, sent_by: str) -> None:
        """Forget the message that a command brought."""
        self._waiting = deque(message for message in self._waiting if message.command_id != sent_by)

    def interrupt(self) -> None:
        """Stop what runs now."""
        if self._current is not None:
            self._interrupted = True
            self._current.cancel()

    async def pause(self) -> None:
        """Stop after the current step."""
        self._paused = True
        await self._sub_agents.forward("pause")

    def check_undo(self, message_id: str) -> None:
        """Raises ValueError, in words for the person, where there is nothing to undo."""
        if not message_id and not self.changing_turns:
            raise ValueError("no tool has changed a file in this run")

    async def resume(self) -> None:
        """Go on."""
        self._paused = False
        await self._sub_agents.forward("resume")

    async def change_model(self, name: str) -> None:
        """Another model from the next call on."""
        self._model.want(name)
        await self._sub_agents.forward("change_model", name)

    async def change_policy(self, policy: str) -> None:
        """Another policy from the next tool call on."""
        self.policy = policy
        await self._sub_agents.forward("change_policy", policy)

    async def undo_turn(self, message_id: str) -> None:
        """Put the files of a turn back, when no tool runs: of the last one that may have changed any where none is named."""
        wanted = message_id or (self.changing_turns[-1] if self.changing_turns else "")
        await workflow.wait_condition(lambda: self.changing == 0)
        await workflow.execute_activity(
            UNDO_TURN, wanted, start_to_close_timeout=UNLIMITED, retry_policy=AGAIN, cancellation_type=WAIT
        )

    # The run

    @property
    def tools(self) -> Mapping[str, ToolInfo]:
        """The tools that there are, by name."""
        return {tool.name: tool for tool in self._model.stand().tools}

    async def run(self, first_message: str) -> TalkResult:
        """Answer the first message and all that come meanwhile."""
        clock = asyncio.create_task(self._bounds.watch_time())
        try:
            if self._model.set_up is None:
                await self._begin(first_message)
            while self._waiting or not self._answered:
                self._go_on_as_new_where_long()
                await self.step_allowed()
                if not await self._interruptible(self._turn()):
                    await self._after_interrupt()
            await workflow.wait_condition(workflow.all_handlers_finished)
        except ApplicationError as error:
            if not self.sub_agent_id:
                raise
            return TalkResult(self._messages, self._text, self._bounds.used, error.message)
        finally:
            clock.cancel()
        return TalkResult(self._messages, self._text, self._bounds.used)

    async def step_allowed(self) -> None:
        """Waits while the run is paused."""
        if self._paused:
            await workflow.wait_condition(lambda: not self._paused)

    def next_question(self) -> str:
        """An id for a question."""
        self._questions += 1
        return f"{self.prefix}question-{self._questions}"

    def allow_prefix(self, tool: str, prefix: Sequence[str]) -> None:
        """From here on a call of `tool` with these first words is allowed, where no rule denies it."""
        policy = with_prefix(Policy.FromString(base64.b64decode(self.policy)), tool, tuple(prefix))
        self.policy = base64.b64encode(policy.SerializeToString()).decode()

    async def delegate(self, call: AskedCall) -> tuple[str, bool]:
        """Let a sub-agent do it; its tokens and turns count as this run's."""
        text, is_error, used = await self._sub_agents.delegate(call, self._model.stand().sub_agents, self._request_of)
        self._bounds.used = self._bounds.used.plus(used)
        return text, is_error

    # One turn

    async def _begin(self, first_message: str) -> None:
        self._bounds.started = now_micros()
        first = Said(self._next_message(), first_message, "", self.request.attachments, bool(self.sub_agent_id))
        set_up = self._model.set_up = await workflow.execute_activity(
            SET_UP,
            self.request,
            result_type=SetUp,
            start_to_close_timeout=UNLIMITED,
            retry_policy=AGAIN,
            cancellation_type=WAIT,
        )
        self._model.entries.extend(set_up.memory)
        self._waiting.appendleft(first)

    async def _turn(self) -> None:
        """One call of the model, and the tool calls that it asks for."""
        await self._bounds.check()
        await self._model.choose_where_wanted()
        said = self._take_waiting()
        await self._model.make_room(forced=False)
        answer = await self._model.answer(said, self._calls + 1)
        self._text = answer.text or self._text
        if answer.entry is not None:
            self._model.entries.append(answer.entry)
        self._answered = not answer.calls
        self._calls += len(answer.calls)
        if answer.calls:
            await self._call_tools(answer)
        elif answer.stop == "max_tokens":
            self._run_on()

    async def _call_tools(self, answer: ModelAnswer) -> None:
        turn = ToolTurn(self, answer, self._turn_id)
        missing = "The person interrupted: this call was stopped, or not made."
        try:
            await turn.make()
        except BaseException:
            if self._interrupted or self.sub_agent_id:  # A sub-agent that is stopped leaves a run behind that goes on.
                await asyncio.shield(turn.withdraw("interrupted"))
            raise
        finally:
            self._model.entries.extend(turn.results(missing))

    def _take_waiting(self) -> tuple[Said, ...]:
        said = tuple(self._waiting)
        self._waiting.clear()
        for message in said:
            images = [json.loads(each) for each in message.attachments]
            body = json.dumps({"role": "user", "text": message.text, "attachments": images})
            tokens = tokens_of(message.text) + 1500 * len(images)
            self._model.entries.append(Entry(body, "user", tokens, message.message_id))
            self._turn_id = message.message_id
        if said:
            self._ran_on = 0
        return tuple(message for message in said if not message.announced)

    def _run_on(self) -> None:
        """The answer was as long as one may be: the model goes on, a few times."""
        self._ran_on += 1
        if self._ran_on <= RUNNING_ON:
            text = "(Your answer was cut off, because it was as long as one may be. Go on where it ends.)"
            self._model.entries.append(user_entry(text))
            self._answered = False

    # Interrupts

    async def _interruptible(self, work: Coroutine[object, object, None]) -> bool:
        """Do it; False where the person stopped it."""
        self._interrupted = False
        task = self._current = asyncio.create_task(work)
        own = asyncio.current_task()
        try:
            await task
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError) or isinstance(
                getattr(error, "cause", None), CancelledError
            )
            if cancelled and self._interrupted and (own is None or not own.cancelling()):
                return False
            raise
        finally:
            self._current = None
        return not self._interrupted

    async def _after_interrupt(self) -> None:
        """What runs was stopped: go on with the next message, which is waited for where there is none."""
        self._interrupted = False
        if self._bounds.time_up is not None:
            await self._bounds.check()
        self._model.keep_cut_off()
        self._model.entries.append(user_entry(INTERRUPTED))
        if self._waiting:
            self._answered = True
            return
        attention_id = self.next_question()
        question = self.desk.questions[attention_id] = OpenQuestion()
        await tell(telling.encoded(telling.asked(attention_id, "You interrupted the agent. What next?", (), "")))
        await workflow.wait_condition(
            lambda: question.answer is not None or bool(self._waiting) or self._bounds.time_up is not None
        )
        del self.desk.questions[attention_id]
        if question.answer is not None:
            self._waiting.append(Said(self._next_message(), question.answer))
        else:
            await tell(telling.encoded([telling.cleared(attention_id)]))
        if self._bounds.time_up is not None:
            await self._bounds.check()
        self._answered = True

    # Children and long runs

    def _request_of(self, sub_agent_id: str, name: str) -> AgentRequest:
        """What a sub-agent is to do, with what is left of the budget."""
        return replace(
            self.request,
            limits=self._bounds.left(),
            policy=self.policy,
            granted=tuple(self.granted),
            attachments=(),
            sub_agent_id=sub_agent_id,
            sub_agent=name,
            model=f"{self._model.stand().provider}/{self._model.stand().model}",
            carried=None,
        )

    def _go_on_as_new_where_long(self) -> None:
        if not workflow.info().is_continue_as_new_suggested() or not workflow.all_handlers_finished():
            return
        carried = Carried(
            set_up=self._model.stand(),
            entries=tuple(self._model.entries),
            waiting=tuple(self._waiting),
            used=self._bounds.used,
            told_limits=tuple(sorted(self._bounds.told)),
            started_micros=self._bounds.started,
            numbers=(self._messages, self._calls, self._sub_agents.count, self._questions, self._model.answers),
            granted=tuple(self.granted),
            last_call=self.last_call,
            repeated=self.repeated,
            paused=self._paused,
            context=self._model.context,
            answered=self._answered,
            turn_id=self._turn_id,
            changing_turns=tuple(self.changing_turns),
            model_wanted=self._model.wanted,
            text=self._text,
        )
        workflow.continue_as_new(args=[replace(self.request, policy=self.policy, carried=carried), b""])

    def _next_message(self) -> str:
        self._messages += 1
        return f"{self.prefix}message-{self._messages}"
