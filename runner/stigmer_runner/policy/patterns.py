"""Path patterns of a policy, as in .gitignore, below the workspace."""

from functools import lru_cache

from pathspec import GitIgnoreSpec

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy


def path_fits(pattern: str, path: str) -> bool:
    """Whether `path` is one that `pattern` stands for, or lies in one. A pattern that is none stands for nothing."""
    spec = _spec(pattern)
    return spec is not None and (spec.match_file(path) or spec.match_file(f"{path}/"))


def denied_patterns(policy: Policy, tool: str) -> tuple[str, ...]:
    """What no call of `tool` may look at: for tools that find files by themselves. In .gitignore's order, allowed ones negated."""
    lines: list[str] = []
    for rule in reversed(policy.rules):
        if rule.path and name_fits(rule.tool, tool) and not rule.command_prefix and not rule.host:
            if rule.decision == Policy.DECISION_DENY:
                lines.append(rule.path)
            elif lines:
                lines.append(rule.path[1:] if rule.path.startswith("!") else f"!{rule.path}")
    return tuple(lines)


def name_fits(pattern: str, tool: str) -> bool:
    """Whether a rule's tool stands for `tool`; empty stands for all."""
    return not pattern or pattern == tool or (pattern.endswith("*") and tool.startswith(pattern[:-1]))


@lru_cache(maxsize=256)
def _spec(pattern: str) -> GitIgnoreSpec | None:
    try:
        return GitIgnoreSpec.from_lines([pattern])
    except ValueError:
        return None
