"""What this daemon says of itself to others on the same database, and what it tells of them."""

import hashlib
import os
import socket
from collections.abc import Sequence
from dataclasses import replace

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusResponse
from stigmer_apis.home import Home
from stigmer_backend.store.boot import boot_id
from stigmer_backend.store.roll import Presence, Roll


class OwnPresence:
    """Changes when the daemon begins to listen, and is told every second from then on."""

    def __init__(self, home: Home) -> None:
        """Blocking on some systems."""
        host = socket.gethostname()
        name = hashlib.sha256(f"{host}\0{home.root}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.now = Presence(
            host=host, pid=os.getpid(), version=__version__, home=str(home.root), machine=f"{host} {boot_id()}"
        )
        self.roll = Roll(name, lambda: self.now)

    def answers(self, *, at: str, address: str, fingerprint: bytes | None, only_address: bool) -> None:
        """From here on others reach it: at the socket `at`, if there is one, and at `address` (HOST:PORT), where who signed has this fingerprint."""
        self.now = replace(
            self.now,
            socket=at,
            address=address,
            fingerprint="" if fingerprint is None else fingerprint.hex(),
            only_address=only_address,
        )


def daemons_of(roll: Roll) -> Sequence[GetStatusResponse.Daemon]:
    """All that have the same database, the one that leads first; none where nothing is known."""
    return [
        GetStatusResponse.Daemon(
            host=seen.presence.host,
            pid=seen.presence.pid,
            version=seen.presence.version,
            home=seen.presence.home,
            leads=seen.leads,
            itself=seen.id == roll.id,
            address=seen.presence.address or seen.presence.socket,
            silent_seconds=seen.silent_seconds,
        )
        for seen in roll.seen
    ]
