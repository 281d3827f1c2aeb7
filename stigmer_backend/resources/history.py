"""What resources were before: each version of a resource, with who made it, when, and what they said about it.

A resource that was never changed has no history of its own: what is stored is its first version. With its first change both are written down, and
from then on each version is, up to the newest `KEPT_VERSIONS`. Secret values are masked in them: a value that was replaced is gone for good.
They are kept without status, but for the hash of a skill's version: it is what a skill is fetched by.
"""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ListVersionsResponse
from stigmer_apis.errors import NotFound
from stigmer_backend.resources.kinds import AnyKind, Resource
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.secret_values import mask_values
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.resources.text import quoted
from stigmer_backend.resources.wrapping import unwrap, wrap
from stigmer_backend.store import Record, StateRead, StateWrite

Version = ListVersionsResponse.Version

TABLE = "version"
"""In the store: `<resource id>@<version id>` -> a `Version`, in the list of its resource."""
KEPT_VERSIONS = 100
"""The newest versions of a resource that are kept."""


def record_version(
    state: StateWrite, kind: AnyKind, fresh: Resource, stamp: Stamp, event: str, stored: Resource | None = None
) -> None:
    """Keep `fresh` as a version, inside the transaction that stores it. `event` is `created`, `updated` or `restored`.

    `stored` is what it replaces, None where it is new.
    """
    resource_id = fresh.metadata.id
    if event == "created":
        return
    if stored is not None and not state.count(TABLE, resource_id):
        _put(state, resource_id, _first(kind, stored))
    author, message = stamp.actor, fresh.metadata.version.message
    _put(state, resource_id, _version(kind, fresh, stamp.micros, author, event, message))
    while state.count(TABLE, resource_id) > KEPT_VERSIONS:
        (oldest,) = state.page(TABLE, resource_id, limit=1, newest_first=False)
        state.delete(TABLE, oldest.id)


def forget_versions(state: StateWrite, kind: AnyKind, resource_id: str) -> None:
    """Remove the versions of a resource, inside the transaction that deletes it."""
    for version in state.children(TABLE, resource_id):
        state.delete(TABLE, version)


def kept_versions(state: StateRead, resource_id: str) -> list[Version]:
    """The versions of a resource that are written down, oldest first; none where it was never changed."""
    rows = state.page(TABLE, resource_id, limit=KEPT_VERSIONS, newest_first=False)
    found = (state.get(TABLE, row.id) for row in rows)
    return [Version.FromString(record.data) for record in found if record is not None]


def keep_versions(state: StateWrite, resource_id: str, versions: Sequence[Version]) -> None:
    """Write down the newest of `versions`, oldest first, of a resource that has none yet: it was elsewhere before."""
    for version in versions[-KEPT_VERSIONS:]:
        version.time_unix_micros = max(0, version.time_unix_micros)
        _put(state, resource_id, version)


def versions_page(
    state: StateRead, kind: AnyKind, record: Record, resource_id: str, after: bytes | None, size: int
) -> tuple[list[Version], bytes | None]:
    """Up to `size` versions behind `after`, newest first, and where the next page begins, None where this was the last."""
    if not state.count(TABLE, resource_id):
        return ([] if after else [_first(kind, kind.decode(record.data))]), None
    rows = state.page(TABLE, resource_id, after, size + 1)
    more = len(rows) > size
    del rows[size:]
    found = (state.get(TABLE, row.id) for row in rows)
    versions = [Version.FromString(record.data) for record in found if record is not None]
    return versions, rows[-1].key if more else None


def find_version(state: StateRead, kind: AnyKind, stored: Resource, version_id: str) -> Resource:
    """The resource as it was in a version. Raises `NotFound` for one that never was, or is not kept any more."""
    place = _place(stored.metadata.id, version_id)
    record = state.get(TABLE, place) if storable(place) else None
    if record is not None:
        return unwrap(Version.FromString(record.data).resource)[1]
    if version_id == stored.metadata.version.id:
        return stored
    raise NotFound(
        f"the {kind.words} {quoted(stored.metadata.name)} has no version {quoted(version_id)}",
        remedy=f"list its versions; the newest {KEPT_VERSIONS} are kept",
    )


def _first(kind: AnyKind, stored: Resource) -> Version:
    """What a resource without a history is the only version of."""
    audit, version = stored.status.audit.spec_audit, stored.metadata.version
    micros = audit.updated_at.seconds * 1_000_000 + audit.updated_at.nanos // 1000
    return _version(kind, stored, micros, audit.updated_by.id, audit.event or "created", version.message)


def _version(kind: AnyKind, resource: Resource, micros: int, author: str, event: str, message: str) -> Version:
    wrapped = wrap(kind, resource)
    _, kept = unwrap(wrapped)
    digest = kept.status.version_hash if isinstance(kept, Skill) else ""
    kept.ClearField("status")
    if isinstance(kept, Skill):
        kept.status.version_hash = digest
    mask_values(wrapped)
    return Version(
        version_id=resource.metadata.version.id,
        time_unix_micros=micros,
        author=author,
        event=event,
        message=message,
        resource=wrapped,
    )


def _put(state: StateWrite, resource_id: str, version: Version) -> None:
    state.put(
        TABLE,
        _place(resource_id, version.version_id),
        version.SerializeToString(),
        created_ns=version.time_unix_micros * 1000,
        parents=(resource_id,),
        summary=b"",
    )


def _place(resource_id: str, version_id: str) -> str:
    return f"{resource_id}@{version_id}"
