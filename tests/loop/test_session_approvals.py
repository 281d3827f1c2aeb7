"""What is approved for a session holds for its later runs, until it is taken back; and a decision that does not come in time says so."""

from google.protobuf.duration_pb2 import Duration

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.loop.stage import Stage, Told


def run(line: str) -> ScriptedCall:
    """A command."""
    return ScriptedCall("shell", {"command": line})


async def goes_on(stage: Stage, session_id: str, preset: str = "") -> Told:
    """Another run in the session, denied whatever it asks for, to its end."""
    policy = Policy(preset=preset) if preset else None
    execution = await stage.client.run("careful", "Go on.", session_id=session_id, policy=policy)
    execution_id = execution.metadata.id
    denied = 0
    while True:
        told = await stage.until(
            execution_id, lambda told, seen=denied: len(told.approvals) > seen or told.phase >= EXECUTION_COMPLETED
        )
        if told.phase >= EXECUTION_COMPLETED:
            return told
        asked = told.approvals[denied]
        await stage.client.steering.resolve_approval(
            execution_id, asked.call_id, ev.APPROVAL_DENIED, binding=asked.binding
        )
        denied += 1


async def test_they_hold_for_later_runs_of_the_session_until_they_are_taken_back(stage: Stage) -> None:
    first = Turn("", calls=(run("echo one two"), run("ls -l")))
    again = Turn("", calls=(run("echo one two"), run("ls -a"), run("echo three")))
    done = Turn("Done.")
    await stage.agent("careful", preset="ask")
    async with stage.playing(Script.of(first, done, again, done, again, done, again, done)):
        execution = await stage.run("careful", "Begin.")
        execution_id, session_id = execution.metadata.id, execution.spec.session_id
        for number, scope in ((1, ev.APPROVAL_SESSION), (2, ev.APPROVAL_PREFIX)):
            asked = (await stage.until(execution_id, lambda told, n=number: len(told.approvals) == n)).approvals[-1]
            await stage.client.steering.resolve_approval(execution_id, asked.call_id, scope, binding=asked.binding)
        assert (await stage.ended(execution_id)).phase == EXECUTION_COMPLETED

        told = await goes_on(stage, session_id)
        assert [asked.summary for asked in told.approvals] == ["echo three"], told

        told = await goes_on(stage, session_id, preset="read-only")
        assert not told.approvals
        assert "read-only" in told.results()["call-2"], "a prefix opens nothing that a run's preset closes"

        listed = stage.workstation.run("session", "approvals", session_id).stdout.decode()
        assert "echo one two" in listed
        assert "commands that begin with `ls`" in listed, listed
        prefix = next(line.split()[0] for line in listed.splitlines() if "begin with" in line)
        revoked = stage.workstation.run("session", "approvals", session_id, "--revoke", prefix).stdout.decode()
        assert "is taken back" in revoked
        told = await goes_on(stage, session_id)
        assert [asked.summary for asked in told.approvals] == ["ls -a", "echo three"]
        stage.workstation.run("session", "approvals", session_id, "--revoke", "all")
        assert stage.workstation.run("session", "approvals", session_id).stdout.decode().startswith("Nothing")


async def test_another_session_has_none_of_it(stage: Stage) -> None:
    await stage.agent("careful", preset="ask")
    async with stage.playing(Script.of(Turn("", calls=(run("echo one"),)), Turn("Done."))):
        execution = await stage.run("careful", "Begin.")
        execution_id = execution.metadata.id
        asked = (await stage.until(execution_id, lambda told: len(told.approvals) == 1)).approvals[0]
        resolve = stage.client.steering.resolve_approval
        await resolve(execution_id, asked.call_id, ev.APPROVAL_SESSION, binding=asked.binding)
        await stage.ended(execution_id)
    async with stage.playing(Script.of(Turn("", calls=(run("echo one"),)), Turn("Done."))):
        other = (await stage.run("careful", "Begin.")).metadata.id
        asked = (await stage.until(other, lambda told: len(told.approvals) == 1)).approvals[0]
        await stage.client.cancel(other, "enough")
        assert asked.summary == "echo one"


async def test_a_decision_that_does_not_come_in_time_says_so(stage: Stage) -> None:
    policy = Policy(preset="ask", approval_expiry=Duration(nanos=200_000_000))
    await stage.agent("impatient", AgentSpec(policy=policy))
    script = Script.of(Turn("", calls=(run("echo late"),)), Turn("Well.", expect="is over"))
    async with stage.playing(script):
        told = await stage.ended((await stage.run("impatient", "Begin.")).metadata.id)
    assert told.phase == EXECUTION_COMPLETED, told
    (asked,) = told.approvals
    (requested,) = told.of("approval_requested")
    assert 0 < asked.expires_unix_micros - requested.time_unix_micros <= 200_000
    (resolved,) = [event.approval_resolved for event in told.of("approval_resolved")]
    assert (resolved.approval, resolved.reason) == (ev.APPROVAL_EXPIRED, "nobody decided in time")
    assert told.results()["call-1"] == "The time to decide about this call is over: nobody decided in time."
