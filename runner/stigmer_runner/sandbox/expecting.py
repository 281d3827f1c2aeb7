"""Commands that are expected: what runs them was chosen and looked at before they may run, so that only a word to it is left."""

from dataclasses import dataclass

from stigmer_runner.sandbox.model import CommandRequest
from stigmer_runner.sandbox.ready import ReadyShell, ReadyShells

FRESH_SECONDS = 0.25
"""So long what was looked at counts as it was; after that it is looked at again."""


@dataclass(frozen=True)
class Expected:
    """A shell that would be right for a command, and what it will be told."""

    request: CommandRequest
    ready: ReadyShell
    prologue: bytes
    at: float
    """When that was found, by the loop's clock."""


class Expectations:
    """One for each owner of commands. What is not taken is ended."""

    def __init__(self, shells: ReadyShells) -> None:
        self._shells = shells
        self._expected: dict[str, Expected] = {}

    def add(self, expected: Expected) -> None:
        """One more, in place of the owner's last."""
        self.drop(expected.request.ahead)
        self._expected[expected.request.ahead] = expected

    def take(self, request: CommandRequest, now: float) -> Expected | None:
        """What was expected, the caller's from now on; None where that was another command, or is too long ago."""
        expected = self._expected.pop(request.ahead, None)
        if expected is None:
            return None
        if expected.request != request or now - expected.at > FRESH_SECONDS:
            self._shells.discard(expected.ready)
            return None
        return expected

    def drop(self, owner: str) -> None:
        """The owner's command does not come."""
        expected = self._expected.pop(owner, None)
        if expected is not None:
            self._shells.discard(expected.ready)

    def close(self) -> None:
        """No command comes any more."""
        for owner in tuple(self._expected):
            self.drop(owner)
