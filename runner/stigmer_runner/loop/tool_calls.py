"""The activities that look at a tool call, make it, and put the files of a turn back."""

import asyncio
import base64
import json
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.durable.compaction import tokens_of
from stigmer_runner.durable.messages import (
    CALL_HARMLESS_TOOL,
    CALL_TOOL,
    LOOK_AND_CALL,
    LOOK_AND_CALL_HARMLESS,
    LOOK_AT_CALL,
    UNDO_TURN,
    Entry,
    LookedAt,
    ToolAsk,
    ToolEnd,
)
from stigmer_runner.durable.telling import approval_attention, not_started
from stigmer_runner.engine.activities import Activity, ActivityCall, Unfinished
from stigmer_runner.loop.call_ends import shortened, tell_command
from stigmer_runner.loop.ground import Ground
from stigmer_runner.models.port import ToolMessage, message_to_json
from stigmer_runner.policy.granting import expiry_of
from stigmer_runner.tools.interface import (
    Arguments,
    Effect,
    Expects,
    Tool,
    ToolArgumentError,
    ToolContext,
    ToolResult,
)
from stigmer_runner.tools.preparing import Decision, Prepared, prepare
from stigmer_runner.tools.shell.commands import fill_started

_logger = logging.getLogger(__name__)


class LookAtCall(Activity):
    """Checks a call against the policy. Where a person is to decide, the question goes out with the result."""

    name = LOOK_AT_CALL
    argument_types = (ToolAsk,)
    repeatable = True

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def run(self, call: ActivityCall) -> object:
        """Look."""
        return await _looked_at(self._ground, call, _ask(call))


@dataclass(frozen=True, slots=True)
class _Making:
    """A call with everything that it is made with."""

    tool: Tool
    context: ToolContext
    arguments: Arguments


class CallTool(Activity):
    """Makes a call. One with side effects whose runner died is never made again by itself."""

    name = CALL_TOOL
    argument_types = (ToolAsk,)
    repeatable = False
    prepares = True

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def intent(self, call: ActivityCall) -> Sequence[ev.Event]:
        """That it begins."""
        started = ev.ToolCallStarted(
            call_id=_ask(call).call.call_id, directory=self._ground.session.standing().directory
        )
        fill_started(self._ground.session, _ask(call).call.name, _policy(_ask(call)), started)
        return self._ground.stamped([ev.Event(tool_call_started=started)])

    async def run(self, call: ActivityCall) -> object:
        """Make it, unless it is not any more what was approved."""
        ask = _ask(call)
        if ask.binding and (await _prepared(self._ground, call, ask)).binding.hex() != ask.binding:
            words = "What it would do has changed since it was approved."
            call.conclude(self._ground.stamped([not_started(ask.call.call_id, words)]))
            return ToolEnd(None)
        return await self._end(call, ask)

    async def _end(self, call: ActivityCall, ask: ToolAsk) -> ToolEnd:
        """Make it, and tell what came of it."""
        begun = self._ground.clock()
        try:
            making = await self._ready(call, ask)
            await call.begun()
            begun = self._ground.clock()
            result = await self._made(making, ask)
        except asyncio.CancelledError:
            finished = self._finished(ask, ToolResult("interrupted", is_error=True), begun)
            finished.outcome = ev.TOOL_OUTCOME_CANCELLED
            call.conclude(self._ground.stamped([ev.Event(tool_call_finished=finished)]))
            raise
        call.conclude(self._ground.stamped([ev.Event(tool_call_finished=self._finished(ask, result, begun))]))
        message = ToolMessage(ask.call.provider_id, ask.call.name, result.text, result.is_error, result.images)
        tokens = tokens_of(result.text) + 1500 * len(result.images)
        return ToolEnd(Entry(json.dumps(message_to_json(message)), "tool", tokens, ask.message_id))

    def unfinished(self, call: ActivityCall, why: Unfinished) -> Sequence[ev.Event]:
        """It was announced and did not come to its end."""
        unknown = why is Unfinished.UNKNOWN
        finished = ev.ToolCallFinished(
            call_id=_ask(call).call.call_id,
            outcome=ev.TOOL_OUTCOME_UNKNOWN if unknown else ev.TOOL_OUTCOME_CANCELLED,
            error="The runner stopped while it ran: nobody knows how far it came." if unknown else "interrupted",
        )
        return self._ground.stamped([ev.Event(tool_call_finished=finished)])

    async def _ready(self, call: ActivityCall, ask: ToolAsk) -> "_Making | ToolResult":
        """A call that is about to be made, or why it cannot be. Nothing is changed yet."""
        tool = await _tool(self._ground, call, ask)
        try:
            making = _Making(tool, self._context(call, ask), tool.check(_arguments(ask)))
            if isinstance(tool, Expects):
                await tool.expect(making.context, making.arguments)
        except ToolArgumentError as error:
            return ToolResult(str(error), is_error=True)
        except Exception as error:
            _logger.exception("the tool %s failed", ask.call.name)
            return _failed(error)
        return making

    def _context(self, call: ActivityCall, ask: ToolAsk) -> ToolContext:
        return ToolContext(
            call_id=ask.call.call_id,
            session=self._ground.session,
            message_id=ask.turn_id,
            policy=_policy(ask),
            sub_agent_id=ask.sub_agent_id,
            record=lambda event: _record(call, event),
            ask=self._ground.questions.asker(
                lambda events: call.record(events, urgent=True), ask.call.call_id, ask.call.call_id
            ),
        )

    async def _made(self, making: "_Making | ToolResult", ask: ToolAsk) -> ToolResult:
        if isinstance(making, ToolResult):
            return making
        try:
            return await making.tool.call(making.context, making.arguments)
        except ToolArgumentError as error:
            return ToolResult(str(error), is_error=True)
        except Exception as error:
            _logger.exception("the tool %s failed", ask.call.name)
            return _failed(error)

    def _finished(self, ask: ToolAsk, result: ToolResult, begun: int) -> ev.ToolCallFinished:
        finished = ev.ToolCallFinished(
            call_id=ask.call.call_id,
            outcome=ev.TOOL_OUTCOME_ENDED,
            duration_micros=self._ground.clock() - begun,
            directory=self._ground.session.standing().directory,
        )
        details = result.details
        if details is None:
            text = shortened(result.text)
            finished.result, finished.error = ("", text) if result.is_error else (text, "")
        else:
            tell_command(finished, details)
        return finished


