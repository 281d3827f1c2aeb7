"""The activities of a run of a program: those of a model's run by the same names, with the program in the model's place.

A prompt is never repeated by itself: what a program did before its runner died, nobody knows.
"""

import asyncio
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from acp.schema import ImageContentBlock, PromptResponse, TextContentBlock

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MessageType
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.acp.approvals import LiveApprovals
from stigmer_runner.acp.permissions import START, Gate, OwnCall
from stigmer_runner.acp.program import Program, ProgramFailed
from stigmer_runner.acp.telling import Told
from stigmer_runner.durable.compaction import tokens_of
from stigmer_runner.durable.messages import (
    CALL_MODEL,
    CHOOSE_MODEL,
    SET_UP,
    AgentRequest,
    Allowance,
    ChosenModel,
    Entry,
    ModelAnswer,
    ModelAsk,
    SetUp,
)
from stigmer_runner.durable.telling import finished, not_started, said, started
from stigmer_runner.engine.activities import Activity, ActivityCall, Unfinished
from stigmer_runner.loop.ground import Ground
from stigmer_runner.loop.showing import shown_arguments
from stigmer_runner.loop.telling import Tell
from stigmer_runner.loop.tool_calls import UndoTurn
from stigmer_runner.models.port import AssistantMessage, UserMessage, message_from_json, message_to_json

PROVIDER = "acp"
CONTEXT_TOKENS = 1 << 40
"""What a program remembers is its own business: nothing is folded here."""
UNKNOWN = "the runner stopped while the program worked: nobody knows how far it came"


@dataclass(frozen=True)
class ProgramGround:
    """What a run of a program stands on."""

    ground: Ground
    gate: Gate

    @property
    def approvals(self) -> LiveApprovals:
        """What waits for a decision."""
        return self.gate.approvals

    @property
    def command(self) -> str:
        """The program, as the person wrote it."""
        return self.ground.agent.spec.external.command


class SetUpProgram(Activity):
    """Says that there is no model to be told anything."""

    name = SET_UP
    argument_types = (AgentRequest,)
    repeatable = True

    def __init__(self, ground: ProgramGround) -> None:
        self._ground = ground

    async def run(self, call: ActivityCall) -> object:
        """Say it, and which limits do not hold."""
        request = call.arguments[0]
        limits = request.limits if isinstance(request, AgentRequest) else Allowance()
        if limits.cost_micro_usd or limits.tokens:
            call.conclude(self._ground.ground.stamped([_unmeasured(self._ground.command)]))
        return SetUp(PROVIDER, self._ground.command, CONTEXT_TOKENS, 0, "")


class KeepProgram(Activity):
    """A program chooses its model itself."""

    name = CHOOSE_MODEL
    argument_types = (str,)
    repeatable = True

    async def run(self, call: ActivityCall) -> object:
        """Nothing changes."""
        return ChosenModel("", "", 0, 0)


