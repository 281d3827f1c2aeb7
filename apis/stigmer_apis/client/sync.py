"""The library without an event loop: `SyncStigmer`, for scripts and notebooks. A loop of its own runs on a thread beside."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ApprovalRequested, Event
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.client.options import ClientOptions
from stigmer_apis.client.stigmer import Execution, Result, Stigmer
from stigmer_apis.home import Home

Answer = TypeVar("Answer")


class _Loop:
    """An event loop on a thread, until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stigmer", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, object, Answer]) -> Answer:
        """Do it there, and wait here; what interrupts the waiting cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[Answer, None]) -> Generator[Answer]:
        """The items, one after the other."""
        try:
            while True:
                try:
                    yield self.run(_next(items))
                except StopAsyncIteration:
                    return
        finally:
            self.run(_close(items))

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(items: AsyncGenerator[Answer, None]) -> Answer:
    return await anext(items)


async def _close(items: AsyncGenerator[Answer, None]) -> None:
    await items.aclose()


class SyncExecution:
    """`Execution`, waiting."""

    def __init__(self, loop: _Loop, execution: Execution) -> None:
        self._loop = loop
        self._execution = execution
        self.id = execution.id

    def events(self, *, follow: bool = True) -> Generator[Event]:
        """As `Execution.events`."""
        return self._loop.iterate(self._execution.events(follow=follow))

    def text(self) -> Generator[str]:
        """As `Execution.text`."""
        return self._loop.iterate(self._execution.text())

    def result(self, timeout: float | None = None) -> Result:
        """As `Execution.result`."""
        return self._loop.run(self._execution.result(timeout))

    def send(self, text: str, *, now: bool = False) -> None:
        """As `Execution.send`."""
        self._loop.run(self._execution.send(text, now=now))

    def cancel(self, reason: str = "", wait: float = 10.0) -> None:
        """As `Execution.cancel`."""
        self._loop.run(self._execution.cancel(reason, wait))

    def approvals(self) -> Sequence[ApprovalRequested]:
        """As `Execution.approvals`."""
        return self._loop.run(self._execution.approvals())

    def approve(self, asked: ApprovalRequested | None = None, *, scope: str = "once") -> None:
        """As `Execution.approve`."""
        self._loop.run(self._execution.approve(asked, scope=scope))

    def deny(self, asked: ApprovalRequested | None = None, *, reason: str = "") -> None:
        """As `Execution.deny`."""
        self._loop.run(self._execution.deny(asked, reason=reason))

    def answer(self, text: str) -> None:
        """As `Execution.answer`."""
        self._loop.run(self._execution.answer(text))


class SyncAgent:
    """`AgentHandle`, waiting."""

    def __init__(self, loop: _Loop, stigmer: Stigmer, name: str) -> None:
        self._loop = loop
        self._stigmer = stigmer
        self.name = name

    def run(self, message: str, *, workspace: str | None = None, model: str = "") -> SyncExecution:
        """As `AgentHandle.run`."""
        execution = self._loop.run(self._stigmer.agents[self.name].run(message, workspace=workspace, model=model))
        return SyncExecution(self._loop, execution)


class SyncAgents:
    """`Agents`, waiting."""

    def __init__(self, loop: _Loop, stigmer: Stigmer) -> None:
        self._loop = loop
        self._stigmer = stigmer

    def __getitem__(self, name: str) -> SyncAgent:
        """The agent with this name or id."""
        return SyncAgent(self._loop, self._stigmer, name)

    def list(self) -> Sequence[Agent]:
        """All of them."""
        return self._loop.run(self._stigmer.agents.list())


class SyncStigmer:
    """`Stigmer`, used as `with`, from any thread that has no event loop of its own."""

    def __init__(
        self,
        home: Home | None = None,
        *,
        endpoint: str = "",
        api_key: str = "",
        start_daemon: bool = True,
        options: ClientOptions | None = None,
    ) -> None:
        """As `Stigmer`."""
        self._given = (home, endpoint, api_key, start_daemon, options)
        self._loop: _Loop | None = None
        self._stigmer: Stigmer | None = None

    def __enter__(self) -> Self:
        """Connect."""
        home, endpoint, api_key, start_daemon, options = self._given
        loop = _Loop()

        async def connect() -> Stigmer:
            made = Stigmer(home, endpoint=endpoint, api_key=api_key, start_daemon=start_daemon, options=options)
            return await made.__aenter__()

        try:
            self._stigmer = loop.run(connect())
        except BaseException:
            loop.close()
            raise
        self._loop = loop
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect. What runs goes on."""
        loop, stigmer = self._connected()
        try:
            loop.run(stigmer.__aexit__(None, None, None))
        finally:
            loop.close()
            self._loop = self._stigmer = None

    @property
    def agents(self) -> SyncAgents:
        """All agents."""
        return SyncAgents(*self._connected())

    def execution(self, execution_id: str) -> SyncExecution:
        """The execution with this id."""
        loop, stigmer = self._connected()
        return SyncExecution(loop, stigmer.execution(execution_id))

    def executions(self) -> Generator[ExecutionSummary]:
        """All executions, newest first."""
        loop, stigmer = self._connected()
        return loop.iterate(stigmer.executions())

    def _connected(self) -> tuple[_Loop, Stigmer]:
        if self._loop is None or self._stigmer is None:
            raise RuntimeError("not connected: use it as `with SyncStigmer() as stigmer`")
        return self._loop, self._stigmer
