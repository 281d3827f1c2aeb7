"""A daemon on another machine: how it is reached, and what is another file system there."""

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.client.remote import Remote
from stigmer_apis.home import Home
from stigmer_apis.transport import aio
from stigmer_runner.errors import RefusedByDaemon

GREETING_SECONDS = 10.0
PATIENCE = math.inf
"""Seconds without that daemon after which the runner leaves: never. It is there for that machine, whenever that is back."""
HOME = "runner"
"""The folder in Stigmer's home that such a runner has for its own: a runner of this machine's daemon may work beside it."""


@dataclass(frozen=True)
class Elsewhere:
    """The way to the daemon, and what this runner says of itself."""

    remote: Remote
    workspaces: Path
    """Where sessions have directories of their own on this machine."""
    labels: Sequence[str]
    """What work may ask for; the name of this machine is among them."""
    host: str

    @classmethod
    def at(cls, remote: Remote, home: Home, labels: Sequence[str]) -> "Elsewhere":
        """The way to `remote` for a runner that has `home` for its own."""
        host = platform.node() or "unknown"
        return cls(remote, home.workspaces, tuple(dict.fromkeys((*labels, host))), host)

    async def known_as(self) -> str:
        """The id that the daemon knows this runner by. Raises what `Remote.dial` raises, and `RefusedByDaemon` for the key of another role."""
        wire, info = await self.remote.dial(GREETING_SECONDS)
        await wire.channel.close()
        if not info.runner_id:
            raise RefusedByDaemon(
                f"the key is one of the role {info.role}: a runner takes one of its own, which "
                "`stigmer apikey create NAME --role runner` makes on the server's machine"
            )
        return info.runner_id

    async def open(self) -> aio.Channel:
        """A channel to the daemon, and to nobody else."""
        return await self.remote.channel()

    def settle(self, grant: LinkResponse.LeaseGranted) -> None:
        """Let a session's own directory be one of this machine. One that a person named has to be here under the same name."""
        if grant.workspace_is_own:
            own = self.workspaces / Path(grant.workspace).name
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            grant.workspace = str(own)
