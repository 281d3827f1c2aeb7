"""One stream to the daemon, from hello to its end."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis.protocol import RUNNER_HEARTBEAT_SECONDS
from stigmer_apis.transport import aio
from stigmer_runner.link.outbox import Outbox

_logger = logging.getLogger(__name__)

GROUP_BYTES = 64 << 10
GROUP_APPENDS = 64
"""How much goes into one frame."""

LinkCall = aio.StreamStreamCall[LinkRequest, LinkResponse]


class Sendable:
    """Who has something to send, in turn: one append each, so that a flood of one does not delay the others."""

    def __init__(self) -> None:
        self.groups = False
        """Whether appends that wait may go as one frame."""
        self._waiting: dict[Outbox, None] = {}
        self._frames: deque[LinkRequest] = deque()
        self._more = asyncio.Event()

    def wake(self, outbox: Outbox) -> None:
        """`outbox` has something to send."""
        self._waiting[outbox] = None
        self._more.set()

    def push(self, frame: LinkRequest) -> None:
        """A frame that goes before all appends."""
        self._frames.append(frame)
        self._more.set()

    def clear(self) -> None:
        """Forget who waits: a new connection begins."""
        self.groups = False
        self._waiting.clear()
        self._frames.clear()

    async def next(self) -> LinkRequest:
        """The next frame to send."""
        while True:
            if self._frames:
                return self._frames.popleft()
            frame = self._next_append()
            if frame is not None:
                return self._with_more(frame) if self.groups and self._waiting else frame
            self._more.clear()
            await self._more.wait()

    def _next_append(self, most: int | None = None) -> LinkRequest | None:
        """The append of whose turn it is; None where nobody has one, or it has more than `most` bytes."""
        while self._waiting:
            outbox = next(iter(self._waiting))
            if most is not None and outbox.next_bytes > most:
                return None
            del self._waiting[outbox]
            frame = outbox.next_frame()
            if frame is not None:
                self._waiting[outbox] = None
                return frame
        return None

    def _with_more(self, first: LinkRequest) -> LinkRequest:
        """An append with those that wait behind it, as one frame."""
        frames, left = [first], GROUP_BYTES - _size(first)
        while len(frames) < GROUP_APPENDS and (frame := self._next_append(left)) is not None:
            frames.append(frame)
            left -= _size(frame)
        if len(frames) == 1:
            return first
        return LinkRequest(appends=LinkRequest.Appends(appends=[frame.append for frame in frames]))


def _size(frame: LinkRequest) -> int:
    return len(frame.append.events) + len(frame.append.journal)


class Conversation:
    """Speaks over one call. `listen` is called with each frame after the welcome."""

    def __init__(
        self,
        call: LinkCall,
        sendable: Sendable,
        heartbeat: Callable[[], LinkRequest],
        listen: Callable[[LinkResponse], None],
    ) -> None:
        self._call = call
        self._sendable = sendable
        self._heartbeat = heartbeat
        self._listen = listen

    async def open(self, hello: LinkRequest) -> LinkResponse.Welcome | None:
        """Say hello and return the welcome; None where the stream ended instead. Raises `aio.AioRpcError`."""
        await self._call.write(hello)
        first = await self._read()
        return first.welcome if first is not None and first.HasField("welcome") else None

    async def go_on(self) -> None:
        """Send and listen until the stream ends. Raises `aio.AioRpcError`."""
        talking = (asyncio.create_task(self._write_all()), asyncio.create_task(self._beat()))
        for task in talking:
            task.add_done_callback(lambda _: self._call.cancel())
        try:
            while (frame := await self._read()) is not None:
                self._listen(frame)
        finally:
            for task in talking:
                task.cancel()
            await asyncio.wait(talking)
        for task in talking:
            if not task.cancelled():
                task.result()

    async def _read(self) -> LinkResponse | None:
        try:
            frame = await self._call.read()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return None  # the call was cancelled, not we
        return frame if isinstance(frame, LinkResponse) else None

    async def _write_all(self) -> None:
        """Send what there is to send. A write that fails means that the stream has ended, which the reader sees."""
        try:
            while True:
                await self._call.write(await self._sendable.next())
        except (aio.AioRpcError, asyncio.InvalidStateError, aio.UsageError) as error:
            _logger.debug("the link takes nothing any more: %s", error)

    async def _beat(self) -> None:
        while True:
            self._sendable.push(self._heartbeat())
            await asyncio.sleep(RUNNER_HEARTBEAT_SECONDS)
