"""What an ended execution says about lines that did not come to their end. Pure."""

import json
from collections.abc import Sequence
from typing import cast

QUOTED = 60
"""Characters of a line that are quoted."""
EDITED = 2000
"""Characters of changed arguments that the model is told."""
NAMED = 5
"""How many lines are named; the rest is counted."""


def quote(line: str) -> str:
    """A line in words: its first line, not too long."""
    first, _, rest = line.strip().partition("\n")
    short = first if len(first) <= QUOTED and not rest else first[: QUOTED - 1] + "…"
    return f"`{short}`"


def main_argument(args_json: str) -> str:
    """Of a tool call's arguments what tells it from others: a command, a file, an address; else all of them."""
    arguments: object = json.loads(args_json)
    if isinstance(arguments, dict):
        for name in ("command", "path", "url", "pattern", "task"):
            value = cast("dict[str, object]", arguments).get(name)
            if isinstance(value, str) and value.strip():
                return value
    return args_json


def edited_note(args_json: str) -> str:
    """What the model is told of a call that a person changed before allowing it."""
    shown = args_json if len(args_json) <= EDITED else f"{args_json[:EDITED]}…"
    return f"(The person changed the arguments of this call before it was made. It was made with: {shown})"


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
