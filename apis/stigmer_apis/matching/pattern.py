"""What is looked for."""

import re
from dataclasses import dataclass

LONGEST_PATTERN = 1000
"""Characters."""
_ESCAPED = re.compile(r"\\.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text, or a regular expression, as a person wrote it."""

    text: str
    regex: bool = False
    """A regular expression in Python's dialect, for a line at a time; else every character is itself."""
    match_case: bool = False
    """Capitals count; else they count only where the text has some."""

    @property
    def exact(self) -> bool:
        """Whether capitals count. Those of an escape such as `\\S` are none."""
        written = _ESCAPED.sub("", self.text) if self.regex else self.text
        return self.match_case or any(character.isupper() for character in written)

    @property
    def expression(self) -> str:
        """As a regular expression."""
        return self.text if self.regex else re.escape(self.text)
