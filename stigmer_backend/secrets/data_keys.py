"""The data keys: one a secret value, wrapped by a master key, each a record of its own in the store.

They stand apart from the resources, so that a new master key touches no resource, and so that a value can be destroyed where copies of
its sealed form remain (old versions, backups, old revisions in the database file).
"""

import os
import struct
from dataclasses import dataclass, replace
from typing import Final

from stigmer_backend.secrets.envelope import WrongKey, bind, decrypt, encrypt, new_key
from stigmer_backend.secrets.errors import SecretBroken
from stigmer_backend.secrets.sealing import Place
from stigmer_backend.store import StateRead, StateWrite

TABLE: Final = "data_key"
"""In the store. Parents of a record: the resource that the value stands in, and `master_list` of its master key."""
KEY_ID_BYTES: Final = 16
MASTER_ID_BYTES: Final = 8

_FORMAT = 1
_HEAD = struct.Struct(f">B{MASTER_ID_BYTES}sQHHH")


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key as it is stored."""

    key_id: bytes
    master: bytes
    """Id of the master key that wraps it."""
    place: Place
    """Where the one value stands that it encrypts."""
    version: int
    """Counts the values that stood there, from 1: an older one opens in the place of no newer one."""
    wrapped: bytes

    def bound(self) -> bytes:
        """What both the wrapped key and the value are bound to."""
        place = self.place
        return bind(self.key_id, place.kind, place.resource_id, place.name, self.version.to_bytes(8))

    def unwrap(self, master: bytes) -> bytes:
        """The key itself. Raises `SecretBroken`."""
        try:
            return decrypt(master, self.wrapped, b"data key" + self.bound())
        except WrongKey as error:
            raise broken(self.place) from error

    def rewrapped(self, master: bytes, other_id: bytes, other: bytes) -> "DataKey":
        """The same key under another master key. Raises `SecretBroken`."""
        wrapped = encrypt(other, self.unwrap(master), b"data key" + self.bound())
        return replace(self, master=other_id, wrapped=wrapped)


def make(place: Place, version: int, master_id: bytes, master: bytes) -> tuple[DataKey, bytes]:
    """A new data key, wrapped and plain."""
    plain = new_key()
    bare = DataKey(os.urandom(KEY_ID_BYTES), master_id, place, version, b"")
    return replace(bare, wrapped=encrypt(master, plain, b"data key" + bare.bound())), plain


def put(state: StateWrite, key: DataKey, created_ns: int) -> None:
    """Store a data key; one that is there keeps its time."""
    parents = (key.place.resource_id, master_list(key.master))
    state.put(TABLE, key.key_id.hex(), _encode(key), created_ns=created_ns, parents=parents, summary=b"")


def get(state: StateRead, key_id: bytes) -> DataKey | None:
    """The data key, or None where it was destroyed."""
    record = state.get(TABLE, key_id.hex())
    return None if record is None else _decode(key_id, record.data)


def set_ns(state: StateRead, key_id: bytes) -> int:
    """When the value was set, in nanoseconds since 1970; 0 where its key was destroyed."""
    record = state.get(TABLE, key_id.hex())
    return 0 if record is None else record.created_ns


def destroy(state: StateWrite, key_id: bytes) -> None:
    """Destroy a data key, if it is there."""
    if state.get(TABLE, key_id.hex()) is not None:
        state.delete(TABLE, key_id.hex())


def destroy_all(state: StateWrite, resource_id: str) -> None:
    """Destroy the data keys of all values in a resource."""
    for key_id in state.children(TABLE, resource_id):
        state.delete(TABLE, key_id)


def count(state: StateRead, master_id: bytes | None = None) -> int:
    """How many data keys there are, or are wrapped by one master key."""
    return state.count(TABLE, "" if master_id is None else master_list(master_id))


def rewrap_some(state: StateWrite, old_id: bytes, old: bytes, new_id: bytes, new: bytes, most: int) -> int:
    """Wrap up to `most` data keys of one master key by another one, and return how many: 0 where none was left."""
    rows = state.page(TABLE, master_list(old_id), limit=most)
    for row in rows:
        key = get(state, bytes.fromhex(row.id))
        if key is not None:
            put(state, key.rewrapped(old, new_id, new), 0)
    return len(rows)


def master_list(master_id: bytes) -> str:
    """The list of the data keys that a master key wraps."""
    return f"master:{master_id.hex()}"


def broken(place: Place) -> SecretBroken:
    """Why a value does not open."""
    return SecretBroken(
        f"the secret {place.name!r} of {place.resource_id} does not open: what is stored was changed, or is not its own",
        remedy="set it again; `stigmer doctor` looks for damage",
    )


def _encode(key: DataKey) -> bytes:
    names = [part.encode() for part in (key.place.kind, key.place.resource_id, key.place.name)]
    return b"".join((_HEAD.pack(_FORMAT, key.master, key.version, *(len(name) for name in names)), *names, key.wrapped))


def _decode(key_id: bytes, data: bytes) -> DataKey:
    form, master, version, *lengths = _HEAD.unpack_from(data)
    if form != _FORMAT:
        raise ValueError(f"data key of format {form}")
    texts: list[str] = []
    at = _HEAD.size
    for length in lengths:
        texts.append(data[at : at + length].decode())
        at += length
    return DataKey(key_id, master, Place(*texts), version, data[at:])
