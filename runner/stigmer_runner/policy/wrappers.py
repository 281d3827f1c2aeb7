"""Programs that run other programs: what a refusal has to look behind. No list of them is ever whole; see `docs/sandbox.md`."""

import os
from collections.abc import Generator

from stigmer_runner.policy.commands import SimpleCommand, parse

DEEPEST = 5

_PLAIN = frozenset(
    [
        "command",
        "builtin",
        "exec",
        "nohup",
        "setsid",
        "time",
        "nice",
        "ionice",
        "stdbuf",
        "sudo",
        "doas",
        "env",
        "xargs",
        "timeout",
        "chroot",
        "unshare",
    ]
)
_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox"])
_FIND = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def unwrapped(command: SimpleCommand, depth: int = 0) -> Generator[tuple[str, ...]]:
    """The known words of `command`, and of what it would run, as far as that can be seen."""
    words = command.known
    if not words:
        return
    yield (os.path.basename(words[0]), *words[1:])
    if depth >= DEEPEST:
        return
    name, rest = os.path.basename(words[0]), words[1:]
    if name in _PLAIN:
        for start in range(len(rest)):
            if not rest[start].startswith("-") and "=" not in rest[start]:
                yield from unwrapped(SimpleCommand(rest[start:]), depth + 1)
                if not rest[start].replace(".", "").rstrip("smhd").isdigit():
                    break
    if name in _SHELLS or name == "eval":
        for word in rest:
            for inner in parse(word).commands:
                yield from unwrapped(inner, depth + 1)
    if name == "find":
        for start, word in enumerate(rest):
            if word in _FIND:
                yield from unwrapped(SimpleCommand(rest[start + 1 :]), depth + 1)
    if name == "git":
        yield from _git(rest)


def _git(rest: tuple[str, ...]) -> Generator[tuple[str, ...]]:
    """`git -c a=b -C dir push` as `git push`."""
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at] in ("-c", "-C", "--git-dir", "--work-tree", "--namespace", "--exec-path") else 1
    if at:
        yield ("git", *rest[at:])
