"""A person at an execution's terminal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2 import AttachRequest, AttachResponse
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import FailedPrecondition, StigmerError, Unavailable
from stigmer_apis.protocol import MAX_INPUT_BYTES
from stigmer_apis.transport import aio


class AttachSession:
    """Keys and sizes one way, what becomes of the terminal the other: `async with`, then write, resize, and iterate.

    Iterating gives `attached` first and `ended` last; output is in the execution's events alone. It is not made again when the connection breaks:
    a person must know that the keys did not arrive. Then iterating and writing raise `Unavailable`.
    """

    def __init__(self, connection: Connection, opening: AttachRequest.Open) -> None:
        self._connection = connection
        self._opening = opening
        self._stack = AsyncExitStack()
        self._wire: Wire | None = None
        self._call: aio.StreamStreamCall[AttachRequest, AttachResponse] | None = None
        self._first: AttachResponse | None = None

    @property
    def attached(self) -> AttachResponse.Attached:
        """Which terminal it is. Raises `Unavailable` before the session is entered."""
        if self._first is None:
            raise Unavailable("not attached yet")
        return self._first.attached

    async def __aenter__(self) -> Self:
        """Attach. Raises `NotFound`, and `FailedPrecondition` where no terminal runs or it is somebody else's."""
        async with AsyncExitStack() as stack:
            self._wire = await stack.enter_async_context(self._connection.wire())
            call = self._call = self._wire.terminals.Attach(metadata=self._wire.metadata())
            stack.callback(call.cancel)
            await self._send(AttachRequest(open=self._opening))
            first = await self._read()
            if first is None or first.WhichOneof("frame") != "attached":
                reason = first.ended.reason if first is not None else ""
                raise FailedPrecondition(f"cannot attach: {reason or 'the server ended the stream'}")
            self._first = first
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        await self._stack.aclose()

    async def write(self, keys: bytes) -> None:
        """Send keys, exactly as the person's terminal gave them. Raises `Unavailable` where the session has ended."""
        for begin in range(0, len(keys), MAX_INPUT_BYTES):
            await self._send(AttachRequest(input=AttachRequest.Input(data=keys[begin : begin + MAX_INPUT_BYTES])))

    async def resize(self, columns: int, rows: int) -> None:
        """Tell the size of the person's terminal, in cells."""
        await self._send(AttachRequest(resize=AttachRequest.Resize(columns=columns, rows=rows)))

    async def let_go(self) -> None:
        """Say that no keys follow, and wait until all that were sent have been passed on. Raises `Unavailable` where that cannot be known."""
        await self._open_call().done_writing()
        while await self._read() is not None:
            pass

    async def __aiter__(self) -> AsyncIterator[AttachResponse]:
        """What becomes of the terminal, to its end."""
        if self._first is not None:
            yield self._first
        while (response := await self._read()) is not None:
            yield response

    async def _send(self, request: AttachRequest) -> None:
        call = self._open_call()
        try:
            await call.write(request)
        except aio.AioRpcError as error:
            raise self._broken(error) from error
        except (aio.UsageError, asyncio.InvalidStateError) as error:
            raise Unavailable("the terminal's session has ended") from error

    async def _read(self) -> AttachResponse | None:
        call = self._open_call()
        try:
            response = await call.read()
        except aio.AioRpcError as error:
            raise self._broken(error) from error
        return response if isinstance(response, AttachResponse) else None

    def _open_call(self) -> "aio.StreamStreamCall[AttachRequest, AttachResponse]":
        if self._call is None:
            raise Unavailable("not attached yet", remedy="use the session as `async with client.attach(...)`")
        return self._call

    def _broken(self, error: aio.AioRpcError) -> StigmerError:
        assert self._wire is not None
        return self._connection.broken(self._wire, error)
