"""Makes the engine of a runner from its settings. Imported where the first run needs a cluster."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from stigmer_apis.config import Temporal
from stigmer_apis.home import Home
from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.workflow_interpreter import WorkflowInterpreter
from stigmer_runner.errors import RunnerError
from stigmer_runner.temporal.cluster import ClusterOptions, TemporalEngine
from stigmer_runner.temporal.key_file import sealing_key
from stigmer_runner.temporal.large_values import KeptValues
from stigmer_runner.temporal.library import TLSConfig
from stigmer_runner.temporal.patience import ClusterAway

MANAGED_RECORD = "temporal.json"
"""Below the data: where the daemon's own server answers."""
_LONGEST_KEY = 64 * 1024


def temporal_engine(settings: Temporal, home: Home, runner_id: str, values: KeptValues) -> TemporalEngine:
    """The engine; it connects when the first run needs it. Blocking: certificates are read. Raises `RunnerError`."""

    async def key() -> bytes:
        return await asyncio.to_thread(sealing_key, home.data)

    async def address() -> str:
        return await asyncio.to_thread(managed_address, home) if settings.managed else settings.address

    options = ClusterOptions(
        address=address,
        namespace=settings.namespace,
        identity=f"{runner_id}@{socket.gethostname()}",
        at_once=settings.max_concurrency,
        api_key=_api_key(settings.api_key_file) if settings.api_key_file else None,
        tls=_tls(settings),
        own=settings.managed,
    )
    return TemporalEngine(options, _definitions, key, values)


def managed_address(home: Home) -> str:
    """Where the daemon's own server answers. Blocking. Raises `ClusterAway` while it does not."""
    try:
        document: object = json.loads((home.data / MANAGED_RECORD).read_bytes())
    except (OSError, ValueError):
        document = None
    found = cast(dict[str, object], document).get("address") if isinstance(document, dict) else None
    if not isinstance(found, str):
        raise ClusterAway("The Temporal server of this machine has not started yet")
    return found


def _definitions() -> Sequence[type[object]]:
    return (AgentLoop, WorkflowInterpreter)


def _api_key(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if os.fstat(descriptor).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise RunnerError(f"others can read {path}, which holds the key of Temporal: chmod 600 {path}")
            key = file.read(_LONGEST_KEY).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RunnerError(f"the key of Temporal cannot be read from {path}: {error}") from error
    if not key:
        raise RunnerError(f"{path} is empty: it should hold the key of Temporal")
    return key


def _tls(settings: Temporal) -> TLSConfig | bool:
    if not (settings.tls or settings.tls_ca or settings.tls_cert or settings.api_key_file):
        return False
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise RunnerError("backend.local.temporal.tls_cert and .tls_key go together: set both or none")
    return TLSConfig(
        server_root_ca_cert=_pem(settings.tls_ca),
        client_cert=_pem(settings.tls_cert),
        client_private_key=_pem(settings.tls_key),
    )


def _pem(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunnerError(f"a certificate for Temporal cannot be read from {path}: {error.strerror}") from error
