"""A stream of bytes without secrets in it, however it is cut."""

from stigmer_runner.redaction.matcher import Matcher


class RedactingStream:
    """One stream. Holds back the end of what it was given only where that is the beginning of a secret, so that a prompt
    is not delayed. The output does not depend on where the input was cut, but for what was released meanwhile."""

    def __init__(self, matcher: Matcher | None) -> None:
        """None: there are no secrets, and everything passes."""
        self._matcher = matcher
        self._held = b""
        self._shown = 0

    @property
    def holding(self) -> int:
        """Bytes that are held back."""
        return len(self._held) - self._shown

    def feed(self, data: bytes) -> bytes:
        """What may leave, now that `data` came."""
        if self._matcher is None:
            return data
        if not self._held:
            out, self._held = self._matcher.replaced(data, final=False)
            return out
        whole = self._held + data
        out, self._held = self._matcher.replaced(whole, final=False, shown=self._shown)
        self._shown = max(0, self._shown - len(whole) + len(self._held))
        return out

    def release(self, most: int | None = None) -> bytes:
        """What is held back, of a possible secret its first `most` bytes alone: more does not come for now, and it may be no
        secret at all. Should it go on as one, the rest of it is taken out as ever."""
        end = len(self._held) if most is None else min(most, len(self._held))
        out = self._held[self._shown : end]
        self._shown = max(self._shown, end)
        return out

    def close(self) -> bytes:
        """The end: what was held back."""
        held, shown, self._held, self._shown = self._held, self._shown, b"", 0
        if self._matcher is None or not held:
            return held
        return self._matcher.replaced(held, final=True, shown=shown)[0]
