"""What a person wants of an execution that runs: commands, checked against what is known here and settled by who runs it."""

from collections.abc import Callable
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ApprovalRequested, CommandIssued, QuestionAsked
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import Attention, AttentionKind
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    ListAttentionRequest,
    ListAttentionResponse,
    ResolveApprovalRequest,
    UndoTurnResponse,
)
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound
from stigmer_apis.fold.texts import is_cut
from stigmer_apis.protocol import DEFAULT_PAGE_SIZE
from stigmer_backend.executions.approvals import SessionApprovals
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.commands import Commands
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.session_models import SessionModels
from stigmer_backend.executions.undoing import EndedUndoing
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows

_ATTENTION = b"attention"
_ARGUMENT_BYTES = 8 << 10
LOOK = "look at it again: `stigmer attention`"


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, and the key of a call that may come again."""

    author: str
    key: str


class Steering:
    """Steers executions. Whoever runs one has the last word about what fits; what is known not to fit is refused here, at once."""

    def __init__(
        self,
        commands: Commands,
        registry: Registry,
        board: Board,
        approvals: SessionApprovals,
        ended: EndedUndoing,
        models: SessionModels,
        micros: Callable[[], int],
    ) -> None:
        self._commands = commands
        self._approvals = approvals
        self._ended = ended
        self._models = models
        self._registry = registry
        self._board = board
        self._micros = micros

    async def order(self, execution_id: str, order: CommandIssued, call: Call) -> str:
        """Issue a command; its id, once the execution has taken it.

        Raises `NotFound`; `FailedPrecondition` where it has ended or does not take it; `Unavailable` where nobody took it in time: it is kept.
        """
        return await self._commands.order(execution_id, order, call.author, call.key)

    async def resolve(self, request: ResolveApprovalRequest, call: Call) -> str:
        """Decide about a tool call, once. Raises as `order` does; `FailedPrecondition` too where the decision is not about what waits."""
        live = self._registry.get(request.execution_id)
        if live is not None and not self._commands.is_known(live, call.key):
            self._check(live, request)
        given = CommandIssued.ResolveApproval(
            call_id=request.call_id, approval=request.approval, reason=request.reason, binding=request.binding
        )
        if request.HasField("edited_args"):
            given.edited_args.CopyFrom(request.edited_args)
        order = CommandIssued(resolve_approval=given)
        kept = "" if live is None else await self._keep(live, request, call)
        try:
            return await self.order(request.execution_id, order, call)
        except (FailedPrecondition, InvalidArgument, NotFound):
            if kept:
                await self._approvals.forget(kept)
            raise

    async def change_model(self, execution_id: str, model: str, call: Call) -> str:
        """Another model, for the rest of the execution and for those that come after it in its session.

        Empty where it has ended: then the model is for those alone. Raises as `order` does.
        """
        order = CommandIssued(change_model=CommandIssued.ChangeModel(model=model))
        command_id = "" if self._has_ended(execution_id) else await self._ordered(execution_id, order, call)
        await self._models.keep(execution_id, model)
        return command_id

    async def _ordered(self, execution_id: str, order: CommandIssued, call: Call) -> str:
        """As `order`; empty where the execution ended meanwhile."""
        try:
            return await self.order(execution_id, order, call)
        except FailedPrecondition:
            if not self._has_ended(execution_id):
                raise
            return ""

    def _has_ended(self, execution_id: str) -> bool:
        live = self._registry.get(execution_id)
        return live is None or live.ended

    async def undo(self, execution_id: str, message_id: str, call: Call) -> UndoTurnResponse:
        """Put the files of a turn back, in an execution that has ended too. Raises as `order` does."""
        if self._has_ended(execution_id):
            return await self._ended.undo(execution_id, message_id)
        order = CommandIssued(undo_turn=CommandIssued.UndoTurn(message_id=message_id))
        return UndoTurnResponse(command_id=await self.order(execution_id, order, call))

    async def answer(self, execution_id: str, attention_id: str, text: str, call: Call) -> str:
        """Answer a question. Raises as `order` does; `FailedPrecondition` too where nothing, or more than one thing, was asked."""
        live = self._registry.get(execution_id)
        if live is not None and not self._commands.is_known(live, call.key):
            await live.quiet()
            attention_id = attention_id or self._question(live)
        answer = CommandIssued.Answer(attention_id=attention_id, text=text)
        return await self.order(execution_id, CommandIssued(answer=answer), call)

    def attention(self, request: ListAttentionRequest) -> ListAttentionResponse:
        """A page of what waits for a person, the oldest first. Raises `InvalidArgument`."""
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        after = decode_token(_ATTENTION, request.page_token) or b""
        waiting = sorted(
            (
                (_place(live, each), live, each)
                for live in self._registry.all()
                if not live.ended and live.glance().attention_count
                for each in live.state.status.attention
            ),
            key=lambda row: row[0],
        )
        rows = [row for row in waiting if row[0] > after]
        response = ListAttentionResponse(total=len(waiting), revision=self._board.revision)
        for _, live, each in rows[:size]:
            response.waiting.append(_waiting(live, each))
        if len(rows) > size:
            response.next_page_token = encode_token(_ATTENTION, rows[size - 1][0])
        return response

    async def _keep(self, live: LiveExecution, request: ResolveApprovalRequest, call: Call) -> str:
        """Keep a decision with the session, where it is one for more than this once, before it takes effect."""
        asked = live.state.approvals.get(request.call_id)
        if asked is None:
            return ""
        return await self._approvals.keep(live, ApprovalRequested.FromString(asked), request.approval, call.author)

    def _check(self, live: LiveExecution, request: ResolveApprovalRequest) -> None:
        """Refuse what is known not to fit; what is not known here, or not yet, its runner decides."""
        kept = live.state.approvals.get(request.call_id)
        if kept is None:
            return
        asked = ApprovalRequested.FromString(kept)
        if asked.binding != request.binding:
            raise FailedPrecondition(f"what was decided is not what the call {request.call_id} would do", remedy=LOOK)
        if asked.expires_unix_micros and asked.expires_unix_micros < self._micros():
            raise FailedPrecondition(f"the time to decide about the call {request.call_id} is over", remedy=LOOK)

    def _question(self, live: LiveExecution) -> str:
        """The only question that is open."""
        open_ones = sorted(live.state.questions)
        if not open_ones:
            raise FailedPrecondition(
                f"{live.id} has asked nothing that waits", remedy="see what waits: `stigmer attention`"
            )
        if len(open_ones) > 1:
            raise InvalidArgument(
                f"{live.id} has asked {len(open_ones)} questions: {', '.join(open_ones)}",
                remedy="name the one that you answer",
            )
        return open_ones[0]


def _place(live: LiveExecution, attention: Attention) -> bytes:
    """Where something stands among all that waits: by time."""
    return b"\0".join((attention.raised_unix_micros.to_bytes(8), live.id.encode(), attention.raised_seq.to_bytes(8)))


def _waiting(live: LiveExecution, attention: Attention) -> ListAttentionResponse.Waiting:
    waiting = ListAttentionResponse.Waiting(execution=live.summary(), attention=attention)
    state = live.state
    if attention.kind == AttentionKind.ATTENTION_KIND_APPROVAL and attention.call_id in state.approvals:
        waiting.approval.CopyFrom(ApprovalRequested.FromString(state.approvals[attention.call_id]))
        waiting.cut = is_cut(waiting.approval.summary)
        _show_call(waiting, state.status)
    if attention.attention_id in state.questions:
        waiting.question.CopyFrom(QuestionAsked.FromString(state.questions[attention.attention_id]))
        waiting.cut = is_cut(waiting.question.text)
    return waiting


def _show_call(waiting: ListAttentionResponse.Waiting, status: AgentExecutionStatus) -> None:
    """Which tool would be called, with what; the newest call of that name is the one that waits."""
    for call in reversed(status.tool_calls):
        if call.id == waiting.approval.call_id:
            waiting.tool = call.name
            if call.args.ByteSize() <= _ARGUMENT_BYTES and "left out" not in call.args.fields:
                waiting.args.CopyFrom(call.args)
            return
