"""The ladder: which rungs there are on this machine, and which is the best of them that works."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stigmer_backend.secrets.errors import RungFailed
from stigmer_backend.secrets.handed import Handed
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.secrets.master import Rung
from stigmer_backend.secrets.rungs import (
    CREDENTIAL,
    FileHolder,
    Holder,
    KeyringHolder,
    MemoryHolder,
    PassphraseHolder,
)

CHOSEN: Final = (Rung.KEYRING, Rung.PASSPHRASE, Rung.SYSTEMD_CREDENTIAL, Rung.MEMORY)
"""What is chosen without being asked for, the best first. A key file is not among them."""


@dataclass(frozen=True, slots=True)
class RungReport:
    """One rung, looked at."""

    rung: Rung
    usable: bool
    detail: str


class Ladder:
    """All rungs."""

    def __init__(self, keyring: OsKeyring, handed: Handed, key_files: Path) -> None:
        self.passphrase = PassphraseHolder(
            handed.passphrase,
            handed.problem
            or "none was handed over: `stigmer secrets unlock` takes it, and so does a daemon that starts with STIGMER_PASSPHRASE_FILE",
        )
        credential = PassphraseHolder(
            handed.credential,
            f"systemd handed over no credential {CREDENTIAL!r}: add `LoadCredentialEncrypted={CREDENTIAL}:...` to the daemon's unit",
        )
        self._holders: Mapping[Rung, Holder] = {
            Rung.KEYRING: KeyringHolder(keyring),
            Rung.PASSPHRASE: self.passphrase,
            Rung.SYSTEMD_CREDENTIAL: credential,
            Rung.MEMORY: MemoryHolder(),
            Rung.FILE: FileHolder(key_files),
        }

    def __getitem__(self, rung: Rung) -> Holder:
        """Who keeps keys on this rung."""
        return self._holders[rung]

    async def best(self) -> Rung:
        """The best rung that works now."""
        for rung in CHOSEN:
            if (await self.look(rung)).usable:
                return rung
        return Rung.MEMORY

    async def look(self, rung: Rung) -> RungReport:
        """Whether a rung works."""
        try:
            return RungReport(rung, True, await self._holders[rung].usable())
        except RungFailed as failed:
            return RungReport(rung, False, str(failed))

    async def look_at_all(self) -> list[RungReport]:
        """Whether each of them works."""
        return [await self.look(rung) for rung in Rung]
