"""The versions of skills: each push that brought new bytes, found by hash or by tag.

A version is the whole skill as it was pushed, kept under `<skill id>/<hash>`; a tag, under `<skill id>/<tag>`, names the hash that was
pushed with it last.
"""

import re

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill
from stigmer_backend.resources.kinds import SKILLS
from stigmer_backend.store import StateRead, StateWrite

SKILLS_TABLE = SKILLS.table
VERSIONS = "skill_version"
"""Table of the versions; their parents are the skill and the hash."""
TAGS = "skill_tag"
"""Table of the tags; their parent is the skill."""

LATEST = "latest"
_HASH = re.compile(r"[a-f0-9]{64}")


def find_version(state: StateRead, skill_id: str, version: str) -> Skill | None:
    """The skill as of `version`: empty or `latest` for the newest, a tag, or a hash. None where there is none such."""
    if version in ("", LATEST):
        record = state.get(SKILLS_TABLE, skill_id)
    elif _HASH.fullmatch(version):
        record = state.get(VERSIONS, f"{skill_id}/{version}")
    else:
        tagged = state.get(TAGS, f"{skill_id}/{version}")
        record = None if tagged is None else state.get(VERSIONS, f"{skill_id}/{tagged.data.decode()}")
    return None if record is None else Skill.FromString(record.data)


def find_hash(state: StateRead, skill_id: str, digest: str) -> Skill | None:
    """The skill as of the version with this hash. None where there is none such."""
    record = state.get(VERSIONS, f"{skill_id}/{digest}") if _HASH.fullmatch(digest) else None
    return None if record is None else Skill.FromString(record.data)


def keep_version(state: StateWrite, skill: Skill, at_ns: int) -> None:
    """Keep `skill` as the version that its hash names, and let its tag name it."""
    skill_id, digest = skill.metadata.id, skill.status.version_hash
    state.put(
        VERSIONS,
        f"{skill_id}/{digest}",
        skill.SerializeToString(),
        created_ns=at_ns,
        parents=(skill_id, digest),
        summary=b"",
    )
    if skill.spec.tag and skill.spec.tag != LATEST:
        keep_tag(state, skill_id, skill.spec.tag, digest, at_ns)


def keep_tag(state: StateWrite, skill_id: str, tag: str, digest: str, at_ns: int) -> None:
    """Let `tag` name the version with this hash."""
    state.put(TAGS, f"{skill_id}/{tag}", digest.encode(), created_ns=at_ns, parents=(skill_id,), summary=b"")


def kept_versions(state: StateRead, skill_id: str) -> list[Skill]:
    """All versions of a skill, oldest first."""
    rows = state.page(VERSIONS, skill_id, limit=max(1, state.count(VERSIONS, skill_id)), newest_first=False)
    found = (state.get(VERSIONS, row.id) for row in rows)
    return [Skill.FromString(record.data) for record in found if record is not None]


def kept_tags(state: StateRead, skill_id: str) -> list[tuple[str, str]]:
    """The tags of a skill, each with the hash that it names."""
    found = ((name, state.get(TAGS, name)) for name in state.children(TAGS, skill_id))
    return [(name.partition("/")[2], record.data.decode()) for name, record in found if record is not None]


def forget_versions_of_skill(state: StateWrite, skill_id: str) -> list[str]:
    """Remove the versions and tags of a skill; returns the hashes that no other skill has."""
    left: list[str] = []
    for version in state.children(VERSIONS, skill_id):
        state.delete(VERSIONS, version)
        digest = version.rpartition("/")[2]
        if state.count(VERSIONS, digest) == 0:
            left.append(digest)
    for tag in state.children(TAGS, skill_id):
        state.delete(TAGS, tag)
    return left
