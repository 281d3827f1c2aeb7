"""Tool calls as an editor knows them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from acp.schema import (
    ContentToolCallContent,
    FileEditToolCallContent,
    TerminalToolCallContent,
    ToolCallLocation,
    ToolKind,
)
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ToolCallRequested
from stigmer_tui.acp.output import Output
from stigmer_tui.text import safe
from stigmer_tui.transcript.calls import shown_call

Content = ContentToolCallContent | FileEditToolCallContent | TerminalToolCallContent
LONGEST_TITLE = 300
"""Characters."""
SHELL: Final = "shell"
KINDS: Mapping[str, ToolKind] = {
    "read": "read",
    "list": "read",
    "read_output": "read",
    "glob": "search",
    "grep": "search",
    "write": "edit",
    "edit": "edit",
    "fetch": "fetch",
    "todos": "think",
}


class Call:
    """One tool call, as it goes on."""

    def __init__(self, tool_call_id: str, requested: ToolCallRequested, workspace: Path) -> None:
        """`tool_call_id`: what the editor calls it."""
        self.id = tool_call_id
        self.name = requested.name
        self.args: Mapping[str, object] = json_format.MessageToDict(requested.args)
        self.title = title_of(requested.name, requested.args)
        self.kind: ToolKind = KINDS.get(self.name, "execute" if self.name.startswith(SHELL) else "other")
        self.locations = self._locations(workspace)
        self.output = Output()
        self.diffs: list[Content] = []
        self.over = False

    def _locations(self, workspace: Path) -> list[ToolCallLocation] | None:
        path = self.args.get("path")
        if self.kind not in ("read", "edit", "search") or not isinstance(path, str) or not path:
            return None
        return [ToolCallLocation(path=str(workspace / path))]


def title_of(name: str, args: Struct) -> str:
    """A line that says what it does. A command stands for itself."""
    shown = shown_call(name, args)
    words = shown if name == SHELL and shown else f"{name} {shown}".rstrip()
    title = safe(words)
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
