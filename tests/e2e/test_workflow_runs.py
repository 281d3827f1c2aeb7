"""Workflows through a real daemon and runner: agents, other workflows, events, callbacks, secrets, signals, pauses."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from tests.chaos.daemon import DaemonProcess, client_of
from tests.chaos.reading import everything
from tests.e2e.test_runner_and_daemon import living
from tests.support.require import require_tool
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation
from tests.workflow_work.site import as_json, served

LIVENESS = 90.0
HEAD = "document: {dsl: 1.0.0, namespace: tests, name: tried, version: 1.0.0}\n"


@pytest.fixture
def workstation() -> Iterator[Workstation]:
    """A home of its own."""
    require_tool("bwrap")
    with new_workstation() as made:
        yield made


@pytest_asyncio.fixture
async def runs(workstation: Workstation) -> "AsyncIterator[Runs]":
    await DaemonProcess.start(workstation).answers()
    async with client_of(workstation) as client, asyncio.timeout(LIVENESS):
        yield Runs(client)


class Runs:
    """Runs documents."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def begin(self, text: str, workspace: Path | None = None, secrets: Mapping[str, str] | None = None) -> str:
        """The id of a run."""
        where = "" if workspace is None else str(workspace)
        begun = await self.client.workflows.run(document=HEAD + text, workspace=where, secrets=secrets)
        return begun.metadata.id

    async def until(self, execution_id: str, kind: str) -> Event:
        """The first event of a kind."""
        async for item in self.client.tail(execution_id):
            for event in item.events if isinstance(item, TailBatch) else ():
                if event.WhichOneof("body") == kind:
                    return event
        raise AssertionError(f"{execution_id} ended without a {kind}")

    async def ended(self, execution_id: str) -> tuple[int, object, str]:
        """Phase, output and reason."""
        events = await everything(self.client, execution_id, follow=True)
        outputs = [each.workflow_output for each in events if each.HasField("workflow_output")]
        output = MessageToDict(outputs[-1]).get("output") if outputs else None
        last = events[-1].phase_changed
        return last.phase, output, last.reason

    async def output(self, text: str) -> object:
        """What a document answers."""
        phase, output, reason = await self.ended(await self.begin(text))
        assert phase == EXECUTION_COMPLETED, reason
        return output

    async def reason(self, text: str) -> str:
        """Why a document fails."""
        phase, _, reason = await self.ended(await self.begin(text))
        assert phase == EXECUTION_FAILED
        return reason


def agent(message: str, more: str = "") -> str:
    """A task that asks the agent `shell`. It ends before the words about a schema that come behind its line."""
    return f"do: [{{a: {{call: agent, with: {{agent: shell, message: {json.dumps(message + '; exit')}{more}}}}}}}]"


async def test_agents_are_asked_and_end_with_their_workflow(runs: Runs, tmp_path: Path) -> None:
    schema = ", schema: {type: object, required: [n], properties: {n: {type: integer}}}"
    output = await runs.output(agent("echo '{\"n\": 7}'", schema))
    assert "'data': {'n': 7.0}" in str(output)
    assert "'execution_id': 'aex-" in str(output)
    assert "does not fit its schema" in await runs.reason(agent('echo \'{"n": "x"}\'', schema))
    assert "gave no JSON" in await runs.reason(agent("echo hello", schema))
    nobody = "do: [{a: {call: agent, with: {agent: '${ \"nobody\" }', message: x}}}]"
    assert "cannot be started" in await runs.reason(nobody)
    assert "longer than 1 s" in await runs.reason(agent("sleep 3456", ", config: {timeout: 1}"))
    await eventually(lambda: not living("sleep", "3456"))
    execution_id = await runs.begin(agent("touch there; sleep 3457"), workspace=tmp_path)
    await eventually((tmp_path / "there").exists)
    assert (await runs.client.cancel(execution_id, "enough", 30.0)).phase == EXECUTION_CANCELLED
    await eventually(lambda: not living("sleep", "3457"))


ALSO = "\n---\ndocument: {dsl: 1.0.0, namespace: tests, name: NAME, version: 1.0.0}\n"
"""The head of a document behind another one in the same text."""


async def test_workflows_in_the_same_text_are_run_without_being_stored(runs: Runs) -> None:
    """By each of them, whichever stands first; and what is nowhere is told before anything runs."""
    call = "run: {workflow: {namespace: tests, name: NAME, version: 1.0.0, input: {n: '${ .n + 1 }'}}}"
    text = "do: [{first: {set: {n: 1}}}, {a: {" + call.replace("NAME", "outer") + "}}]"
    outer = ALSO.replace("NAME", "outer") + "do: [{b: {" + call.replace("NAME", "inner") + "}}]"
    inner = ALSO.replace("NAME", "inner") + "# the last\ndo: [{c: {set: {n: '${ .n * 10 }'}}}]"
    assert await runs.output(text + outer + inner) == {"n": 30.0}
    with pytest.raises(FailedPrecondition, match="calls the workflow 'inner', and nothing of that name is stored"):
        await runs.begin(text + outer)
    with pytest.raises(InvalidArgument, match="the name `inner` is there twice in one text"):
        await runs.begin(text + outer + inner + inner)


