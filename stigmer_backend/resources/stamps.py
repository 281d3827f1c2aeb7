"""Who made and changed a resource, when, and which version it is."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceAuditInfo,
    ApiResourceMetadataVersion,
)
from stigmer_backend.resources.kinds import Resource

LOCAL_USER = "local-user"
"""The acting user of a store for one person."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment and one actor."""

    at_ns: int
    """Nanoseconds since 1970."""
    actor: str = LOCAL_USER
    """Who acts."""

    @property
    def micros(self) -> int:
        """Microseconds since 1970."""
        return self.at_ns // 1000

    def timestamp(self) -> Timestamp:
        """The moment, as a message."""
        return Timestamp(seconds=self.at_ns // 1_000_000_000, nanos=self.at_ns % 1_000_000_000)


class Stamps:
    """Makes stamps that never go back, nor stand still: what is made later is listed later. From any thread."""

    def __init__(self, clock: Callable[[], float], last_ns: int = 0) -> None:
        """`last_ns`: the newest that there is, in nanoseconds since 1970. A clock that was set back since counts as standing there."""
        self._clock = clock
        self._last_ns = last_ns
        self._lock = threading.Lock()

    def now(self, actor: str = LOCAL_USER) -> Stamp:
        """A stamp of now, later than all before."""
        with self._lock:
            self._last_ns = max(int(self._clock() * 1_000_000_000), self._last_ns + 1)
            return Stamp(self._last_ns, actor)


def stamp_created(resource: Resource, stamp: Stamp) -> None:
    """Give a new resource its audit and its first version."""
    audit = resource.status.audit
    for info in (audit.spec_audit, audit.status_audit):
        info.Clear()
        info.created_by.id = info.updated_by.id = stamp.actor
        info.created_at.CopyFrom(stamp.timestamp())
        info.updated_at.CopyFrom(stamp.timestamp())
        info.event = "created"
    message = resource.metadata.version.message
    resource.metadata.version.CopyFrom(ApiResourceMetadataVersion(id="1", message=message))


def stamp_updated(resource: Resource, stored: Resource, stamp: Stamp) -> None:
    """Give a resource whose spec or names changed the audit of the stored one, brought up to date, and the next version."""
    audit = resource.status.audit
    audit.CopyFrom(stored.status.audit)
    touch(audit.spec_audit, stamp)
    known = stored.metadata.version.id
    message = resource.metadata.version.message
    following = str(int(known) + 1) if known.isdecimal() else "1"
    resource.metadata.version.CopyFrom(
        ApiResourceMetadataVersion(id=following, message=message, previous_version_id=known)
    )


def touch(info: ApiResourceAuditInfo, stamp: Stamp) -> None:
    """Note a change."""
    info.updated_by.id = stamp.actor
    info.updated_at.CopyFrom(stamp.timestamp())
    info.event = "updated"
