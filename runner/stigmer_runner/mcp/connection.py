"""One server that runs: a task of its own holds the SDK's client, calls come from others."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import cast

from mcp.client import Client
from mcp.client._transport import TransportStreams
from mcp.client.context import ClientRequestContext
from mcp.client.session import IncomingMessage
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    Implementation,
    ToolListChangedNotification,
)
from pydantic import ValidationError

from stigmer_apis import __version__
from stigmer_runner.errors import RunnerError
from stigmer_runner.mcp.eliciting import Ask, elicited
from stigmer_runner.mcp.listing import Listed, Listing, checked
from stigmer_runner.mcp.walled import End
from stigmer_runner.tools.interface import Question

logging.getLogger("mcp").setLevel(
    logging.CRITICAL
)  # It quotes what servers send; what matters is told in words of ours.

GOODBYE = 4.0
"""Seconds for a server to end."""
SESSION_GONE = 404
"""The HTTP status by which a server says that it does not know the session any more: it is begun anew."""
MOST_PAGES = 20
"""Of a listing."""


class ServerFailed(RunnerError):
    """A server did not do what it was asked. The message is for the person and the model."""


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds."""

    start: float = 60.0
    """To be there, and to list its tools."""
    call: float = 120.0
    """For a sign of life of a call: an answer, or progress. Time in which a person is asked does not count."""
    whole_call: float = 3600.0
    """For a call, however lively."""


@dataclass
class _Call:
    """A call under way."""

    ask: Ask | None
    clock: asyncio.Timeout
    seconds: float

    def lively(self) -> None:
        """A sign of life."""
        self.clock.reschedule(asyncio.get_running_loop().time() + self.seconds)


class Connection:
    """A server from its start to its end. `open`, then `tools` and `call`, one call at a time, then `close`."""

    def __init__(
        self, name: str, transport: AbstractAsyncContextManager[TransportStreams], end: End, patience: Patience
    ) -> None:
        self._name = name
        self._transport = transport
        self._end = end
        self._patience = patience
        self._closing = asyncio.Event()
        self._ready = asyncio.Event()
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._call: _Call | None = None
        self.changed = False
        """It said that its tools are others now."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._end.over.is_set() or self._task is None or self._task.done()

    async def open(self) -> None:
        """Start it, or reach it. Raises `ServerFailed`; then nothing of it is left."""
        self._task = asyncio.create_task(self._live())
        waiter = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait((waiter, self._task), timeout=self._patience.start, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.close()
            raise
        finally:
            waiter.cancel()
        if self._client is None:
            silent = not self._task.done()
            await self.close()
            words = self._silent(f"it did not answer within {self._patience.start:g} seconds") if silent else ""
            raise ServerFailed(words or self._why("it could not be reached"))

    async def tools(self) -> Listing:
        """What it offers now. Raises `ServerFailed`."""
        self.changed = False
        found: list[Listed] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(self._patience.start):
                for _ in range(MOST_PAGES):
                    page = await self._open_client().list_tools(cursor=cursor)
                    found += [Listed(tool.name, tool.description or "", tool.input_schema) for tool in page.tools]
                    cursor = page.next_cursor
                    if cursor is None:
                        return checked(found)
        except TimeoutError:
            words = f"it did not list its tools within {self._patience.start:g} seconds"
            raise ServerFailed(self._silent(words)) from None
        except Exception as error:
            raise ServerFailed(await self._reason(error)) from error
        raise ServerFailed(f"its list of tools has no end: {MOST_PAGES} pages were read")

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, object],
        seconds: float,
        ask: Ask | None,
        progressed: Callable[[float, float | None, str], None],
    ) -> CallToolResult:
        """Call a tool. A caller that is cancelled cancels the call at the server. Raises `ServerFailed`."""
        try:
            async with asyncio.timeout(self._patience.whole_call), asyncio.timeout(seconds) as clock:
                call = self._call = _Call(ask, clock, seconds)

                async def report(progress: float, total: float | None, message: str | None) -> None:
                    call.lively()
                    progressed(progress, total, message or "")

                return await self._open_client().call_tool(tool, dict(arguments), progress_callback=report)
        except TimeoutError:
            words = f"it gave no sign of life for {seconds:g} seconds"
            raise ServerFailed(
                self._silent(f"{words}; the call was cancelled, and nobody knows how far it came")
            ) from None
        except Exception as error:
            raise ServerFailed(await self._reason(error)) from error
        finally:
            self._call = None

    async def close(self) -> None:
        """End it, and wait for that."""
        if self._task is None:
            return
        if self._client is None:
            self._task.cancel()
        self._closing.set()
        await asyncio.wait((self._task,), timeout=GOODBYE)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _live(self) -> None:
        client = Client(
            self._transport,
            cache=None,
            client_info=Implementation(name="stigmer", version=__version__),
            elicitation_callback=self._elicit,
            message_handler=self._heard,
        )
        async with client:
            self._client = client
            self._ready.set()
            await self._closing.wait()

    async def _elicit(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        call = self._call
        if call is None or call.ask is None:
            return ElicitResult(action="cancel")
        ask = call.ask

        async def patiently(question: Question) -> str:
            call.clock.reschedule(None)
            try:
                return await ask(question)
            finally:
                call.lively()

        return await elicited(self._name, params, patiently)

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self.changed = True

    def _open_client(self) -> Client:
        if self._client is None or self.over:
            raise ServerFailed(self._why("it has ended"))
        return self._client

    def _silent(self, words: str) -> str:
        """`words`, with what may explain a silence."""
        if not self._end.garbage:
            return words
        return f"{words}; what it wrote instead ({self._end.garbage} lines) is no message that can be read"

    def _why(self, otherwise: str) -> str:
        failed = self._task is not None and self._task.done() and not self._task.cancelled()
        error = self._task.exception() if failed and self._task is not None else None
        words = self._end.words or (_leaf(error) if error is not None else otherwise)
        return f"{words} (HTTP status {self._end.status})" if self._end.status else words

    async def _reason(self, error: Exception) -> str:
        """Why something failed: the server's own end says more than the connection's."""
        if isinstance(error, ServerFailed):
            return str(error)
        if not isinstance(error, MCPError):
            return f"it answered what no server may: {_leaf(error)}"
        try:
            async with asyncio.timeout(0.5):
                await self._end.over.wait()
        except TimeoutError:
            status = f" (HTTP status {self._end.status})" if self._end.status else ""
            if self._end.status == SESSION_GONE:
                self._end.over.set()
            return f"it answered with an error: {error.error.message[:2000]}{status}"
        return self._why("it has ended")


def _leaf(error: BaseException) -> str:
    """The first thing that went wrong, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    if isinstance(error, RunnerError):
        return str(error)
    if isinstance(error, MCPError):
        return f"it answered with an error: {error.error.message[:1000]}"
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(str(each) for each in first['loc'])}: {first['msg']}"[:1000]
    return f"{type(error).__name__}: {error}"[:1000]
