"""Our service for steering: what a person wants of an execution that runs."""

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    AnswerRequest,
    AnswerResponse,
    BranchRequest,
    BranchResponse,
    ChangeModelRequest,
    ChangeModelResponse,
    ChangePolicyRequest,
    ChangePolicyResponse,
    CompleteRequest,
    CompleteResponse,
    InterruptRequest,
    InterruptResponse,
    ListAttentionRequest,
    ListAttentionResponse,
    ListSessionApprovalsRequest,
    ListSessionApprovalsResponse,
    PauseRequest,
    PauseResponse,
    PublishRequest,
    PublishResponse,
    ResolveApprovalRequest,
    ResolveApprovalResponse,
    ResumeRequest,
    ResumeResponse,
    RetryMessageRequest,
    RetryMessageResponse,
    RetryRequest,
    RetryResponse,
    RevokeSessionApprovalRequest,
    RevokeSessionApprovalResponse,
    SignalRequest,
    SignalResponse,
    UndoTurnRequest,
    UndoTurnResponse,
    WithdrawMessageRequest,
    WithdrawMessageResponse,
)
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2_grpc import SteeringServiceServicer
from stigmer_apis.transport import aio
from stigmer_backend.executions.approvals import SessionApprovals
from stigmer_backend.executions.asking_again import AskingAgain
from stigmer_backend.executions.branching import Branching
from stigmer_backend.executions.steering import Call, Steering
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.resources.stamps import LOCAL_USER
from stigmer_backend.services.calls import Request, Response, idempotency_key
from stigmer_backend.workflows.parts import WorkflowParts

_BRANCH = "stigmer.steering.v1.SteeringService/Branch"
_RETRY_MESSAGE = "stigmer.steering.v1.SteeringService/RetryMessage"
_RETRY = "stigmer.steering.v1.SteeringService/Retry"


