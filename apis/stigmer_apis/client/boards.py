"""Lists of executions as a board needs them: in any order, in groups, and what is done to many."""

from collections.abc import Mapping, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    DeleteExecutionsRequest,
    DeleteExecutionsResponse,
    ExecutionFilter,
    ExecutionOrder,
    GroupBy,
    GroupExecutionsRequest,
    GroupExecutionsResponse,
    LabelExecutionsRequest,
    LabelExecutionsResponse,
    ListExecutionsRequest,
    ListExecutionsResponse,
    MarkSeenRequest,
    MarkSeenResponse,
    TallyExecutionsRequest,
    TallyExecutionsResponse,
)
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import RetryRequest
from stigmer_apis.client.calls import call, new_idempotency_key
from stigmer_apis.client.connection import Connection
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.ids import Prefix
from stigmer_apis.protocol import API_VERSION

MANY = 500
"""Executions that one call labels or deletes."""


class Boards:
    """Pages, groups, and changes of many executions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(
        self,
        filter: ExecutionFilter,
        *,
        order: ExecutionOrder.ValueType = ExecutionOrder.EXECUTION_ORDER_UNSPECIFIED,
        oldest_first: bool = False,
        skip: int = 0,
        page_size: int = 0,
        page_token: str = "",
    ) -> ListExecutionsResponse:
        """A page in an order; `ordered` of the answer says where not all that match were put in it."""
        request = ListExecutionsRequest(
            filter=filter,
            order=order,
            oldest_first=oldest_first,
            skip=skip,
            page_size=page_size,
            page_token=page_token,
        )
        return await call(self._connection, lambda wire: wire.executions.ListExecutions, request)

    async def groups(
        self,
        filter: ExecutionFilter,
        by: GroupBy.ValueType,
        *,
        label: str = "",
        page_size: int = 0,
        skip: int = 0,
    ) -> GroupExecutionsResponse:
        """A page of groups. Raises `InvalidArgument` where a label is wanted and none is named."""
        request = GroupExecutionsRequest(filter=filter, group_by=by, label=label, page_size=page_size, skip=skip)
        return await call(self._connection, lambda wire: wire.executions.GroupExecutions, request)

    async def tally(self, filter: ExecutionFilter, *, buckets: int = 0) -> TallyExecutionsResponse:
        """What executions used and how they ended, in at most 240 pieces of time."""
        request = TallyExecutionsRequest(filter=filter, buckets=buckets)
        return await call(self._connection, lambda wire: wire.executions.TallyExecutions, request)

    async def mark_seen(self, execution_ids: Sequence[str] = (), *, every: bool = False) -> MarkSeenResponse:
        """Say that failures were seen: of at most 1,000, or of all there are."""
        request = MarkSeenRequest(execution_ids=execution_ids, all=every)
        return await call(self._connection, lambda wire: wire.executions.MarkSeen, request)

    async def label(
        self, execution_ids: Sequence[str], put: Mapping[str, str], remove: Sequence[str] = ()
    ) -> LabelExecutionsResponse:
        """Put labels on at most `MANY`, and take others off."""
        request = LabelExecutionsRequest(execution_ids=execution_ids, set=put, remove=remove)
        return await call(
            self._connection,
            lambda wire: wire.executions.LabelExecutions,
            request,
            idempotency_key=new_idempotency_key(),
        )

    async def delete(self, execution_ids: Sequence[str]) -> DeleteExecutionsResponse:
        """Delete at most `MANY` for good. What has not ended stays, and is named."""
        request = DeleteExecutionsRequest(execution_ids=execution_ids)
        return await call(
            self._connection,
            lambda wire: wire.executions.DeleteExecutions,
            request,
            idempotency_key=new_idempotency_key(),
        )

    async def run_again(self, execution_id: str) -> str:
        """The same again, from its beginning, whatever it runs; the id of the new execution. Raises as `retry` does."""
        if execution_id.startswith(f"{Prefix.WORKFLOW_EXECUTION}-"):
            request = RetryRequest(execution_id=execution_id)
            key = new_idempotency_key()
            return (
                await call(self._connection, lambda wire: wire.steering.Retry, request, idempotency_key=key)
            ).execution_id
        return (await self.retry(execution_id)).metadata.id

    async def retry(self, execution_id: str) -> AgentExecution:
        """The same again of an agent's, from its beginning, in a session of its own.

        Raises `NotFound`; `FailedPrecondition` where it was given secrets of its own: those are gone with its end.
        """
        before = await call(
            self._connection, lambda wire: wire.execution_queries.get, AgentExecutionId(value=execution_id)
        )
        spec = before.spec
        if any(value.is_secret for value in spec.runtime_env.values()):
            raise FailedPrecondition(
                f"{execution_id} was given secrets of its own, which are gone",
                remedy="start it again with `stigmer run`, and give them again",
            )
        if spec.agent_id:
            spec.session_id = ""
        again = AgentExecution(
            api_version=API_VERSION,
            kind="AgentExecution",
            metadata=ApiResourceMetadata(labels=before.metadata.labels),
            spec=spec,
        )
        return await call(
            self._connection,
            lambda wire: wire.execution_commands.create,
            again,
            idempotency_key=new_idempotency_key(),
        )
