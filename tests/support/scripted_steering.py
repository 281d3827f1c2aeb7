"""The steering service of the scripted backend: each wish is noted, and has the simplest of its effects."""

from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.steering.v1 import steering_service_pb2 as st
from stigmer_apis.errors import FailedPrecondition

if TYPE_CHECKING:
    from tests.support.scripted_backend import ScriptedBackend


class Steered:
    """One method of Python for each of gRPC."""

    def __init__(self, backend: "ScriptedBackend") -> None:
        self._backend = backend
        self.approved = [
            st.SessionApproval(id="apv-1", tool="shell", prefix=["make", "test"]),
            st.SessionApproval(id="apv-2", tool="shell", summary="rm -rf build\n(in /tmp)"),
        ]
        """What was approved for every session."""

    async def session_approvals(self, request: st.ListSessionApprovalsRequest) -> st.ListSessionApprovalsResponse:
        """The same of each session."""
        del request
        return st.ListSessionApprovalsResponse(approvals=self.approved)

    async def revoke_session_approval(
        self, request: st.RevokeSessionApprovalRequest
    ) -> st.RevokeSessionApprovalResponse:
        """It is gone."""
        gone = [each for each in self.approved if request.approval_id in ("", each.id)]
        self.approved = [each for each in self.approved if each not in gone]
        return st.RevokeSessionApprovalResponse(revoked=gone)

    async def resolve_approval(self, request: st.ResolveApprovalRequest) -> st.ResolveApprovalResponse:
        """The call is decided, where it waits and the answer binds what was asked."""
        asked = [
            event.approval_requested
            for event in self._backend.get(request.execution_id).events
            if event.HasField("approval_requested") and event.approval_requested.call_id == request.call_id
        ]
        decided = any(
            event.approval_resolved.call_id == request.call_id
            for event in self._backend.get(request.execution_id).events
            if event.HasField("approval_resolved")
        )
        if not asked or decided:
            raise FailedPrecondition("the call does not wait for a decision", remedy="look at what it waits for now")
        if asked[-1].binding != request.binding:
            raise FailedPrecondition("the answer is about something else than what is asked", remedy="look again")
        resolved = ev.ApprovalResolved(
            call_id=request.call_id, approval=request.approval, reason=request.reason, author="local-user"
        )
        if request.HasField("edited_args"):
            resolved.edited_args.CopyFrom(request.edited_args)
        self._backend.emit(request.execution_id, ev.Event(approval_resolved=resolved))
        return st.ResolveApprovalResponse()

    async def answer(self, request: st.AnswerRequest) -> st.AnswerResponse:
        """The question is answered."""
        cleared = ev.AttentionCleared(attention_id=request.attention_id)
        self._backend.emit(request.execution_id, ev.Event(attention_cleared=cleared))
        return st.AnswerResponse()

    async def pause(self, request: st.PauseRequest) -> st.PauseResponse:
        """It is noted."""
        return st.PauseResponse()

    async def resume(self, request: st.ResumeRequest) -> st.ResumeResponse:
        """It is noted."""
        return st.ResumeResponse()

    async def interrupt(self, request: st.InterruptRequest) -> st.InterruptResponse:
        """It is noted."""
        return st.InterruptResponse()

    async def change_model(self, request: st.ChangeModelRequest) -> st.ChangeModelResponse:
        """Another model answers."""
        self._backend.emit(request.execution_id, ev.Event(model_changed=ev.ModelChanged(model=request.model)))
        return st.ChangeModelResponse(command_id="change-model")

    async def change_policy(self, request: st.ChangePolicyRequest) -> st.ChangePolicyResponse:
        """It is noted."""
        return st.ChangePolicyResponse()

    async def undo_turn(self, request: st.UndoTurnRequest) -> st.UndoTurnResponse:
        """It is noted."""
        return st.UndoTurnResponse(paths=["a.py"])

    async def withdraw_message(self, request: st.WithdrawMessageRequest) -> st.WithdrawMessageResponse:
        """It waits no longer."""
        withdraw = ev.CommandIssued.WithdrawMessage(sent_by=request.sent_by)
        command_id = f"withdraw-{request.sent_by}"
        self._backend.emit(
            request.execution_id,
            ev.Event(command_issued=ev.CommandIssued(command_id=command_id, withdraw_message=withdraw)),
            ev.Event(command_applied=ev.CommandApplied(command_id=command_id)),
        )
        return st.WithdrawMessageResponse(command_id=command_id)

    async def retry_message(self, request: st.RetryMessageRequest) -> st.RetryMessageResponse:
        """A message asked again, in a run of its own."""
        branched = await self.branch(st.BranchRequest(execution_id=request.execution_id, message_id=request.message_id))
        return st.RetryMessageResponse(execution_id=branched.execution_id, paths=["made.txt"])

    async def branch(self, request: st.BranchRequest) -> st.BranchResponse:
        """A new execution in a session of its own."""
        execution_id = self._backend.add_execution(message=request.text or "again", agent="coder")
        session_id = self._backend.get(execution_id).resource.spec.session_id
        return st.BranchResponse(session_id=session_id, execution_id=execution_id)
