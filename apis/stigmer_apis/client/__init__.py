"""The client: what the app, the command line and programs of others use. There is no second one.

    async with Stigmer() as stigmer:
        execution = await stigmer.agents["shell"].run("echo hello")
        result = await execution.result()

- `stigmer`: `Stigmer`, agents, sessions and executions as handles; `sync`: the same without an event loop.
- `client`: `Client`, one method for each thing that can be asked. `options`: how it behaves.
- `connection`, `wire`, `dial`: one connection that is made again when it breaks, and what is wrong when it cannot be.
- `tailing`, `watching`, `attaching`: the three streams. `calls`: one call with one answer.
- `launch`: starts the daemon. `environment`: what of a terminal an execution is told.

Imports point down this list: `stigmer` uses `client`, `client` uses the streams and `calls`, these use `connection`, that uses `launch` and `dial`.
"""

from typing import TYPE_CHECKING

from stigmer_apis.client.attaching import AttachSession
from stigmer_apis.client.client import Client
from stigmer_apis.client.connection import Connection, ConnectionState
from stigmer_apis.client.environment import client_environment
from stigmer_apis.client.launch import ensure_daemon
from stigmer_apis.client.options import ClientOptions
from stigmer_apis.client.tailing import TailBatch, TailEnd, TailHeartbeat, TailItem, TailReset

if TYPE_CHECKING:
    from stigmer_apis.client.remote import Remote
    from stigmer_apis.client.stigmer import AgentHandle, Execution, Result, SessionHandle, Stigmer
    from stigmer_apis.client.sync import SyncStigmer

__all__ = [
    "AgentHandle",
    "AttachSession",
    "Client",
    "ClientOptions",
    "Connection",
    "ConnectionState",
    "Execution",
    "Remote",
    "Result",
    "SessionHandle",
    "Stigmer",
    "SyncStigmer",
    "TailBatch",
    "TailEnd",
    "TailHeartbeat",
    "TailItem",
    "TailReset",
    "client_environment",
    "ensure_daemon",
]

_ELSEWHERE = {
    "AgentHandle": "stigmer",
    "Execution": "stigmer",
    "Result": "stigmer",
    "SessionHandle": "stigmer",
    "Stigmer": "stigmer",
    "SyncStigmer": "sync",
    "Remote": "remote",
}


def __getattr__(name: str) -> object:
    """What the app does without is imported when somebody asks for it."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"stigmer_apis.client.{_ELSEWHERE[name]}"), name)
