"""Which of the files that a message names go with it: images, and what lies where the agent cannot look."""

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import Attachment
from stigmer_apis.errors import InvalidArgument
from stigmer_tui.completion.wanted import mentions_in

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What models look at."""
LARGEST = 5 * 1024 * 1024
"""Bytes of one attachment: what providers take of an image, and more than anybody reads of a text."""
LARGEST_TOGETHER = 12 * 1024 * 1024
"""Bytes of all attachments of a message, which is at most 16 MiB."""


def attachments_of(text: str, workspace: Path | None) -> Sequence[Attachment]:
    """The files that go with a message, read now: names that are no file are words. Relative paths are looked for in the workspace.

    Raises `InvalidArgument` for a file that is too large, that is no text and no image, or that cannot be read.
    """
    found: list[Attachment] = []
    for name in mentions_in(text):
        path = Path(name).expanduser()
        if not path.is_absolute():
            if workspace is None:
                continue
            path = workspace / path
        if path.is_file() and (attachment := _read(name, path, workspace)) is not None:
            found.append(attachment)
    if sum(len(each.data) for each in found) > LARGEST_TOGETHER:
        raise InvalidArgument(
            f"the files named in the message are more than {LARGEST_TOGETHER >> 20} MiB together",
            remedy="send them one after the other",
        )
    return found


def _read(name: str, path: Path, workspace: Path | None) -> Attachment | None:
    """What goes with the message of one file; None where the agent reads it itself."""
    media_type = mimetypes.guess_type(path.name)[0] or "text/plain"
    if media_type not in IMAGES and workspace is not None and path.resolve().is_relative_to(workspace.resolve()):
        return None
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise InvalidArgument(
            f"{name} cannot be read: {error.strerror}", remedy="name another file, or write it without @"
        ) from error
    if len(data) > LARGEST:
        raise InvalidArgument(
            f"{name} has more than {LARGEST >> 20} MiB", remedy="put it into the workspace, or name a part of it"
        )
    if media_type not in IMAGES:
        if b"\0" in data:
            raise InvalidArgument(
                f"{name} is neither a text nor an image that models look at (PNG, JPEG, GIF, WebP)",
                remedy="put it into the workspace: there the agent's tools reach it",
            )
        media_type = "text/plain"
    return Attachment(name=name, media_type=media_type, data=data)
