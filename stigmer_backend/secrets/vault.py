"""The vault: seals and opens values with master keys that it holds in memory, and sees to it that it holds them."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.secrets import data_keys
from stigmer_backend.secrets.data_keys import KEY_ID_BYTES, DataKey
from stigmer_backend.secrets.envelope import WrongKey, bind, decrypt, encrypt, new_key
from stigmer_backend.secrets.errors import MasterKeyWanted, RungFailed, SecretGone, SecretsLocked
from stigmer_backend.secrets.ladder import Ladder
from stigmer_backend.secrets.master import MasterKey, Rung, Standing, read_standing, write_standing
from stigmer_backend.secrets.rungs import PassphraseHolder
from stigmer_backend.secrets.sealing import SEALED, Place, is_sealed
from stigmer_backend.store import StateRead, StateWrite, Store

REWRAPPED_AT_ONCE = 500
"""Data keys in one transaction of a rotation."""

Step = Callable[[str], Awaitable[None]]
"""Called before each step of a change of the master key, with its name. Tests stop the process there."""


class Vault:
    """Seals values. Methods that are awaited belong to the event loop; `seal`, `open`, `forget` to the store's threads."""

    def __init__(self, store: Store, ladder: Ladder, on_step: Step | None = None) -> None:
        self._store = store
        self.ladder = ladder
        self._on_step = on_step
        self._keys: Mapping[bytes, bytes] = {}
        self._lock = asyncio.Lock()

    # -- inside transactions ---------------------------------------------------------------------------------------------

    def seal(self, state: StateWrite, place: Place, plain: str, created_ns: int, replaces: str = "") -> str:
        """Seal a value. Raises `MasterKeyWanted` before `prepare`."""
        standing = read_standing(state)
        master = standing.following if standing.ready and standing.following else standing.current
        if master is None:
            raise MasterKeyWanted
        known = self.key_of(state, replaces) if replaces else None
        version = 1 if known is None else known.version + 1
        key, data_key = data_keys.make(place, version, master.id, self._key(master.id))
        data_keys.put(state, key, created_ns)
        sealed = encrypt(data_key, plain.encode(), b"value" + key.bound())
        return SEALED + base64.b64encode(key.key_id + sealed).decode()

    def open(self, state: StateRead, place: Place, sealed: str) -> str:
        """Open a value. Raises `MasterKeyWanted` before `prepare`, `SecretGone`, `SecretBroken`."""
        key_id, ciphertext = _parts(place, sealed)
        key = data_keys.get(state, key_id)
        if key is None:
            raise SecretGone(
                f"the secret {place.name!r} was destroyed", remedy=f"set it again: stigmer secrets set {place.name}"
            )
        if key.place != place:
            raise data_keys.broken(place)
        standing = read_standing(state)
        if key.master not in {one.id for one in (standing.current, standing.following) if one is not None}:
            raise SecretGone(
                f"the secret {place.name!r} was kept for one start of the daemon alone, and is gone since it stopped",
                remedy=f"set it again: stigmer secrets set {place.name}",
            )
        try:
            return decrypt(key.unwrap(self._key(key.master)), ciphertext, b"value" + key.bound()).decode()
        except WrongKey as error:
            raise data_keys.broken(place) from error

    def forget(self, state: StateWrite, sealed: str) -> None:
        """Destroy the data key of a sealed value."""
        if is_sealed(sealed):
            data_keys.destroy(state, _parts(Place("", "", ""), sealed)[0])

    def forget_all(self, state: StateWrite, resource_id: str) -> None:
        """Destroy the data keys of everything in a resource."""
        data_keys.destroy_all(state, resource_id)

    def key_of(self, state: StateRead, sealed: str) -> DataKey | None:
        """The data key of a sealed value, still wrapped; None where it was destroyed."""
        return data_keys.get(state, _parts(Place("", "", ""), sealed)[0])

    def holds(self, master_id: bytes) -> bool:
        """Whether this master key is at hand."""
        return master_id in self._keys

    # -- the master key --------------------------------------------------------------------------------------------------

    async def standing(self) -> Standing:
        """How the master key stands, as it is noted."""
        return await self._store.read_state(read_standing)

    async def prepare(self) -> Rung:
        """Have the master key at hand: fetch the one in use, or make the first one on the best rung. Returns its rung.

        Raises `SecretsLocked` where there are values and the key to them cannot be fetched.
        """
        async with self._lock:
            return await self._prepare()

    async def unlock(self, passphrase: bytes, keep: Rung | None) -> Rung:
        """Open with a passphrase, where one is given; then keep the master key on the rung `keep`, where that is named.

        Going to another rung is a rotation: what was on the old one opens nothing any more. Raises `SecretsLocked`, `FailedPrecondition`
        for a rung that does not work.
        """
        async with self._lock:
            standing = await self.standing()
            wanted = standing.following if standing.ready else standing.current
            is_open = wanted is not None and self.holds(wanted.id)
            if passphrase and not is_open:
                self.ladder.passphrase.offer(passphrase)
            elif passphrase and keep is None and wanted is not None and wanted.rung is Rung.PASSPHRASE:
                await self._check(passphrase, wanted)
            rung = await self._prepare(keep)
            changes_passphrase = is_open and bool(passphrase) and keep is Rung.PASSPHRASE
            if keep is None or (rung is keep and not changes_passphrase):
                return rung
            if standing.ready:
                await self._rotate(rung)
            if changes_passphrase:
                self.ladder.passphrase.offer(passphrase)
            await self._usable(keep)
            await self._rotate(keep)
            return keep

    async def rotate(self) -> int:
        """Make a new master key where the old one is kept, and wrap every data key by it; returns how many were wrapped again.

        Cut off anywhere, it goes on when it is asked again, and every value opens meanwhile. Raises as `prepare`.
        """
        async with self._lock:
            rung = await self._prepare()
            return await self._rotate(rung)

    def _key(self, master_id: bytes) -> bytes:
        key = self._keys.get(master_id)
        if key is None:
            raise MasterKeyWanted
        return key

    async def _prepare(self, preferred: Rung | None = None) -> Rung:
        standing = await self.standing()
        current = standing.current
        if current is not None and self.holds(current.id):
            return current.rung
        if current is not None:
            try:
                await self._fetch_all(standing, current)
            except RungFailed as failed:
                wanted = standing.following if standing.ready and standing.following else current
                if wanted.rung is not Rung.MEMORY and await self._wraps_any(current, wanted):
                    raise locked(wanted.rung, str(failed)) from failed
            else:
                return current.rung
        if preferred is not None:
            await self._usable(preferred)
        rung = preferred or await self.ladder.best()
        await self._begin(standing, rung)
        return rung

    async def _begin(self, standing: Standing, rung: Rung) -> None:
        """The first master key, or one instead of one that is lost and guards nothing that could be opened."""
        lost = tuple(one for one in (standing.current, standing.following) if one is not None)
        following = MasterKey.fresh(rung)
        unready = Standing(None, following, retired=(*standing.retired, *lost))
        await self._note(unready)
        key = new_key()
        kept = await self._keep(following, key)
        self._keys = {**self._keys, kept.id: key}
        await self._note(replace(unready, current=kept, following=None))
        await self._destroy_retired()

    async def _rotate(self, rung: Rung) -> int:
        """Go through the steps of a rotation, from wherever it stands."""
        standing = await self.standing()
        current = standing.current
        assert current is not None
        following = standing.following
        if following is None or (following.rung is not rung and not standing.ready):
            given_up = () if following is None else (following,)
            following = MasterKey.fresh(rung)
            await self._step("note the new key")
            standing = replace(standing, following=following, ready=False, retired=(*standing.retired, *given_up))
            await self._note(standing)
        if not standing.ready:
            key = new_key()
            await self._step("keep the new key")
            following = await self._keep(following, key)
            self._keys = {**self._keys, following.id: key}
            await self._step("use the new key")
            bridge = encrypt(key, self._key(current.id), _bridged(current, following))
            await self._note(replace(standing, following=following, ready=True, bridge=bridge))
        total = await self._rewrap(current, following)
        await self._step("retire the old key")
        await self._note(Standing(following, retired=(*standing.retired, current)))
        await self._destroy_retired()
        return total

    async def _rewrap(self, old: MasterKey, new: MasterKey) -> int:
        old_key, new_key_ = self._key(old.id), self._key(new.id)
        total = 0
        while True:
            await self._step("wrap data keys again")
            done = await self._store.write(
                lambda state: data_keys.rewrap_some(state, old.id, old_key, new.id, new_key_, REWRAPPED_AT_ONCE)
            )
            if not done:
                return total
            total += done

    async def _destroy_retired(self) -> None:
        """Destroy the keys that wrap nothing any more where they are kept; a place that does not work now is tried the next time."""
        standing = await self.standing()
        left: list[MasterKey] = []
        for master in standing.retired:
            await self._step("destroy the old key")
            try:
                await self.ladder[master.rung].destroy(master)
            except RungFailed:
                left.append(master)
                continue
            self._keys = {known: key for known, key in self._keys.items() if known != master.id}
        await self._step("forget the old key")
        await self._note(replace(standing, retired=tuple(left)))

    async def _keep(self, master: MasterKey, key: bytes) -> MasterKey:
        try:
            return await self.ladder[master.rung].keep(master, key)
        except RungFailed as failed:
            raise _unusable(master.rung, str(failed)) from failed

    async def _usable(self, rung: Rung) -> None:
        report = await self.ladder.look(rung)
        if not report.usable:
            raise _unusable(rung, report.detail)

    async def _fetch_all(self, standing: Standing, current: MasterKey) -> None:
        """Have the current key, and the following one where that is in use already. Raises `RungFailed`."""
        following = standing.following
        if following is None or not standing.ready:
            key = await self.ladder[current.rung].fetch(current)
            self._keys = {**self._keys, current.id: key}
            return
        key = await self.ladder[following.rung].fetch(following)
        old = decrypt(key, standing.bridge, _bridged(current, following))
        self._keys = {**self._keys, following.id: key, current.id: old}

    async def _check(self, passphrase: bytes, master: MasterKey) -> None:
        """Raise `FailedPrecondition` where this is not the passphrase of the key that is open."""
        try:
            await PassphraseHolder(passphrase, "").fetch(master)
        except RungFailed as failed:
            raise FailedPrecondition(
                str(failed), remedy="the secrets are open as it is; nothing was changed"
            ) from failed

    async def _wraps_any(self, *masters: MasterKey) -> bool:
        return await self._store.read_state(lambda state: any(data_keys.count(state, one.id) for one in masters))

    async def _note(self, standing: Standing) -> None:
        await self._store.write(lambda state: write_standing(state, standing))

    async def _step(self, name: str) -> None:
        if self._on_step is not None:
            await self._on_step(name)


