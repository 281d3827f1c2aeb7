"""Replaces passages of a file."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, flag, objects, text
from stigmer_runner.tools.files.beneath import visible
from stigmer_runner.tools.files.changing import Found, look
from stigmer_runner.tools.files.contents import Text, decoded
from stigmer_runner.tools.files.diffs import difference
from stigmer_runner.tools.files.write import ChangingTool, looked, told
from stigmer_runner.tools.interface import Arguments, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing


@dataclass(frozen=True)
class Passage:
    """One replacement."""

    old: str
    new: str
    everywhere: bool


class Edit(ChangingTool):
    """`edit`."""

    signature = Signature(
        "edit",
        "Replace passages of a file of the workspace. Each `old` must be in the file exactly once, with its blanks and line "
        "ends, unless `all` is set. All edits are made, one after the other, or none.",
        (
            Parameter("path", "string", "The file, below the workspace.", required=True, most=4096),
            Parameter(
                "edits",
                "array",
                "What to replace, in order.",
                required=True,
                most=200,
                items=(
                    Parameter("old", "string", "The text that is there.", required=True),
                    Parameter("new", "string", "The text that takes its place; empty to remove it.", required=True),
                    Parameter("all", "boolean", "Replace it wherever it is.", default=False),
                ),
            ),
        ),
    )

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        passages = passages_of(arguments)
        relative, found = await asyncio.to_thread(looked, standing.files(), text(arguments, "path"))
        old = decoded(found.content) if found is not None else None
        try:
            new = edited(relative, old, passages)
        except ToolError as error:
            wanted = "\n".join(f"- {each.old}\n+ {each.new}" for each in passages)
            return Subject(f"edit {relative} (which will fail: {error})\n{wanted}", writes=(relative,))
        before = old.text if old is not None else ""
        return Subject(f"edit {relative}\n{difference(relative, before, new).text}", writes=(relative,))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        path, passages = text(arguments, "path"), passages_of(arguments)
        session = context.session
        async with session.changing:
            relative = session.files.relative(path)
            found = await asyncio.to_thread(look, session.files, path)
            _must_be_fresh(relative, found, session.ledger.known(relative))
            old = decoded(found.content) if found is not None else None
            new = edited(relative, old, passages)
            made = await self.change(context, path, _encoded(relative, old, new), found)
        return ToolResult(f"{told(made)}\n{made.difference.text}")


def passages_of(arguments: Arguments) -> list[Passage]:
    """The edits that were asked for."""
    return [Passage(text(each, "old"), text(each, "new"), flag(each, "all")) for each in objects(arguments, "edits")]


def edited(path: str, old: Text | None, passages: Sequence[Passage]) -> str:
    """The new text. Raises `ToolError` where a passage cannot be replaced."""
    if old is None:
        raise ToolError(f"{visible(path)} is not there, or is no text: `write` makes a file")
    if not passages:
        raise ToolError("no edits were given")
    content = old.text
    for number, passage in enumerate(passages, 1):
        wanted = passage.old.replace("\r\n", "\n") if old.crlf else passage.old
        fresh = passage.new.replace("\r\n", "\n") if old.crlf else passage.new
        if not wanted:
            raise ToolError(f"edit {number}: `old` is empty: name the text that is there")
        count = content.count(wanted)
        if count == 0:
            raise ToolError(f"edit {number}: its `old` is not in {visible(path)}{_near(content, wanted)}")
        if count > 1 and not passage.everywhere:
            raise ToolError(
                f"edit {number}: its `old` is {count} times in {visible(path)}: give more of what stands around it, or set `all`"
            )
        if wanted == fresh:
            raise ToolError(f"edit {number}: `old` and `new` are the same")
        content = content.replace(wanted, fresh)
    return content


def _near(content: str, wanted: str) -> str:
    """Why a passage may not have been found."""
    squeezed = " ".join(wanted.split())
    if squeezed and squeezed in " ".join(content.split()):
        return ": only its blanks and line ends are other; copy them exactly"
    first = next((line.strip() for line in wanted.splitlines() if line.strip()), "")
    if first:
        for number, line in enumerate(content.split("\n"), 1):
            if first in line:
                return f"; its first line is like line {number}: read the file again from there"
    return ": read the file again"


def _must_be_fresh(relative: str, found: Found | None, known: str | None) -> None:
    if found is not None and known is not None and known != found.content_hash:
        raise ToolError(f"{visible(relative)} was changed since you read it: `read` it again")


def _encoded(path: str, old: Text | None, new: str) -> bytes:
    assert old is not None
    try:
        return old.encode(new)
    except UnicodeEncodeError as error:
        raise ToolError(
            f"{visible(path)} is {old.encoding}, which has no {error.object[error.start]!r}: use characters that it has"
        ) from error
