"""The backend's runners, as the supervisor sees them."""

from collections.abc import Callable
from dataclasses import dataclass

from stigmer_apis.protocol import LEASE_SECONDS
from stigmer_backend.executions.runners import Runners


@dataclass(frozen=True, slots=True)
class BackendConnections:
    """Whether the supervised runner is connected, and what it is told."""

    runners: Runners
    silent: float = LEASE_SECONDS
    """Seconds. A runner whose link is open but that has said nothing for so long counts as not connected."""
    own: Callable[[], str] | None = None
    """Where other daemons have the same database: id of the runner that is this one's. The others' go on without this daemon."""

    def is_connected(self, runner_id: str) -> bool:
        """Whether its link is open, and it speaks."""
        return any(
            facts.runner_id == runner_id and facts.silent_seconds < self.silent for facts in self.runners.describe()
        )

    async def revoke(self, runner_id: str, reason: str) -> None:
        """Take its leases away at once."""
        await self.runners.revoke(runner_id, reason)

    async def nobody_left(self, reason: str) -> None:
        """No runner of an earlier daemon lives: what they held is free at once."""
        if self.own is None:
            await self.runners.release_unclaimed(reason)

    async def shut_down(self, reason: str) -> None:
        """Tell every runner to leave that has no other daemon."""
        own = self.own
        await self.runners.shut_down(reason, lambda runner_id: own is not None and runner_id != own())
