"""The protocol's messages through the pipes of a walled program."""

from typing import cast

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from stigmer_runner.mcp.walled import Streams


class WalledTransport:
    """JSON-RPC messages, as the protocol's library moves them. It framed none of them: the guard did, and bounded them."""

    def __init__(self, streams: Streams) -> None:
        self._incoming, self._outgoing = streams

    async def send(self, message: dict[str, object]) -> None:
        """Send one. Raises `ConnectionError` where the program has gone."""
        try:
            await self._outgoing.send(SessionMessage(jsonrpc_message_adapter.validate_python(message)))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise ConnectionError("the program has ended") from error

    async def receive(self) -> dict[str, object] | None:
        """The next one; None once there are no more."""
        while True:
            try:
                item = await self._incoming.receive()
            except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
                return None
            if isinstance(item, SessionMessage):
                return cast(
                    "dict[str, object]", item.message.model_dump(by_alias=True, exclude_unset=True, mode="json")
                )

    async def close(self) -> None:
        """The pipes are closed by whoever opened them."""
