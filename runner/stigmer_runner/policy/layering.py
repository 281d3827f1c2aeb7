"""What holds in a run: what the person says of it, over what its agent says, with what was approved for the session. Pure.

- The preset is the run's where it names one, else the agent's, else `ask`.
- Rules of the run come first, those of the agent after them: the first that fits decides.
- Where the run names a stricter preset than the agent, what the agent's rules allow does not count; what they ask about or deny does.
- Network, expiry and sandbox are the run's where it says something about them, else the agent's.
- Commands approved by their prefix are allowed as `granting` says, but never under `read-only`.
"""

from collections.abc import Iterable, Sequence

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import SessionApproval
from stigmer_runner.policy.granting import with_prefix
from stigmer_runner.policy.rules import DEFAULT_PRESET, PRESETS

READ_ONLY = PRESETS[0]


def layered(of_agent: Policy, of_run: Policy | None) -> Policy:
    """The policy of a run."""
    policy = Policy()
    policy.CopyFrom(of_agent)
    policy.preset = of_agent.preset or DEFAULT_PRESET
    if of_run is None:
        return policy
    kept = list(policy.rules)
    if _strictness(of_run.preset or policy.preset) < _strictness(policy.preset):
        kept = [rule for rule in kept if rule.decision != Policy.DECISION_ALLOW]
    del policy.rules[:]
    policy.rules.extend([*of_run.rules, *kept])
    policy.preset = of_run.preset or policy.preset
    if of_run.network.mode:
        policy.network.CopyFrom(of_run.network)
    if of_run.HasField("approval_expiry"):
        policy.approval_expiry.CopyFrom(of_run.approval_expiry)
    policy.sandbox = of_run.sandbox or policy.sandbox
    return policy


def with_approvals(policy: Policy, approvals: Iterable[SessionApproval]) -> Policy:
    """`policy` with the prefixes that a person approved for the session, the newest last."""
    if policy.preset == READ_ONLY:
        return policy
    for each in approvals:
        if each.prefix:
            policy = with_prefix(policy, each.tool, tuple(each.prefix))
    return policy


def granted(approvals: Sequence[SessionApproval]) -> tuple[str, ...]:
    """What was approved for the session call by call, as hexadecimal."""
    return tuple(each.grant.hex() for each in approvals if each.grant)


def _strictness(preset: str) -> int:
    """The smaller, the less is allowed. A preset that there is not counts as `ask`, as everywhere."""
    return PRESETS.index(preset if preset in PRESETS else DEFAULT_PRESET)