class CallHarmlessTool(CallTool):
    """The same for a tool that changes nothing: it may be made again."""

    name = CALL_HARMLESS_TOOL
    repeatable = True

    def intent(self, call: ActivityCall) -> Sequence[ev.Event]:
        """That it begins, once."""
        return super().intent(call) if call.attempt == 1 else ()


class LookAndCall(CallTool):
    """Looks at a call, and makes it where it is allowed: with its intent then, which is journaled before it begins."""

    name = LOOK_AND_CALL

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._allowed: set[str] = set()
        """Calls whose intent is told."""

    def intent(self, call: ActivityCall) -> Sequence[ev.Event]:
        """That it begins, where that is known at once."""
        ask = _ask(call)
        if not self._is_allowed(ask):
            return ()
        self._allowed.add(ask.call.call_id)
        return super().intent(call)

    async def run(self, call: ActivityCall) -> object:
        """Make it, or say what was found."""
        ask = _ask(call)
        if ask.call.call_id not in self._allowed:
            looked = await _looked_at(self._ground, call, ask)
            if looked.decision != "allow":
                return ToolEnd(None, looked)
            await self._announce(call)
        self._allowed.discard(ask.call.call_id)
        return await self._end(call, ask)

    async def _announce(self, call: ActivityCall) -> None:
        await call.record(super().intent(call), urgent=True)

    def _is_allowed(self, ask: ToolAsk) -> bool:
        """Whether the call is allowed, as far as that is known without waiting for anything."""
        tool = self._ground.tools().get(ask.call.name)
        if tool is None or tool.effect is not Effect.EXECUTE:
            return False
        try:
            prepared = _at_once(_prepared_call(self._ground, tool, ask))
        except ToolArgumentError:
            return False
        return prepared is not None and prepared.decision is Decision.ALLOW


class LookAndCallHarmless(LookAndCall):
    """The same for a tool that changes nothing: it may be made again, and its intent need not be on the disk before."""

    name = LOOK_AND_CALL_HARMLESS
    repeatable = True

    def intent(self, call: ActivityCall) -> Sequence[ev.Event]:
        """Nothing yet."""
        return ()

    async def _announce(self, call: ActivityCall) -> None:
        if call.attempt == 1:
            call.record(CallTool.intent(self, call), urgent=True)


class UndoTurn(Activity):
    """Puts the files that a turn changed back."""

    name = UNDO_TURN
    argument_types = (str,)
    repeatable = True

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def run(self, call: ActivityCall) -> object:
        """Put them back."""
        message_id = str(call.arguments[0])
        undone = await self._ground.session.undo_turn(message_id)
        told = ev.TurnUndone(message_id=message_id, paths=undone.paths, left=undone.left)
        call.conclude(self._ground.stamped([ev.Event(turn_undone=told)]))
        return None


