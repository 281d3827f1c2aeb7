"""What `stigmer get` lists: executions as the board has them, every other kind as resources, page by page and from then on."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_tui.cli.columns import Column, age, columns_of, phase_words
from stigmer_tui.manifests.kinds import AGENT_EXECUTION, Kind

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which ones."""

    limit: int = 50
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    phases: Sequence[int] = ()
    text: str = ""
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a list had."""

    rows: Sequence[Message]
    more: bool
    """There are more than were asked for."""
    revision: int
    """Watch from here on."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed after a list."""

    changed: Sequence[Message]
    removed: Sequence[str]
    """Ids."""
    reset: bool
    """Changes were missed: list again."""


class Lister(Protocol):
    """Lists one kind."""

    columns: Sequence[Column]

    async def list(self, asked: Asked) -> Found:
        """What fits, newest first unless asked otherwise."""
        ...

    def watch(self, asked: Asked, revision: int) -> AsyncGenerator[Change, None]:
        """What changes of it, without end."""
        ...

    def name(self, row: Any) -> str:
        """`kind/name` of a row."""
        ...


def lister(client: Client, kind: Kind) -> Lister:
    """Lists `kind`."""
    return Executions(client) if kind is AGENT_EXECUTION else Resources(client, kind)


class Executions:
    """Executions of agents, as rows of the board: without their messages and outputs."""

    columns: Sequence[Column] = (
        Column("ID", lambda row: row.execution_id),
        Column("PHASE", lambda row: phase_words(row.phase) + (", damaged" if row.damage else "")),
        Column("AGENT", lambda row: row.workflow_name or row.agent_name),
        Column("AGE", lambda row: age(row.created_unix_micros)),
        Column("EXIT", lambda row: str(row.last_exit_code) if row.HasField("last_exit_code") else "-"),
        Column("SUBJECT", lambda row: row.subject),
        Column("SESSION", lambda row: row.session_id, wide=True),
        Column("ENGINE", lambda row: row.engine or "embedded", wide=True),
        Column("TOKENS", lambda row: str(row.tokens), wide=True),
        Column("LAST LINE", lambda row: row.last_line, wide=True),
        Column("PAGE", lambda row: row.engine_page, wide=True),
    )

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list(self, asked: Asked) -> Found:
        """See `Lister`."""
        from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter

        wanted = ExecutionFilter(text=asked.text, labels=asked.labels)
        wanted.phases.extend(enums.ExecutionPhase.ValueType(number) for number in asked.phases)
        rows: list[Message] = []
        token, more, revision = "", True, 0
        while more and len(rows) < asked.limit:
            size = min(PAGE, asked.limit - len(rows))
            page = await self._client.list_executions(
                wanted, page_size=size, page_token=token, oldest_first=asked.oldest_first
            )
            rows.extend(page.executions)
            token, more, revision = page.next_page_token, bool(page.next_page_token), page.revision
        return Found(rows, more, revision)

    async def watch(self, asked: Asked, revision: int) -> AsyncGenerator[Change, None]:
        """See `Lister`."""
        async for told in self._client.watch(revision):
            shown = [row for row in told.changed if not asked.phases or row.phase in asked.phases]
            yield Change(shown, list(told.removed), told.reset)

    def name(self, row: Any) -> str:
        """See `Lister`."""
        return f"{AGENT_EXECUTION.word}/{row.execution_id}"


class Resources:
    """Resources of one kind."""

    def __init__(self, client: Client, kind: Kind) -> None:
        self._client = client
        self._kind = kind
        self._number = ApiResourceKind.ValueType(kind.number)
        self.columns: Sequence[Column] = columns_of(kind)

    async def list(self, asked: Asked) -> Found:
        """See `Lister`."""
        from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ResourceFilter, ResourceOrder

        wanted = ResourceFilter(text=asked.text, labels=asked.labels)
        wanted.phases.extend(enums.ExecutionPhase.ValueType(number) for number in asked.phases)
        order = ResourceOrder.RESOURCE_ORDER_OLDEST if asked.oldest_first else ResourceOrder.RESOURCE_ORDER_UNSPECIFIED
        rows: list[Message] = []
        token, more, revision = "", True, 0
        while more and len(rows) < asked.limit:
            page = await self._client.resources.list(
                self._number, wanted, order=order, page_size=min(PAGE, asked.limit - len(rows)), page_token=token
            )
            rows.extend(getattr(resource, self._kind.field) for resource in page.resources)
            token, more, revision = page.next_page_token, bool(page.next_page_token), page.revision
        return Found(rows, more, revision)

    async def watch(self, asked: Asked, revision: int) -> AsyncGenerator[Change, None]:
        """See `Lister`."""
        async for told in self._client.resources.watch([self._number], revision):
            changed: list[Any] = [getattr(resource, self._kind.field) for resource in told.changed]
            shown = [each for each in changed if asked.labels.items() <= dict(each.metadata.labels).items()]
            yield Change(shown, [gone.id for gone in told.removed], told.reset)

    def name(self, row: Any) -> str:
        """See `Lister`."""
        return f"{self._kind.word}/{row.metadata.slug}"
