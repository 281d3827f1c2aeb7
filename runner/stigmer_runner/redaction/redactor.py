"""The secrets of an execution, and everything that takes them out."""

import codecs
from collections.abc import Mapping

from stigmer_runner.redaction.matcher import Matcher
from stigmer_runner.redaction.stream import RedactingStream
from stigmer_runner.redaction.variants import SHORTEST, variants


class Redactor:
    """Takes the values of `secrets` (by name) out of what it is given. Values of fewer than 8 bytes are not looked for."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        replacements: dict[bytes, bytes] = {}
        ignored: list[str] = []
        for name, value in secrets.items():
            forms = variants(value)
            if not forms and value:
                ignored.append(name)
            for form in forms:
                replacements.setdefault(form, f"[secret {name}]".encode())
        self.ignored = tuple(ignored)
        """Names of secrets that are too short to be looked for."""
        self._matcher = Matcher(replacements) if replacements else None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return self._matcher is None

    @property
    def note(self) -> str:
        """For a person: which secrets are not taken out, and why; empty where all are."""
        if not self.ignored:
            return ""
        return f"Values of fewer than {SHORTEST} bytes are not hidden in output, because they are met by chance: {', '.join(self.ignored)}."

    def stream(self) -> RedactingStream:
        """For a terminal, or any bytes that come bit by bit."""
        return RedactingStream(self._matcher)

    def text_stream(self) -> "TextStream":
        """For a model's text as it comes."""
        return TextStream(self.stream())

    def bytes(self, data: bytes) -> bytes:
        """`data` without secrets, all at once."""
        return data if self._matcher is None else self._matcher.replaced(data, final=True)[0]

    def text(self, text: str) -> str:
        """`text` without secrets, all at once."""
        if self._matcher is None:
            return text
        return self.bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


class TextStream:
    """A text that comes bit by bit, without secrets."""

    def __init__(self, stream: RedactingStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, text: str) -> str:
        """What may leave, now that `text` came."""
        return self._decoder.decode(self._stream.feed(text.encode("utf-8", "surrogatepass")))

    def close(self) -> str:
        """The end: what was held back."""
        return self._decoder.decode(self._stream.close(), final=True)


NOTHING = Redactor({})
"""Where there are no secrets."""