def _failed(error: Exception) -> ToolResult:
    return ToolResult(f"Stigmer itself failed in this tool: {type(error).__name__}: {error}", is_error=True)


async def _looked_at(ground: Ground, call: ActivityCall, ask: ToolAsk) -> LookedAt:
    """What a look at a call finds; its events go with the result."""

    def refused(decision: str, reason: str) -> LookedAt:
        call.conclude(ground.stamped([not_started(ask.call.call_id, reason)]))
        return LookedAt(decision, f"This call was not made. {reason}")

    try:
        prepared = await _prepared(ground, call, ask)
    except ToolArgumentError as error:
        return refused("invalid", str(error))
    if prepared.decision is Decision.DENY:
        return refused("deny", prepared.reason)
    expires = 0
    if prepared.decision is Decision.ASK and not ask.edited:
        seconds = expiry_of(_policy(ask), ground.approval_seconds)
        expires = ground.clock() + round(seconds * 1e6) if seconds else 0
        call.conclude(ground.stamped(_question(ask, prepared, expires)))
    return LookedAt(
        decision="allow" if ask.edited else prepared.decision.value,
        reason=prepared.reason,
        binding=prepared.binding.hex(),
        grant=prepared.grant.hex(),
        prefix=tuple(prepared.prefix),
        canonical_args=prepared.canonical_args,
        expires_micros=expires,
    )


async def _prepared(ground: Ground, call: ActivityCall, ask: ToolAsk) -> Prepared:
    return await _prepared_call(ground, await _tool(ground, call, ask), ask)


async def _prepared_call(ground: Ground, tool: Tool, ask: ToolAsk) -> Prepared:
    granted = frozenset(bytes.fromhex(each) for each in ask.granted)
    return await prepare(tool, _arguments(ask), _policy(ask), ground.session.standing(), granted)


def _at_once(look: Coroutine[object, object, Prepared]) -> Prepared | None:
    """What a coroutine returns that waits for nothing; None, and its end, where it would wait."""
    try:
        look.send(None)
    except StopIteration as done:
        found: Prepared = done.value
        return found
    finally:
        look.close()
    return None


def _question(ask: ToolAsk, prepared: Prepared, expires: int) -> Sequence[ev.Event]:
    call_id = ask.call.call_id
    requested = ev.ApprovalRequested(
        call_id=call_id,
        summary=prepared.summary,
        binding=prepared.binding,
        reason=prepared.reason,
        prefix=prepared.prefix,
        expires_unix_micros=expires,
        tool=prepared.tool,
        grant=prepared.grant,
    )
    first, _, _ = prepared.summary.partition("\n")
    raised = ev.AttentionRaised(
        attention_id=approval_attention(call_id),
        kind=AttentionKind.ATTENTION_KIND_APPROVAL,
        text=f"{ask.call.name}: {first}"[:400],
        call_id=call_id,
    )
    return (ev.Event(approval_requested=requested), ev.Event(attention_raised=raised))


def _record(call: ActivityCall, event: ev.Event) -> None:
    call.record((event,), urgent=not event.HasField("terminal_output"))


async def _tool(ground: Ground, call: ActivityCall, ask: ToolAsk) -> Tool:
    tool = ground.tools().get(ask.call.name)
    if tool is None:
        # What a sub-agent may call was looked at before, in its loop: here it is only found.
        found = await ground.all_tools("", lambda events: call.record(events, urgent=True))
        tool = found.get(ask.call.name)
    if tool is None:
        why = " ".join(ground.servers.problems())
        raise ToolArgumentError(f"there is no tool {ask.call.name!r} here any more. {why}".rstrip())
    return tool


def _arguments(ask: ToolAsk) -> Mapping[str, object]:
    try:
        value: object = json.loads(ask.call.args_json)
    except (ValueError, RecursionError) as error:
        raise ToolArgumentError(f"the arguments are no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ToolArgumentError("the arguments are no JSON object")
    return cast(Mapping[str, object], value)


def _policy(ask: ToolAsk) -> Policy:
    return Policy.FromString(base64.b64decode(ask.policy))


def _ask(call: ActivityCall) -> ToolAsk:
    ask = call.arguments[0]
    if not isinstance(ask, ToolAsk):
        raise TypeError(f"a tool call is asked for by a ToolAsk, not by {type(ask).__name__}")
    return ask
