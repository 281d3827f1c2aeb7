"""What a runner has room for: workflows take no place from what works."""

from typing import cast

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Sandbox
from stigmer_backend.executions.leases import Lease
from stigmer_backend.executions.sessions import WORKFLOWS, RunnerReport, RunnerSession

LEASE = cast(Lease, object())


def test_workflows_take_no_place_from_agents() -> None:
    session = RunnerSession(RunnerReport("run-1", 1, "0", 2, Sandbox()), 0.0, 0.0)
    for number in range(100):
        session.hold(f"wex-{number}", LEASE)
    session.hold("wex-1", LEASE)
    assert (session.room_for("aex-1"), session.room_for("wex-x")) == (2, WORKFLOWS - 100)
    session.hold("aex-1", LEASE)
    session.hold("aex-2", LEASE)
    assert (session.room_for("aex-3"), session.room_for("wex-x")) == (0, WORKFLOWS - 100)
    session.let_go("wex-7")
    session.let_go("wex-7")
    session.let_go("aex-1")
    assert (session.room_for("aex-3"), session.room_for("wex-x")) == (1, WORKFLOWS - 99)
    session.let_go_of_all()
    assert (session.room_for("aex-3"), session.room_for("wex-x")) == (2, WORKFLOWS)
    session.close()
    assert session.room_for("wex-x") == 0
