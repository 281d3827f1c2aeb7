"""What an approval adds to a policy for the rest of a session."""

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy


def with_prefix(policy: Policy, tool: str, prefix: tuple[str, ...]) -> Policy:
    """`policy` that also allows commands of `tool` that begin with `prefix`. What it denies it goes on denying."""
    rule = Policy.Rule(decision=Policy.DECISION_ALLOW, tool=tool, command_prefix=prefix)
    return _with(policy, rule)


def with_tool(policy: Policy, tool: str) -> Policy:
    """`policy` that also allows `tool`, but for protected files and what it denies or asks for by a rule of its own."""
    return _with(policy, Policy.Rule(decision=Policy.DECISION_ALLOW, tool=tool))


def _with(policy: Policy, rule: Policy.Rule) -> Policy:
    """The new rule stands after those that deny, or ask by name of a command, path or host, and before the others."""
    granted = Policy()
    granted.CopyFrom(policy)
    del granted.rules[:]
    strict = [
        each
        for each in policy.rules
        if each.decision == Policy.DECISION_DENY
        or (
            each.decision == Policy.DECISION_ASK
            and (each.path or each.host or len(each.command_prefix) > len(rule.command_prefix))
        )
    ]
    granted.rules.extend(strict)
    if rule not in policy.rules:
        granted.rules.append(rule)
    granted.rules.extend(each for each in policy.rules if each not in strict)
    return granted
