"""Whether and when an activity is tried again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryRule:
    """The rule of one activity. Without a policy the defaults are those of a Temporal server."""

    initial_seconds: float = 1.0
    """Wait before the second attempt."""
    coefficient: float = 2.0
    """By how much each wait is longer than the one before; at least 1."""
    maximum_seconds: float = 100.0
    """The longest wait."""
    maximum_attempts: int = 0
    """Attempts in all; 0 for no limit."""
    fatal_kinds: frozenset[str] = frozenset()
    """Failures of these kinds are never retried."""

    def exhausted(self, attempt: int) -> bool:
        """Whether `attempt`, counted from 1, was the last one."""
        return 0 < self.maximum_attempts <= attempt

    def wait_after(self, attempt: int) -> float:
        """Seconds to wait after `attempt` failed."""
        grown = self.initial_seconds * self.coefficient ** min(attempt - 1, 1000)
        return min(grown, self.maximum_seconds)


NO_POLICY = RetryRule()
"""The rule of an activity whose workflow names none."""
