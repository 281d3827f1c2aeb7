"""What the tool calls of one execution share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network
from stigmer_runner.sandbox import Sandbox
from stigmer_runner.tools.preparing import Standing


@dataclass(frozen=True)
class SessionPlace:
    """Where the tools of an execution work."""

    execution_id: str
    session_id: str
    workspace: Path
    sandbox: Sandbox
    marker_prefix: str
    """Of the markers by which children are found again after a crash."""
    state_directory: Path
    """A 0700 directory of the session's own outside the workspace, hidden from commands: snapshots for undo, output of commands."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Values of the execution's context: commands have them, nothing else has."""
    scratch: Path | None = None
    """The session's own /tmp."""
    network: Network = field(default_factory=Network)
    """What a model's commands reach; unspecified is closed."""


class ToolSession:
    """Made once for an execution when its runner takes it; `close` ends what runs in the background."""

    def __init__(self, place: SessionPlace) -> None:
        self.place = place

    def standing(self) -> Standing:
        """Where a call would run now."""
        raise NotImplementedError

    async def undo_turn(self, message_id: str) -> None:
        """Put back the files that the turn which `message_id` began changed."""
        raise NotImplementedError

    async def close(self) -> None:
        """End every process of the session and wait for that."""
