"""What an approval adds to a policy for the rest of a session."""

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy


def with_prefix(policy: Policy, tool: str, prefix: tuple[str, ...]) -> Policy:
    """`policy` that also allows commands of `tool` that begin with `prefix`. What it denies it goes on denying, and what it
    asks for by a longer prefix it goes on asking for. Pure."""
    rule = Policy.Rule(decision=Policy.DECISION_ALLOW, tool=tool, command_prefix=prefix)
    strict = [each for each in policy.rules if _stands_before(each, rule)]
    granted = Policy()
    granted.CopyFrom(policy)
    del granted.rules[:]
    granted.rules.extend([*strict, rule, *(each for each in policy.rules if each not in strict and each != rule)])
    return granted


def expiry_of(policy: Policy, configured: float) -> float:
    """Seconds that a person has to decide about a call; 0 for as long as they like."""
    if policy.HasField("approval_expiry"):
        return max(policy.approval_expiry.ToTimedelta().total_seconds(), 0.0)
    return configured


def _stands_before(rule: Policy.Rule, fresh: Policy.Rule) -> bool:
    if rule.decision == Policy.DECISION_DENY:
        return True
    return rule.decision == Policy.DECISION_ASK and len(rule.command_prefix) > len(fresh.command_prefix)
