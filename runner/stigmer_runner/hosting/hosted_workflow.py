"""One execution of a workflow that this runner holds."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.logs import about_execution
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.engine.chronicle import Failed
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.errors import RunnerError
from stigmer_runner.hosting.hosted import Services, now_micros
from stigmer_runner.hosting.values import RunValues, checked_values
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.sandbox import SandboxError

if TYPE_CHECKING:
    from stigmer_runner.engine.port import Run
    from stigmer_runner.hosting.workflow_ground import WorkflowActivities
    from stigmer_runner.hosting.workflow_run import WorkflowSteering
    from stigmer_runner.link.workflow_calls import WorkflowCalls
    from stigmer_runner.loop.live_questions import LiveQuestions
    from stigmer_runner.workflow.processes import ProcessPlace

_logger = logging.getLogger(__name__)


class HostedWorkflow:
    """An execution from its grant to its end, as `HostedExecution` is one of an agent's."""

    def __init__(self, grant: LinkResponse.LeaseGranted, outbox: Outbox, services: Services) -> None:
        self._execution_id = grant.execution_id
        self._grant: LinkResponse.LeaseGranted | None = grant
        self._outbox = outbox
        self._services = services
        self._chronicle = ExecutionChronicle(now_micros)
        self._run: Run | None = None
        self._steering: WorkflowSteering | None = None
        self._early = deque(delivered.command for delivered in grant.pending)
        self._rejected: set[str] = set()
        self._leaving: str | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a command runs now: none that a person typed."""
        return False

    async def live(self) -> None:
        """Run to the end; what goes wrong becomes the execution's own failure. What is logged meanwhile names the execution."""
        with about_execution(self._execution_id):
            await self._live()

    async def _live(self) -> None:
        self._task = asyncio.current_task()
        self._outbox.listen(lambda _: None, self._lost)
        try:
            await self._run_it()
        except LeaseLost as error:
            _logger.info("%s: %s", self._execution_id, error)
        except (SandboxError, RunnerError) as error:
            await self._fail(str(error))
        except Exception as error:
            _logger.exception("%s failed", self._execution_id)
            await self._fail(f"Stigmer itself failed in this run: {type(error).__name__}: {error}")
        finally:
            self._services.link.close(self._outbox)

    def command(self, command: CommandIssued) -> None:
        """A person wants something. What was taken before is passed over."""
        if self._steering is None:
            self._early.append(command)
        else:
            self._chronicle.issued(command)
            self._steering.take(command)

    def terminal_input(self, terminal_id: str, keys: bytes) -> None:
        """Keys of an attached person: the processes of a workflow have no terminal that reads."""
        _logger.info("%s: %d bytes of keys were not taken", self._execution_id, len(keys))

    def terminal_resized(self, terminal_id: str, columns: int, rows: int) -> None:
        """An attached person's terminal has another size: nothing here asks for it."""

    def shut_down(self, reason: str) -> None:
        """End as cancelled."""
        self._leaving = reason
        if self._run is not None:
            self._run.cancel(reason)

    async def _run_it(self) -> None:
        services = self._services
        values = checked_values(await services.link.execution_values(self._outbox))
        history = await self._history()
        engine = await services.engines.of(history)
        from stigmer_runner.hosting.workflow_run import WorkflowSteering, workflow_run
        from stigmer_runner.link.workflow_calls import WorkflowCalls
        from stigmer_runner.loop.live_questions import LiveQuestions

        # A sleeping execution keeps no more than it needs: what it was granted is in its journal.
        grant, self._grant = self._grant, None
        assert grant is not None
        questions = LiveQuestions(now_micros)
        calls = WorkflowCalls(services.link, self._outbox)
        activities = self._activities(grant, values, calls, questions)
        run = workflow_run(engine, grant, values, activities, self._outbox, self._chronicle, now_micros)
        del grant
        self._steering = WorkflowSteering(run, questions, self._reject, self._applied)
        self._begin(run)
        try:
            outcome = await run.execute(history)
        finally:
            await activities.close()
        _logger.info("%s ended: %s", self._execution_id, type(outcome).__name__)

    def _activities(
        self,
        grant: LinkResponse.LeaseGranted,
        values: RunValues,
        calls: "WorkflowCalls",
        questions: "LiveQuestions",
    ) -> "WorkflowActivities":
        from stigmer_runner.hosting.workflow_ground import Standing, WorkflowActivities

        home = self._services.home
        options, workspace = RunOptions(), Path(grant.workspace)
        options.CopyFrom(grant.workflow_execution.spec.options)

        async def lend(stack: AsyncExitStack) -> "ProcessPlace":
            return await self._place(stack, options, workspace, values)

        hidden = () if home is None else (home.root, home.run)
        standing = Standing(grant.document_json, options, workspace, values, hidden, lend)
        return WorkflowActivities(standing, calls, questions, now_micros)

    async def _place(
        self, stack: AsyncExitStack, options: RunOptions, workspace: Path, values: RunValues
    ) -> "ProcessPlace":
        from stigmer_runner.workflow.processes import ProcessPlace

        services = self._services
        sandbox = await stack.enter_async_context(services.sandboxes.lent(options.client))
        return ProcessPlace(
            execution_id=self._execution_id,
            workspace=workspace,
            sandbox=sandbox,
            marker_prefix=services.marker_prefix,
            environment=values.every,
            scratch=await services.scratch.of_session(self._execution_id),
            policy=options.policy,
            room=services.processes,
        )

    async def _history(self) -> Sequence[JournalRecord]:
        if self._grant is None or not self._grant.journal_records:
            return ()
        return await self._services.link.read_journal(self._outbox)

    def _begin(self, run: "Run") -> None:
        """From here on commands go to the run; first those that came before."""
        self._run = run
        while self._early:
            self.command(self._early.popleft())
        if self._leaving is not None:
            run.cancel(self._leaving)

    def _lost(self, reason: str) -> None:
        if self._run is not None:
            self._run.abandon(reason)
        elif self._task is not None:
            self._task.cancel()

    def _reject(self, command_id: str, reason: str) -> None:
        if command_id not in self._rejected:
            self._rejected.add(command_id)
            self._outbox.append((), self._chronicle.rejected(command_id, reason), urgent=True)

    def _applied(self, command_id: str) -> None:
        self._outbox.append((), self._chronicle.applied(command_id), urgent=True)

    async def _fail(self, reason: str) -> None:
        try:
            await self._outbox.append((), self._chronicle.ended(Failed(reason)), urgent=True, final=True)
        except LeaseLost as error:
            _logger.info("%s: %s", self._execution_id, error)
