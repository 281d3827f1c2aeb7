"""Which first words a person can be offered to allow from here on. Few: a prefix allows whatever follows it."""

import re

from stigmer_runner.policy.commands import ParsedLine

ONE = frozenset(
    ["ls", "cat", "head", "tail", "wc", "pwd", "stat", "du", "df", "pytest", "ruff", "pyright", "mypy", "tsc", "eslint"]
)
"""Programs that are themselves the prefix."""

TWO: dict[str, frozenset[str]] = {
    "git": frozenset(["status", "add", "commit", "blame"]),
    "cargo": frozenset(["build", "check", "test", "clippy", "fmt"]),
    "go": frozenset(["build", "test", "vet", "fmt"]),
    "npm": frozenset(["test", "ci"]),
    "pnpm": frozenset(["test"]),
    "yarn": frozenset(["test"]),
    "uv": frozenset(["sync", "lock"]),
    "dotnet": frozenset(["build", "test"]),
    "mvn": frozenset(["test", "compile"]),
    "gradle": frozenset(["test", "build"]),
}
"""Programs with the commands of theirs that are offered."""


def prefix_of(parsed: ParsedLine) -> tuple[str, ...]:
    """The prefix to offer for a line; empty where none is."""
    if not parsed.understood or len(parsed.commands) != 1:
        return ()
    words = parsed.commands[0].known
    match words:
        case (name, *_) if name in ONE:
            return (name,)
        case (name, second, *_) if second in TWO.get(name, frozenset()):
            return (name, second)
        case ("npm", "run", script, *_) if not script.startswith("-"):
            return ("npm", "run", script)
        case ("make", target) if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", target):
            return ("make", target)
        case _:
            return ()
