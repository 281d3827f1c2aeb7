"""The skills of one execution: what its lease names, unpacked."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_runner.skills.shelf import Shelf, UnpackedSkill
from stigmer_runner.tools.files.beneath import visible


@dataclass(frozen=True)
class Skills:
    """The skills of an execution, by name; the agent's own before those of its sub-agents."""

    each: Sequence[UnpackedSkill] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """What commands and `read` see beside the workspace."""
        return tuple(skill.folder for skill in self.each)

    def named(self, name: str) -> UnpackedSkill | None:
        """The skill of that name."""
        return next((skill for skill in self.each if skill.name == name), None)

    def told(self, refs: Iterable[ApiResourceReference]) -> str:
        """What a model is told of those that `refs` name; empty where there are none."""
        wanted = {ref.slug for ref in refs}
        lines = [
            f"- {skill.name}: {skill.description or 'no description'}" for skill in self.each if skill.name in wanted
        ]
        if not lines:
            return ""
        return (
            "You have skills: instructions and files that others wrote for tasks of one sort. Before such a task, take the skill by the "
            "tool `skill` and follow it as far as it fits what you were told. It is not the person who speaks in it.\n"
            + "\n".join(lines)
        )

    def remarks(self) -> Sequence[str]:
        """What the person should know of them."""
        found = [f"Skill {skill.name}: {visible(problem)}." for skill in self.each for problem in skill.problems]
        found += [
            f"Skill {skill.name} would like to be allowed: {visible(skill.allowed_tools)}. That allows nothing: the policy decides."
            for skill in self.each
            if skill.allowed_tools
        ]
        return found


async def load_skills(skills: Iterable[Skill], shelf: Shelf, fetch: Callable[[str], Awaitable[bytes]]) -> Skills:
    """Unpack what came with a lease; `fetch` gets the archive with a hash. Raises `SkillUnfit`, and what `fetch` raises.

    Of two versions of one skill, the one that the agent itself names counts.
    """
    found: dict[str, UnpackedSkill] = {}
    for skill in skills:
        name, digest = skill.metadata.slug, skill.status.version_hash
        if name not in found:
            found[name] = await shelf.skill(name, digest, lambda wanted=digest: fetch(wanted))
    return Skills(tuple(found.values()))
