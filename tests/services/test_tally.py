"""Sums over executions: by piece of time, by agent, by tool; bounded, and saying so."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2 as es
from stigmer_apis.errors import InvalidArgument
from stigmer_backend.executions import listing
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, phase
from tests.support.served_backend import Served
from tests.support.waiting import eventually


async def tallied(
    served: Served, buckets: int = 0, wanted: es.ExecutionFilter | None = None
) -> es.TallyExecutionsResponse:
    request = es.TallyExecutionsRequest(filter=wanted, buckets=buckets)
    return await served.stubs.service.TallyExecutions(request, metadata=served.stubs.metadata)


async def ended(served: Served, runner: ScriptedRunner, tokens: int, *, failed: bool) -> None:
    """A run with a tool call that ran to its end, for as many seconds as it used tokens."""
    name = (await served.run("count me")).metadata.id
    await runner.lease(name)
    await runner.append(name, [at(1, ExecutionPhase.EXECUTION_IN_PROGRESS)])
    await runner.run_line(name, "true", b"hi")
    last = ExecutionPhase.EXECUTION_FAILED if failed else ExecutionPhase.EXECUTION_COMPLETED
    used = ev.Event(usage_reported=ev.UsageReported(input_tokens=tokens, cost_micro_usd=7))
    await runner.append(name, [used, at(1 + tokens, last)])
    runner.held.pop(name, None)
    await eventually(lambda: served.backend.counts()[1] == 0)


def at(seconds: int, value: ExecutionPhase.ValueType) -> ev.Event:
    """The execution moved on, at a moment."""
    event = phase(value)
    event.time_unix_micros = seconds * 1_000_000
    return event


async def test_nothing_at_all(served: Served) -> None:
    """No axis without anything on it."""
    nothing = await tallied(served)
    assert (nothing.whole.executions, len(nothing.buckets), nothing.is_lower_bound) == (0, 0, False)
    with refused(InvalidArgument):
        await tallied(served, 241)


async def test_sums_of_what_ran_and_of_what_runs(
    served: Served, runner: ScriptedRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Buckets, agents and tools add up to the whole; what goes on counts too; more than is looked at is said to be more."""
    for tokens in (100, 200, 300):
        await ended(served, runner, tokens, failed=tokens == 200)
    living = (await served.run("still here")).metadata.id
    await runner.begin(living)
    await runner.run_line(living, "true", b"hi")

    answer = await tallied(served, 5)
    whole = answer.whole
    assert (whole.executions, whole.completed, whole.failed) == (4, 2, 1)
    assert (whole.tokens, whole.cost_micro_usd) == (600, 21)
    assert (whole.median_micros, whole.longest_micros) == (200_000_000, 300_000_000)
    assert len(answer.buckets) == 5
    assert answer.buckets[0].executions
    assert answer.buckets[-1].executions
    assert sum(bucket.tokens for bucket in answer.buckets) == 600
    assert [(agent.title, agent.executions) for agent in answer.agents] == [("shell", 4)]
    assert [tool.calls for tool in answer.tools] == [4]
    assert answer.tools_of == 4

    failures = await tallied(served, 1, es.ExecutionFilter(phases=[ExecutionPhase.EXECUTION_FAILED]))
    assert (failures.whole.executions, failures.buckets[0].failed) == (1, 1)
    monkeypatch.setattr(listing, "TALLIED_ROWS", 2)
    part = await tallied(served)
    assert (part.whole.executions, part.is_lower_bound) == (2, True)
