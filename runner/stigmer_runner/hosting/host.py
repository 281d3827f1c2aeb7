"""All executions of this runner."""

import asyncio
import logging
from collections.abc import Callable

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis.home import Home
from stigmer_runner.hosting.engines import load_engine
from stigmer_runner.hosting.hosted import HostedExecution, Services
from stigmer_runner.hosting.hosted_workflow import HostedWorkflow
from stigmer_runner.link.outbox import Outbox

_logger = logging.getLogger(__name__)

GOODBYE_SECONDS = 5.0
"""How long executions may take to end, and their last words to become durable, once the runner was told to leave."""


class Host:
    """The link's handler: one task an execution; one that fails takes no other with it.

    `serve` is its life. Executions that are granted before it has begun wait for it.
    """

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._reason = ""
        self._hosted: dict[str, tuple[HostedExecution | HostedWorkflow, asyncio.Task[None] | None]] = {}
        self._services: Services | None = None
        self._group: asyncio.TaskGroup | None = None

    async def serve(self, services: Services) -> None:
        """Run what is granted, until the runner was told to leave and everything has ended or had its time."""
        async with asyncio.TaskGroup() as group:
            self._services, self._group = services, group
            await services.telling.open(lambda: (self.running, self.awake))
            warming = group.create_task(self._warm(services))
            await self._told.wait()
            warming.cancel()
            await self._end_all()

    async def _warm(self, services: Services) -> None:
        """Load what the first execution needs, and the configured model."""
        await load_engine()
        if services.providers is not None and services.providers.likely:
            await services.providers.prewarm()

    @property
    def running(self) -> int:
        """Executions that are under way."""
        return len(self._hosted)

    @property
    def awake(self) -> int:
        """Those of them that do not sleep."""
        return sum(task is not None for _, task in self._hosted.values())

    def busy(self) -> bool:
        """Whether a command runs now."""
        return any(hosted.busy for hosted, _ in self._hosted.values())

    def granted(self, grant: LinkResponse.LeaseGranted, outbox: Outbox) -> None:
        """Run this execution. One that comes while the runner leaves is for the next."""
        if self._services is None or self._group is None or self._told.is_set():
            outbox.lose("the runner leaves")
            return
        watch = self._services.telling.watch(grant.execution_id, grant.trace_parent)
        if watch is not None:
            outbox.show_events(watch)
        hosted: HostedExecution | HostedWorkflow
        if grant.HasField("workflow_execution"):
            hosted = HostedWorkflow(grant, outbox, self._services, self)
        else:
            hosted = HostedExecution(grant, outbox, self._services)
        self._let_live(grant.execution_id, hosted, self._group)

    def wake(self, execution_id: str) -> None:
        """Let a workflow that sleeps live again."""
        found = self._hosted.get(execution_id)
        if found is not None and found[1] is None and self._group is not None and not self._told.is_set():
            self._let_live(execution_id, found[0], self._group)

    def forget(self, execution_id: str) -> None:
        """A workflow that slept is somebody else's now."""
        found = self._hosted.get(execution_id)
        if found is not None and found[1] is None:
            del self._hosted[execution_id]

    def command(self, execution_id: str, command: CommandIssued) -> None:
        """A person wants something of an execution."""
        hosted = self._find(execution_id)
        if hosted is not None:
            hosted.command(command)

    def terminal_input(self, execution_id: str, terminal_id: str, keys: bytes) -> None:
        """Keys of an attached person."""
        hosted = self._find(execution_id)
        if hosted is not None:
            hosted.terminal_input(terminal_id, keys)

    def terminal_resized(self, execution_id: str, terminal_id: str, columns: int, rows: int) -> None:
        """An attached person's terminal has another size."""
        hosted = self._find(execution_id)
        if hosted is not None:
            hosted.terminal_resized(terminal_id, columns, rows)

    def undo_ended(self, request: LinkResponse.UndoEnded, answer: Callable[[LinkRequest.EndedUndone], None]) -> None:
        """Put the files back that an execution changed which has ended."""
        if self._services is None or self._services.home is None or self._group is None or self._told.is_set():
            answer(LinkRequest.EndedUndone(request_id=request.request_id, refused="the runner leaves"))
            return
        self._group.create_task(_undo_ended(request, self._services.home, answer), name=request.request_id)

    def shut_down(self, reason: str) -> None:
        """End everything and leave."""
        if not self._told.is_set():
            _logger.info("leaving: %s", reason)
            self._reason = reason
            self._told.set()

    def _find(self, execution_id: str) -> HostedExecution | HostedWorkflow | None:
        found = self._hosted.get(execution_id)
        return None if found is None else found[0]

    def _gone(self, execution_id: str, task: "asyncio.Task[None]") -> None:
        found = self._hosted.get(execution_id)
        if found is None or found[1] is not task:
            return
        hosted = found[0]
        if not isinstance(hosted, HostedWorkflow) or not hosted.asleep or task.cancelled():
            del self._hosted[execution_id]
            return
        self._hosted[execution_id] = (hosted, None)
        if hosted.wanted:
            self.wake(execution_id)

    def _let_live(self, execution_id: str, hosted: HostedExecution | HostedWorkflow, group: asyncio.TaskGroup) -> None:
        task = group.create_task(hosted.live(), name=execution_id)
        self._hosted[execution_id] = (hosted, task)
        task.add_done_callback(lambda done: self._gone(execution_id, done))

    async def _end_all(self) -> None:
        for hosted, _ in list(self._hosted.values()):
            hosted.shut_down(self._reason)
        tasks = [task for _, task in self._hosted.values() if task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GOODBYE_SECONDS)
            for task in late:
                _logger.warning("%s did not end in time", task.get_name())
                task.cancel()


async def _undo_ended(
    request: LinkResponse.UndoEnded, home: Home, answer: Callable[[LinkRequest.EndedUndone], None]
) -> None:
    # Only here: few runners ever put anything back, and none waits for it at its start.
    from stigmer_runner.hosting.undoing_ended import undo_ended

    answer(await undo_ended(request, home))
