"""Finds lines in files by a regular expression."""

import asyncio
from typing import cast

from stigmer_runner.policy.patterns import denied_patterns
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, flag, text, whole
from stigmer_runner.tools.files.beneath import visible
from stigmer_runner.tools.files.read import place_of
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.killable import ask_child
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool

SECONDS = 20.0
"""That a search may take; what was found till shortly before is told."""


class Grep(BaseTool):
    """`grep`."""

    signature = Signature(
        "grep",
        "Search the files of the workspace for lines that a regular expression (as Python's) fits. Files that .gitignore names, "
        "binary files and files above 8 MiB are left out.",
        (
            Parameter("pattern", "string", "The regular expression.", required=True, most=2000),
            Parameter("path", "string", "The file or directory, below the workspace.", default=".", most=4096),
            Parameter(
                "glob", "string", "Only files whose names fit this pattern, as in .gitignore: `*.py`.", most=1000
            ),
            Parameter("ignore_case", "boolean", "Take capital and small letters for the same.", default=False),
            Parameter("context", "integer", "Lines before and after each.", default=0, least=0, most=20),
            Parameter(
                "mode",
                "string",
                "`lines`, `files` (names alone), or `count`.",
                default="lines",
                choices=("lines", "files", "count"),
            ),
            Parameter("limit", "integer", "Most lines of the answer.", default=200, least=1, most=2000),
            Parameter("ignored", "boolean", "Also what .gitignore names.", default=False),
        ),
    )
    effect = Effect.READ

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        path = await asyncio.to_thread(place_of, standing.files(), text(arguments, "path"))
        return Subject(f"search for {text(arguments, 'pattern')} in {path}", reads=(path,))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        files, path = context.session.files, text(arguments, "path")
        glob = text(arguments, "glob")
        with files.opened(path) as found:  # follows links as the others do, and refuses what leads out
            real = files.real_of(found) or files.relative(path)
        with files.directory(".") as root:
            question: dict[str, object] = {
                "fd": root,
                "path": real,
                "pattern": text(arguments, "pattern"),
                "glob": [glob] if glob else [],
                "denied": list(denied_patterns(context.policy, self.signature.name)),
                "ignore_case": flag(arguments, "ignore_case"),
                "context": whole(arguments, "context"),
                "most": whole(arguments, "limit"),
                "mode": text(arguments, "mode"),
                "ignored": flag(arguments, "ignored"),
                "seconds": SECONDS * 0.7,
                "skip": sorted(files.hidden),
            }
            answer = await ask_child(
                "stigmer_runner.tools.files.searching", question, "the search", seconds=SECONDS, descriptors=(root,)
            )
        return ToolResult(_told(answer, path))


def _told(answer: dict[str, object], path: str) -> str:
    if "error" in answer:
        raise ToolError(cast(str, answer["error"]))
    lines = cast("list[str]", answer["lines"])
    remarks: list[str] = []
    match answer["cut"]:
        case "much":
            remarks.append("(there is more: ask for less, or raise `limit`)")
        case "time":
            remarks.append("(not all files were searched: it took too long; ask for less)")
        case _:
            if not lines:
                remarks.append(f"No line in {visible(path)} fits.")
    if answer["skipped"]:
        remarks.append(f"({answer['skipped']} files could not be read, or are too large)")
    return "\n".join([*lines, *remarks])
