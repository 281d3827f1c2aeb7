"""A vault over a real store, with the rungs that a test wants."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.secrets.handed import Handed
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.secrets.ladder import Ladder
from stigmer_backend.secrets.sealing import Place
from stigmer_backend.secrets.vault import Step, Vault
from stigmer_backend.store import Store

NO_KEYRING = (
    sys.executable,
    "-c",
    'import sys; sys.stdin.readline(); print(\'{"error": "NoKeyring", "detail": "test"}\')',
)
"""A keyring's helper that finds no keyring."""


@dataclass(slots=True)
class Opened:
    """A vault and its store."""

    vault: Vault
    store: Store

    async def seal(self, name: str, plain: str, resource_id: str = "env-1") -> str:
        """Seal a value in a transaction of its own."""
        place = Place("Environment", resource_id, name)
        return await self.store.write(lambda state: self.vault.seal(state, place, plain, 1))

    async def opened(self, name: str, sealed: str, resource_id: str = "env-1") -> str:
        """Open a value."""
        place = Place("Environment", resource_id, name)
        return await self.store.read_state(lambda state: self.vault.open(state, place, sealed))


def ladder(root: Path, *, passphrase: bytes = b"", credential: bytes = b"", keyring: OsKeyring | None = None) -> Ladder:
    """The rungs; without `keyring` there is none."""
    absent = OsKeyring({}, command=NO_KEYRING)
    return Ladder(keyring or absent, Handed(passphrase, credential), root / "keys")


@asynccontextmanager
async def open_vault(root: Path, rungs: Ladder | None = None, on_step: Step | None = None) -> AsyncGenerator[Opened]:
    """A vault; again on the same `root` is another start of the daemon."""
    store = await Store.open(root / "data")
    try:
        yield Opened(Vault(store, rungs or ladder(root), on_step), store)
    finally:
        await store.close()


def stamps() -> Stamps:
    """A clock."""
    return Stamps(lambda: 1_800_000_000.0)