async def test_callbacks_events_signals_and_pauses(runs: Runs) -> None:
    activity = (
        "do: [{a: {call: activity, with: {name: bill, taskQueue: billing}, timeout: {after: {seconds: SECONDS}}}}]"
    )
    for outcome in ("result", "error"):
        execution_id = await runs.begin(activity.replace("SECONDS", "60"))
        waiting = (await runs.until(execution_id, "workflow_task_waiting")).workflow_task_waiting
        assert waiting.activity.queue == "billing"
        if outcome == "result":
            await runs.client.workflows.complete(waiting.activity.token, ParseDict({"paid": True}, Value()))
            assert await runs.ended(execution_id) == (EXECUTION_COMPLETED, {"paid": True}, "")
        else:
            await runs.client.workflows.fail(waiting.activity.token, "no money")
            assert "no money" in (await runs.ended(execution_id))[2]
    assert await runs.reason(activity.replace("SECONDS", "1"))

    listening = await runs.begin("do: [{l: {listen: {to: {one: {with: {type: com.example.told}}}}}}]")
    await runs.until(listening, "workflow_task_waiting")
    event = "{source: 'https://x/', type: com.example.told, data: {n: 7}}"
    await runs.output(f"do: [{{e: {{emit: {{event: {{with: {event}}}}}}}}}]")
    phase, heard, _ = await runs.ended(listening)
    assert phase == EXECUTION_COMPLETED
    assert "'n': 7" in str(heard)

    paused = await runs.begin(
        "do: [{l: {listen: {to: {one: {with: {id: go, type: signal}}}}}}, {s: {set: {n: '${ .n }'}}}]"
    )
    await runs.until(paused, "workflow_task_waiting")
    await runs.client.steering.pause(paused)
    await runs.client.workflows.signal(paused, "go", ParseDict({"n": 7}, Value()))
    await asyncio.sleep(0.5)
    assert not (await runs.client.workflows.get(paused)).status.HasField("output")
    await runs.client.steering.resume(paused)
    assert await runs.ended(paused) == (EXECUTION_COMPLETED, {"n": 7}, "")


async def test_secrets_reach_those_they_are_for_and_nobody_else(runs: Runs) -> None:
    key = "s3cret-key-of-mine"
    async with served() as site:
        site.answer = lambda request: as_json(json.dumps(request.headers["authorization"]))
        execution_id = await runs.begin(
            f"""
use: {{secrets: [KEY]}}
do:
  - send: {{call: http, with: {{method: get, endpoint: {{uri: {site.base}, authentication: {{bearer: {{token: '${{ $secrets.KEY }}'}}}}}}}}}}
  - show: {{run: {{shell: {{command: 'echo "$KEY"'}}}}}}
""",
            secrets={"KEY": key},
        )
        phase, output, reason = await runs.ended(execution_id)
        assert (phase, output) == (EXECUTION_COMPLETED, "[secret KEY]"), reason
        assert site.requests[0].headers["authorization"] == f"Bearer {key}"
    for event in await everything(runs.client, execution_id, follow=False):
        assert key.encode() not in event.SerializeToString()
    assert key not in str(await runs.client.workflows.get(execution_id))


async def test_a_run_goes_on_where_it_failed_in_the_files_that_it_left(runs: Runs) -> None:
    text = """
do:
  - first: {run: {shell: {command: 'echo first >>done; echo 1'}}}
  - sides:
      fork:
        branches:
          - left: {run: {shell: {command: 'echo left >>done; echo L'}}}
          - right: {do: [{one: {run: {shell: {command: 'echo one >>done; echo R'}}}}, {two: {run: {shell: {command: 'test -e failed && cat done; touch failed'}}}}, {three: {if: '${ . == "" }', raise: {error: {type: 'https://e.test/x', status: 500}}}}]}
  - out: {set: {all: '${ . }'}}
"""
    failed = await runs.begin(text)
    assert (await runs.ended(failed))[0] == EXECUTION_FAILED
    made = await runs.client.workflows.go_on(failed, "two")
    assert made.taken_over == 3
    phase, output, _ = await runs.ended(made.execution_id)
    assert phase == EXECUTION_COMPLETED
    assert sorted(re.findall("first|left|one|L", json.dumps(output))) == ["L", "first", "left", "one"]
