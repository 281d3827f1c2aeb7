"""A backend on the network: real listeners with TLS on loopback, over a real store."""

import datetime as dt
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis._generated.stigmer.access.v1 import api_key_service_pb2_grpc
from stigmer_apis._generated.stigmer.server.v1 import server_pb2_grpc
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusResponse
from stigmer_apis.client import Client, ClientOptions
from stigmer_apis.client.remote import Remote
from stigmer_apis.config import Server
from stigmer_apis.transport import aio
from stigmer_backend.access import Role
from stigmer_backend.access.api_keys import API_KEYS_FILE, ApiKeys
from stigmer_backend.access.authority import Credentials, own_credentials
from stigmer_backend.daemon.ending import Ending
from stigmer_backend.daemon.failures import store_failure
from stigmer_backend.daemon.health import Health, serve_health
from stigmer_backend.daemon.network import Address, Limits, NetworkDoor, NetworkListener
from stigmer_backend.daemon.networking import Network
from stigmer_backend.daemon.reflection import serve_reflection
from stigmer_backend.daemon.server_service import ServerService
from tests.support.served_backend import Served, serve_backend

NOW = dt.datetime.now(dt.UTC)


@dataclass(slots=True)
class Networked:
    """A backend that is reached over TLS."""

    served: Served
    listener: NetworkListener
    credentials: Credentials
    keys: ApiKeys

    @property
    def endpoint(self) -> str:
        """Where."""
        return f"127.0.0.1:{self.listener.port}"

    def key(self, role: Role = Role.OPERATOR, name: str = "", expires_micros: int = 0) -> str:
        """A new key."""
        return self.keys.create(
            name or f"key {len(self.keys.list())}", role, expires_micros, self.credentials.fingerprint
        )[1]

    def client(self, key: str = "", **options: float) -> Client:
        """A client of another machine."""
        remote = Remote(self.endpoint, key or self.key())
        return Client(self.served.home, remote=remote, options=ClientOptions(patience=options.get("patience", 0.0)))


@asynccontextmanager
async def networked(
    root: Path,
    *,
    storage: str = "",
    credentials: Credentials | None = None,
    port: int = 0,
    limits: Limits | None = None,
) -> AsyncGenerator[Networked]:
    """Serve the backend of the home `root` with TLS, as the daemon does."""
    async with serve_backend(root, storage=storage) as served:
        shown = credentials or own_credentials(served.home.data, "127.0.0.1", NOW)
        keys = ApiKeys(served.home.data / API_KEYS_FILE)
        network = Network(keys, Server(), lambda: shown, shown)
        service = ServerService(
            pid=0,
            home="",
            incarnation=served.store.incarnation,
            status=_no_status,
            ending=Ending(),
            stopped_note=served.home.stopped_note,
        )

        def own(server: aio.Server) -> None:
            server_pb2_grpc.add_ServerServiceServicer_to_server(service, server)
            serve_health(Health(), server)
            serve_reflection(server)
            api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server(network.service, server)

        door = NetworkDoor(
            Address("127.0.0.1", port),
            frozenset({Role.VIEWER, Role.OPERATOR}),
            [served.backend.register_operator, own],
            shown,
            limits or Limits(),
        )
        listener = NetworkListener(door, keys, [store_failure], served.backend.interceptors)
        await listener.open()
        try:
            yield Networked(served, listener, shown, keys)
        finally:
            await listener.close(0.2)


async def _no_status() -> GetStatusResponse:
    raise AssertionError("nobody asks for it here")
