"""The activity that asks a model once. What streams back becomes events as it comes."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MessageType
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.durable.compaction import tokens_of
from stigmer_runner.durable.messages import CALL_MODEL, AskedCall, Entry, ModelAnswer, ModelAsk
from stigmer_runner.durable.telling import said
from stigmer_runner.engine.activities import Activity, ActivityCall
from stigmer_runner.loop.ground import Ground
from stigmer_runner.loop.pieces import Pieces
from stigmer_runner.loop.showing import shown_arguments
from stigmer_runner.models.port import (
    AssistantMessage,
    Done,
    Message,
    ModelError,
    ModelErrorCode,
    ModelRequest,
    ReasoningPiece,
    TextPiece,
    ToolSpec,
    message_from_json,
    message_to_json,
)

LONGEST_WAIT = 600.0
"""Seconds that a provider may ask to wait; past it the run does not wait."""
INTERRUPTED = "interrupted"
CUT_OFF = "cut off here"
LOST = "the runner stopped while it was written"

_logger = logging.getLogger(__name__)


class CallModel(Activity):
    """Asks a model. It may be asked again: what a dead runner had streamed stays, marked."""

    name = CALL_MODEL
    argument_types = (ModelAsk,)
    repeatable = True
    early = True

    def __init__(self, ground: Ground, own: Sequence[ToolSpec]) -> None:
        """`own`: tools that the loop makes itself, beside those of the ground."""
        self._ground = ground
        self._own = tuple(own)
        self._known: dict[str, Message] = {}

    def intent(self, call: ActivityCall) -> Sequence[ev.Event]:
        """The person's messages, and that a provider is asked."""
        ask = _ask(call)
        if ask.quiet:
            return ()
        events: list[ev.Event] = []
        if call.attempt == 1:
            for message in ask.said:
                events.extend(said(message))
        else:
            before = ev.MessageCompleted(message_id=_message_id(ask, call.attempt - 1), interrupted=LOST)
            events.append(ev.Event(message_completed=before))
        message_id = _message_id(ask, call.attempt)
        started = ev.ModelCallStarted(
            message_id=message_id, provider=ask.provider, model=ask.model, attempt=ask.attempt
        )
        events.append(ev.Event(model_call_started=started))
        events.append(ev.Event(message_started=ev.MessageStarted(message_id=message_id, type=MessageType.MESSAGE_AI)))
        return self._ground.stamped(events)

    async def run(self, call: ActivityCall) -> object:
        """Ask, and tell what comes."""
        return await _Asking(self._ground, call, _ask(call)).answered(self._request(call))

    async def _request(self, call: ActivityCall) -> ModelRequest:
        ask = _ask(call)
        tools = await self._ground.all_tools(ask.sub_agent, lambda events: call.record(events, urgent=True))
        specs = (*(tool.spec for tool in tools.values()), *self._own)
        return ModelRequest(
            provider=ask.provider,
            model=ask.model,
            system=ask.system,
            messages=tuple(self._message(entry.body) for entry in ask.entries),
            tools=() if ask.quiet else specs,
            settings=self._ground.settings(),
        )

    def _message(self, body: str) -> Message:
        found = self._known.get(body)
        if found is None:
            found = self._known[body] = message_from_json(json.loads(body))
        return found


