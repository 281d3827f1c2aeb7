"""Writes a file whole."""

import asyncio

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, text
from stigmer_runner.tools.files.beneath import Beneath, PathRefused, visible
from stigmer_runner.tools.files.changing import Changed, Found, change, look
from stigmer_runner.tools.files.contents import decoded
from stigmer_runner.tools.files.diffs import difference
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool

LARGEST_CONTENT = 4 * 1024 * 1024
"""Characters."""


class ChangingTool(BaseTool):
    """A tool that gives one file another content."""

    effect = Effect.WRITE
    parallel = False

    async def change(self, context: ToolContext, path: str, content: bytes, expected: Found | None) -> Changed:
        """Change the file, and tell it."""
        session = context.session
        made = await asyncio.to_thread(
            change, session.files, session.snapshots, context.message_id, path, content, expected
        )
        session.ledger.saw(made.path, made.after)
        self.tell(context, Event(file_changed=made.event(context.call_id)))
        return made


class Write(ChangingTool):
    """`write`."""

    signature = Signature(
        "write",
        "Write a file of the workspace whole; directories on the way are made. A file that is there already must have been "
        "read before. Prefer `edit` to change part of a file.",
        (
            Parameter("path", "string", "The file, below the workspace.", required=True, most=4096),
            Parameter("content", "string", "All of its new content.", required=True, most=LARGEST_CONTENT),
        ),
    )

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        path, content = text(arguments, "path"), text(arguments, "content")
        relative, found = await asyncio.to_thread(looked, standing.files(), path)
        old = None if found is None else decoded(found.content)
        if found is not None and old is None:
            return Subject(f"replace {relative}, which is no text, by:\n{content}", writes=(relative,))
        verb = "make" if found is None else "replace"
        return Subject(f"{verb} {relative}\n{difference(relative, old and old.text, content).text}", writes=(relative,))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        path, content = text(arguments, "path"), text(arguments, "content")
        session = context.session
        async with session.changing:
            relative = session.files.relative(path)
            found = await asyncio.to_thread(look, session.files, path)
            _must_be_known(relative, found, session.ledger.known(relative))
            made = await self.change(context, path, content.encode(), found)
        return ToolResult(told(made))


def looked(files: Beneath, path: str) -> tuple[str, Found | None]:
    """Where `path` is below the workspace, and what is there; nothing where the call will be refused anyway."""
    try:
        relative = files.relative(path)
        return relative, look(files, path)
    except PathRefused:
        return visible(path), None


def told(made: Changed) -> str:
    """A change in words for the model."""
    size = f"+{made.difference.added} -{made.difference.removed} lines"
    said = f"{visible(made.path)} was written ({size})." if made.before else f"{visible(made.path)} was made ({size})."
    if made.before == made.after:
        said = f"{visible(made.path)} is unchanged: it had this content already."
    if made.other_names:
        said += f" It had {made.other_names} other name(s) as hard links; they keep the old content."
    return said


def _must_be_known(relative: str, found: Found | None, known: str | None) -> None:
    if found is None:
        return
    if known is None:
        raise ToolError(f"{visible(relative)} is there already, and you have not read it: `read` it first")
    if known != found.content_hash:
        raise ToolError(f"{visible(relative)} was changed since you read it: `read` it again")
