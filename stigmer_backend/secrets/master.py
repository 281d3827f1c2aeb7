"""What is known of the master key, written in the store: which one it is, how it is kept, and a change of it that is under way.

The key itself is never in it, but for a copy wrapped by a passphrase.
"""

import base64
import json
import os
from dataclasses import dataclass, field
from enum import IntEnum
from typing import cast

from stigmer_backend.secrets.data_keys import MASTER_ID_BYTES
from stigmer_backend.store import StateRead, StateWrite

_META = "secrets.master"


class Rung(IntEnum):
    """How a master key is kept; numbers as in `stigmer.secret.v1.Rung`."""

    KEYRING = 1
    PASSPHRASE = 2
    SYSTEMD_CREDENTIAL = 3
    MEMORY = 4
    FILE = 5

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    Rung.KEYRING: "the OS keyring",
    Rung.PASSPHRASE: "a passphrase",
    Rung.SYSTEMD_CREDENTIAL: "a systemd credential",
    Rung.MEMORY: "memory",
    Rung.FILE: "a key file",
}


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One master key, without the key."""

    id: bytes
    rung: Rung
    salt: bytes = b""
    """Of the passphrase, for rungs that wrap."""
    wrapped: bytes = b""
    """The key, wrapped by what the passphrase gives."""

    @classmethod
    def fresh(cls, rung: Rung) -> "MasterKey":
        """One with a new id."""
        return cls(os.urandom(MASTER_ID_BYTES), rung)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the master key stands."""

    current: MasterKey | None = None
    following: MasterKey | None = None
    """It takes over: a rotation is under way."""
    ready: bool = False
    """The following one is kept where it shall be, and new values are sealed by it."""
    bridge: bytes = b""
    """The current key, encrypted by the following one once that is ready: whoever has the new key has both, and nobody the other way."""
    retired: tuple[MasterKey, ...] = field(default=())
    """Nothing is wrapped by them any more; they are to be destroyed where they are kept."""


def read_standing(state: StateRead) -> Standing:
    """How it stands; with nothing in it where there was never a secret."""
    data = state.get_meta(_META)
    if not data:
        return Standing()
    document = cast("dict[str, object]", json.loads(data))
    retired = cast("list[object]", document["retired"])
    return Standing(
        _decoded(document["current"]),
        _decoded(document["following"]),
        bool(document["ready"]),
        base64.b64decode(str(document["bridge"])),
        tuple(one for one in map(_decoded, retired) if one is not None),
    )


def write_standing(state: StateWrite, standing: Standing) -> None:
    """Note how it stands."""
    document = {
        "current": _encoded(standing.current),
        "following": _encoded(standing.following),
        "ready": standing.ready,
        "bridge": base64.b64encode(standing.bridge).decode(),
        "retired": [_encoded(one) for one in standing.retired],
    }
    state.put_meta(_META, json.dumps(document).encode())


def _encoded(key: MasterKey | None) -> dict[str, object] | None:
    if key is None:
        return None
    wrapped = base64.b64encode(key.wrapped).decode()
    return {"id": key.id.hex(), "rung": int(key.rung), "salt": key.salt.hex(), "wrapped": wrapped}


def _decoded(value: object) -> MasterKey | None:
    if value is None:
        return None
    fields = cast("dict[str, str | int]", value)
    return MasterKey(
        bytes.fromhex(str(fields["id"])),
        Rung(int(fields["rung"])),
        bytes.fromhex(str(fields["salt"])),
        base64.b64decode(str(fields["wrapped"])),
    )
