"""Stigmer as a library: agents that are run, executions that are followed.

    async with Stigmer() as stigmer:
        execution = await stigmer.agents["reviewer"].run("Look at the last commit.")
        async for event in execution.events():
            ...
        result = await execution.result()

`Client` below it has every call there is; a handle holds an id and that client, so it costs nothing and can be made again from the id.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionStatus,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Approval, ApprovalRequested, Event, QuestionAsked
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import Attachment
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Limits, Policy
from stigmer_apis.client.client import Client
from stigmer_apis.client.options import ClientOptions
from stigmer_apis.client.remote import Remote
from stigmer_apis.client.tailing import TailBatch, TailEnd, TailReset
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.home import Home

_PAGE = 200
SCOPES: Mapping[str, "Approval.ValueType"] = {
    "once": Approval.APPROVAL_ONCE,
    "session": Approval.APPROVAL_SESSION,
    "prefix": Approval.APPROVAL_PREFIX,
}
"""How far an approval goes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an execution."""

    phase: str
    """`completed`, `failed` or `cancelled`."""
    text: str
    """What the agent said last; of the agent `shell`, what its last line printed, at most 64 KiB of it."""
    error: str
    """Why it failed, in words; else empty."""
    exit_code: int | None
    """Of the last command line, where one ended."""
    status: AgentExecutionStatus
    """All of it, as it is published."""

    @property
    def ok(self) -> bool:
        """Whether it completed, and its last command line did not fail."""
        return self.phase == "completed" and not self.exit_code


class Execution:
    """One execution, by its id."""

    def __init__(self, client: Client, execution_id: str) -> None:
        self._client = client
        self.id = execution_id

    def __repr__(self) -> str:
        return f"Execution({self.id!r})"

    async def events(self, *, follow: bool = True) -> AsyncGenerator[Event, None]:
        """Its events, each once, from the first on; live until it ends, or with `follow=False` those that there are.

        Connects again by itself. Raises `FailedPrecondition` where what was told is not true any more, after a power cut or a restored backup.
        """
        told = False
        async for item in self._client.tail(self.id, follow=follow):
            if isinstance(item, TailBatch):
                for event in item.events:
                    told = True
                    yield event
            elif isinstance(item, TailReset) and told:
                raise FailedPrecondition(
                    "the server lost a part of what was told", remedy="read the events again from the beginning"
                )

    async def text(self) -> AsyncGenerator[str, None]:
        """What the agent writes, piece by piece as it comes; of commands, what they print."""
        said: set[str] = set()
        async for event in self.events():
            if event.HasField("message_started") and event.message_started.type == enums.MESSAGE_AI:
                said.add(event.message_started.message_id)
            elif event.HasField("text_delta") and event.text_delta.message_id in said and not event.sub_agent_id:
                yield event.text_delta.text
            elif event.HasField("terminal_output"):
                yield event.terminal_output.data.decode("utf-8", "replace")

    async def result(self, timeout: float | None = None) -> Result:
        """Wait for its end. Raises `TimeoutError` after `timeout` seconds; it goes on then."""
        async with asyncio.timeout(timeout):
            async for item in self._client.tail(self.id):
                if isinstance(item, TailEnd):
                    break
        return _result(await self.get())

    async def get(self) -> AgentExecution:
        """As it stands. Raises `NotFound`."""
        return await self._client.get_execution(self.id)

    async def send(self, text: str, *, now: bool = False, attachments: Sequence[Attachment] = ()) -> None:
        """Another message; with `now` what the agent does is interrupted for it. Raises `FailedPrecondition` where it has ended."""
        await self._client.send_message(self.id, text, now=now, attachments=attachments)

    async def cancel(self, reason: str = "", wait: float = 10.0) -> None:
        """Stop it and everything that it started; returns when that is done, or after `wait` seconds."""
        await self._client.cancel(self.id, reason, wait)

    async def pause(self) -> None:
        """Stop after the current step."""
        await self._client.steering.pause(self.id)

    async def resume(self) -> None:
        """Go on."""
        await self._client.steering.resume(self.id)

    async def approvals(self) -> Sequence[ApprovalRequested]:
        """The tool calls that wait for a decision, the oldest first."""
        return [approval for approval, _ in await self._waiting() if approval is not None]

    async def questions(self) -> Sequence[QuestionAsked]:
        """The questions that wait for an answer, the oldest first."""
        return [question for _, question in await self._waiting() if question is not None]

    async def approve(self, asked: ApprovalRequested | None = None, *, scope: str = "once") -> None:
        """Let a tool call run: `asked`, or the only one that waits. `scope`: `once`, `session`, `prefix`.

        The decision is good for what was asked, to the byte. Raises `NotFound` where none waits, `FailedPrecondition` where several do and none is named.
        """
        if scope not in SCOPES:
            raise ValueError(f"scope is one of {', '.join(SCOPES)}")
        await self._decide(asked, SCOPES[scope], "")

    async def deny(self, asked: ApprovalRequested | None = None, *, reason: str = "") -> None:
        """Do not let a tool call run; the agent is told the reason. As `approve`."""
        await self._decide(asked, Approval.APPROVAL_DENIED, reason)

    async def answer(self, text: str, asked: QuestionAsked | None = None) -> None:
        """Answer a question: `asked`, or the only one that is open."""
        await self._client.steering.answer(self.id, text, asked.attention_id if asked is not None else "")

    async def _decide(self, asked: ApprovalRequested | None, approval: "Approval.ValueType", reason: str) -> None:
        if asked is None:
            waiting = await self.approvals()
            if not waiting:
                raise NotFound(
                    f"no tool call of {self.id} waits for a decision", remedy="wait until one does: `approvals()`"
                )
            if len(waiting) > 1:
                raise FailedPrecondition(f"{len(waiting)} tool calls wait", remedy="say which: one of `approvals()`")
            asked = waiting[0]
        await self._client.steering.resolve_approval(
            self.id, asked.call_id, approval, binding=asked.binding, reason=reason
        )

    async def _waiting(self) -> list[tuple[ApprovalRequested | None, QuestionAsked | None]]:
        found: list[tuple[ApprovalRequested | None, QuestionAsked | None]] = []
        token = ""
        while True:
            page = await self._client.steering.list_attention(page_size=_PAGE, page_token=token)
            for each in page.waiting:
                if each.execution.execution_id == self.id:
                    approval = each.approval if each.HasField("approval") else None
                    found.append((approval, each.question if each.HasField("question") else None))
            token = page.next_page_token
            if not token:
                return found


class SessionHandle:
    """One session, by its id: executions that remember each other."""

    def __init__(self, client: Client, session_id: str) -> None:
        self._client = client
        self.id = session_id

    def __repr__(self) -> str:
        return f"SessionHandle({self.id!r})"

    async def run(self, message: str, *, attachments: Sequence[Attachment] = ()) -> Execution:
        """Go on in it with another message."""
        made = await self._client.run("", message, session_id=self.id, attachments=attachments)
        return Execution(self._client, made.metadata.id)

    async def executions(self) -> AsyncGenerator[ExecutionSummary, None]:
        """Its executions, newest first."""
        async for row in _rows(self._client, ExecutionFilter(session_id=self.id)):
            yield row


class AgentHandle:
    """One agent, by its name or id."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.name = name

    def __repr__(self) -> str:
        return f"AgentHandle({self.name!r})"

    async def run(
        self,
        message: str,
        *,
        workspace: str | None = None,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        model: str = "",
        policy: Policy | None = None,
        limits: Limits | None = None,
        attachments: Sequence[Attachment] = (),
        idempotency_key: str | None = None,
    ) -> Execution:
        """Start it with a message, in a session of its own. What the words mean: `Client.run`."""
        made = await self._client.run(
            self.name,
            message,
            workspace=workspace,
            variables=variables,
            secrets=secrets,
            model=model,
            policy=policy,
            limits=limits,
            attachments=attachments,
            idempotency_key=idempotency_key,
        )
        return Execution(self._client, made.metadata.id)

    async def executions(self) -> AsyncGenerator[ExecutionSummary, None]:
        """Its executions, newest first."""
        async for row in _rows(self._client, ExecutionFilter(agent=self.name)):
            yield row


