"""What is done with a call."""

import enum
from dataclasses import dataclass


class Decision(enum.Enum):
    """What is done with a call."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"

    @property
    def severity(self) -> int:
        """The worst of several decides."""
        return {Decision.ALLOW: 0, Decision.ASK: 1, Decision.DENY: 2}[self]


@dataclass(frozen=True)
class Verdict:
    """A decision with its reason, in words for a person."""

    decision: Decision
    reason: str


def worst(verdicts: "list[Verdict]") -> Verdict:
    """The strictest; the first of equals."""
    return max(verdicts, key=lambda verdict: verdict.decision.severity)
