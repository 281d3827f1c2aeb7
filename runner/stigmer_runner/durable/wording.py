"""What an ended execution says about lines that did not come to their end. Pure."""

from collections.abc import Sequence

QUOTED = 60
"""Characters of a line that are quoted."""
NAMED = 5
"""How many lines are named; the rest is counted."""


def quote(line: str) -> str:
    """A line in words: its first line, not too long."""
    first, _, rest = line.strip().partition("\n")
    short = first if len(first) <= QUOTED and not rest else first[: QUOTED - 1] + "…"
    return f"`{short}`"


def unknown_outcome(line: str) -> str:
    """The runner died while `line` ran."""
    return (
        f"The runner stopped while {quote(line)} was running: nobody knows how far it came. What it had printed is kept; "
        "it is not run again by itself."
    )


def not_run(lines: Sequence[str]) -> tuple[str, ...]:
    """Which of the waiting `lines` were not run: one sentence, or none."""
    if not lines:
        return ()
    named = ", ".join(quote(line) for line in lines[:NAMED])
    more = len(lines) - NAMED
    return (f"Not run: {named} and {more} more." if more > 0 else f"Not run: {named}.",)
