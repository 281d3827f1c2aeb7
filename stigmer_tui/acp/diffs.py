"""Changes of files as the editor draws them."""

from collections.abc import Iterator
from pathlib import Path

from acp.helpers import tool_diff_content
from acp.schema import FileEditToolCallContent

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import FileChanged


def contents_of(changed: FileChanged, workspace: Path) -> list[FileEditToolCallContent]:
    """A diff for each hunk: the lines before and after. None for a file that is not text: nothing of it is known."""
    path = str(workspace / changed.path)
    return [tool_diff_content(path, after, before) for before, after in _hunks(changed.diff)]


def _hunks(diff: str) -> Iterator[tuple[str | None, str]]:
    """What stood there before (None: nothing) and after, by hunk of a unified diff."""
    before: list[str] = []
    after: list[str] = []
    sides: tuple[list[str], ...] = ()
    inside = False
    for line in diff.split("\n"):
        if line.startswith("@@"):
            if inside:
                yield _hunk(before, after)
            before, after, inside = [], [], True
        elif not inside or not line:
            continue
        elif line.startswith("\\"):
            for side in sides:
                side[-1] = side[-1].removesuffix("\n")
        else:
            sides = {"-": (before,), "+": (after,)}.get(line[0], (before, after))
            for side in sides:
                side.append(line[1:] + "\n")
    if inside:
        yield _hunk(before, after)


def _hunk(before: list[str], after: list[str]) -> tuple[str | None, str]:
    return "".join(before) if before else None, "".join(after)
