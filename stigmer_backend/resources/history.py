"""What resources were before."""

from stigmer_backend.resources.kinds import AnyKind, Resource
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.store import StateWrite


def record_version(state: StateWrite, kind: AnyKind, fresh: Resource, stamp: Stamp, event: str) -> None:
    """Keep `fresh` as a version, inside the transaction that stores it. `event` is `created`, `updated` or `restored`."""


def forget_versions(state: StateWrite, kind: AnyKind, resource_id: str) -> None:
    """Remove the versions of a resource, inside the transaction that deletes it."""
