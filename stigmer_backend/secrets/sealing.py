"""What sealing promises to those who store secret values, and what a sealed value looks like."""

from dataclasses import dataclass
from typing import Final, Protocol

from stigmer_backend.store import StateRead, StateWrite

SEALED: Final = "sealed:v1:"
"""What a sealed value begins with; behind it, in base64: the id of its data key, a nonce, and the ciphertext with its tag."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret value stands. A sealed value opens nowhere else."""

    kind: str
    """As in the `kind` field: `Environment`."""
    resource_id: str
    """Of the resource that holds it."""
    name: str
    """Of the variable."""


class Sealer(Protocol):
    """Seals values and opens them, inside a transaction of the store.

    Each value has a data key of its own, which stands wrapped in the store beside the resource: destroying that destroys the value,
    wherever copies of the sealed form are.
    """

    def seal(self, state: StateWrite, place: Place, plain: str, created_ns: int, replaces: str = "") -> str:
        """Seal `plain` under a new data key, and return what is stored. `replaces`, sealed, stood at `place` before; its caller forgets it.

        Raises `MasterKeyWanted` where the master key is not at hand.
        """
        ...

    def open(self, state: StateRead, place: Place, sealed: str) -> str:
        """The plain value. Raises `MasterKeyWanted`, `SecretGone` where its key was destroyed, `SecretBroken` where it was tampered with."""
        ...

    def forget(self, state: StateWrite, sealed: str) -> None:
        """Destroy the data key of one sealed value; what is none is passed over."""
        ...

    def forget_all(self, state: StateWrite, resource_id: str) -> None:
        """Destroy the data keys of everything that a resource holds, in the transaction that deletes it."""
        ...


def is_sealed(value: str) -> bool:
    """Whether `value` has the form of a sealed one."""
    return value.startswith(SEALED)
