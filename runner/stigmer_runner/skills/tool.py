"""The tool by which a model takes a skill."""

import asyncio
import os
import shlex

from stigmer_apis.skill_form import SKILL_MD, split
from stigmer_runner.policy.subject import Subject
from stigmer_runner.skills.loading import Skills
from stigmer_runner.skills.shelf import UnpackedSkill
from stigmer_runner.tools.arguments import Parameter, Signature, text
from stigmer_runner.tools.files.beneath import Beneath
from stigmer_runner.tools.files.contents import read_all
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool

TOOL = "skill"
LONGEST_BODY = 200_000
"""Characters of a SKILL.md that are given at once; the rest is read as a file."""


class TakeSkill(BaseTool):
    """`skill`."""

    signature = Signature(
        TOOL,
        "Take one of your skills: its instructions, and where its files are. Read those by `read`, with the whole path, and run its scripts "
        "as commands; nothing of it can be changed.",
        (Parameter("name", "string", "Which skill.", required=True, most=64),),
    )
    effect = Effect.NONE

    def __init__(self, skills: Skills) -> None:
        self._skills = skills

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        skill = self._skills.named(text(arguments, "name"))
        wants = (
            f"\nIt would like to be allowed: {skill.allowed_tools}. That allows nothing."
            if skill and skill.allowed_tools
            else ""
        )
        return Subject(f"take the skill {text(arguments, 'name')}{wants}")

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        name = text(arguments, "name")
        skill = self._skills.named(name)
        if skill is None:
            there = ", ".join(each.name for each in self._skills.each)
            raise ToolError(f"there is no skill {name!r}; there are: {there}")
        return ToolResult(await asyncio.to_thread(_given, skill))


def _given(skill: UnpackedSkill) -> str:
    with Beneath(skill.folder).opened(SKILL_MD, os.O_RDONLY, links=False) as descriptor:
        _, body = split(read_all(descriptor, SKILL_MD).decode("utf-8", "replace"))
    if len(body) > LONGEST_BODY:
        body = f"{body[:LONGEST_BODY]}\n[{len(body) - LONGEST_BODY:,} more characters: read {skill.folder / SKILL_MD}]"
    files = [file for file in skill.files if file != SKILL_MD]
    more = skill.total_files - len(skill.files)
    parts = [f"The skill {skill.name}, in {shlex.quote(str(skill.folder))}:", body.strip()]
    if files:
        listed = "\n".join(f"- {file}" for file in files)
        parts.append(f"Its files, below that directory:\n{listed}" + (f"\n- and {more:,} more" if more else ""))
    return "\n\n".join(parts)
