"""Lists directories, and finds files by a pattern of their names."""

import asyncio
import os
import stat
import time
from collections.abc import Sequence

from stigmer_runner.policy.patterns import denied_patterns
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, flag, text, whole
from stigmer_runner.tools.files.beneath import Beneath, visible
from stigmer_runner.tools.files.ignoring import Entry, spec_of, specs_above, walk
from stigmer_runner.tools.files.read import place_of
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool

MOST = 1000
"""Entries of one answer."""
SECONDS = 10.0
"""That a walk may take."""

_PATH = Parameter("path", "string", "The directory, below the workspace.", default=".", most=4096)
_IGNORED = Parameter("ignored", "boolean", "Also what .gitignore names.", default=False)


class List(BaseTool):
    """`list`."""

    signature = Signature(
        "list",
        "List a directory of the workspace: names, a `/` behind directories, `->` before what links say, sizes of files. "
        "What .gitignore names is left out, unless you ask for it.",
        (
            _PATH,
            Parameter("depth", "integer", "How many levels of directories.", default=1, least=1, most=20),
            _IGNORED,
        ),
    )
    effect = Effect.READ

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        path = await asyncio.to_thread(place_of, standing.files(), text(arguments, "path"))
        return Subject(f"list {path}", reads=(path,))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        denied = denied_patterns(context.policy, self.signature.name)
        found, cut = await asyncio.to_thread(
            entries,
            context.session.files,
            text(arguments, "path"),
            whole(arguments, "depth"),
            flag(arguments, "ignored"),
            denied,
            (),
        )
        base = context.session.files.relative(text(arguments, "path"))
        lines = [_line(each, base) for each in found]
        return ToolResult("\n".join(lines + _ends(lines, cut, "The directory is empty.")))


class Glob(BaseTool):
    """`glob`."""

    signature = Signature(
        "glob",
        "Find files of the workspace by a pattern of their names, as in .gitignore: `*.py`, `src/**/test_*.ts`. Newest first. "
        "What .gitignore names is left out, unless you ask for it.",
        (Parameter("pattern", "string", "The pattern.", required=True, most=1000), _PATH, _IGNORED),
    )
    effect = Effect.READ

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        path = await asyncio.to_thread(place_of, standing.files(), text(arguments, "path"))
        return Subject(f"find {text(arguments, 'pattern')} in {path}", reads=(path,))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        denied = denied_patterns(context.policy, self.signature.name)
        pattern = text(arguments, "pattern")
        found, cut = await asyncio.to_thread(
            entries, context.session.files, text(arguments, "path"), 100, flag(arguments, "ignored"), denied, (pattern,)
        )
        found.sort(key=lambda entry: entry.modified, reverse=True)
        lines = [visible(entry.path) for entry in found if not entry.is_directory]
        return ToolResult("\n".join(lines + _ends(lines, cut, "No file fits.")))


def entries(
    files: Beneath, path: str, depth: int, ignored: bool, denied: Sequence[str], wanted: Sequence[str]
) -> tuple[list[Entry], str]:
    """What is below the directory `path`, and why it is not all of it. Blocks."""
    relative = files.relative(path)
    refused = spec_of(denied) if denied else None
    fitting = spec_of(wanted) if wanted else None
    if wanted and not len(fitting or ()):
        raise ToolError(f"{wanted[0]!r} is no pattern")
    found: list[Entry] = []
    deadline = time.monotonic() + SECONDS
    with files.directory(".") as root, files.directory(path, links=True) as top:
        base = files.real_of(top) or relative
        prefix = "" if base == "." else f"{base}/"
        for entry in walk(top, prefix, ignored=ignored, depth=depth, specs=specs_above(root, base), skip=files.hidden):
            if time.monotonic() > deadline:
                return found, f"it took more than {SECONDS:g} seconds"
            name = f"{entry.path}/" if entry.is_directory else entry.path
            if refused is not None and refused.match_file(name):
                continue
            if fitting is not None and (entry.is_directory or not fitting.match_file(entry.path)):
                continue
            if len(found) >= MOST:
                return found, f"there are more than {MOST}"
            found.append(entry)
    return found, ""


def _line(entry: Entry, base: str) -> str:
    path = os.path.relpath(entry.path, base) if base != "." else entry.path
    shown = visible(path)
    if entry.is_directory:
        return f"{shown}/"
    if stat.S_ISLNK(entry.mode):
        return f"{shown} (symbolic link)"
    return f"{shown} ({entry.size:,} bytes)" if entry.is_file else f"{shown} (no regular file)"


def _ends(lines: Sequence[str], cut: str, nothing: str) -> list[str]:
    if cut:
        return [f"(the rest is left out: {cut}; ask for less)"]
    return [] if lines else [nothing]
