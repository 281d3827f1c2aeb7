"""What belongs to a resource or a run beside what its message says: told to who exports, kept for who imports. Inside transactions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import Belonging, RunDocument, SkillTag
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ListVersionsResponse
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_backend.executions.memory import keep_past, past_of
from stigmer_backend.executions.run_documents import packed, unpacked
from stigmer_backend.resources.history import keep_versions, kept_versions
from stigmer_backend.resources.kinds import KINDS, SESSIONS, SKILLS, WORKFLOW_EXECUTIONS, WORKFLOWS, AnyKind
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.removal import RUN_DOCUMENTS
from stigmer_backend.resources.secret_values import mask_values, without_secrets
from stigmer_backend.resources.skill_versions import kept_tags
from stigmer_backend.resources.skill_versions import kept_versions as kept_skills
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.resources.text import quoted
from stigmer_backend.resources.wrapping import unwrap
from stigmer_backend.store import StateRead, StateWrite
from stigmer_backend.workflows.schedule_records import find_kept, put

_BY_PREFIX: Mapping[str, AnyKind] = {kind.prefix: kind for kind in KINDS}
_MICROS = 1_000_000


def belongings_of(state: StateRead, record_id: str) -> list[Belonging]:
    """All that belongs to the resource or run with this id. Secret values are masked. Raises `NotFound`."""
    kind = _BY_PREFIX.get(record_id.partition("-")[0])
    if kind is None or not storable(record_id) or state.get(kind.table, record_id) is None:
        raise NotFound(f"there is nothing with the id {quoted(record_id)}", remedy="list what there is: `stigmer get`")
    found = list(_found(state, kind, record_id))
    for belonging in found:
        mask_values(belonging)
    return found


def _found(state: StateRead, kind: AnyKind, record_id: str) -> Iterator[Belonging]:
    for version in kept_versions(state, record_id):
        yield Belonging(version=version)
    match kind.field:
        case SKILLS.field:
            for skill in kept_skills(state, record_id):
                yield Belonging(skill_version=skill)
            for name, digest in kept_tags(state, record_id):
                yield Belonging(skill_tag=SkillTag(name=name, version_hash=digest))
        case WORKFLOWS.field:
            schedule = find_kept(state, record_id)
            if schedule is not None:
                yield Belonging(schedule=schedule.shown(""))
        case SESSIONS.field:
            for past in past_of(state, record_id):
                yield Belonging(past=past)
        case WORKFLOW_EXECUTIONS.field if state.get(RUN_DOCUMENTS, record_id) is not None:
            ran = unpacked(state, record_id)
            yield Belonging(
                document=RunDocument(
                    document_json=ran.document_json,
                    input_json=ran.input_json,
                    document_is_published=ran.document_is_published,
                )
            )
        case _:
            return


def keep_history(state: StateWrite, kind: AnyKind, resource_id: str, belongings: Iterable[Belonging]) -> None:
    """Keep what is a version of the new resource. Raises `InvalidArgument` for one of something else."""
    versions = list[ListVersionsResponse.Version]()
    for belonging in belongings:
        if not belonging.HasField("version"):
            continue
        found, resource = unwrap(belonging.version.resource)
        if found is not kind or not storable(belonging.version.version_id):
            raise InvalidArgument("its history is that of something else", remedy="export the archive again")
        without_secrets(belonging)
        resource.metadata.id = resource_id
        versions.append(belonging.version)
    keep_versions(state, resource_id, versions)


def keep_schedule(state: StateWrite, workflow_id: str, belongings: Iterable[Belonging], stamp: Stamp) -> bool:
    """Pause the schedule of a workflow that has just been made, and keep what the archive says of it; False where it has none.

    Paused, because an archive is no word of the person that something may start by itself here; the store that it came from may go on, too.
    """
    kept = find_kept(state, workflow_id)
    if kept is None:
        return False
    if kept.kind == "after":
        kept = replace(kept, next_micros=stamp.micros + int(kept.seconds * _MICROS))
    for belonging in belongings:
        if belonging.HasField("schedule"):
            told = belonging.schedule
            kept = replace(
                kept,
                last_micros=max(0, told.last_unix_micros),
                last_execution_id=told.last_execution_id,
                last_error=told.last_error,
                starts=told.starts,
            )
    put(state, replace(kept, paused=True), stamp.at_ns)
    return True


def keep_session_past(state: StateWrite, session_id: str, belongings: Iterable[Belonging], stamp: Stamp) -> None:
    """Keep what a session that has just been made shares with the one that it branched from."""
    shared = [belonging.past for belonging in belongings if belonging.HasField("past")]
    keep_past(state, session_id, shared, stamp.at_ns)


def keep_document(state: StateWrite, execution_id: str, belongings: Iterable[Belonging], stamp: Stamp) -> None:
    """Keep what a run of a workflow ran."""
    for belonging in belongings:
        if belonging.HasField("document"):
            ran = belonging.document
            data = packed(ran.document_json, ran.input_json, published=ran.document_is_published)
            state.put(RUN_DOCUMENTS, execution_id, data, created_ns=stamp.at_ns, summary=b"")
