"""The sub-agents of a run: child workflows, each with a context of its own."""

import asyncio
import json
from collections.abc import Callable, Sequence

from stigmer_runner.durable import telling
from stigmer_runner.durable.messages import AgentRequest, AskedCall, SubAgentInfo, TalkResult, Used
from stigmer_runner.durable.steps import tell
from stigmer_runner.engine.temporalio_names import ApplicationError, CancelledError, ChildWorkflowError, workflow

LOOP = "stigmer/agent-execution/loop"
"""The workflow of an agent, and of a sub-agent."""


class SubAgents:
    """Starts sub-agents and knows which work. `count` is how many there were."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._working: dict[str, workflow.ChildWorkflowHandle[object, TalkResult]] = {}

    async def delegate(
        self, call: AskedCall, known: Sequence[SubAgentInfo], request_of: Callable[[str, str], AgentRequest]
    ) -> tuple[str, bool, Used]:
        """Let a sub-agent do what a call says: its words, whether that is an error, and what it used.

        `request_of` makes its request from its id and its name.
        """
        arguments = json.loads(call.args_json)
        name, task = str(arguments.get("agent", "")), str(arguments.get("task", ""))
        if name not in [each.name for each in known] or not task.strip():
            names = ", ".join(each.name for each in known)
            words = f"`agent` must be one of {names}, and `task` must say what it is to do."
            if not known:
                words = "You have nobody to delegate to: a sub-agent has no sub-agents of its own. Do it yourself."
            await tell(telling.encoded([telling.not_started(call.call_id, words)]))
            return words, True, Used()
        self.count += 1
        sub_agent_id = f"agent-{self.count}"
        begun = [telling.started(call.call_id), telling.sub_agent_started(sub_agent_id, name, task)]
        await tell(telling.encoded(begun))
        text, error, used = "", "", Used()
        try:
            result = await self._run(request_of(sub_agent_id, name), task)
            text, error, used = result.text, result.error, result.used
        except (ChildWorkflowError, asyncio.CancelledError) as failure:
            if isinstance(failure, asyncio.CancelledError) or isinstance(failure.cause, CancelledError):
                stopped = telling.not_started(call.call_id, "interrupted", cancelled=True)
                gone = [telling.sub_agent_finished(sub_agent_id, "", "interrupted"), stopped]
                await asyncio.shield(tell(telling.encoded(gone)))
                raise
            error = str(failure.cause)
        finally:
            self._working.pop(sub_agent_id, None)
        done = [telling.sub_agent_finished(sub_agent_id, text, error), telling.finished(call.call_id, text, error)]
        await tell(telling.encoded(done))
        if error:
            return f"{name} did not finish: {error}\n{text}".rstrip(), True, used
        return text, False, used

    async def forward(self, name: str, *arguments: object) -> None:
        """Send a signal to all that work."""
        for handle in list(self._working.values()):
            try:
                await handle.signal(name, args=arguments)
            except ApplicationError:
                continue

    async def _run(self, request: AgentRequest, task: str) -> TalkResult:
        handle = await workflow.start_child_workflow(
            LOOP,
            args=[request, task.encode()],
            id=f"{request.execution_id}/{request.sub_agent_id}",
            result_type=TalkResult,
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        self._working[request.sub_agent_id] = handle
        return await handle
