"""Long texts in a short place: what is pasted stands as a few words until it is sent."""

FOLDED_ROWS = 25
FOLDED_CHARACTERS = 4000
"""From here on a text is folded."""


class Folds:
    """The texts that stand folded in one composer, by the words that stand for them."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """What stands for a text where one writes: itself, where it is short."""
        rows = text.count("\n") + 1
        if rows <= FOLDED_ROWS and len(text) <= FOLDED_CHARACTERS:
            return text
        words = f"[pasted {rows:,} lines, {_size(len(text.encode('utf-8', 'surrogatepass')))} #{len(self._texts) + 1}]"
        self._texts[words] = text
        return words

    def unfold(self, written: str) -> str:
        """What is written, whole."""
        for words, text in self._texts.items():
            written = written.replace(words, text)
        return written

    def clear(self) -> None:
        """Nothing is folded any more."""
        self._texts.clear()


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
