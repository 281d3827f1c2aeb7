"""Terminals of one execution that run now."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import cast

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event

TITLE_CHARACTERS = 1000
"""What is kept of a command line as the title of its terminal."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal whose command has not ended."""

    terminal_id: str
    call_id: str
    started_seq: int
    """Sequence of its ToolCallStarted: its output begins there."""
    title: str
    """The command line, cut, or the tool's name."""


class Terminals:
    """The terminals that run, in the order in which they started."""

    def __init__(self) -> None:
        self._running: dict[str, Terminal] = {}
        self._titles: dict[str, str] = {}

    @classmethod
    def decode(cls, body: bytes) -> "Terminals":
        """What `encode` wrote."""
        terminals = cls()
        if body:
            stored = cast("dict[str, list[dict[str, str | int]]]", json.loads(body))
            for row in stored["running"]:
                terminal = Terminal(
                    str(row["terminal_id"]), str(row["call_id"]), int(row["started_seq"]), str(row["title"])
                )
                terminals._running[terminal.terminal_id] = terminal
            for row in stored["titles"]:
                terminals._titles[str(row["call_id"])] = str(row["title"])
        return terminals

    def encode(self) -> bytes:
        """The terminals, written down."""
        running = [asdict(terminal) for terminal in self._running.values()]
        titles = [{"call_id": call_id, "title": title} for call_id, title in self._titles.items()]
        return json.dumps({"running": running, "titles": titles}).encode()

    def take(self, first_seq: int, events: Iterable[Event]) -> None:
        """Note what `events` say of terminals."""
        for seq, event in enumerate(events, first_seq):
            match event.WhichOneof("body"):
                case "tool_call_requested":
                    requested = event.tool_call_requested
                    fields = requested.args.fields
                    command = fields["command"].string_value if "command" in fields else ""
                    self._titles[requested.call_id] = (command or requested.name)[:TITLE_CHARACTERS]
                case "tool_call_started" if event.tool_call_started.terminal_id:
                    started = event.tool_call_started
                    self._running[started.terminal_id] = Terminal(
                        started.terminal_id, started.call_id, seq, self._titles.get(started.call_id, "")
                    )
                case "tool_call_finished":
                    self._finish(event.tool_call_finished.call_id)
                case _:
                    pass

    def get(self, terminal_id: str) -> Terminal | None:
        """The running terminal with this id, or None."""
        return self._running.get(terminal_id)

    def latest(self) -> Terminal | None:
        """The running terminal that started last, or None."""
        return next(reversed(self._running.values()), None)

    def _finish(self, call_id: str) -> None:
        self._titles.pop(call_id, None)
        for terminal_id in [one.terminal_id for one in self._running.values() if one.call_id == call_id]:
            del self._running[terminal_id]
