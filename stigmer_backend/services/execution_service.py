"""Our service for executions: lists, changes, events, commands."""

from collections.abc import AsyncIterator

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    CancelResponse,
    DeleteExecutionsRequest,
    DeleteExecutionsResponse,
    GroupExecutionsRequest,
    GroupExecutionsResponse,
    LabelExecutionsRequest,
    LabelExecutionsResponse,
    ListAgentsRequest,
    ListAgentsResponse,
    ListExecutionsRequest,
    ListExecutionsResponse,
    MarkSeenRequest,
    MarkSeenResponse,
    SearchExecutionRequest,
    SearchExecutionResponse,
    SendMessageRequest,
    SendMessageResponse,
    TailRequest,
    TailResponse,
    TallyExecutionsRequest,
    TallyExecutionsResponse,
    WatchRequest,
    WatchResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2_grpc import ExecutionServiceServicer
from stigmer_apis.protocol import DEFAULT_PAGE_SIZE
from stigmer_apis.transport import aio
from stigmer_backend.executions.commands import Commands
from stigmer_backend.executions.listing import Listing
from stigmer_backend.executions.many import Many
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.search import Searches
from stigmer_backend.executions.tailing import Tails
from stigmer_backend.executions.watching import Watches
from stigmer_backend.resources.kinds import AGENTS
from stigmer_backend.resources.pages import Question
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.resources.stamps import LOCAL_USER
from stigmer_backend.services.calls import idempotency_key
from stigmer_backend.store import Store

_AGENTS = b"agents"


class ExecutionService(ExecutionServiceServicer):
    """Executions for the workstation."""

    def __init__(
        self,
        store: Store,
        listing: Listing,
        watches: Watches,
        tails: Tails,
        commands: Commands,
        many: Many,
        options: ExecutionOptions,
    ) -> None:
        self._store = store
        self._listing = listing
        self._watches = watches
        self._tails = tails
        self._searches = Searches(store)
        self._commands = commands
        self._many = many
        self._options = options

    async def ListExecutions(
        self,
        request: ListExecutionsRequest,
        context: aio.ServicerContext[ListExecutionsRequest, ListExecutionsResponse],
    ) -> ListExecutionsResponse:
        """A page of executions."""
        return await self._listing.page(request)

    async def GroupExecutions(
        self,
        request: GroupExecutionsRequest,
        context: aio.ServicerContext[GroupExecutionsRequest, GroupExecutionsResponse],
    ) -> GroupExecutionsResponse:
        """Executions by what they have in common."""
        return await self._listing.groups(request)

    async def TallyExecutions(
        self,
        request: TallyExecutionsRequest,
        context: aio.ServicerContext[TallyExecutionsRequest, TallyExecutionsResponse],
    ) -> TallyExecutionsResponse:
        """What executions used and how they ended."""
        return await self._listing.tally(request)

    async def MarkSeen(
        self, request: MarkSeenRequest, context: aio.ServicerContext[MarkSeenRequest, MarkSeenResponse]
    ) -> MarkSeenResponse:
        """Failures were seen."""
        return await self._many.mark_seen(request)

    async def LabelExecutions(
        self,
        request: LabelExecutionsRequest,
        context: aio.ServicerContext[LabelExecutionsRequest, LabelExecutionsResponse],
    ) -> LabelExecutionsResponse:
        """Put labels on executions, and take them off."""
        return await self._many.label(request)

    async def DeleteExecutions(
        self,
        request: DeleteExecutionsRequest,
        context: aio.ServicerContext[DeleteExecutionsRequest, DeleteExecutionsResponse],
    ) -> DeleteExecutionsResponse:
        """Delete executions."""
        return await self._many.delete(request)

    async def ListAgents(
        self, request: ListAgentsRequest, context: aio.ServicerContext[ListAgentsRequest, ListAgentsResponse]
    ) -> ListAgentsResponse:
        """A page of agents, newest first."""
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        place = decode_token(_AGENTS, request.page_token)
        asked = Question(AGENTS, "", place, size, self._options.scan_rows)
        page = await self._store.read_state(asked.ask)
        token = "" if page.next_place is None else encode_token(_AGENTS, page.next_place)
        return ListAgentsResponse(agents=page.entries, next_page_token=token, total=page.total)

    async def Watch(
        self, request: WatchRequest, context: aio.ServicerContext[WatchRequest, WatchResponse]
    ) -> AsyncIterator[WatchResponse]:
        """Changes of executions, without end."""
        async for response in self._watches.follow(request.after_revision):
            yield response

    async def Tail(
        self, request: TailRequest, context: aio.ServicerContext[TailRequest, TailResponse]
    ) -> AsyncIterator[TailResponse]:
        """The events of an execution."""
        async for response in self._tails.follow(request):
            yield response

    async def SearchExecution(
        self,
        request: SearchExecutionRequest,
        context: aio.ServicerContext[SearchExecutionRequest, SearchExecutionResponse],
    ) -> AsyncIterator[SearchExecutionResponse]:
        """The lines of an execution that match."""
        async for response in self._searches.search(request):
            yield response

    async def Cancel(
        self, request: CancelRequest, context: aio.ServicerContext[CancelRequest, CancelResponse]
    ) -> CancelResponse:
        """Stop an execution."""
        wait = request.wait.seconds + request.wait.nanos / 1e9 if request.HasField("wait") else 0.0
        return await self._commands.cancel(
            request.execution_id, request.reason, wait, LOCAL_USER, idempotency_key(context)
        )

    async def SendMessage(
        self, request: SendMessageRequest, context: aio.ServicerContext[SendMessageRequest, SendMessageResponse]
    ) -> SendMessageResponse:
        """Hand the agent another message."""
        return await self._commands.send_message(request, LOCAL_USER, idempotency_key(context))
