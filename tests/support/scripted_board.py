"""What the scripted backend answers for the board: orders, groups, what waits, failures that nobody has seen, labels, deletes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2 as es
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis._generated.stigmer.steering.v1 import steering_service_pb2 as st
from stigmer_apis.fold.texts import is_cut
from stigmer_backend.executions.tallying import tally

if TYPE_CHECKING:
    from tests.support.scripted_backend import ScriptedBackend

_WEIGHTS: dict["es.ExecutionOrder.ValueType", Callable[[ExecutionSummary], int]] = {
    es.EXECUTION_ORDER_CHANGED: lambda row: row.changed_unix_micros,
    es.EXECUTION_ORDER_LONGEST: lambda row: (
        (row.completed_unix_micros or row.changed_unix_micros) - row.started_unix_micros
    ),
    es.EXECUTION_ORDER_TOKENS: lambda row: row.tokens,
    es.EXECUTION_ORDER_COST: lambda row: row.cost_micro_usd,
}


def in_order(request: es.ListExecutionsRequest, rows: list[ExecutionSummary]) -> list[ExecutionSummary]:
    """The rows as they were asked for; they come as created."""
    weight = _WEIGHTS.get(request.order)
    return rows if weight is None else sorted(rows, key=weight, reverse=not request.oldest_first)


class Boards:
    """One method of Python for each of gRPC."""

    def __init__(self, backend: "ScriptedBackend") -> None:
        self._backend = backend

    async def group(self, request: es.GroupExecutionsRequest) -> es.GroupExecutionsResponse:
        """Groups of what matches, in the order of their newest."""
        listed = await self._rows(request.filter)
        groups: dict[str, es.GroupExecutionsResponse.Group] = {}
        for row in listed:
            key, title = _key(request, row)
            if key is None:
                continue
            narrowed = es.ExecutionFilter()
            narrowed.CopyFrom(request.filter)
            match request.group_by:
                case es.GROUP_BY_AGENT:
                    narrowed.agent = key
                case es.GROUP_BY_SESSION:
                    narrowed.session_id = key
                case es.GROUP_BY_PHASE:
                    narrowed.phases[:] = [row.phase]
                case _:
                    narrowed.labels[request.label] = key
            known = groups.setdefault(
                key, es.GroupExecutionsResponse.Group(key=key, title=title, filter=narrowed, newest=row)
            )
            known.total += 1
        page = list(groups.values())[request.skip : request.skip + (request.page_size or 50)]
        return es.GroupExecutionsResponse(
            groups=page,
            total=len(groups),
            revision=self._backend.revision,
            total_unfiltered=len(self._backend.executions),
        )

    async def tally(self, request: es.TallyExecutionsRequest) -> es.TallyExecutionsResponse:
        """Sums as the server makes them, and two tools."""
        rows = await self._rows(request.filter)
        answer = tally(request, rows, whole=True)
        if rows:
            answer.tools.add(name="shell", calls=7 * len(rows), failed=len(rows))
            answer.tools.add(name="edit_file", calls=3 * len(rows))
            answer.tools_of = len(rows)
        return answer

    async def mark_seen(self, request: es.MarkSeenRequest) -> es.MarkSeenResponse:
        """Everybody has seen them."""
        unseen = [row.execution_id for row in await self._rows(es.ExecutionFilter(unseen=True))]
        marked = [name for name in unseen if request.all or name in request.execution_ids]
        self._backend.seen.update(marked)
        for name in marked:
            self._backend.touch(name)
        return es.MarkSeenResponse(marked=len(marked), unseen=len(unseen) - len(marked))

    async def label(self, request: es.LabelExecutionsRequest) -> es.LabelExecutionsResponse:
        """They have them."""
        response = es.LabelExecutionsResponse()
        for name in request.execution_ids:
            execution = self._backend.executions.get(name)
            if execution is None:
                response.refused.add(execution_id=name, reason="there is no such execution")
                continue
            labels = execution.resource.metadata.labels
            before = dict(labels)
            for key in request.remove:
                labels.pop(key, None)
            for key, value in request.set.items():
                labels[key] = value
            if dict(labels) != before:
                response.changed.append(name)
                self._backend.touch(name)
        return response

    async def delete(self, request: es.DeleteExecutionsRequest) -> es.DeleteExecutionsResponse:
        """What has ended is gone."""
        response = es.DeleteExecutionsResponse()
        for name in request.execution_ids:
            execution = self._backend.executions.get(name)
            if execution is None or not execution.ended:
                response.refused.add(execution_id=name, reason="it has not ended")
            else:
                self._backend.remove(name)
                response.deleted.append(name)
        return response

    async def attention(self, request: st.ListAttentionRequest) -> st.ListAttentionResponse:
        """What waits, the oldest first."""
        answer = st.ListAttentionResponse(revision=self._backend.revision)
        for execution in self._backend.executions.values():
            state = execution.fold.state()
            for each in state.status.attention:
                waiting = answer.waiting.add(execution=execution.summary, attention=each)
                if each.kind == AttentionKind.ATTENTION_KIND_APPROVAL and each.call_id in state.approvals:
                    waiting.approval.CopyFrom(ev.ApprovalRequested.FromString(state.approvals[each.call_id]))
                    for call in state.status.tool_calls:
                        if call.id == each.call_id:
                            waiting.tool = call.name
                            waiting.args.CopyFrom(call.args)
                    waiting.cut = is_cut(waiting.approval.summary)
                if each.attention_id in state.questions:
                    waiting.question.CopyFrom(ev.QuestionAsked.FromString(state.questions[each.attention_id]))
        answer.waiting.sort(key=lambda each: each.attention.raised_unix_micros)
        answer.total = len(answer.waiting)
        del answer.waiting[request.page_size or 50 :]
        return answer

    async def _rows(self, wanted: es.ExecutionFilter) -> list[ExecutionSummary]:
        from tests.support.scripted_streams import list_executions

        return list(list_executions(self._backend, es.ListExecutionsRequest(filter=wanted, page_size=1000)).executions)


def _key(request: es.GroupExecutionsRequest, row: ExecutionSummary) -> tuple[str | None, str]:
    match request.group_by:
        case es.GROUP_BY_AGENT:
            return row.agent_id, row.agent_name
        case es.GROUP_BY_SESSION:
            return row.session_id, row.session_id
        case es.GROUP_BY_PHASE:
            return str(int(row.phase)), str(int(row.phase))
        case _:
            value = row.labels.get(request.label)
            return value, value or ""
