"""What the daemon may ask of a runner."""

from collections.abc import Callable
from typing import Protocol

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_runner.link.outbox import Outbox


class LinkHandler(Protocol):
    """Takes what comes down the link. Nothing here may block."""

    @property
    def running(self) -> int:
        """Executions that are under way."""
        ...

    def granted(self, grant: LinkResponse.LeaseGranted, outbox: Outbox) -> None:
        """Run this execution; `outbox` takes what it has to say."""
        ...

    def command(self, execution_id: str, command: CommandIssued) -> None:
        """A person wants something of an execution. May come again."""
        ...

    def terminal_input(self, execution_id: str, terminal_id: str, keys: bytes) -> None:
        """Keys of an attached person."""
        ...

    def terminal_resized(self, execution_id: str, terminal_id: str, columns: int, rows: int) -> None:
        """An attached person's terminal has another size."""
        ...

    def undo_ended(self, request: LinkResponse.UndoEnded, answer: Callable[[LinkRequest.EndedUndone], None]) -> None:
        """Put the files back that an execution changed which has ended; `answer` takes what came of it."""
        ...

    def shut_down(self, reason: str) -> None:
        """End everything and leave."""
        ...
