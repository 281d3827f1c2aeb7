"""Text that arrives in pieces, as text that can be encoded: halves of a character are joined, lone ones replaced."""


class Joiner:
    """Takes pieces, gives back the same text without lone surrogates."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, piece: str) -> str:
        """What can be passed on. A first half of a character at the end waits for its second."""
        text = self._half + piece
        self._half = ""
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            if "\ud800" <= text[-1] <= "\udbff":
                self._half = text[-1]
                text = text[:-1]
            return whole(text)
        return text

    def rest(self) -> str:
        """What waited, once nothing more comes."""
        half, self._half = self._half, ""
        return whole(half)


def whole(text: str) -> str:
    """`text` with halves joined and lone ones replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
