"""A run's policy over its agent's: which rules count, in which order, and what an approval for the session adds."""

import pytest
from google.protobuf.duration_pb2 import Duration

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import SessionApproval
from stigmer_runner.policy.granting import expiry_of
from stigmer_runner.policy.layering import granted, layered, with_approvals

ALLOW = Policy.Rule(decision=Policy.DECISION_ALLOW, tool="shell", command_prefix=["git", "push"])
ASK = Policy.Rule(decision=Policy.DECISION_ASK, tool="shell", command_prefix=["make"])
DENY = Policy.Rule(decision=Policy.DECISION_DENY, tool="fetch")
OWN = Policy.Rule(decision=Policy.DECISION_ALLOW, tool="fetch", host="example.org")
AGENT = Policy(preset="ask", rules=[ALLOW, ASK, DENY], network=Network(mode=Network.MODE_OPEN))


@pytest.mark.parametrize(
    ("of_run", "preset", "rules"),
    [
        pytest.param(None, "ask", [ALLOW, ASK, DENY], id="nothing-said"),
        pytest.param(Policy(preset="auto"), "auto", [ALLOW, ASK, DENY], id="a-wider-preset-keeps-every-rule"),
        pytest.param(Policy(preset="read-only"), "read-only", [ASK, DENY], id="a-stricter-one-keeps-no-leave"),
        pytest.param(Policy(rules=[OWN]), "ask", [OWN, ALLOW, ASK, DENY], id="rules-of-the-run-come-first"),
        pytest.param(Policy(preset="read-only", rules=[OWN]), "read-only", [OWN, ASK, DENY], id="its-own-leave-counts"),
        pytest.param(Policy(preset="strict"), "strict", [ALLOW, ASK, DENY], id="an-unknown-preset-counts-as-ask"),
    ],
)
def test_rules_and_presets(of_run: Policy | None, preset: str, rules: list[Policy.Rule]) -> None:
    found = layered(AGENT, of_run)
    assert found.preset == preset
    assert list(found.rules) == rules
    assert found.network.mode == Network.MODE_OPEN


def test_network_and_expiry_are_the_runs_where_it_says_something() -> None:
    agent = Policy(approval_expiry=Duration(seconds=60))
    assert expiry_of(layered(agent, Policy(preset="auto")), 5) == 60
    closed = layered(AGENT, Policy(network=Network(mode=Network.MODE_CLOSED), approval_expiry=Duration(seconds=7)))
    assert (closed.network.mode, expiry_of(closed, 5)) == (Network.MODE_CLOSED, 7)
    assert expiry_of(layered(AGENT, None), 5) == 5
    assert layered(Policy(), None).preset == "ask"


def test_what_was_approved_for_the_session_stands_behind_what_is_denied() -> None:
    approvals = [
        SessionApproval(tool="shell", prefix=["ls"]),
        SessionApproval(tool="shell", grant=b"\x01"),
        SessionApproval(tool="fetch", prefix=["x"]),
    ]
    found = with_approvals(layered(AGENT, None), approvals)
    assert next(rule.decision for rule in found.rules) == Policy.DECISION_DENY
    assert Policy.Rule(decision=Policy.DECISION_ALLOW, tool="shell", command_prefix=["ls"]) in found.rules
    assert granted(approvals) == ("01",)
    closed = layered(AGENT, Policy(preset="read-only"))
    assert with_approvals(closed, approvals) == closed
