"""Files of the workspace, for a program: by our way into it, which links cannot lead out of."""

import asyncio
import os

from stigmer_runner.tools.arguments import text
from stigmer_runner.tools.files.beneath import Beneath
from stigmer_runner.tools.files.changing import look
from stigmer_runner.tools.files.write import Write, told
from stigmer_runner.tools.interface import Arguments, ToolContext, ToolError, ToolResult

LARGEST = 4 * 1024 * 1024
"""Bytes of a file that a program is given."""


class WriteFile(Write):
    """`write` for a program, which may have read the file by itself, inside the walls."""

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        session = context.session
        path, content = text(arguments, "path"), text(arguments, "content")
        async with session.changing:
            found = await asyncio.to_thread(look, session.files, path)
            made = await self.change(context, path, content.encode(), found)
        return ToolResult(told(made))


def read_text(files: Beneath, path: str) -> str:
    """A file's text. Blocking. Raises `PathRefused`, `ToolError`."""
    with files.opened(path) as descriptor:
        parts: list[bytes] = []
        size = 0
        while size <= LARGEST and (part := os.read(descriptor, 1 << 20)):
            parts.append(part)
            size += len(part)
    if size > LARGEST:
        raise ToolError(f"{path} has more than {LARGEST} bytes")
    try:
        return b"".join(parts).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is no UTF-8 text") from error


def window(content: str, line: int | None, limit: int | None) -> str:
    """Lines of it: `limit` of them from the `line`th on, counted from 1."""
    if line is None and limit is None:
        return content
    lines = content.splitlines(keepends=True)[max((line or 1) - 1, 0) :]
    return "".join(lines if limit is None else lines[:limit])
