"""The client: what the app, the command line and programs of others use. There is no second one.

    async with Client(Home.from_environment()) as client:
        execution = await client.run("shell", "echo hello")
        async for item in client.tail(execution.metadata.id):
            ...

- `client`: `Client`, one method for each thing that can be asked. `options`: how it behaves.
- `connection`, `wire`, `dial`: one connection that is made again when it breaks, and what is wrong when it cannot be.
- `tailing`, `watching`, `attaching`: the three streams. `calls`: one call with one answer.
- `launch`: starts the daemon. `environment`: what of a terminal an execution is told.

Imports point down this list: `client` uses the streams and `calls`, these use `connection`, that uses `launch` and `dial`.
"""

from stigmer_apis.client.attaching import AttachSession
from stigmer_apis.client.client import Client
from stigmer_apis.client.connection import Connection, ConnectionState
from stigmer_apis.client.environment import client_environment
from stigmer_apis.client.launch import ensure_daemon
from stigmer_apis.client.options import ClientOptions
from stigmer_apis.client.tailing import TailBatch, TailEnd, TailHeartbeat, TailItem, TailReset

__all__ = [
    "AttachSession",
    "Client",
    "ClientOptions",
    "Connection",
    "ConnectionState",
    "TailBatch",
    "TailEnd",
    "TailHeartbeat",
    "TailItem",
    "TailReset",
    "client_environment",
    "ensure_daemon",
]
