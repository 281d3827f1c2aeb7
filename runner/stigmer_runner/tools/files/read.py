"""Reads a file: text by lines, pictures, PDFs as text."""

import asyncio
import os
from dataclasses import dataclass
from typing import cast

from stigmer_runner.models.port import Image
from stigmer_runner.policy.patterns import denied_patterns
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, text, whole
from stigmer_runner.tools.files.beneath import Beneath, PathRefused, visible
from stigmer_runner.tools.files.contents import CHUNK, LARGEST, PEEK, decoded, hash_of, read_all, signature_of
from stigmer_runner.tools.files.ignoring import spec_of
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.killable import ask_child
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool

DEFAULT_LINES = 2000
LONGEST_LINE = 2000
MOST_CHARACTERS = 200_000
LARGEST_IMAGE = 5 * 1024 * 1024
"""Bytes; what providers take."""
PDF_PAGES = 20
PDF_SECONDS = 30.0
LARGEST_PDF = 100 * 1024 * 1024


@dataclass(frozen=True)
class Window:
    """Some lines of a file."""

    lines: list[str]
    first: int
    total: int | None
    """Lines of the whole file; None where nobody counted."""
    more: bool
    encoding: str


class Read(BaseTool):
    """`read`."""

    signature = Signature(
        "read",
        "Read a file of the workspace, or of a skill. Text comes with line numbers; name the first line and how many for a part of a large "
        "file. Pictures (PNG, JPEG, GIF, WebP) are shown to you, PDFs come as text by pages.",
        (
            Parameter(
                "path", "string", "The file, below the workspace; of a skill, the whole path.", required=True, most=4096
            ),
            Parameter(
                "offset", "integer", "The first line, from 1; for a PDF the first page.", default=1, least=1, most=10**9
            ),
            Parameter(
                "limit",
                "integer",
                "How many lines; for a PDF how many pages.",
                default=DEFAULT_LINES,
                least=1,
                most=20_000,
            ),
        ),
    )
    effect = Effect.READ

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        path = await asyncio.to_thread(place_of, standing.files(), text(arguments, "path"))
        return Subject(f"read {path}", reads=(path,))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        path, offset, limit = text(arguments, "path"), whole(arguments, "offset"), whole(arguments, "limit")
        session = context.session
        files = session.files_of(path)
        denied = denied_patterns(context.policy, self.signature.name)
        head = await asyncio.to_thread(_head, files, path, denied)
        if (kind := image_kind(head)) is not None:
            data = await asyncio.to_thread(_whole, files, path)
            if len(data) > LARGEST_IMAGE:
                raise ToolError(
                    f"{visible(path)} is a picture of {len(data):,} bytes; at most {LARGEST_IMAGE:,} can be shown: make it smaller"
                )
            return ToolResult(
                f"The picture {visible(path)} ({kind}, {len(data):,} bytes).", images=(Image.of(kind, data, path),)
            )
        if head.startswith(b"%PDF-"):
            return await _pdf(files, path, offset, min(limit, PDF_PAGES))
        window, seen = await asyncio.to_thread(_window, files, path, offset, limit)
        told = _told(path, window)
        if files is session.files:
            session.ledger.saw(files.relative(path), seen)
        return ToolResult(told)


def place_of(files: Beneath, path: str) -> str:
    """Where `path` leads below the workspace, for a policy; as it is named where it leads out, which the call will refuse."""
    try:
        return files.real(path)
    except PathRefused:
        return visible(path)


