"""Keeps a file of the workspace for the person, beyond the workspace."""

import asyncio
import hashlib
import mimetypes
import os
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

from stigmer_apis.protocol import MAX_ARTIFACT_BYTES
from stigmer_runner.policy.patterns import denied_patterns
from stigmer_runner.policy.subject import Subject
from stigmer_runner.redaction import Redactor
from stigmer_runner.tools.arguments import Parameter, Signature, text
from stigmer_runner.tools.files.beneath import Beneath, PathRefused, visible
from stigmer_runner.tools.files.ignoring import spec_of
from stigmer_runner.tools.files.read import place_of
from stigmer_runner.tools.handing_over import HandedFile
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool

PIECE = 256 * 1024
"""Bytes that are sent at once."""
PLAIN_BYTES = "application/octet-stream"

_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


class KeepFile(BaseTool):
    """`keep_file`."""

    signature = Signature(
        "keep_file",
        "Keep a file of the workspace for the person: a report, a picture, a build. They get it by name even when the workspace "
        f"is gone. It is kept as it is now; at most {MAX_ARTIFACT_BYTES // 2**20} MiB.",
        (
            Parameter("path", "string", "The file, below the workspace.", required=True, most=4096),
            Parameter(
                "shown_as", "string", "The name that the person sees, where that is not the file's own name.", most=255
            ),
        ),
    )
    effect = Effect.READ
    parallel = False

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        path = await asyncio.to_thread(place_of, standing.files(), text(arguments, "path"))
        return Subject(f"keep {path} for the person", reads=(path,))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        path, session = text(arguments, "path"), context.session
        if session.hand_over is None:
            raise ToolError("files cannot be kept here: leave it in the workspace and say where it is")
        name = session.redactor.text(text(arguments, "shown_as") or PurePosixPath(path).name)
        denied = denied_patterns(context.policy, self.signature.name)
        with session.files.opened(path) as descriptor:
            _check(session.files, descriptor, path, denied)
            file = HandedFile(
                name,
                media_type_of(name),
                context.call_id,
                lambda: _contents(descriptor, path, session.redactor),
            )
            kept = await session.hand_over(file)
        return ToolResult(
            f"{visible(path)} is kept as {visible(name)}, {kept.size:,} bytes; the person gets it by `stigmer artifact get {kept.artifact_id}`."
        )


def media_type_of(name: str) -> str:
    """What a file of that name probably holds."""
    media_type, packed = mimetypes.guess_type(name)
    if packed is not None:
        return _PACKED.get(packed, PLAIN_BYTES)
    return media_type or PLAIN_BYTES


def _check(files: Beneath, descriptor: int, path: str, denied: tuple[str, ...]) -> None:
    if denied and spec_of(denied).match_file(files.real_of(descriptor)):
        raise PathRefused(f"{visible(path)} leads to what the policy denies")
    size = os.fstat(descriptor).st_size
    if size > MAX_ARTIFACT_BYTES:
        raise ToolError(
            f"{visible(path)} has {size:,} bytes, and at most {MAX_ARTIFACT_BYTES:,} are kept: pack it, or keep a part of it"
        )


async def _contents(descriptor: int, path: str, redactor: Redactor) -> AsyncIterator[bytes]:
    """The file from its beginning. Raises `ToolError` before its end where a secret of the run is in it."""
    came, left, stream = hashlib.sha256(), hashlib.sha256(), redactor.stream()
    at = 0
    while piece := await asyncio.to_thread(_piece, descriptor, path, at):
        at += len(piece)
        came.update(piece)
        left.update(stream.feed(piece))
        yield piece
    left.update(stream.close())
    if came.digest() != left.digest():
        raise ToolError(f"{visible(path)} holds a secret of this run, and was not kept: take it out of the file first")


def _piece(descriptor: int, path: str, at: int) -> bytes:
    try:
        return os.pread(descriptor, PIECE, at)
    except IsADirectoryError as error:
        raise PathRefused(f"{visible(path)} is a directory: pack it into one file") from error
    except OSError as error:
        raise PathRefused(f"{visible(path)} cannot be read: {error.strerror}") from error