class SteeringService(SteeringServiceServicer):
    """Steers executions. Each call but the last two returns when the execution has taken the command."""

    def __init__(
        self,
        steering: Steering,
        branching: Branching,
        asking: AskingAgain,
        approvals: SessionApprovals,
        workflows: WorkflowParts,
    ) -> None:
        self._steering = steering
        self._workflows = workflows
        self._branching = branching
        self._asking = asking
        self._approvals = approvals

    async def Pause(
        self, request: PauseRequest, context: aio.ServicerContext[PauseRequest, PauseResponse]
    ) -> PauseResponse:
        """Stop after the current step."""
        order = CommandIssued(pause=CommandIssued.Pause(reason=request.reason))
        return PauseResponse(command_id=await self._steering.order(request.execution_id, order, _call(context)))

    async def Resume(
        self, request: ResumeRequest, context: aio.ServicerContext[ResumeRequest, ResumeResponse]
    ) -> ResumeResponse:
        """Go on."""
        order = CommandIssued(resume=CommandIssued.Resume(reason=request.reason))
        return ResumeResponse(command_id=await self._steering.order(request.execution_id, order, _call(context)))

    async def ResolveApproval(
        self,
        request: ResolveApprovalRequest,
        context: aio.ServicerContext[ResolveApprovalRequest, ResolveApprovalResponse],
    ) -> ResolveApprovalResponse:
        """Decide about a tool call."""
        return ResolveApprovalResponse(command_id=await self._steering.resolve(request, _call(context)))

    async def Answer(
        self, request: AnswerRequest, context: aio.ServicerContext[AnswerRequest, AnswerResponse]
    ) -> AnswerResponse:
        """Answer a question."""
        asked = request.execution_id, request.attention_id, request.text
        return AnswerResponse(command_id=await self._steering.answer(*asked, _call(context)))

    async def Interrupt(
        self, request: InterruptRequest, context: aio.ServicerContext[InterruptRequest, InterruptResponse]
    ) -> InterruptResponse:
        """Stop what runs now."""
        order = CommandIssued(interrupt=CommandIssued.Interrupt(reason=request.reason))
        return InterruptResponse(command_id=await self._steering.order(request.execution_id, order, _call(context)))

    async def ChangeModel(
        self, request: ChangeModelRequest, context: aio.ServicerContext[ChangeModelRequest, ChangeModelResponse]
    ) -> ChangeModelResponse:
        """Another model."""
        asked = request.execution_id, request.model
        return ChangeModelResponse(command_id=await self._steering.change_model(*asked, _call(context)))

    async def ChangePolicy(
        self, request: ChangePolicyRequest, context: aio.ServicerContext[ChangePolicyRequest, ChangePolicyResponse]
    ) -> ChangePolicyResponse:
        """Another policy."""
        order = CommandIssued(change_policy=CommandIssued.ChangePolicy(policy=request.policy))
        return ChangePolicyResponse(command_id=await self._steering.order(request.execution_id, order, _call(context)))

    async def UndoTurn(
        self, request: UndoTurnRequest, context: aio.ServicerContext[UndoTurnRequest, UndoTurnResponse]
    ) -> UndoTurnResponse:
        """Put the files of a turn back."""
        return await self._steering.undo(request.execution_id, request.message_id, _call(context))

    async def WithdrawMessage(
        self,
        request: WithdrawMessageRequest,
        context: aio.ServicerContext[WithdrawMessageRequest, WithdrawMessageResponse],
    ) -> WithdrawMessageResponse:
        """Take a message back that waits."""
        order = CommandIssued(withdraw_message=CommandIssued.WithdrawMessage(sent_by=request.sent_by))
        return WithdrawMessageResponse(
            command_id=await self._steering.order(request.execution_id, order, _call(context))
        )

    async def Branch(
        self, request: BranchRequest, context: aio.ServicerContext[BranchRequest, BranchResponse]
    ) -> BranchResponse:
        """Go another way from a message on."""
        body = request.SerializeToString(deterministic=True)
        call = Repeatable.of(idempotency_key(context), _BRANCH, body)
        return await self._branching.branch(request, call, LOCAL_USER)

    async def RetryMessage(
        self, request: RetryMessageRequest, context: aio.ServicerContext[RetryMessageRequest, RetryMessageResponse]
    ) -> RetryMessageResponse:
        """A person's message once more, in its session."""
        body = request.SerializeToString(deterministic=True)
        call = Repeatable.of(idempotency_key(context), _RETRY_MESSAGE, body)
        return await self._asking.ask(request, call, LOCAL_USER)

    async def ListSessionApprovals(
        self,
        request: ListSessionApprovalsRequest,
        context: aio.ServicerContext[ListSessionApprovalsRequest, ListSessionApprovalsResponse],
    ) -> ListSessionApprovalsResponse:
        """What a person approved for all of a session."""
        return ListSessionApprovalsResponse(approvals=await self._approvals.list(request.session_id))

    async def RevokeSessionApproval(
        self,
        request: RevokeSessionApprovalRequest,
        context: aio.ServicerContext[RevokeSessionApprovalRequest, RevokeSessionApprovalResponse],
    ) -> RevokeSessionApprovalResponse:
        """Take it back."""
        revoked = await self._approvals.revoke(request.session_id, request.approval_id)
        return RevokeSessionApprovalResponse(revoked=revoked)

    async def Signal(
        self, request: SignalRequest, context: aio.ServicerContext[SignalRequest, SignalResponse]
    ) -> SignalResponse:
        """Hand a workflow a signal."""
        return await self._workflows.signals.signal(request, LOCAL_USER, idempotency_key(context))

    async def Retry(
        self, request: RetryRequest, context: aio.ServicerContext[RetryRequest, RetryResponse]
    ) -> RetryResponse:
        """An execution once more."""
        call = Repeatable.of(idempotency_key(context), _RETRY, request.SerializeToString(deterministic=True))
        made = await self._workflows.retrying.again(request, call, LOCAL_USER)
        return RetryResponse(execution_id=made.execution_id, goes_on_at=made.goes_on_at, taken_over=made.taken_over)

    async def Publish(
        self, request: PublishRequest, context: aio.ServicerContext[PublishRequest, PublishResponse]
    ) -> PublishResponse:
        """Tell an event to who waits for it."""
        return await self._workflows.signals.publish_by_hand(request, LOCAL_USER, idempotency_key(context))

    async def Complete(
        self, request: CompleteRequest, context: aio.ServicerContext[CompleteRequest, CompleteResponse]
    ) -> CompleteResponse:
        """Complete a task that waits for somebody outside."""
        return await self._workflows.callbacks.complete(request)

    async def ListAttention(
        self, request: ListAttentionRequest, context: aio.ServicerContext[ListAttentionRequest, ListAttentionResponse]
    ) -> ListAttentionResponse:
        """What waits for a person."""
        return self._steering.attention(request)


def _call(context: aio.ServicerContext[Request, Response]) -> Call:
    return Call(LOCAL_USER, idempotency_key(context))
