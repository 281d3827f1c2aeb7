"""What creating, updating and applying mean, the same for every kind. Each method is a step inside the store's write transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadataVersion
from stigmer_apis.errors import Aborted, AlreadyExists, FieldViolation, InvalidArgument, NotFound
from stigmer_apis.slugs import slugify
from stigmer_backend.resources.history import record_version
from stigmer_backend.resources.kinds import Kind, R
from stigmer_backend.resources.listing_keys import lists_of, row_summary
from stigmer_backend.resources.lookup import find, find_record, match_id
from stigmer_backend.resources.references import (
    Owner,
    Reference,
    check_references,
    reference_key,
    settle_owners,
)
from stigmer_backend.resources.repeats import Repeatable, gone_since, made_before, remember
from stigmer_backend.resources.rules import check_metadata, refuse
from stigmer_backend.resources.secret_values import SecretValues
from stigmer_backend.resources.stamps import Stamp, stamp_created, stamp_updated
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead, StateWrite

NewId = Callable[[str], str]
"""Makes an id with the given prefix."""


class Outcome(Enum):
    """What a write came to; told to the caller in the metadata of the answer."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Means:
    """What catalogues of all kinds write with."""

    new_id: NewId
    secrets: SecretValues


class Catalogue(Generic[R]):
    """The resources of one kind. A subclass says what is particular to its kind."""

    def __init__(self, kind: Kind[R], means: Means) -> None:
        self.kind = kind
        self.means = means

    # -- what is particular to a kind ------------------------------------------------------------------------------------

    def owners(self, fresh: R) -> Sequence[Owner]:
        """What the resource belongs to, the nearest first. Fields that are empty are left out."""
        return ()

    def references(self, fresh: R) -> Sequence[Reference]:
        """What the resource names."""
        return ()

    def settle(self, fresh: R) -> None:
        """Bring into the status what follows from the spec alone, before anything is compared."""

    def check(self, state: StateRead, fresh: R) -> None:
        """Raise a `StigmerError` where the resource must not be stored as it is."""

    def keep(self, state: StateRead, stored: R, fresh: R) -> None:
        """Carry over from `stored` what an update does not change."""

    def parents(self, state: StateRead, fresh: R) -> tuple[str, ...]:
        """In whose lists this one stands: ids of what it belongs to, and keys of what it names."""
        above = [owner.name for owner in self.owners(fresh)]
        named = [reference_key(one.kind, one.slug) for one in self.references(fresh)]
        return tuple(dict.fromkeys((*above, *named)))

    def adopt(self, fresh: R, wanted: R) -> None:
        """Bring over from `wanted`, which was elsewhere before, what of its status is to stay."""

    def complete(self, state: StateWrite, fresh: R, stamp: Stamp) -> None:
        """Make what a resource that was just stored comes with, and store it again if that changes it."""

    # -- what is the same for all ----------------------------------------------------------------------------------------

    def create(
        self, state: StateWrite, wanted: R, stamp: Stamp, call: Repeatable | None = None, *, keep_id: bool = False
    ) -> tuple[R, Outcome]:
        """Store a new resource. The same `call` again finds what it made. `keep_id`: under the id that it says, which has to be free.

        Raises `AlreadyExists` where the slug is taken, `InvalidArgument` where there is no name to make one of.
        """
        made = made_before(state, call)
        if made is not None:
            record = state.get(self.kind.table, made)
            if record is None:
                raise gone_since(self.kind.words, made)
            return self.kind.decode(record.data), Outcome.UNCHANGED
        fresh = self.copy(wanted)
        fresh.ClearField("status")
        fresh.metadata.id = wanted.metadata.id if keep_id else self.means.new_id(self.kind.prefix)
        if keep_id:
            self.adopt(fresh, wanted)
        self._name(fresh)
        check_metadata(fresh.metadata)
        if state.by_slug(self.kind.table, fresh.metadata.slug) is not None:
            raise AlreadyExists(
                f"there is a {self.kind.words} named {quoted(fresh.metadata.slug)} already",
                remedy="choose another name, or update that one",
            )
        self._settle(state, fresh)
        self._check(state, fresh)
        self.means.secrets.put_away(state, self.kind, None, fresh, stamp.at_ns)
        stamp_created(fresh, stamp)
        self.put(state, fresh, stamp.at_ns, 0)
        self.complete(state, fresh, stamp)
        record_version(state, self.kind, fresh, stamp, "created")
        remember(state, call, fresh.metadata.id, stamp.at_ns)
        return fresh, Outcome.CREATED

    def update(self, state: StateWrite, wanted: R, stamp: Stamp, event: str = "updated") -> tuple[R, Outcome]:
        """Replace the spec and the names of a stored resource; id, slug, org, status and who created it stay.

        `event` is what its history says: `updated`, or `restored`. Raises `NotFound`, and `Aborted` where `metadata.version.id` is not the stored one.
        """
        meta = wanted.metadata
        stored_id = match_id(state, self.kind, meta)
        if stored_id is None:
            named = meta.id or meta.slug or meta.name
            raise NotFound(f"there is no {self.kind.words} {quoted(named)}", remedy="create it, or look up its id")
        stored, record = find_record(state, self.kind, stored_id)
        if meta.version.id and meta.version.id != stored.metadata.version.id:
            raise Aborted(
                f"the {self.kind.words} {quoted(stored.metadata.name)} is at version {stored.metadata.version.id}, "
                f"the change was made from {quoted(meta.version.id)}",
                remedy="read it again and repeat the change",
            )
        fresh = self._merged(stored, wanted)
        self.keep(state, stored, fresh)
        self._settle(state, fresh)
        self.means.secrets.put_away(state, self.kind, stored, fresh, stamp.at_ns)
        if fresh == stored:
            return stored, Outcome.UNCHANGED
        check_metadata(fresh.metadata)
        self._check(state, fresh)
        stamp_updated(fresh, stored, stamp)
        fresh.metadata.version.message = _said(wanted.metadata.version, stored.metadata.version)
        self.put(state, fresh, record.created_ns, record.version)
        record_version(state, self.kind, fresh, stamp, event, stored)
        return fresh, Outcome.UPDATED

    def apply(self, state: StateWrite, wanted: R, stamp: Stamp, call: Repeatable | None = None) -> tuple[R, Outcome]:
        """Create the resource, or update the one with the same slug; the same thing twice changes nothing."""
        meta = wanted.metadata
        slug = meta.slug or slugify(meta.name)
        by_slug = self.copy(wanted)
        if slug:
            by_slug.metadata.id = ""
            by_slug.metadata.slug = slug
        if match_id(state, self.kind, by_slug.metadata) is None:
            return self.create(state, wanted, stamp, call)
        return self.update(state, by_slug, stamp)

    def put(self, state: StateWrite, fresh: R, created_ns: int, expected_version: int | None) -> None:
        """Store `fresh` with its rows."""
        state.put(
            self.kind.table,
            fresh.metadata.id,
            fresh.SerializeToString(),
            slug=fresh.metadata.slug,
            created_ns=created_ns,
            parents=(*self.parents(state, fresh), *lists_of(fresh)),
            summary=row_summary(fresh.metadata.slug),
            expected_version=expected_version,
        )

    def copy(self, resource: R) -> R:
        """A resource of its own, equal to `resource`."""
        fresh = self.kind.message()
        fresh.CopyFrom(resource)
        return fresh

    def _settle(self, state: StateRead, fresh: R) -> None:
        """Put ids where `fresh` gives names of what it belongs to, and settle what follows from its spec."""
        settle_owners(state, fresh, self.owners(fresh))
        self.settle(fresh)

    def _check(self, state: StateRead, fresh: R) -> None:
        """Raise a `StigmerError` where what it belongs to or names is not there, or where its kind refuses it."""
        for owner in self.owners(fresh):
            find(state, owner.kind, owner.name)
        self.check(state, fresh)
        refuse(self.kind.words, fresh.metadata, check_references(state, self.references(fresh)))

    def _name(self, fresh: R) -> None:
        """Give a new resource its slug, and its name where it may go without."""
        meta = fresh.metadata
        if not self.kind.named and not meta.name and not meta.slug:
            meta.name = meta.slug = meta.id
            return
        meta.name = meta.name or meta.slug
        meta.slug = meta.slug or slugify(meta.name)
        if not meta.slug and self.kind.named:
            raise InvalidArgument(
                f"the {self.kind.words} needs a name with a letter a-z or a digit in it, for {quoted(meta.name)} there is no slug",
                remedy="set metadata.name, or metadata.slug as it shall stand in references",
                violations=[FieldViolation("metadata.name", "stigmer.name.slug", "must give a slug")],
            )
        meta.slug = meta.slug or meta.id

    def _merged(self, stored: R, wanted: R) -> R:
        fresh = self.copy(stored)
        fresh.ClearField("spec")
        fresh.spec.MergeFromString(wanted.spec.SerializeToString())
        if not wanted.HasField("spec"):
            raise InvalidArgument(
                f"the update of {quoted(stored.metadata.name)} has no spec",
                remedy="send the spec whole: an update replaces it",
                violations=[FieldViolation("spec", "required", "value is required")],
            )
        there, here = fresh.metadata, wanted.metadata
        there.name = here.name or there.name
        there.ClearField("labels")
        there.labels.MergeFrom(here.labels)
        there.ClearField("annotations")
        there.annotations.MergeFrom(here.annotations)
        there.ClearField("tags")
        there.tags.extend(here.tags)
        return fresh


def _said(wanted: ApiResourceMetadataVersion, stored: ApiResourceMetadataVersion) -> str:
    """What the author of a change said about it: not what was said about the version that it was made from, sent along unchanged."""
    return "" if wanted.id and wanted.message == stored.message else wanted.message
