"""Tasks that are executions of their own: agents and other workflows."""

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Mapping
from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, WorkflowTaskWaiting
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import AwaitExecutionResponse
from stigmer_apis.expressions.errors import ExpressionError
from stigmer_apis.expressions.shared import shared
from stigmer_apis.workflow.document_json import Json
from stigmer_runner.durable.workflow_messages import AGENT, CHILD
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.errors import RefusedByDaemon
from stigmer_runner.finishing import uninterrupted
from stigmer_runner.link.workflow_calls import AgentWanted, WorkflowCalls
from stigmer_runner.workflow.activities import Asked, QuietWork
from stigmer_runner.workflow.problems import Kind, TaskProblem

_ENDING = 60.0
"""Seconds that a child which is cancelled has to end before the task is told to have ended without it."""
_OPENING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()
_TRIES = 50
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


class Children:
    """Starts executions, waits for them, and ends them with the task that wants them."""

    def __init__(self, calls: WorkflowCalls) -> None:
        self.calls = calls

    async def ended(self, asked: Asked, child_id: str, what: str, seconds: float = 0.0) -> AwaitExecutionResponse:
        """How the child ended, which succeeded. Raises `TaskProblem` where it did not, or took longer than `seconds`."""
        waiting = WorkflowTaskWaiting(task_id=asked.task.task_id, child_execution_id=child_id)
        _ = asked.tell([Event(workflow_task_waiting=waiting)])
        try:
            async with asyncio.timeout(seconds or None):
                found = await self.calls.ended(child_id)
        except TimeoutError:
            await self._end(child_id, f"it took longer than {seconds:g} seconds")
            raise TaskProblem(Kind.TIMEOUT, f"{what} took longer than {seconds:g} seconds", child_id) from None
        except asyncio.CancelledError:
            await uninterrupted(self._end(child_id, "the task that started it was stopped"))
            raise
        if found.phase == EXECUTION_COMPLETED:
            return found
        word = "was cancelled" if found.phase == EXECUTION_CANCELLED else "failed"
        raise TaskProblem(Kind.RUNTIME, f"{what} {word} ({child_id})", found.error)

    async def _end(self, child_id: str, reason: str) -> None:
        try:
            async with asyncio.timeout(_ENDING):
                await self.calls.cancel(child_id, reason)
                await self.calls.ended(child_id)
        except (TimeoutError, LeaseLost, RefusedByDaemon):
            return


class CallAgent(QuietWork):
    """Asks an agent and waits for its answer: `message` is its last word, `data` what it answered by the schema that was given."""

    name = AGENT

    def __init__(self, children: Children) -> None:
        self._children = children

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        agent = asked.text("agent")
        config = asked.mapping("config")
        schema = asked.mapping("schema") or None
        wanted = AgentWanted(
            agent=agent,
            message=asked.text("message"),
            env={
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in asked.mapping("env").items()
            },
            model=str(config.get("model") or ""),
            schema=schema,
        )
        limit = config.get("timeout")
        what = f"the agent {agent!r}"
        child_id = await started(self._children.calls.start_agent(asked.task.key, wanted), what)
        seconds = float(limit) if isinstance(limit, int | float) else 0.0
        found = await self._children.ended(asked, child_id, what, seconds)
        # The agent `shell` answers by what its terminal showed.
        said = found.text.replace("\r\n", "\n").rstrip("\n")
        output: dict[str, object] = {"message": said, "execution_id": child_id}
        if schema is not None:
            output["data"] = await structured(found.text, schema, what)
        return output


class RunWorkflow(QuietWork):
    """Runs another workflow; its output is the task's. With `await: false` the output is which execution it is."""

    name = CHILD

    def __init__(self, children: Children) -> None:
        self._children = children

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        name = asked.text("name")
        what = f"the workflow {name!r}"
        input_json = json.dumps(asked.arguments.get("input"))
        child_id = await started(self._children.calls.start_workflow(asked.task.key, name, input_json), what)
        if asked.arguments.get("await") is False:
            return {"execution_id": child_id}
        found = await self._children.ended(asked, child_id, what)
        return cast(object, json.loads(found.output_json or "null"))


async def started(starting: Awaitable[str], what: str) -> str:
    """The id of a child that is being started. Raises `TaskProblem` where it cannot be."""
    try:
        return await starting
    except RefusedByDaemon as error:
        raise TaskProblem(Kind.CONFIGURATION, f"{what} cannot be started", str(error)) from error


async def structured(text: str, schema: Mapping[str, object], what: str) -> object:
    """The value that an answer holds, which fits `schema`. Raises `TaskProblem`."""
    value = _value_in(text)
    if value is _NOTHING:
        raise TaskProblem(
            Kind.VALIDATION, f"{what} gave no JSON, and its answer has a schema", f"it said: {text.strip()[:1000]}"
        )
    try:
        wrong = await asyncio.to_thread(shared().check, json.dumps(schema), cast(Json, value))
    except ExpressionError as error:
        raise TaskProblem(Kind.CONFIGURATION, "the schema of an agent's answer cannot be used", str(error)) from error
    if wrong:
        words = "; ".join(f"{path or 'the answer'}: {problem}" for path, problem in wrong)
        raise TaskProblem(Kind.VALIDATION, f"{what} gave an answer that does not fit its schema", words)
    return value


_NOTHING = object()


def _value_in(text: str) -> object:
    """The JSON in an answer: all of it, what stands between fences, or the first that begins somewhere in it."""
    for each in (text, *reversed(_FENCED.findall(text))):
        try:
            return cast(object, json.loads(each))
        except (ValueError, RecursionError):
            continue
    for found in itertools.islice(_OPENING.finditer(text), _TRIES):
        try:
            return cast(object, _DECODER.raw_decode(text, found.start())[0])
        except (ValueError, RecursionError):
            continue
    return _NOTHING