class Prompt(Activity):
    """One turn of the program. It is started with the first one, and again where it has ended since."""

    name = CALL_MODEL
    argument_types = (ModelAsk,)
    repeatable = False

    def __init__(self, ground: ProgramGround) -> None:
        self._ground = ground
        self._program: Program | None = None

    def intent(self, call: ActivityCall) -> Sequence[ev.Event]:
        """The person's messages, and that the program is asked."""
        ask = _ask(call)
        events = [event for message in ask.said for event in said(message)]
        asked = ev.ModelCallStarted(
            message_id=ask.message_id, provider=PROVIDER, model=self._ground.command, attempt=ask.attempt
        )
        events.append(ev.Event(model_call_started=asked))
        begun = ev.MessageStarted(message_id=ask.message_id, type=MessageType.MESSAGE_AI)
        events.append(ev.Event(message_started=begun))
        return self._ground.ground.stamped(events)

    def unfinished(self, call: ActivityCall, why: Unfinished) -> Sequence[ev.Event]:
        """It was announced and did not come to its end."""
        words = UNKNOWN if why is Unfinished.UNKNOWN else "interrupted"
        whole = ev.MessageCompleted(message_id=_ask(call).message_id, interrupted=words)
        return self._ground.ground.stamped([ev.Event(message_completed=whole)])

    async def run(self, call: ActivityCall) -> object:
        """Ask the program, and tell what it does."""
        ask, ground = _ask(call), self._ground.ground
        fresh: Program | None = None
        if self._program is None or self._program.over:
            await self.close()
            fresh = self._program = Program(ground.agent.spec.external, ground.session, self._ground.gate, ask.number)
        program = self._program
        told = Told(
            ground.session,
            lambda events: call.record(ground.stamped(events), urgent=True),
            ask.message_id,
            program.calls,
        )
        try:
            if fresh is not None:
                await self._may_start(told, fresh)
                await fresh.open()
                if ask.number > 1:
                    told.tell(_forgetful(self._ground.command))
            blocks = _blocks(ask)
            if fresh is not None:
                blocks = [TextContentBlock(type="text", text=ground.agent.spec.instructions), *blocks]
            response = await program.prompt(told, _turn_id(ask), blocks)
        except ProgramFailed as error:
            await self.close()
            return self._failed(call, told, str(error))
        except asyncio.CancelledError:
            told.close("interrupted")
            call.leave("".join(told.said))
            if program.over:
                await self.close()
            raise
        return self._answer(call, told, response, self._cost(program, told))

    async def _may_start(self, told: Told, program: Program) -> None:
        """Ask where the policy says so: what it does by itself later, inside its walls, is not asked about. Raises `ProgramFailed`."""
        gate, external = self._ground.gate, self._ground.ground.agent.spec.external
        if gate.changes_nothing:
            return
        call_id = program.calls.fresh()
        arguments = {"command": shlex.join([external.command, *external.args]), "reach": program.reach}
        asked = ev.ToolCallRequested(call_id=call_id, message_id=told.message_id, name=f"acp:{START}")
        asked.args.CopyFrom(shown_arguments(gate.session.redactor.text(json.dumps(arguments))))
        told.tell(ev.Event(tool_call_requested=asked))
        try:
            allowed, reason = await gate.allows(told.tell_all, call_id, OwnCall(START), arguments)
        except asyncio.CancelledError:
            told.tell(not_started(call_id, "interrupted", cancelled=True))
            raise
        if not allowed:
            told.tell(not_started(call_id, reason))
            raise ProgramFailed(f"the program {external.command!r} was not started: {reason}")
        told.tell(started(call_id), finished(call_id, "It runs."))

    async def close(self) -> None:
        """End the program."""
        program, self._program = self._program, None
        if program is not None:
            await program.close()

    def _failed(self, call: ActivityCall, told: Told, words: str) -> ModelAnswer:
        told.close(words)
        failed = ev.ModelCallFailed(message_id=told.message_id, error=words, code="unreachable")
        call.conclude(self._ground.ground.stamped([ev.Event(model_call_failed=failed)]))
        return ModelAnswer(told.message_id, None, error_code="unreachable", error=words)

    def _cost(self, program: Program, told: Told) -> int:
        """Of this turn, in millionths of a dollar; 0 where the program says nothing of it. What it says counts from its start."""
        if told.cost_dollars is None:
            return 0
        before, program.cost_dollars = program.cost_dollars, told.cost_dollars
        return max(round((told.cost_dollars - before) * 1e6), 0)

    def _answer(self, call: ActivityCall, told: Told, response: PromptResponse, cost: int) -> ModelAnswer:
        told.close("" if response.stop_reason == "end_turn" else f"it stopped: {response.stop_reason}")
        used = response.usage
        tokens_in, tokens_out = (used.input_tokens, used.output_tokens) if used is not None else (0, 0)
        if used is not None or cost:
            reported = ev.UsageReported(
                model=self._ground.command,
                input_tokens=tokens_in,
                output_tokens=tokens_out,
                cached_input_tokens=(used.cached_read_tokens or 0) if used is not None else 0,
                cost_micro_usd=cost,
            )
            call.conclude(self._ground.ground.stamped([ev.Event(usage_reported=reported)]))
        text = "".join(told.said)
        body = json.dumps(message_to_json(AssistantMessage(text)))
        entry = Entry(body, "assistant", tokens_out or tokens_of(body), told.message_id)
        return ModelAnswer(
            told.message_id,
            entry,
            text,
            stop="end",
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            cost_micro_usd=cost,
        )


def program_activities(ground: ProgramGround, prompt: Prompt) -> Sequence[Activity]:
    """All of them."""
    return (SetUpProgram(ground), KeepProgram(), prompt, UndoTurn(ground.ground), Tell(ground.ground.stamped))


def _forgetful(command: str) -> ev.Event:
    words = f"The program {command!r} was started anew: it remembers nothing of what was said before."
    return ev.Event(log_line=ev.LogLine(level=ev.LOG_LEVEL_WARNING, component="runner", text=words))


def _unmeasured(command: str) -> ev.Event:
    words = (
        f"What the program {command!r} uses is known only when a turn of it is over, and only as it says itself: limits of tokens and cost "
        "are looked at between turns. A limit of time stops it in the middle of one."
    )
    return ev.Event(log_line=ev.LogLine(level=ev.LOG_LEVEL_WARNING, component="runner", text=words))


def _blocks(ask: ModelAsk) -> Sequence[TextContentBlock | ImageContentBlock]:
    """What was said since the program's last answer."""
    blocks: list[TextContentBlock | ImageContentBlock] = []
    last = max((place for place, entry in enumerate(ask.entries) if entry.role == "assistant"), default=-1)
    for entry in ask.entries[last + 1 :]:
        message = message_from_json(json.loads(entry.body))
        if isinstance(message, UserMessage):
            blocks.append(TextContentBlock(type="text", text=message.text))
            blocks += [
                ImageContentBlock(type="image", data=each.base64, mime_type=each.media_type)
                for each in message.attachments
            ]
    return blocks


def _turn_id(ask: ModelAsk) -> str:
    """The person's message that begins the turn."""
    return ask.said[-1].message_id if ask.said else ""


def _ask(call: ActivityCall) -> ModelAsk:
    ask = call.arguments[0]
    if not isinstance(ask, ModelAsk):
        raise TypeError(f"{CALL_MODEL} takes a ModelAsk, not {type(ask).__name__}")
    return ask
