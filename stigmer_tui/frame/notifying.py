"""Tells a person who looks elsewhere: what waits for them, what failed, what is done; and the terminal's title and progress."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_tui.theme.phases import LIVE

if TYPE_CHECKING:
    from stigmer_apis.client import Client

RETRY_SECONDS = 2.0
MOST_LIVE = 1000


class Kind(Enum):
    """What is told; each can be turned off by its name, in `tui.notifications`."""

    APPROVAL = "approval"
    QUESTION = "question"
    FAILED = "failed"
    DONE = "done"


_HEADS: Mapping[Kind, str] = {
    Kind.APPROVAL: "Stigmer: a decision waits",
    Kind.QUESTION: "Stigmer: a question waits",
    Kind.FAILED: "Stigmer: a run failed",
    Kind.DONE: "Stigmer: a run is done",
}
_ENDS = {enums.EXECUTION_FAILED: Kind.FAILED, enums.EXECUTION_COMPLETED: Kind.DONE}


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell."""

    kind: Kind
    text: str
    """Foreign text: made safe where it is told."""

    @property
    def head(self) -> str:
        """In our words."""
        return _HEADS[self.kind]


class Notifying:
    """Follows every run for what a person should know."""

    def __init__(self, tell: Callable[[News], None], counts: Callable[[int, int], None]) -> None:
        """`tell` is told the news; `counts` how many runs go on, and how many of them wait."""
        self._tell = tell
        self._counts = counts
        self._live: dict[str, ExecutionSummary] = {}
        self._told: set[str] = set()
        """Ids of what waits and was told."""

    async def run(self, client: "Client") -> None:
        """Until it is cancelled. Raises nothing that mends itself."""
        while True:
            try:
                await self._follow(client)
            except StigmerError:
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, client: "Client") -> None:
        revision = await self._list(client)
        async with aclosing(client.watch(revision)) as changes:
            async for change in changes:
                if change.reset:
                    await self._list(client)
                    continue
                for row in change.changed:
                    await self._take(client, row)
                for execution_id in change.removed:
                    self._live.pop(execution_id, None)
                self._count()

    async def _list(self, client: "Client") -> int:
        page = await client.list_executions(ExecutionFilter(phases=sorted(LIVE)), page_size=MOST_LIVE)
        self._live = {row.execution_id: row for row in page.executions}
        self._count()
        return page.revision

    async def _take(self, client: "Client", row: ExecutionSummary) -> None:
        before = self._live.get(row.execution_id)
        if row.phase in LIVE:
            self._live[row.execution_id] = row
            if row.attention_count > (before.attention_count if before is not None else 0):
                await self._tell_what_waits(client, row)
            return
        self._live.pop(row.execution_id, None)
        kind = _ENDS.get(row.phase)
        if before is not None and kind is not None:
            self._tell(
                News(
                    kind, f"{row.workflow_name or row.agent_name}: {(kind is Kind.FAILED and row.error) or row.subject}"
                )
            )

    async def _tell_what_waits(self, client: "Client", row: ExecutionSummary) -> None:
        answer = await client.steering.list_attention()
        for waiting in answer.waiting:
            each = waiting.attention
            if waiting.execution.execution_id != row.execution_id or each.attention_id in self._told:
                continue
            self._told.add(each.attention_id)
            approval = each.kind == AttentionKind.ATTENTION_KIND_APPROVAL
            self._tell(
                News(
                    Kind.APPROVAL if approval else Kind.QUESTION, f"{row.workflow_name or row.agent_name}: {each.text}"
                )
            )

    def _count(self) -> None:
        self._counts(len(self._live), sum(1 for row in self._live.values() if row.attention_count))
