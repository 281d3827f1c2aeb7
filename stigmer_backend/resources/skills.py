"""Skills: pushed as archives, kept in versions that their bytes name."""

from collections.abc import Iterator
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill, SkillSpec, SkillState
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify
from stigmer_backend.resources.catalogue import Catalogue, Means, Outcome
from stigmer_backend.resources.history import record_version
from stigmer_backend.resources.kinds import AGENTS, SKILLS
from stigmer_backend.resources.lookup import find, find_by_reference, storable
from stigmer_backend.resources.rules import check_metadata, needs_spec
from stigmer_backend.resources.skill_versions import find_hash, find_version, keep_version
from stigmer_backend.resources.stamps import Stamp, stamp_updated
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead, StateWrite

_KEY = "sha256/"


@dataclass(frozen=True, slots=True)
class Push:
    """An archive that was found good and is kept, and what it is to be called."""

    name: str
    org: str
    scope: ApiResourceOwnerScope.ValueType
    tag: str
    skill_md: str
    digest: str
    """SHA-256 of the archive, in hexadecimal."""


class Skills(Catalogue[Skill]):
    """Skills."""

    def __init__(self, means: Means) -> None:
        super().__init__(SKILLS, means)

    def check(self, state: StateRead, fresh: Skill) -> None:
        """It comes with its SKILL.md."""
        needs_spec(fresh, "skill", "push the folder of the skill as a ZIP archive")

    def push(self, state: StateWrite, given: Push, stamp: Stamp) -> tuple[Skill, Outcome]:
        """Make a skill, or the next version of one. The bytes that it has already make no version."""
        slug = slugify(given.name)
        known = state.by_slug(SKILLS.table, slug) if slug else None
        stored = None if known is None else find_version(state, known, "")
        wanted = Skill(
            api_version=API_VERSION,
            kind=SKILLS.name,
            metadata=ApiResourceMetadata(name=given.name, org=given.org, owner_scope=given.scope),
            spec=SkillSpec(skill_md=given.skill_md, tag=given.tag),
        )
        if stored is None:
            skill, outcome = self.create(state, wanted, stamp)
        elif stored.status.version_hash == given.digest and given.tag in ("", stored.spec.tag):
            return stored, Outcome.UNCHANGED
        else:
            skill, outcome = self.copy(stored), Outcome.UPDATED
            skill.metadata.name = given.name
            skill.spec.CopyFrom(wanted.spec)
            check_metadata(skill.metadata)
            stamp_updated(skill, stored, stamp)
        skill.status.version_hash = given.digest
        skill.status.artifact_storage_key = storage_key(given.digest)
        skill.status.state = SkillState.SKILL_STATE_READY
        self.put(state, skill, stamp.at_ns, None)
        if stored is not None:
            record_version(state, SKILLS, skill, stamp, "updated", stored)
        keep_version(state, skill, stamp.at_ns)
        return skill, outcome


def find_skill(state: StateRead, reference: ApiResourceReference) -> Skill:
    """The skill that `reference` means, in the version that it names. Raises what `find_by_reference` raises, and `NotFound`."""
    newest = find_by_reference(state, SKILLS, reference)
    found = find_version(state, newest.metadata.id, reference.version)
    if found is None:
        raise NotFound(
            f"there is no version {quoted(reference.version)} of the skill {quoted(reference.slug)}",
            remedy="name a tag that was pushed, a version's hash, or `latest`",
        )
    return found


def skills_of_agent(state: StateRead, agent: Agent) -> list[Skill]:
    """The skills that an agent and its sub-agents name, each version once, the agent's own first. They are found as they are now:
    the newest, or by tag or hash. Raises `FailedPrecondition` for one that is not there, with who names it and what to do.
    """
    found: dict[str, Skill] = {}
    for path, ref in _named(agent):
        skill_id = _id_of(state, ref)
        if skill_id is None:
            raise FailedPrecondition(
                f"the agent {quoted(agent.metadata.slug)} names the skill {quoted(ref.slug)} ({path}), which is not there; "
                f"push it (`stigmer skill push DIR --name {ref.slug}`), or take it out of the agent"
            )
        skill = find_version(state, skill_id, ref.version)
        if skill is None:
            raise FailedPrecondition(
                f"the agent {quoted(agent.metadata.slug)} names the version {quoted(ref.version)} of the skill {quoted(ref.slug)} "
                f"({path}), which was never pushed; `stigmer skill versions {ref.slug}` tells which there are"
            )
        found.setdefault(f"{skill.metadata.id}/{skill.status.version_hash}", skill)
    return list(found.values())


def has_version(state: StateRead, agent_id: str, digest: str) -> bool:
    """Whether `digest` is a version of a skill that an agent names: another may be the newest by now than when a run began.

    Raises `NotFound` for the agent.
    """
    ids = (_id_of(state, ref) for _, ref in _named(find(state, AGENTS, agent_id)))
    return any(skill_id is not None and find_hash(state, skill_id, digest) is not None for skill_id in ids)


def _named(agent: Agent) -> Iterator[tuple[str, ApiResourceReference]]:
    """What an agent and its sub-agents name, each with where that stands."""
    for number, ref in enumerate(agent.spec.skill_refs):
        yield f"spec.skill_refs[{number}]", ref
    for place, helper in enumerate(agent.spec.sub_agents):
        for number, ref in enumerate(helper.skill_refs):
            yield f"spec.sub_agents[{place}].skill_refs[{number}]", ref


def _id_of(state: StateRead, ref: ApiResourceReference) -> str | None:
    return state.by_slug(SKILLS.table, ref.slug) if storable(ref.slug) else None


def storage_key(digest: str) -> str:
    """What the archive with this hash is fetched by."""
    return f"{_KEY}{digest}"


def digest_of(key: str) -> str | None:
    """The hash in a storage key; None for what is none."""
    digest = key.removeprefix(_KEY)
    return digest if key.startswith(_KEY) and len(digest) == 64 and set(digest) <= set("0123456789abcdef") else None