def image_kind(head: bytes) -> str | None:
    """The media type of a picture that begins with `head`; None where it is none that models are shown."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def _head(files: Beneath, path: str, denied: tuple[str, ...]) -> bytes:
    with files.opened(path) as descriptor:
        if denied and spec_of(denied).match_file(files.real_of(descriptor)):
            raise PathRefused(f"{visible(path)} leads to what the policy denies")
        try:
            return os.read(descriptor, PEEK)
        except IsADirectoryError as error:
            raise PathRefused(f"{visible(path)} is a directory: use `list`") from error


def _whole(files: Beneath, path: str) -> bytes:
    with files.opened(path) as descriptor:
        return read_all(descriptor, path)


def _window(files: Beneath, path: str, offset: int, limit: int) -> tuple[Window, str]:
    """The lines, and what the model now knows of the file."""
    with files.opened(path) as descriptor:
        if os.fstat(descriptor).st_size > LARGEST:
            return _far_window(descriptor, path, offset, limit), signature_of(descriptor)
        data = read_all(descriptor, path)
    found = decoded(data)
    if found is None:
        raise ToolError(
            f"{visible(path)} is no text: {len(data):,} bytes with NULs in them; look at it by a command, such as `xxd`"
        )
    lines = found.text.split("\n")
    if not lines[-1]:
        lines.pop()
    end = offset - 1 + limit
    return Window(lines[offset - 1 : end], offset, len(lines), len(lines) > end, found.encoding), hash_of(data)


def _far_window(descriptor: int, path: str, offset: int, limit: int) -> Window:
    """The same of a file that is too large to be held: lines are counted up to there, and only these are kept."""
    kept = bytearray()
    line = 1
    while line < offset + limit and len(kept) < 4 * MOST_CHARACTERS:
        chunk = os.read(descriptor, CHUNK)
        if not chunk:
            break
        if b"\0" in chunk[:PEEK]:
            raise ToolError(f"{visible(path)} is no text, and larger than {LARGEST:,} bytes: look at it by a command")
        if line < offset:
            here = chunk.count(b"\n")
            if line + here < offset:
                line += here
                continue
            at = 0
            while line < offset:
                at = chunk.index(b"\n", at) + 1
                line += 1
            chunk = chunk[at:]
        kept += chunk
        line += chunk.count(b"\n")
    lines = bytes(kept).decode("utf-8", "replace").split("\n")
    more = bool(os.read(descriptor, 1)) or len(lines) > limit
    if lines and not lines[-1]:
        lines.pop()
    return Window(lines[:limit], offset, None, more, "utf-8")


def _told(path: str, window: Window) -> str:
    if not window.lines:
        if window.total == 0:
            return f"{visible(path)} is empty."
        raise ToolError(f"{visible(path)} has {window.total or 'fewer'} lines, and line {window.first} was asked for")
    pieces: list[str] = []
    size = 0
    for number, line in enumerate(window.lines, window.first):
        cut = (
            f"{line[:LONGEST_LINE]}... ({len(line) - LONGEST_LINE:,} more characters)"
            if len(line) > LONGEST_LINE
            else line
        )
        pieces.append(f"{number:6}\t{cut}")
        size += len(cut)
        if size > MOST_CHARACTERS:
            break
    last = window.first + len(pieces) - 1
    remarks: list[str] = []
    if window.more or len(pieces) < len(window.lines):
        total = f" of {window.total}" if window.total is not None else ""
        remarks.append(f"(lines {window.first} to {last}{total}; go on with offset {last + 1})")
    if window.encoding == "latin-1":
        remarks.append("(the file is not UTF-8: each byte is shown as a character of Latin-1, and `edit` keeps it so)")
    elif window.encoding != "utf-8":
        remarks.append(f"(the file is {window.encoding}, and `edit` keeps it so)")
    return "\n".join([*pieces, *remarks])


async def _pdf(files: Beneath, path: str, first: int, count: int) -> ToolResult:
    with files.opened(path) as descriptor:
        if os.fstat(descriptor).st_size > LARGEST_PDF:
            raise ToolError(f"{visible(path)} is a PDF of more than {LARGEST_PDF:,} bytes: use a command to split it")
        question: dict[str, object] = {"fd": descriptor, "first": first, "count": count}
        answer = await ask_child(
            "stigmer_runner.tools.files.pdf",
            question,
            f"reading {visible(path)}",
            seconds=PDF_SECONDS,
            descriptors=(descriptor,),
        )
    if "error" in answer:
        raise ToolError(f"{visible(path)} looks like a PDF, but {answer['error']}")
    total, texts = cast(int, answer["total"]), cast("list[str]", answer["pages"])
    if not texts:
        raise ToolError(f"{visible(path)} has {total} pages, and page {first} was asked for")
    pages = [f"--- page {number} of {total} ---\n{page}" for number, page in enumerate(texts, first)]
    last = first + len(texts) - 1
    if last < total:
        pages.append(f"(pages {first} to {last} of {total}; go on with offset {last + 1})")
    return ToolResult("\n".join(pages))