class _Asking:
    """One call under way."""

    def __init__(self, ground: Ground, call: ActivityCall, ask: ModelAsk) -> None:
        self._ground = ground
        self._call = call
        self._ask = ask
        self._message_id = _message_id(ask, call.attempt)
        self._said: list[str] = []
        self._text = Pieces(self._give_text)
        self._reasoning = Pieces(self._give_reasoning)
        self._redacted_text = ground.session.redactor.text_stream()
        self._redacted_reasoning = ground.session.redactor.text_stream()

    async def answered(self, request: Awaitable[ModelRequest]) -> ModelAnswer:
        provider = self._ask.provider
        try:
            done = await self._streamed(await request)
        except ModelError as error:
            return self._failed(error)
        except asyncio.CancelledError:
            self._complete(INTERRUPTED)
            self._call.leave("".join(self._said))
            raise
        except Exception as error:
            _logger.exception("asking %s failed", provider)
            words = f"Stigmer itself failed while it asked the model: {type(error).__name__}: {error}"
            return self._failed(ModelError(ModelErrorCode.MALFORMED, words))
        return self._whole(done)

    async def _streamed(self, request: ModelRequest) -> Done:
        async with contextlib.aclosing(self._ground.models.stream(request)) as events:
            async for event in events:
                match event:
                    case TextPiece(text):
                        self._said.append(text)
                        self._reasoning.flush()
                        self._text.take(self._redacted_text.feed(text))
                    case ReasoningPiece(text):
                        self._reasoning.take(self._redacted_reasoning.feed(text))
                    case Done():
                        return event
        raise ModelError(ModelErrorCode.CUT, "The answer ended before it was whole.")

    def _whole(self, done: Done) -> ModelAnswer:
        message = done.message
        calls = self._calls(message)
        self._complete("", calls)
        usage = done.usage
        reported = ev.UsageReported(
            model=done.model or self._ask.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            cost_micro_usd=usage.cost_micro_usd,
        )
        self._call.conclude(self._ground.stamped([ev.Event(usage_reported=reported)]))
        body = json.dumps(message_to_json(_answerable(message)))
        return ModelAnswer(
            message_id=self._message_id,
            entry=Entry(body, "assistant", usage.output_tokens or tokens_of(body), self._message_id),
            text=message.text,
            calls=calls,
            stop=str(done.stop),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_micro_usd=usage.cost_micro_usd,
        )

    def _calls(self, message: AssistantMessage) -> tuple[AskedCall, ...]:
        ask = self._ask
        return tuple(
            AskedCall(f"{ask.prefix}call-{number}", each.id, each.name, each.args_json, each.error)
            for number, each in enumerate(message.tool_calls, ask.first_call)
        )

    def _failed(self, error: ModelError) -> ModelAnswer:
        wait = -1.0
        if error.retryable and self._ask.wait_seconds >= 0:
            wait = self._ask.wait_seconds if error.retry_after is None else max(error.retry_after, 0.0)
            wait = wait if wait <= LONGEST_WAIT else -1.0
        self._complete(CUT_OFF if self._said else "")
        failed = ev.ModelCallFailed(
            message_id=self._message_id,
            error=error.message,
            code=str(error.code),
            retry_unix_micros=self._ground.clock() + round(wait * 1e6) if wait >= 0 else 0,
        )
        self._call.conclude(self._ground.stamped([ev.Event(model_call_failed=failed)]))
        return ModelAnswer(self._message_id, None, error_code=str(error.code), error=error.message, retry_seconds=wait)

    def _complete(self, interrupted: str, calls: Sequence[AskedCall] = ()) -> None:
        """The message is whole, or as whole as it gets. Its text stands in the deltas."""
        self._reasoning.take(self._redacted_reasoning.close())
        self._reasoning.close()
        self._text.take(self._redacted_text.close())
        self._text.close()
        if self._ask.quiet:
            return
        events: list[ev.Event] = []
        for each in calls:
            asked = ev.ToolCallRequested(call_id=each.call_id, message_id=self._message_id, name=each.name)
            asked.args.CopyFrom(shown_arguments(self._ground.session.redactor.text(each.args_json)))
            events.append(ev.Event(tool_call_requested=asked))
        whole = ev.MessageCompleted(message_id=self._message_id, interrupted=interrupted)
        events.append(ev.Event(message_completed=whole))
        self._call.conclude(self._ground.stamped(events))

    def _give_text(self, text: str) -> None:
        if not self._ask.quiet:
            delta = ev.TextDelta(message_id=self._message_id, text=text)
            self._call.record(self._ground.stamped([ev.Event(text_delta=delta)]), urgent=False)

    def _give_reasoning(self, text: str) -> None:
        if not self._ask.quiet:
            delta = ev.ReasoningDelta(message_id=self._message_id, text=text)
            self._call.record(self._ground.stamped([ev.Event(reasoning_delta=delta)]), urgent=False)


def _answerable(message: AssistantMessage) -> AssistantMessage:
    """The message as it is sent back: arguments that were no JSON object would be refused there."""
    calls = tuple(replace(call, args_json="{}") if call.error else call for call in message.tool_calls)
    return replace(message, tool_calls=calls)


def _message_id(ask: ModelAsk, attempt: int) -> str:
    """Of the answer; one that a dead runner began has its own."""
    return f"{ask.message_id}~{attempt}" if attempt > 1 else ask.message_id


def _ask(call: ActivityCall) -> ModelAsk:
    ask = call.arguments[0]
    if not isinstance(ask, ModelAsk):
        raise TypeError(f"{CALL_MODEL} takes a ModelAsk, not {type(ask).__name__}")
    return ask
