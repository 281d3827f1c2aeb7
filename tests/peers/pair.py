"""Two daemons' servers on sockets of their own: one that leads, and one that passes on what it is asked."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from stigmer_apis.home import Home
from stigmer_apis.transport import aio, archive_options, grpc, server_options, unix_target
from stigmer_backend.access import AccessInterceptor, Role, Tokens
from stigmer_backend.peers.credential import Peers
from stigmer_backend.peers.forwarding import Forwarding, every_method
from stigmer_backend.peers.way import Way
from stigmer_backend.store.roll import Lead, Presence
from tests.access.served import short_home

HERE = Presence(host="here", pid=2, version="0", home="/b", machine="m")


@dataclass(slots=True)
class Pair:
    """The one that passes on, and what it knows of the one that leads."""

    home: Home
    tokens: Tokens
    channel: aio.Channel
    forwarding: Forwarding
    way: Way
    lead: Lead | None

    def token(self, role: Role) -> str:
        """A token of a role, of the daemon that passes on."""
        if role is Role.RUNNER:
            return self.tokens.issue_runner("run-1")
        path = self.home.operator_token if role is Role.OPERATOR else self.home.viewer_token
        return path.read_text().strip()

    def next_epoch(self) -> None:
        """Another daemon leads, by the same socket: only its number and its key are others."""
        assert self.lead is not None
        self.lead = replace(self.lead, epoch=self.lead.epoch + 1, key=bytes(32))


@asynccontextmanager
async def pair(directory: Path, handlers: Sequence[grpc.GenericRpcHandler], wait: float = 20.0) -> AsyncGenerator[Pair]:
    """Both, until the block ends. `handlers` are what the one that leads has."""
    home, socket = short_home(directory), directory / "p.sock"
    home.prepare()
    lead = Lead(7, b"k" * 32, "i", replace(HERE, host="there", pid=1, home="/a", socket=str(socket)))
    leading = await _server(AccessInterceptor(Peers(lambda: both.lead, None), admits=frozenset(Role)), handlers, socket)
    tokens = Tokens.open(home)
    way = Way(lambda: both.lead, HERE, wait)
    forwarding = Forwarding(way, "here")
    admitting = AccessInterceptor(Peers(lambda: None, tokens), admits=frozenset(Role))
    server = aio.server(interceptors=[admitting], options=server_options())
    forwarding.register(server, every_method())
    server.add_insecure_port(unix_target(home.operator_socket))
    await server.start()
    channel = aio.insecure_channel(unix_target(home.operator_socket), options=archive_options())
    both = Pair(home, tokens, channel, forwarding, way, lead)
    keeping = asyncio.create_task(way.keep())
    try:
        yield both
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await channel.close()
        await server.stop(None)
        await leading.stop(None)


async def _server(
    interceptor: AccessInterceptor, handlers: Sequence[grpc.GenericRpcHandler], socket: Path
) -> aio.Server:
    server = aio.server(interceptors=[interceptor], options=server_options())
    server.add_generic_rpc_handlers(handlers)
    server.add_insecure_port(unix_target(socket))
    await server.start()
    return server
