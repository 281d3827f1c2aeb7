"""Programs that speak the protocol, as agents of ours."""

import asyncio
import contextlib
import sys
from pathlib import Path

import psutil
import pytest
from google.protobuf.duration_pb2 import Duration

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
)
from stigmer_apis._generated.stigmer.agent.v1.settings_pb2 import ExternalAgent
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Limits
from stigmer_apis.errors import FailedPrecondition
from tests.loop.stage import Stage
from tests.support.waiting import eventually

SOURCE = (Path(__file__).parent / "example_agent.py").read_text()


async def agent(stage: Stage, name: str, *, preset: str = "auto", source: str = SOURCE) -> None:
    """An agent that is a program."""
    external = ExternalAgent(command=sys.executable, args=["-c", source])
    await stage.agent(name, AgentSpec(external=external), preset=preset)


async def started(stage: Stage, execution_id: str) -> None:
    """Let it start."""
    told = await stage.until(execution_id, lambda told: len(told.approvals) == 1)
    (asked,) = told.approvals
    await stage.client.steering.resolve_approval(execution_id, asked.call_id, ev.APPROVAL_ONCE, binding=asked.binding)


async def test_what_it_says_thinks_and_plans(stage: Stage) -> None:
    await agent(stage, "greeter")
    execution_id = (await stage.run("greeter", "hello there")).metadata.id
    told = await stage.ended(execution_id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert told.text() == "Hello, prompt 1. I was told things."
    assert [each.reasoning_delta.text for each in told.of("reasoning_delta")] == ["Somebody greets."]
    (plan,) = told.of("todo_list_changed")
    assert [todo.content for todo in plan.todo_list_changed.todos.values()] == ["Greet back"]
    (used,) = told.of("usage_reported")
    assert (used.usage_reported.input_tokens, used.usage_reported.output_tokens) == (20, 10)
    listed = await stage.client.list_executions()
    row = next(each for each in listed.executions if each.execution_id == execution_id)
    assert row.phase == EXECUTION_COMPLETED


async def test_its_edits_wait_for_a_person(stage: Stage) -> None:
    await agent(stage, "editor", preset="ask")
    (stage.directory / "a.txt").write_text("old\n")
    execution_id = (await stage.run("editor", "edit a.txt")).metadata.id
    await started(stage, execution_id)
    told = await stage.until(execution_id, lambda told: len(told.approvals) == 2)
    asked = told.approvals[1]
    assert "a.txt" in asked.summary
    steering = stage.client.steering
    with pytest.raises(FailedPrecondition, match="is not what the call"):
        await steering.resolve_approval(execution_id, asked.call_id, ev.APPROVAL_ONCE, binding=b"x" * 32)
    assert (stage.directory / "a.txt").read_text() == "old\n"
    await steering.resolve_approval(execution_id, asked.call_id, ev.APPROVAL_ONCE, binding=asked.binding)
    told = await stage.ended(execution_id)
    assert told.text() == "chosen: yes"
    assert (stage.directory / "a.txt").read_text() == "new\n"
    (changed,) = told.of("file_changed")
    assert (changed.file_changed.path, changed.file_changed.lines_added) == ("a.txt", 1)
    assert [each.approval_resolved.approval for each in told.of("approval_resolved")] == [ev.APPROVAL_ONCE] * 2
    assert [each.tool_call_finished.error for each in told.of("tool_call_finished")] == ["", ""]

    denied_id = (await stage.run("editor", "edit b.txt")).metadata.id
    await started(stage, denied_id)
    told = await stage.until(denied_id, lambda told: len(told.approvals) == 2)
    asked = told.approvals[1]
    await steering.resolve_approval(denied_id, asked.call_id, ev.APPROVAL_DENIED, binding=asked.binding)
    assert (await stage.ended(denied_id)).text() == "chosen: no"
    assert not (stage.directory / "b.txt").exists()

    unwanted_id = (await stage.run("editor", "hello")).metadata.id
    told = await stage.until(unwanted_id, lambda told: len(told.approvals) == 1)
    (asked,) = told.approvals
    assert "without asking" in asked.summary
    await steering.resolve_approval(unwanted_id, asked.call_id, ev.APPROVAL_DENIED, binding=asked.binding)
    told = await stage.ended(unwanted_id)
    assert told.phase == EXECUTION_FAILED
    assert "was not started" in told.reason


async def test_a_policy_denies_without_asking(stage: Stage) -> None:
    await agent(stage, "reader", preset="read-only")
    for message, words in (
        ("edit a.txt", "chosen: no"),
        ("files a.txt", "refused"),
        ("terminal true", "refused"),
        ("force a.txt", "Read-only"),
    ):
        told = await stage.ended((await stage.run("reader", message)).metadata.id)
        assert told.approvals == []
        if words != "refused":
            assert words in told.text()
        else:
            assert told.phase == EXECUTION_FAILED
    assert list(stage.directory.iterdir()) == []


async def test_files_go_through_our_way_into_the_workspace(stage: Stage) -> None:
    await agent(stage, "writer")
    told = await stage.ended((await stage.run("writer", "files notes.txt")).metadata.id)
    assert told.text() == "read: two\n", told
    assert (stage.directory / "notes.txt").read_text() == "one\ntwo\nthree\n"
    (changed,) = told.of("file_changed")
    assert changed.file_changed.path == "notes.txt"
    assert changed.file_changed.after_hash
    secret = stage.workstation.home / "secret.txt"
    secret.write_text("hidden")
    (stage.directory / "link").symlink_to(secret)
    paths = (str(secret), "/etc/hostname", str(stage.directory / "link"), f"{stage.directory}/../escape")
    told = await stage.ended((await stage.run("writer", f"outside {' '.join(paths)}")).metadata.id)
    assert told.text().count("refused:") == 2 * len(paths), told
    assert "let me" not in told.text()
    assert secret.read_text() == "hidden"


async def test_its_own_hands_are_inside_the_walls(stage: Stage) -> None:
    await agent(stage, "looker")
    told = await stage.ended((await stage.run("looker", f"look {stage.workstation.home}/data")).metadata.id)
    assert told.text() == "there: False"


async def test_its_terminals_are_our_commands(stage: Stage) -> None:
    await agent(stage, "runner")
    execution_id = (await stage.run("runner", "terminal echo from here; exit 3")).metadata.id
    told = await stage.ended(execution_id)
    assert told.text() == "exit 3: from here\n", told
    begun = [each.tool_call_started for each in told.of("tool_call_started")]
    assert [(each.sandbox.walls, bool(each.terminal_id)) for each in begun if each.terminal_id] == [(True, True)]
    assert b"from here" in b"".join(each.terminal_output.data for each in told.of("terminal_output"))
    assert [each.tool_call_finished.exit_code for each in told.of("tool_call_finished")] == [0, 3]


async def test_it_is_interrupted_and_goes_on(stage: Stage) -> None:
    await agent(stage, "waiter")
    execution_id = (await stage.run("waiter", "wait")).metadata.id
    await stage.until(execution_id, lambda told: "I wait." in told.text())
    await stage.client.steering.interrupt(execution_id)
    await stage.until(execution_id, lambda told: len(told.questions) == 1)
    await stage.client.send_message(execution_id, "hello again")
    told = await stage.ended(execution_id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert told.text().endswith("Hello, prompt 2.")


async def test_what_it_waits_for_is_withdrawn_with_the_turn(stage: Stage) -> None:
    await agent(stage, "asker", preset="ask")
    execution_id = (await stage.run("asker", "edit a.txt")).metadata.id
    await started(stage, execution_id)
    await stage.until(execution_id, lambda told: len(told.approvals) == 2)
    await stage.client.steering.interrupt(execution_id)
    told = await stage.until(execution_id, lambda told: len(told.questions) == 1)
    assert told.of("approval_resolved")[1].approval_resolved.reason == "interrupted"
    waiting = (await stage.client.steering.list_attention()).waiting
    assert [each.approval.call_id for each in waiting if each.execution.execution_id == execution_id] == [""]
    await stage.client.steering.answer(execution_id, "hello")
    told = await stage.ended(execution_id)
    assert told.text() == "chosen: cancelledHello, prompt 2."
    assert not (stage.directory / "a.txt").exists()


async def test_a_program_that_dies_is_told_of(stage: Stage) -> None:
    await agent(stage, "mortal")
    told = await stage.ended((await stage.run("mortal", "die now")).metadata.id)
    assert told.phase == EXECUTION_FAILED
    assert "has ended" in told.reason
    assert "exit code 7" in told.reason
    assert "a last word" in told.reason
    assert told.text() == "I die."


async def test_what_is_no_such_program_is_told_of(stage: Stage) -> None:
    await agent(stage, "empty", source="print('hello')")
    told = await stage.ended((await stage.run("empty", "hello")).metadata.id)
    assert told.phase == EXECUTION_FAILED
    assert "has ended" in told.reason
    spec = AgentSpec(external=ExternalAgent(command="no-such-program-anywhere"))
    await stage.agent("missing", spec)
    told = await stage.ended((await stage.run("missing", "hello")).metadata.id)
    assert told.phase == EXECUTION_FAILED
    assert "no-such-program-anywhere" in told.reason


async def test_a_prompt_is_not_repeated_after_a_crash(stage: Stage) -> None:
    await agent(stage, "unlucky")
    execution_id = (await stage.run("unlucky", "wait")).metadata.id
    await stage.until(execution_id, lambda told: "I wait." in told.text())
    for process in stage.workstation.processes_of("stigmer_runner"):
        await asyncio.to_thread(stage.workstation.kill, process.pid)
    told = await stage.ended(execution_id)
    assert told.phase == EXECUTION_FAILED, told
    assert told.text() == "I wait."
    assert "nobody knows" in str(told)


async def test_a_flood_ends_the_program_and_the_session_goes_on(stage: Stage) -> None:
    await agent(stage, "flood")
    first = await stage.run("flood", "flood")
    told = await stage.ended(first.metadata.id)
    assert told.phase == EXECUTION_FAILED
    assert "more than 32 MiB in one turn" in told.reason
    assert "what came before is kept" in told.reason
    assert 30_000_000 < len(told.text()) < 34_000_000
    second = await stage.client.run("flood", "hello", session_id=first.spec.session_id)
    told = await stage.ended(second.metadata.id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert told.text().startswith("Hello")


async def test_it_is_cancelled_and_leaves_nothing(stage: Stage) -> None:
    await agent(stage, "gone")
    execution_id = (await stage.run("gone", "wait")).metadata.id
    await stage.until(execution_id, lambda told: "I wait." in told.text())
    assert _programs(execution_id)
    await stage.client.cancel(execution_id, "enough")
    told = await stage.ended(execution_id)
    assert (told.phase, told.reason) == (EXECUTION_CANCELLED, "enough")
    await eventually(lambda: not _programs(execution_id))


def _programs(execution_id: str) -> list[psutil.Process]:
    """What bears the marker of the execution."""
    found: list[psutil.Process] = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if execution_id in each.environ().get("STIGMER_EXEC_ID", ""):
                found.append(each)
    return found


async def test_limits_of_time_and_cost(stage: Stage) -> None:
    await agent(stage, "dear")
    in_time = RunOptions(limits=Limits(time=Duration(seconds=1), cost_micro_usd=1_000_000))
    spec = AgentExecutionSpec(agent_id="dear", message="wait", options=in_time)
    told = await stage.ended(await stage.start(AgentExecution(spec=spec)))
    assert told.phase == EXECUTION_FAILED, told
    assert "1 second" in told.reason
    assert "looked at between turns" in told.of("log_line")[0].log_line.text
    spec.message, spec.options.limits.time.seconds = "cost 1.5", 60
    execution_id = await stage.start(AgentExecution(spec=spec))
    told = await stage.ended(execution_id)
    assert told.of("usage_reported")[0].usage_reported.cost_micro_usd == 1_500_000
    listed = await stage.client.list_executions()
    row = next(each for each in listed.executions if each.execution_id == execution_id)
    assert row.cost_micro_usd == 1_500_000
