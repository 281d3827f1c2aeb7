"""A backend that was given nothing to seal with: it refuses secret values rather than keep them in the clear."""

from stigmer_backend.resources.rules import secrets_come_later
from stigmer_backend.secrets.sealing import Place
from stigmer_backend.store import StateRead, StateWrite


class NoSealer:
    """Seals nothing and opens nothing."""

    def seal(self, state: StateWrite, place: Place, plain: str, created_ns: int, replaces: str = "") -> str:
        """Raises `FailedPrecondition`."""
        raise secrets_come_later(place.name)

    def open(self, state: StateRead, place: Place, sealed: str) -> str:
        """Raises `FailedPrecondition`."""
        raise secrets_come_later(place.name)

    def forget(self, state: StateWrite, sealed: str) -> None:
        """There is nothing to forget."""

    def forget_all(self, state: StateWrite, resource_id: str) -> None:
        """There is nothing to forget."""
