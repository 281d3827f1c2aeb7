"""A stream of bytes without secrets in it, however it is cut."""

from stigmer_runner.redaction.matcher import Matcher


class RedactingStream:
    """One stream. Holds back the end of what it was given only where that is the beginning of a secret, so that a prompt
    is not delayed. The output does not depend on where the input was cut."""

    def __init__(self, matcher: Matcher | None) -> None:
        """None: there are no secrets, and everything passes."""
        self._matcher = matcher
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may leave, now that `data` came."""
        if self._matcher is None:
            return data
        out, self._held = self._matcher.replaced(self._held + data if self._held else data, final=False)
        return out

    def close(self) -> bytes:
        """The end: what was held back."""
        held, self._held = self._held, b""
        if self._matcher is None or not held:
            return held
        return self._matcher.replaced(held, final=True)[0]