def locked(rung: Rung, why: str) -> SecretsLocked:
    """Why values cannot be opened, and what to do."""
    remedy = {
        Rung.KEYRING: "unlock the keyring and try again; `stigmer secrets status` shows how it stands",
        Rung.PASSPHRASE: "stigmer secrets unlock",
        Rung.SYSTEMD_CREDENTIAL: "start the daemon as the systemd unit that has the credential",
        Rung.MEMORY: "set the values again: stigmer secrets set NAME",
        Rung.FILE: "bring the key file back from a backup",
    }[rung]
    return SecretsLocked(
        f"the secrets are locked; their key is kept in {rung.words}. {why[:1].upper()}{why[1:]}", remedy=remedy
    )


def _unusable(rung: Rung, why: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"the key to the secrets cannot be kept in {rung.words}: {why}",
        remedy="`stigmer secrets status` shows what works here",
    )


def _bridged(current: MasterKey, following: MasterKey) -> bytes:
    return bind("bridge", current.id, following.id)


def _parts(place: Place, sealed: str) -> tuple[bytes, bytes]:
    """The id of the data key, and the ciphertext."""
    try:
        data = base64.b64decode(sealed.removeprefix(SEALED), validate=True)
    except binascii.Error as error:
        raise data_keys.broken(place) from error
    if base64.b64encode(data).decode() != sealed.removeprefix(SEALED):
        # The last letter has bits that nothing decodes: somebody changed them.
        raise data_keys.broken(place)
    return data[:KEY_ID_BYTES], data[KEY_ID_BYTES:]
