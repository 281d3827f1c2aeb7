"""The gRPC methods of the scripted backend: what each answers from what the script holds."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentId
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
)
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import (
    ListSessionsRequest,
    Session,
    SessionId,
    SessionList,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionId,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceReference,
)
from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2 as es
from stigmer_apis._generated.stigmer.resource.v1 import resource_service_pb2 as rs
from stigmer_apis._generated.stigmer.server.v1 import server_pb2 as sv
from stigmer_apis._generated.stigmer.steering.v1 import steering_service_pb2 as st
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2 import AttachRequest
from stigmer_apis.errors import NotFound, StigmerError, Unauthenticated
from stigmer_apis.errors_grpc import abort
from stigmer_apis.protocol import API_VERSION, AUTHORIZATION, IDEMPOTENCY_KEY
from stigmer_apis.transport import aio, grpc
from tests.support.scripted_board import Boards
from tests.support.scripted_steering import Steered
from tests.support.scripted_streams import attach, list_executions, tail, watch

if TYPE_CHECKING:
    from tests.support.scripted_backend import ScriptedBackend

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

_AGENT = "ai.stigmer.agentic.agent.v1.AgentQueryController"
_EXECUTION_COMMAND = "ai.stigmer.agentic.agentexecution.v1.AgentExecutionCommandController"
_EXECUTION_QUERY = "ai.stigmer.agentic.agentexecution.v1.AgentExecutionQueryController"
_WORKFLOW_COMMAND = "ai.stigmer.agentic.workflowexecution.v1.WorkflowExecutionCommandController"
_WORKFLOW_QUERY = "ai.stigmer.agentic.workflowexecution.v1.WorkflowExecutionQueryController"
_SESSION = "ai.stigmer.agentic.session.v1.SessionQueryController"


def register(backend: "ScriptedBackend", server: aio.Server) -> None:
    """Answer the methods that a client of the workstation uses; others are UNIMPLEMENTED, by gRPC itself."""
    methods = _Methods(backend)
    answer, stream = methods.answer, methods.stream
    steered = Steered(backend)
    boards = Boards(backend)
    workflows = backend.workflows
    services = {
        "stigmer.server.v1.ServerService": {
            "GetServerInfo": answer("GetServerInfo", sv.GetServerInfoRequest, methods.server_info),
            "GetStatus": answer("GetStatus", sv.GetStatusRequest, methods.status),
            "Shutdown": answer("Shutdown", sv.ShutdownRequest, methods.shutdown),
        },
        "stigmer.execution.v1.ExecutionService": {
            "ListExecutions": answer("ListExecutions", es.ListExecutionsRequest, methods.list_executions),
            "GroupExecutions": answer("GroupExecutions", es.GroupExecutionsRequest, boards.group),
            "TallyExecutions": answer("TallyExecutions", es.TallyExecutionsRequest, boards.tally),
            "MarkSeen": answer("MarkSeen", es.MarkSeenRequest, boards.mark_seen),
            "LabelExecutions": answer("LabelExecutions", es.LabelExecutionsRequest, boards.label),
            "DeleteExecutions": answer("DeleteExecutions", es.DeleteExecutionsRequest, boards.delete),
            "ListAgents": answer("ListAgents", es.ListAgentsRequest, methods.list_agents),
            "Cancel": answer("Cancel", es.CancelRequest, methods.cancel),
            "SendMessage": answer("SendMessage", es.SendMessageRequest, methods.send_message),
            "Watch": stream("Watch", es.WatchRequest, watch),
            "Tail": stream("Tail", es.TailRequest, tail),
        },
        "stigmer.resource.v1.ResourceService": {
            "ListResources": answer("ListResources", rs.ListResourcesRequest, backend.resources.list),
            "GetResource": answer("GetResource", rs.GetResourceRequest, backend.resources.get),
            "ListVersions": answer("ListVersions", rs.ListVersionsRequest, backend.resources.versions),
            "DeleteResource": answer("DeleteResource", rs.DeleteResourceRequest, backend.resources.delete),
            "WatchResources": stream(
                "WatchResources", rs.WatchResourcesRequest, lambda _, request: backend.resources.watch(request)
            ),
        },
        "stigmer.steering.v1.SteeringService": {
            "ListAttention": answer("ListAttention", st.ListAttentionRequest, boards.attention),
            "ResolveApproval": answer("ResolveApproval", st.ResolveApprovalRequest, steered.resolve_approval),
            "Answer": answer("Answer", st.AnswerRequest, steered.answer),
            "Pause": answer("Pause", st.PauseRequest, steered.pause),
            "Resume": answer("Resume", st.ResumeRequest, steered.resume),
            "Interrupt": answer("Interrupt", st.InterruptRequest, steered.interrupt),
            "ChangeModel": answer("ChangeModel", st.ChangeModelRequest, steered.change_model),
            "ChangePolicy": answer("ChangePolicy", st.ChangePolicyRequest, steered.change_policy),
            "UndoTurn": answer("UndoTurn", st.UndoTurnRequest, steered.undo_turn),
            "WithdrawMessage": answer("WithdrawMessage", st.WithdrawMessageRequest, steered.withdraw_message),
            "Branch": answer("Branch", st.BranchRequest, steered.branch),
            "RetryMessage": answer("RetryMessage", st.RetryMessageRequest, steered.retry_message),
            "ListSessionApprovals": answer(
                "ListSessionApprovals", st.ListSessionApprovalsRequest, steered.session_approvals
            ),
            "RevokeSessionApproval": answer(
                "RevokeSessionApproval", st.RevokeSessionApprovalRequest, steered.revoke_session_approval
            ),
            "Signal": answer("Signal", st.SignalRequest, workflows.signal),
            "Retry": answer("Retry", st.RetryRequest, workflows.retry),
        },
        "stigmer.terminal.v1.TerminalService": {"Attach": methods.two_way("Attach", AttachRequest, attach)},
        _AGENT: {
            "get": answer("get", AgentId, methods.get_agent),
            "getByReference": answer("getByReference", ApiResourceReference, methods.get_agent_by_reference),
        },
        _EXECUTION_COMMAND: {"create": answer("create", AgentExecution, methods.create)},
        _EXECUTION_QUERY: {"get": answer("get", AgentExecutionId, methods.get_execution)},
        _WORKFLOW_COMMAND: {"create": answer("createWorkflow", WorkflowExecution, workflows.create)},
        _WORKFLOW_QUERY: {"get": answer("getWorkflow", WorkflowExecutionId, workflows.get)},
        _SESSION: {
            "get": answer("get", SessionId, methods.get_session),
            "list": answer("list", ListSessionsRequest, methods.list_sessions),
        },
    }
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(name, handlers) for name, handlers in services.items()]
    )


class _Methods:
    """One method of Python for each of gRPC, and what all have in common."""

    def __init__(self, backend: "ScriptedBackend") -> None:
        self._backend = backend

    def answer(
        self, name: str, request_type: type[_Request], method: Callable[[_Request], Awaitable[_Response]]
    ) -> "grpc.RpcMethodHandler[_Request, Message]":
        """A method with one answer. A repeat with a known idempotency key gets the answer that the first got."""

        async def handle(request: _Request, context: aio.ServicerContext[_Request, Message]) -> Message:
            try:
                key = self._admit(name, request, context)
                known = self._backend.answers.get(key) if key else None
                if known is not None:
                    return known
                response = await method(request)
            except StigmerError as error:
                await abort(context, error)
            if key:
                self._backend.answers[key] = response
            return response

        return grpc.unary_unary_rpc_method_handler(handle, request_type.FromString, _serialize)

    def stream(
        self,
        name: str,
        request_type: type[_Request],
        method: Callable[["ScriptedBackend", _Request], AsyncGenerator[_Response, None]],
    ) -> "grpc.RpcMethodHandler[_Request, _Response]":
        """A method with a stream of answers."""

        async def handle(
            request: _Request, context: aio.ServicerContext[_Request, _Response]
        ) -> AsyncIterator[_Response]:
            try:
                self._admit(name, request, context)
                async with aclosing(method(self._backend, request)) as responses:
                    async for response in responses:
                        yield response
            except StigmerError as error:
                await abort(context, error)

        return grpc.unary_stream_rpc_method_handler(handle, request_type.FromString, _serialize)

    def two_way(
        self,
        name: str,
        request_type: type[_Request],
        method: Callable[["ScriptedBackend", AsyncIterator[_Request]], AsyncGenerator[_Response, None]],
    ) -> "grpc.RpcMethodHandler[_Request, _Response]":
        """A method with a stream each way."""

        async def handle(
            requests: AsyncIterator[_Request], context: aio.ServicerContext[_Request, _Response]
        ) -> AsyncIterator[_Response]:
            try:
                self._admit(name, request_type(), context)
                async with aclosing(method(self._backend, requests)) as responses:
                    async for response in responses:
                        yield response
            except StigmerError as error:
                await abort(context, error)

        return grpc.stream_stream_rpc_method_handler(handle, request_type.FromString, _serialize)

    async def server_info(self, _: sv.GetServerInfoRequest) -> sv.GetServerInfoResponse:
        """Who answers."""
        backend = self._backend
        return sv.GetServerInfoResponse(
            version=backend.version,
            protocol=backend.protocol,
            pid=backend.pid,
            home=str(backend.home.root),
            incarnation=backend.incarnation,
            role="operator",
        )

    async def status(self, _: sv.GetStatusRequest) -> sv.GetStatusResponse:
        """How it does."""
        backend = self._backend
        live = sum(1 for execution in backend.executions.values() if not execution.ended)
        return sv.GetStatusResponse(
            version=backend.version,
            pid=backend.pid,
            home=str(backend.home.root),
            sockets=[str(backend.home.operator_socket)],
            store=sv.GetStatusResponse.Component(name="store", healthy=True, detail="in memory"),
            executions=len(backend.executions),
            live_executions=live,
        )

    async def shutdown(self, _: sv.ShutdownRequest) -> sv.ShutdownResponse:
        """It is only noted: the test stops the backend itself."""
        await self._backend.on_shutdown("")
        return sv.ShutdownResponse(pid=1)

    async def list_executions(self, request: es.ListExecutionsRequest) -> es.ListExecutionsResponse:
        """A page."""
        return list_executions(self._backend, request)

    async def list_agents(self, request: es.ListAgentsRequest) -> es.ListAgentsResponse:
        """A page."""
        begin, size = int(request.page_token or 0), request.page_size or 50
        agents = self._backend.agents
        following = str(begin + size) if begin + size < len(agents) else ""
        return es.ListAgentsResponse(agents=agents[begin : begin + size], next_page_token=following, total=len(agents))

    async def cancel(self, request: es.CancelRequest) -> es.CancelResponse:
        """It ends at once, unless `on_cancel` was made to do otherwise."""
        execution = self._backend.get(request.execution_id)
        if execution.ended:
            return es.CancelResponse(phase=execution.fold.phase, already_ended=True)
        command_id = self._backend.cancel(request.execution_id, request.reason)
        await self._backend.on_cancel(request.execution_id)
        return es.CancelResponse(command_id=command_id, phase=execution.fold.phase)

    async def send_message(self, request: es.SendMessageRequest) -> es.SendMessageResponse:
        """It is taken at once."""
        command_id = self._backend.send(request.execution_id, request.text)
        await self._backend.on_send(request.execution_id)
        return es.SendMessageResponse(command_id=command_id)

    async def get_agent(self, request: AgentId) -> Agent:
        """By id."""
        return self._agent(lambda agent: agent.metadata.id == request.value)

    async def get_agent_by_reference(self, request: ApiResourceReference) -> Agent:
        """By slug."""
        return self._agent(lambda agent: agent.metadata.slug == request.slug)

    async def create(self, request: AgentExecution) -> AgentExecution:
        """A new execution."""
        execution_id = self._backend.create(request)
        await self._backend.on_create(execution_id)
        return await self.get_execution(AgentExecutionId(value=execution_id))

    async def get_execution(self, request: AgentExecutionId) -> AgentExecution:
        """With its status."""
        execution = self._backend.get(request.value)
        resource = AgentExecution()
        resource.CopyFrom(execution.resource)
        resource.status.CopyFrom(execution.fold.published())
        return resource

    async def get_session(self, request: SessionId) -> Session:
        """One that an execution named."""
        for session in (await self.list_sessions(ListSessionsRequest())).entries:
            if session.metadata.id == request.value:
                return session
        raise NotFound(f"there is no session {request.value}", remedy="`stigmer get sessions` lists them")

    async def list_sessions(self, _: ListSessionsRequest) -> SessionList:
        """Those that executions name, newest first, on one page."""
        ids = dict.fromkeys(e.resource.spec.session_id for e in reversed(self._backend.executions.values()))
        entries = [
            Session(
                api_version=API_VERSION, kind="Session", metadata=ApiResourceMetadata(id=session_id, name=session_id)
            )
            for session_id in ids
        ]
        return SessionList(total_pages=1, entries=entries, total_rows=len(entries), revision=self._backend.revision)

    def _admit(self, name: str, request: Message, context: "aio.ServicerContext[_Request, _Response]") -> str:
        """Note the call; its idempotency key. Raises `Unauthenticated` for a token that the script does not know."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        key = metadata.get(IDEMPOTENCY_KEY, "")
        self._backend.note(name, request, key)
        tokens = self._backend.tokens
        if tokens is not None and metadata.get(AUTHORIZATION, "").removeprefix("Bearer ") not in tokens:
            raise Unauthenticated("the token is not known here")
        return key

    def _agent(self, wanted: Callable[[Agent], bool]) -> Agent:
        for agent in self._backend.agents:
            if wanted(agent):
                return agent
        raise NotFound("there is no such agent", remedy="`stigmer get agents` lists them")


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
