"""Skills: pushed as archives, kept in versions that their bytes name."""

from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill, SkillSpec, SkillState
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis.errors import NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify
from stigmer_backend.resources.catalogue import Catalogue, Means, Outcome
from stigmer_backend.resources.history import record_version
from stigmer_backend.resources.kinds import AGENTS, SKILLS
from stigmer_backend.resources.lookup import find, find_by_reference, storable
from stigmer_backend.resources.rules import check_metadata, needs_spec
from stigmer_backend.resources.skill_versions import find_version, keep_version
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
    """The skills that an agent and its sub-agents name, each once, in the versions that they name. What is gone is left out."""
    refs = [*agent.spec.skill_refs, *(ref for helper in agent.spec.sub_agents for ref in helper.skill_refs)]
    found: dict[str, Skill] = {}
    for ref in refs:
        skill_id = state.by_slug(SKILLS.table, ref.slug) if storable(ref.slug) else None
        skill = None if skill_id is None else find_version(state, skill_id, ref.version)
        if skill is not None:
            found.setdefault(f"{skill.metadata.id}/{skill.status.version_hash}", skill)
    return list(found.values())


def hashes_of_agent(state: StateRead, agent_id: str) -> frozenset[str]:
    """The versions of the skills that an agent names. Raises `NotFound` for the agent."""
    return frozenset(skill.status.version_hash for skill in skills_of_agent(state, find(state, AGENTS, agent_id)))


def storage_key(digest: str) -> str:
    """What the archive with this hash is fetched by."""
    return f"{_KEY}{digest}"


def digest_of(key: str) -> str | None:
    """The hash in a storage key; None for what is none."""
    digest = key.removeprefix(_KEY)
    return digest if key.startswith(_KEY) and len(digest) == 64 and set(digest) <= set("0123456789abcdef") else None
