"""Settings of executions."""

from dataclasses import dataclass, field

from stigmer_apis.protocol import HEARTBEAT_SECONDS, LEASE_SECONDS
from stigmer_backend.executions.drives import Drives


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """Times are in seconds, sizes in bytes. The defaults are the design's; tests make them small."""

    lease_seconds: float = LEASE_SECONDS
    """A runner that says nothing for so long loses its leases; after the daemon's start living runners get as long to come back."""
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    """A tail says at least this often how far it is."""
    tail_spacing_seconds: float = 0.016
    """Least time between two batches of deltas to one reader; other events are sent at once."""
    tail_batch_bytes: int = 64 << 10
    """A batch as large as this is sent without waiting. Larger ones hold one event or stored chunk alone."""
    watch_spacing_seconds: float = 0.05
    """Least time between two messages of a Watch."""
    subscribe_spacing_seconds: float = 0.1
    """Least time between two objects of a published subscribe."""
    command_wait_seconds: float = 30.0
    """How long SendMessage waits until the execution has taken the message."""
    cancel_wait_seconds: float = 60.0
    """The longest that Cancel waits for the end."""
    snapshot_bytes: int = 4 << 20
    """A fold is written down each time this much was folded."""
    unacknowledged_bytes: int = 32 << 20
    """A runner is read no further while this much of it waits to become durable."""
    retry_seconds: float = 0.5
    """First pause after a full disk; it doubles up to `retry_limit_seconds`."""
    retry_limit_seconds: float = 5.0
    """Longest pause after a full disk."""
    watch_history: int = 20_000
    """Changed executions that Watch remembers; a reader that is further behind lists again."""
    scan_rows: int = 100_000
    """Rows that one filtered list looks at."""
    drives: Drives = field(default_factory=Drives)
    """What drives executions that begin."""
