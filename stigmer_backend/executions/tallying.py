"""What executions used and how they ended: sums by piece of time, by agent and by tool, over the newest that match."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median_low

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    ToolCallStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    TallyExecutionsRequest,
    TallyExecutionsResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary

TALLIED_ROWS = 20_000
"""Executions that are looked at, the newest first."""
TOOL_ROWS = 300
"""Executions whose tool calls are counted, the newest first: each is a record of its own to read."""
BUCKETS = 48
"""Pieces of time where nobody says how many."""
NAMED = 50
"""Agents and tools that are told."""

Tally = TallyExecutionsResponse.Tally
ToolTally = TallyExecutionsResponse.ToolTally


@dataclass(slots=True)
class _Sums:
    """A tally that grows."""

    tally: Tally = field(default_factory=Tally)
    lengths: list[int] = field(default_factory=list[int])

    def add(self, row: ExecutionSummary) -> None:
        tally = self.tally
        tally.executions += 1
        tally.tokens += row.tokens
        tally.cost_micro_usd += row.cost_micro_usd
        match row.phase:
            case ExecutionPhase.EXECUTION_COMPLETED:
                tally.completed += 1
            case ExecutionPhase.EXECUTION_FAILED:
                tally.failed += 1
            case ExecutionPhase.EXECUTION_CANCELLED:
                tally.cancelled += 1
            case _:
                return
        if row.started_unix_micros and row.completed_unix_micros > row.started_unix_micros:
            self.lengths.append(row.completed_unix_micros - row.started_unix_micros)

    def told(self) -> Tally:
        if self.lengths:
            self.tally.median_micros = median_low(self.lengths)
            self.tally.longest_micros = max(self.lengths)
        return self.tally


def tally(request: TallyExecutionsRequest, rows: Sequence[ExecutionSummary], *, whole: bool) -> TallyExecutionsResponse:
    """The sums of `rows`, the newest of which stands first; `whole`: there are no others. Without the tools."""
    answer = TallyExecutionsResponse(is_lower_bound=not whole)
    sums, agents = _Sums(), dict[str, _Sums]()
    for row in rows:
        sums.add(row)
        key, title = row.agent_id or row.workflow_id, row.agent_name or row.workflow_name
        agent = agents.setdefault(key, _Sums(Tally(key=key, title=title)))
        agent.add(row)
    answer.whole.CopyFrom(sums.told())
    if not rows:
        return answer
    told = sorted((each.told() for each in agents.values()), key=lambda each: (-each.tokens, -each.executions))
    answer.agents.extend(told[:NAMED])
    _fill_buckets(answer, request, rows)
    return answer


def _fill_buckets(
    answer: TallyExecutionsResponse, request: TallyExecutionsRequest, rows: Sequence[ExecutionSummary]
) -> None:
    count = request.buckets or BUCKETS
    created = [row.created_unix_micros for row in rows]
    first = request.filter.created_from_unix_micros or min(created)
    behind = request.filter.created_before_unix_micros or max(created) + 1
    length = max(1, -(-(behind - first) // count))
    buckets = [_Sums() for _ in range(count)]
    for row in rows:
        buckets[max(0, min((row.created_unix_micros - first) // length, count - 1))].add(row)
    answer.buckets.extend(bucket.told() for bucket in buckets)
    answer.from_unix_micros, answer.bucket_micros = first, length


def tally_tools(answer: TallyExecutionsResponse, statuses: Iterable[AgentExecutionStatus]) -> None:
    """Count the tool calls of some executions."""
    calls, failed = Counter[str](), Counter[str]()
    for status in statuses:
        answer.tools_of += 1
        for call in tuple(status.tool_calls):  # Another thread may add to those of what lives.
            calls[call.name] += 1
            failed[call.name] += call.status == ToolCallStatus.TOOL_CALL_FAILED
    answer.tools.extend(
        ToolTally(name=name, calls=count, failed=failed[name]) for name, count in calls.most_common(NAMED)
    )
