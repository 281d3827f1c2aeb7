"""What a person wants of an execution that runs, as a client says it."""

from collections.abc import Mapping, Sequence

from google.protobuf import json_format

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Approval
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    AnswerRequest,
    BranchRequest,
    BranchResponse,
    ChangeModelRequest,
    ChangePolicyRequest,
    InterruptRequest,
    ListAttentionRequest,
    ListAttentionResponse,
    ListSessionApprovalsRequest,
    PauseRequest,
    ResolveApprovalRequest,
    ResumeRequest,
    RetryMessageRequest,
    RetryMessageResponse,
    RevokeSessionApprovalRequest,
    SessionApproval,
    UndoTurnRequest,
    UndoTurnResponse,
    WithdrawMessageRequest,
)
from stigmer_apis.client.calls import call, new_idempotency_key
from stigmer_apis.client.connection import Connection


class Steering:
    """Decisions, answers, another direction. Each returns when the execution has taken it; `FailedPrecondition` says why it did not."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pause(self, execution_id: str, reason: str = "") -> None:
        """Stop after the current step."""
        request = PauseRequest(execution_id=execution_id, reason=reason)
        await call(self._connection, lambda wire: wire.steering.Pause, request, idempotency_key=new_idempotency_key())

    async def resume(self, execution_id: str, reason: str = "") -> None:
        """Let a paused execution go on."""
        request = ResumeRequest(execution_id=execution_id, reason=reason)
        await call(self._connection, lambda wire: wire.steering.Resume, request, idempotency_key=new_idempotency_key())

    async def resolve_approval(
        self,
        execution_id: str,
        call_id: str,
        approval: Approval.ValueType,
        *,
        binding: bytes,
        reason: str = "",
        edited_args: Mapping[str, object] | None = None,
    ) -> None:
        """Decide about a tool call. `binding` is that of the `ApprovalRequested` that the person saw: the answer is good for it alone."""
        request = ResolveApprovalRequest(
            execution_id=execution_id, call_id=call_id, approval=approval, reason=reason, binding=binding
        )
        if edited_args is not None:
            json_format.ParseDict(dict(edited_args), request.edited_args)
        await call(
            self._connection,
            lambda wire: wire.steering.ResolveApproval,
            request,
            idempotency_key=new_idempotency_key(),
        )

    async def answer(self, execution_id: str, text: str, attention_id: str = "") -> None:
        """Answer a question of the agent; the only one that is open where none is named."""
        request = AnswerRequest(execution_id=execution_id, attention_id=attention_id, text=text)
        await call(self._connection, lambda wire: wire.steering.Answer, request, idempotency_key=new_idempotency_key())

    async def interrupt(self, execution_id: str, reason: str = "") -> None:
        """Stop what the agent does now; it goes on with the next message."""
        request = InterruptRequest(execution_id=execution_id, reason=reason)
        await call(
            self._connection, lambda wire: wire.steering.Interrupt, request, idempotency_key=new_idempotency_key()
        )

    async def change_model(self, execution_id: str, model: str) -> bool:
        """Another model from the next call on, and for the later runs of the session; False where the run has ended, so that it is for those alone."""
        request = ChangeModelRequest(execution_id=execution_id, model=model)
        changed = await call(
            self._connection, lambda wire: wire.steering.ChangeModel, request, idempotency_key=new_idempotency_key()
        )
        return bool(changed.command_id)

    async def change_policy(self, execution_id: str, policy: Policy) -> None:
        """Another policy from the next tool call on."""
        request = ChangePolicyRequest(execution_id=execution_id, policy=policy)
        await call(
            self._connection, lambda wire: wire.steering.ChangePolicy, request, idempotency_key=new_idempotency_key()
        )

    async def undo_turn(self, execution_id: str, message_id: str = "") -> UndoTurnResponse:
        """Put the files back as they were before a turn; the last one that changed files where none is named.

        Of an execution that has ended, the answer says which: an execution that runs says it by `TurnUndone`.
        """
        request = UndoTurnRequest(execution_id=execution_id, message_id=message_id)
        return await call(
            self._connection, lambda wire: wire.steering.UndoTurn, request, idempotency_key=new_idempotency_key()
        )

    async def withdraw_message(self, execution_id: str, sent_by: str) -> None:
        """Take back the message that the command `sent_by` brought. Raises `FailedPrecondition` where its turn has come."""
        request = WithdrawMessageRequest(execution_id=execution_id, sent_by=sent_by)
        await call(
            self._connection, lambda wire: wire.steering.WithdrawMessage, request, idempotency_key=new_idempotency_key()
        )

    async def session_approvals(self, session_id: str) -> Sequence[SessionApproval]:
        """What a person approved for all of a session, the oldest first. Raises `NotFound`."""
        request = ListSessionApprovalsRequest(session_id=session_id)
        return (await call(self._connection, lambda wire: wire.steering.ListSessionApprovals, request)).approvals

    async def revoke_session_approval(self, session_id: str, approval_id: str = "") -> Sequence[SessionApproval]:
        """Take an approval for a session back, or all of them; what was taken back. Raises `NotFound`."""
        request = RevokeSessionApprovalRequest(session_id=session_id, approval_id=approval_id)
        return (await call(self._connection, lambda wire: wire.steering.RevokeSessionApproval, request)).revoked

    async def branch(
        self, execution_id: str, message_id: str = "", *, text: str = "", model: str = ""
    ) -> BranchResponse:
        """A new session that shares the past up to a message, and an execution in it."""
        return await call(
            self._connection,
            lambda wire: wire.steering.Branch,
            BranchRequest(execution_id=execution_id, message_id=message_id, text=text, model=model),
            idempotency_key=new_idempotency_key(),
        )

    async def retry_message(
        self, execution_id: str, message: str = "", *, text: str = "", model: str = "", keep_files: bool = False
    ) -> RetryMessageResponse:
        """Ask a person's message again in its session, where what came after it is forgotten and, unless `keep_files`, files are as before it.

        `message`: its id, or its number among the person's messages of the execution; empty for the last one. `text`: what is asked in its place.
        Raises `InvalidArgument` for a message that there is not, `FailedPrecondition` while the session works on.
        """
        request = RetryMessageRequest(
            execution_id=execution_id, message_id=message, text=text, model=model, keep_files=keep_files
        )
        return await call(
            self._connection,
            lambda wire: wire.steering.RetryMessage,
            request,
            idempotency_key=new_idempotency_key(),
        )

    async def list_attention(self, *, page_size: int = 0, page_token: str = "") -> ListAttentionResponse:
        """What waits for a person, in all executions, the oldest first."""
        request = ListAttentionRequest(page_size=page_size, page_token=page_token)
        return await call(self._connection, lambda wire: wire.steering.ListAttention, request)
