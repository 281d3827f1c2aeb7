"""How a daemon is put together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from stigmer_apis.config import Retention, Server, Telemetry, Temporal
from stigmer_apis.protocol import LEASE_SECONDS
from stigmer_backend.daemon.supervisor import SupervisorOptions
from stigmer_backend.secrets.handed import Handed
from stigmer_backend.store import StoreOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How a daemon is put together. The defaults are the daemon's; tests change them."""

    storage: str = ""
    """URI of the storage; empty: the home's directory of data."""
    standby: bool = False
    """Whether to wait where another daemon has the storage."""
    store: StoreOptions = field(default_factory=StoreOptions)
    supervisor: SupervisorOptions = field(default_factory=SupervisorOptions)
    silent: float = LEASE_SECONDS
    """Seconds after which a connected runner that says nothing counts as not connected."""
    grace: float = 2.0
    """Seconds that calls under way are given at the end."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """What the runner's environment is chosen from."""
    handed: Handed = field(default_factory=Handed)
    """Secrets out of the environment of the start."""
    network: Server = field(default_factory=Server)
    """Where it answers beside its sockets."""
    telemetry: Telemetry = field(default_factory=Telemetry)
    """What it tells tools that watch."""
    temporal: Temporal | None = None
    """Where runs are driven by Temporal: its settings; a managed server is kept by the daemon."""
    retention: Retention = field(default_factory=Retention)
    """Which runs go by themselves."""
