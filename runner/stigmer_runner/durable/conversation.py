"""A run that a model drives: what is said to it, what it answers, and the tools that it wants called, until it wants none."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.durable import telling
from stigmer_runner.durable.bounding import Bounds
from stigmer_runner.durable.compaction import (
    SUMMARIZE,
    is_full,
    newest,
    summary_entry,
    tokens_of,
    transcript,
    without_old_results,
)
from stigmer_runner.durable.deciding import Desk, OpenQuestion
from stigmer_runner.durable.delegating import LOOP, SubAgents
from stigmer_runner.durable.messages import (
    CALL_MODEL,
    CHOOSE_MODEL,
    SET_UP,
    UNDO_TURN,
    AgentRequest,
    AskedCall,
    Carried,
    ChosenModel,
    Entry,
    ModelAnswer,
    ModelAsk,
    Said,
    SetUp,
    TalkResult,
    ToolInfo,
    Used,
)
from stigmer_runner.durable.steps import AGAIN, UNLIMITED, WAIT, now_micros, tell
from stigmer_runner.durable.tool_turn import ToolTurn
from stigmer_runner.engine.temporalio_names import (
    ActivityError,
    ApplicationError,
    CancelledError,
    workflow,
)
from stigmer_runner.policy.granting import with_prefix

__all__ = ["LOOP", "Conversation"]

ATTEMPTS = 6
"""How often a model is asked for one answer."""
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds before it is asked again, where the provider does not say."""
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
        self._set_up = left_over.set_up
        self._entries = list(left_over.entries)
        self._waiting = deque(left_over.waiting)
        self._bounds = Bounds(
            request.limits, left_over.used, left_over.told_limits, left_over.started_micros, self.interrupt
        )
        self._messages, self._calls, sub_agents, self._questions, self._answers = left_over.numbers
        self._sub_agents = SubAgents(sub_agents)
        self._context_used, self._counted = left_over.context
        self._paused = left_over.paused
        self._answered = left_over.answered
        self._model_wanted = left_over.model_wanted
        self._model_changed = bool(left_over.model_wanted)
        self._text = left_over.text
        self._turn_id = left_over.turn_id
        self.changing_turns = list(left_over.changing_turns)
        self._ran_on = 0
        self._cut_off = ""
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
        self._model_wanted, self._model_changed = name, True
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
        return {tool.name: tool for tool in self._stand().tools}

    async def run(self, first_message: str) -> TalkResult:
        """Answer the first message and all that come meanwhile."""
        clock = asyncio.create_task(self._bounds.watch_time())
        try:
            if self._set_up is None:
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
        text, is_error, used = await self._sub_agents.delegate(call, self._stand().sub_agents, self._request_of)
        self._bounds.used = self._bounds.used.plus(used)
        return text, is_error

    # One turn

    async def _begin(self, first_message: str) -> None:
        self._bounds.started = now_micros()
        first = Said(self._next_message(), first_message, "", self.request.attachments, bool(self.sub_agent_id))
        self._set_up = await workflow.execute_activity(
            SET_UP,
            self.request,
            result_type=SetUp,
            start_to_close_timeout=UNLIMITED,
            retry_policy=AGAIN,
            cancellation_type=WAIT,
        )
        self._entries.extend(self._set_up.memory)
        self._waiting.appendleft(first)

    async def _turn(self) -> None:
        """One call of the model, and the tool calls that it asks for."""
        await self._bounds.check()
        if self._model_changed:
            await self._choose_model()
        said = self._take_waiting()
        await self._make_room(forced=False)
        answer = await self._ask_model(said)
        self._text = answer.text or self._text
        if answer.entry is not None:
            self._entries.append(answer.entry)
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
            if self._interrupted:
                await asyncio.shield(turn.withdraw("interrupted"))
            raise
        finally:
            self._entries.extend(turn.results(missing))

    def _take_waiting(self) -> tuple[Said, ...]:
        said = tuple(self._waiting)
        self._waiting.clear()
        for message in said:
            images = [json.loads(each) for each in message.attachments]
            body = json.dumps({"role": "user", "text": message.text, "attachments": images})
            tokens = tokens_of(message.text) + 1500 * len(images)
            self._entries.append(Entry(body, "user", tokens, message.message_id))
            self._turn_id = message.message_id
        if said:
            self._ran_on = 0
        return tuple(message for message in said if not message.announced)

    def _run_on(self) -> None:
        """The answer was as long as one may be: the model goes on, a few times."""
        self._ran_on += 1
        if self._ran_on <= RUNNING_ON:
            text = "(Your answer was cut off, because it was as long as one may be. Go on where it ends.)"
            self._entries.append(_user(text))
            self._answered = False

    async def _ask_model(self, said: tuple[Said, ...]) -> ModelAnswer:
        """An answer, however often the model must be asked. Raises `ApplicationError` where there is none."""
        self._answers += 1
        attempt, shortened = 1, False
        while True:
            stand = self._stand()
            ask = ModelAsk(
                number=self._answers,
                attempt=attempt,
                wait_seconds=self._wait_after(attempt),
                provider=stand.provider,
                model=stand.model,
                system=stand.system,
                entries=tuple(self._entries),
                first_call=self._calls + 1,
                prefix=self.prefix,
                said=said if attempt == 1 else (),
                sub_agent=self.request.sub_agent,
            )
            answer = await self._call_model(ask)
            if not answer.error_code:
                return answer
            attempt += 1
            if answer.error_code == "too_long" and not shortened:
                shortened = True
                await self._make_room(forced=True)
            elif answer.retry_seconds >= 0:
                await self._wait_to_retry(answer.retry_seconds)
            else:
                raise ApplicationError(answer.error, type=f"Model.{answer.error_code}", non_retryable=True)

    async def _call_model(self, ask: ModelAsk) -> ModelAnswer:
        try:
            answer = await workflow.execute_activity(
                CALL_MODEL,
                ask,
                result_type=ModelAnswer,
                start_to_close_timeout=UNLIMITED,
                retry_policy=AGAIN,
                cancellation_type=WAIT,
            )
        except ActivityError as error:
            if isinstance(error.cause, CancelledError) and error.cause.details:
                self._cut_off = str(error.cause.details[0])
            raise
        tokens = answer.input_tokens + answer.output_tokens
        self._bounds.used = self._bounds.used.plus(Used(0 if answer.error_code else 1, tokens, answer.cost_micro_usd))
        if tokens and not ask.quiet:
            self._context_used, self._counted = tokens, len(self._entries) + 1
        return answer

    async def _wait_to_retry(self, seconds: float) -> None:
        try:
            await workflow.wait_condition(lambda: self._model_changed, timeout=timedelta(seconds=max(seconds, 0.001)))
        except TimeoutError:
            return
        await self._choose_model()

    def _wait_after(self, attempt: int) -> float:
        if attempt >= ATTEMPTS:
            return -1.0
        return min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT) * (0.75 + workflow.random().random() / 2)

    async def _choose_model(self) -> None:
        self._model_changed = False
        chosen = await workflow.execute_activity(
            CHOOSE_MODEL,
            self._model_wanted,
            result_type=ChosenModel,
            start_to_close_timeout=UNLIMITED,
            retry_policy=AGAIN,
            cancellation_type=WAIT,
        )
        if chosen.model:
            self._set_up = replace(
                self._stand(),
                provider=chosen.provider,
                model=chosen.model,
                context_tokens=chosen.context_tokens,
                answer_tokens=chosen.answer_tokens,
            )

    # Room

    async def _make_room(self, *, forced: bool) -> None:
        """Make what the model is shown shorter, where it would not fit."""
        stand = self._stand()
        before = self._context_used + sum(entry.tokens for entry in self._entries[self._counted :])
        if not forced and not is_full(before, stand.context_tokens, stand.answer_tokens):
            return
        begin = newest(self._entries, stand.context_tokens)
        if begin == 0 and forced:
            begin = max(len(self._entries) - 1, 0)
        if begin == 0:
            return
        through = next((e.message_id for e in reversed(self._entries[:begin]) if e.message_id), "")
        overhead = max(before - sum(entry.tokens for entry in self._entries), tokens_of(stand.system))
        shorter = without_old_results(self._entries, begin)
        summary = ""
        if forced or overhead + sum(entry.tokens for entry in shorter) > stand.context_tokens // 2:
            summary = await self._summary(shorter[:begin])
            shorter = [summary_entry(summary), *shorter[begin:]] if summary else shorter
        self._entries = shorter
        self._context_used, self._counted = overhead + sum(entry.tokens for entry in shorter), len(shorter)
        await tell(telling.encoded([telling.compacted(through, summary, before, self._context_used)]))

    async def _summary(self, entries: Sequence[Entry]) -> str:
        stand = self._stand()
        text = transcript(entries, stand.context_tokens // 2)
        self._answers += 1
        ask = ModelAsk(
            number=self._answers,
            attempt=1,
            wait_seconds=-1.0,
            provider=stand.provider,
            model=stand.model,
            system=SUMMARIZE,
            entries=(_user(text),),
            first_call=0,
            prefix=self.prefix,
            quiet=True,
        )
        answer = await self._call_model(ask)
        return answer.text if not answer.error_code else ""

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
        if self._cut_off:
            body: dict[str, object] = {"role": "assistant", "text": self._cut_off, "reasoning": [], "tool_calls": []}
            self._entries.append(Entry(json.dumps(body), "assistant", tokens_of(self._cut_off)))
            self._cut_off = ""
        self._entries.append(_user(INTERRUPTED))
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
            model=f"{self._stand().provider}/{self._stand().model}",
            carried=None,
        )

    def _go_on_as_new_where_long(self) -> None:
        if not workflow.info().is_continue_as_new_suggested() or not workflow.all_handlers_finished():
            return
        carried = Carried(
            set_up=self._stand(),
            entries=tuple(self._entries),
            waiting=tuple(self._waiting),
            used=self._bounds.used,
            told_limits=tuple(sorted(self._bounds.told)),
            started_micros=self._bounds.started,
            numbers=(self._messages, self._calls, self._sub_agents.count, self._questions, self._answers),
            granted=tuple(self.granted),
            last_call=self.last_call,
            repeated=self.repeated,
            paused=self._paused,
            context=(self._context_used, self._counted),
            answered=self._answered,
            turn_id=self._turn_id,
            changing_turns=tuple(self.changing_turns),
            model_wanted=self._model_wanted if self._model_changed else "",
            text=self._text,
        )
        workflow.continue_as_new(args=[replace(self.request, policy=self.policy, carried=carried), b""])

    def _stand(self) -> SetUp:
        if self._set_up is None:
            raise ApplicationError("the run has not begun", non_retryable=True)
        return self._set_up

    def _next_message(self) -> str:
        self._messages += 1
        return f"{self.prefix}message-{self._messages}"


def _user(text: str) -> Entry:
    return Entry(json.dumps({"role": "user", "text": text, "attachments": []}), "user", tokens_of(text))
