"""The rungs of the ladder: the places where a master key can be kept."""

import asyncio
import base64
import binascii
import os
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from stigmer_backend.secrets.envelope import SALT_BYTES, WrongKey, bind, decrypt, derive_key, encrypt
from stigmer_backend.secrets.errors import RungFailed
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.secrets.master import MasterKey

SHORTEST_PASSPHRASE: Final = 8
"""In bytes."""
CREDENTIAL: Final = "stigmer-master-key"
"""The name of the systemd credential."""


class Holder(Protocol):
    """Keeps master keys in one place. Methods raise `RungFailed` where the place does not work."""

    async def usable(self) -> str:
        """Whether a key could be kept here now: in words, which place it is."""
        ...

    async def fetch(self, master: MasterKey) -> bytes:
        """The key that was kept."""
        ...

    async def keep(self, master: MasterKey, key: bytes) -> MasterKey:
        """Keep a key, and return what is to be noted of it. Keeping it again does no harm."""
        ...

    async def destroy(self, master: MasterKey) -> None:
        """Destroy a key, if it is there."""
        ...


class KeyringHolder:
    """In the OS keyring."""

    def __init__(self, keyring: OsKeyring) -> None:
        self._keyring = keyring

    async def usable(self) -> str:
        """Which keyring, after it has kept and given back a value."""
        return await self._keyring.probe()

    async def fetch(self, master: MasterKey) -> bytes:
        """The key out of the keyring."""
        found = await self._keyring.get(_entry(master))
        if found is None:
            raise RungFailed(
                f"the {self._keyring.name} has no entry {_entry(master)!r} of the service 'stigmer' any more: bring it back from a backup"
            )
        try:
            return base64.b64decode(found, validate=True)
        except binascii.Error as error:
            raise RungFailed(f"the entry {_entry(master)!r} of the keyring is not what was put there") from error

    async def keep(self, master: MasterKey, key: bytes) -> MasterKey:
        """Put the key into the keyring, and see that it is there."""
        await self._keyring.put(_entry(master), base64.b64encode(key).decode())
        if await self.fetch(master) != key:
            raise RungFailed("the keyring does not give back what it was given: nothing is kept in it")
        return master

    async def destroy(self, master: MasterKey) -> None:
        """Remove the entry."""
        await self._keyring.delete(_entry(master))


class PassphraseHolder:
    """In the store, wrapped by a key made of a passphrase: a person's, or what a systemd credential holds.

    A passphrase that opened is not kept: what scrypt made of it is.
    """

    def __init__(self, offered: bytes, absent: str) -> None:
        """`offered`: a passphrase to try, empty for none. `absent`: why there is none, and how to give one."""
        self._offered = offered
        self._absent = absent
        self._made: tuple[bytes, bytes] | None = None

    def offer(self, passphrase: bytes) -> None:
        """Another passphrase, for the next key that is fetched or kept."""
        self._offered = passphrase
        self._made = None

    async def usable(self) -> str:
        """Whether there is a passphrase."""
        if not self._offered and self._made is None:
            raise RungFailed(self._absent)
        if self._offered and len(self._offered) < SHORTEST_PASSPHRASE:
            raise RungFailed(f"the passphrase has {len(self._offered)} bytes: use at least {SHORTEST_PASSPHRASE}")
        return "there is one"

    async def fetch(self, master: MasterKey) -> bytes:
        """Unwrap the key."""
        if self._made is not None and self._made[0] == master.salt:
            made = self._made
        elif self._offered:
            made = (master.salt, await asyncio.to_thread(derive_key, self._offered, master.salt))
        else:
            raise RungFailed(self._absent)
        try:
            key = decrypt(made[1], master.wrapped, _bound(master))
        except WrongKey as error:
            raise RungFailed("the passphrase is not the one that the secrets were locked with") from error
        self._made, self._offered = made, b""
        return key

    async def keep(self, master: MasterKey, key: bytes) -> MasterKey:
        """Wrap the key."""
        await self.usable()
        if self._offered:
            salt = os.urandom(SALT_BYTES)
            self._made = (salt, await asyncio.to_thread(derive_key, self._offered, salt))
            self._offered = b""
        assert self._made is not None
        salted = replace(master, salt=self._made[0])
        return replace(salted, wrapped=encrypt(self._made[1], key, _bound(salted)))

    async def destroy(self, master: MasterKey) -> None:
        """The note of it goes with its wrapped form; there is no more of it."""


class MemoryHolder:
    """In this process alone."""

    def __init__(self) -> None:
        self._keys: dict[bytes, bytes] = {}

    async def usable(self) -> str:
        """Always."""
        return "until the daemon stops"

    async def fetch(self, master: MasterKey) -> bytes:
        """The key, if it is of this start of the daemon."""
        key = self._keys.get(master.id)
        if key is None:
            raise RungFailed(
                "the values were for one start of the daemon, and are gone since it stopped: set them again"
            )
        return key

    async def keep(self, master: MasterKey, key: bytes) -> MasterKey:
        """Remember the key."""
        self._keys[master.id] = key
        return master

    async def destroy(self, master: MasterKey) -> None:
        """Forget the key."""
        self._keys.pop(master.id, None)


class FileHolder:
    """In a file of mode 0600 in a directory of mode 0700, beside the store and not in it. Only where a person asked for it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def usable(self) -> str:
        """Where it would be."""
        return f"{self._directory}, only if you ask for it"

    async def fetch(self, master: MasterKey) -> bytes:
        """Read the key."""
        return await asyncio.to_thread(self._read, self._path(master))

    async def keep(self, master: MasterKey, key: bytes) -> MasterKey:
        """Write the key, durably."""
        await asyncio.to_thread(self._write, self._path(master), key)
        return master

    async def destroy(self, master: MasterKey) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError):
            await asyncio.to_thread(self._path(master).unlink)

    def _path(self, master: MasterKey) -> Path:
        return self._directory / f"{master.id.hex()}.key"

    def _write(self, path: Path, key: bytes) -> None:
        fresh = path.with_suffix(".new")
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._directory.chmod(0o700)
            with suppress(FileNotFoundError):
                fresh.unlink()
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(base64.b64encode(key) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise RungFailed(f"the key file {path} cannot be written: {error.strerror}") from error

    def _read(self, path: Path) -> bytes:
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                mode = os.fstat(file.fileno())
                if mode.st_uid != os.geteuid() or stat.S_IMODE(mode.st_mode) & 0o077:
                    raise RungFailed(f"the key file {path} is open to others: chmod 600 it, then rotate the key")
                return base64.b64decode(file.read().strip(), validate=True)
        except OSError as error:
            raise RungFailed(f"the key file {path} cannot be read: {error.strerror}; bring it back") from error
        except binascii.Error as error:
            raise RungFailed(f"the key file {path} is damaged; bring it back from a backup") from error


def _entry(master: MasterKey) -> str:
    return f"master-{master.id.hex()}"


def _bound(master: MasterKey) -> bytes:
    return bind("master key", master.id, master.salt)
