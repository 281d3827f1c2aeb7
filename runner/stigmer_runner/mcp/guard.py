"""How much a server may send: past it, the server is ended with a word, and the session goes on."""

from dataclasses import dataclass

from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest, jsonrpc_message_adapter

from stigmer_runner.errors import RunnerError


class ServerFloods(RunnerError):
    """A server sent more than is taken."""


@dataclass(frozen=True)
class FlowLimits:
    """What is taken of a server."""

    longest_message: int = 16 * 1024 * 1024
    """Bytes."""
    unasked: int = 5_000
    """Messages in a row that answer nothing: logs, progress, changes."""
    garbage: int = 200
    """Lines that are no messages, such as a log on the standard output."""


class Guard:
    """Counts what one server sends."""

    def __init__(self, limits: FlowLimits) -> None:
        self._limits = limits
        self._unasked = 0
        self.garbage = 0
        """Lines that were no messages."""

    def pending(self, size: int) -> None:
        """So much has come of a message that is not whole. Raises `ServerFloods`."""
        if size > self._limits.longest_message:
            mebibytes = self._limits.longest_message / 2**20
            raise ServerFloods(f"it sent a message of more than {mebibytes:g} MiB, which is not taken")

    def message(self, line: bytes) -> SessionMessage | None:
        """The message in a line; None where there is none. Raises `ServerFloods`."""
        self.pending(len(line))
        if not line.strip():
            return None
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except (ValueError, RecursionError):
            self.garbage += 1
            if self.garbage > self._limits.garbage:
                raise ServerFloods(
                    f"it wrote more than {self._limits.garbage} lines that are no messages: "
                    "it has to write nothing else on its standard output"
                ) from None
            return None
        if isinstance(message, JSONRPCNotification | JSONRPCRequest):
            self._unasked += 1
            if self._unasked > self._limits.unasked:
                raise ServerFloods(f"it sent more than {self._limits.unasked} messages in a row that answer nothing")
        else:
            self._unasked = 0
        return SessionMessage(message)