class Agents:
    """All agents."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getitem__(self, name: str) -> AgentHandle:
        """The agent with this name or id; whether there is one shows when it is run."""
        return AgentHandle(self._client, name)

    async def list(self) -> Sequence[Agent]:
        """All of them, newest first."""
        found: list[Agent] = []
        token = ""
        while True:
            page = await self._client.list_agents(page_size=_PAGE, page_token=token)
            found += page.agents
            token = page.next_page_token
            if not token:
                return found


class Stigmer:
    """A connection to a server, used as `async with`, in one event loop; `SyncStigmer` is the same without one."""

    def __init__(
        self,
        home: Home | None = None,
        *,
        endpoint: str = "",
        api_key: str = "",
        start_daemon: bool = True,
        options: ClientOptions | None = None,
    ) -> None:
        """The server of `home` (default: the environment's), started where none runs; or the one at `endpoint`, to which `api_key` is the key."""
        remote = Remote(endpoint, api_key) if endpoint else None
        self.client = Client(home, start_daemon=start_daemon, options=options, remote=remote)
        """Every call there is."""
        self.agents = Agents(self.client)

    async def __aenter__(self) -> Self:
        """Connect. Raises what stands in the way, with its remedy."""
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect. What runs goes on."""
        await self.client.__aexit__(kind, error, trace)

    def execution(self, execution_id: str) -> Execution:
        """The execution with this id."""
        return Execution(self.client, execution_id)

    def session(self, session_id: str) -> SessionHandle:
        """The session with this id."""
        return SessionHandle(self.client, session_id)

    async def executions(self, filter: ExecutionFilter | None = None) -> AsyncGenerator[ExecutionSummary, None]:
        """All executions that fit, newest first."""
        async for row in _rows(self.client, filter):
            yield row


async def _rows(client: Client, wanted: ExecutionFilter | None) -> AsyncGenerator[ExecutionSummary, None]:
    token = ""
    while True:
        page = await client.list_executions(wanted, page_size=_PAGE, page_token=token)
        for row in page.executions:
            yield row
        token = page.next_page_token
        if not token:
            return


def _result(execution: AgentExecution) -> Result:
    status = execution.status
    said = [message.content for message in status.messages if message.type == enums.MESSAGE_AI and message.content]
    printed = [call.result for call in status.tool_calls if call.name == "shell"]
    text = said[-1] if said else (printed[-1] if printed else "")
    phase = enums.ExecutionPhase.Name(status.phase).removeprefix("EXECUTION_").lower()
    exit_code = status.last_exit_code.value if status.HasField("last_exit_code") else None
    return Result(phase, text, status.error, exit_code, status)
