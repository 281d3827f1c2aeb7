"""What persons tell a run that a cluster drives: brought there one after the other, and said to be applied once they are."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.chronicle import Chronicle
from stigmer_runner.engine.errors import LeaseLost, UpdateRefused
from stigmer_runner.temporal.interceptors import signalling_command
from stigmer_runner.temporal.library import (
    Client,
    FailureError,
    RPCError,
    RPCStatusCode,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from stigmer_runner.temporal.patience import Patience

_REFUSED_WITHIN = 0.05
"""Seconds after its acceptance in which an update that was refused is known to be."""

_LONGEST_REASON = 500

_logger = logging.getLogger(__name__)

Handle = WorkflowHandle[object, object]


class _UpdateSent(Protocol):
    async def result(self) -> object: ...


class _Updated(Protocol):
    """The form of `WorkflowHandle.start_update` that is used: the library's own is typed for decorated methods."""

    async def start_update(
        self, update: str, *, args: Sequence[object], id: str | None, wait_for_stage: WorkflowUpdateStage
    ) -> _UpdateSent: ...


@dataclass(frozen=True, slots=True)
class _Command:
    """One that waits to be brought."""

    send: Callable[[Handle], Awaitable[None]]
    refuse: Callable[[str], Awaitable[None]]
    """Say to whoever gave it why it cannot be brought."""


class Commands:
    """The commands of one run and of its children. `append` writes events at once; `client` gives one that is connected."""

    def __init__(
        self,
        name: str,
        chronicle: Chronicle,
        append: Callable[[Sequence[Event]], Awaitable[None]],
        patience: Patience,
        client: Callable[[], Awaitable[Client]],
    ) -> None:
        self._name = name
        self._chronicle = chronicle
        self._append = append
        self._patience = patience
        self._client = client
        self._cancels: list[str] = []
        self._known: set[str] = set()
        self._queue: asyncio.Queue[_Command] = asyncio.Queue()
        self._waiting: set[asyncio.Task[None]] = set()
        self.reason = ""
        """Why the run is being cancelled, empty while it is not."""

    @property
    def cancelled(self) -> Sequence[Event]:
        """What says that the commands to cancel were applied: they are, with the run's end."""
        return [each for command_id in self._cancels for each in self._chronicle.applied(command_id)]

    def cancel(self, reason: str, command_id: str) -> None:
        """Ask the run to end."""
        if not self._is_new(command_id):
            return
        self.reason = self.reason or reason
        if command_id:
            self._cancels.append(command_id)

        async def send(handle: Handle) -> None:
            try:
                await handle.cancel()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

        async def refuse(reason: str) -> None:
            self.reason = ""
            if command_id:
                self._cancels.remove(command_id)
            await self._reject(command_id, reason)

        self._queue.put_nowait(_Command(send, refuse))

    def signal(self, child_id: str, name: str, arguments: Sequence[object], command_id: str) -> None:
        """Send a signal to a child; to the run itself where `child_id` is empty."""
        if not self._is_new(command_id):
            return

        async def send(handle: Handle) -> None:
            signalling_command.set(command_id)
            try:
                await (await self._of(handle, child_id)).signal(name, args=arguments)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await self._reject(command_id, "it has ended")
            else:
                await self._applied(command_id)

        async def refuse(reason: str) -> None:
            await self._reject(command_id, reason)

        self._queue.put_nowait(_Command(send, refuse))

    def update(
        self, child_id: str, name: str, arguments: Sequence[object], command_id: str
    ) -> "asyncio.Future[object]":
        """Send an update to a child; to the run itself where `child_id` is empty."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_seen)
        if not self._is_new(command_id):
            answer.set_result(None)
            return answer

        async def refuse(reason: str) -> None:
            await self._reject(command_id, reason)
            _refuse(answer, reason)

        async def send(handle: Handle) -> None:
            target = await self._of(handle, child_id)
            try:
                sent = await cast(_Updated, target).start_update(
                    name, args=arguments, id=command_id or None, wait_for_stage=WorkflowUpdateStage.ACCEPTED
                )
            except WorkflowUpdateFailedError as error:
                await refuse(_words(error.cause))
                return
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await refuse("it has ended")
                return
            result = asyncio.create_task(sent.result())
            done, _ = await asyncio.wait((result,), timeout=_REFUSED_WITHIN)
            if result in done and isinstance(failed := result.exception(), WorkflowUpdateFailedError):
                await refuse(_words(failed.cause))
                return
            await self._applied(command_id)
            waiting = asyncio.create_task(_settle(result, answer))
            self._waiting.add(waiting)
            waiting.add_done_callback(self._waiting.discard)

        self._queue.put_nowait(_Command(send, refuse))
        return answer

    async def bring(self, handle: Handle) -> None:
        """Bring what is told, one after the other, until cancelled."""
        while True:
            command = await self._queue.get()
            try:
                await self._bring(command, handle)
            except LeaseLost:
                return

    async def _bring(self, command: _Command, handle: Handle) -> None:
        try:
            await self._patience.wait_for(lambda: command.send(handle))
        except LeaseLost:
            raise
        except Exception as error:
            _logger.warning("%s: a command could not be brought", self._name, exc_info=True)
            await command.refuse(f"it could not be brought to Temporal: {_words(error)}")

    def close(self) -> None:
        """Wait for no answer any more."""
        for task in self._waiting:
            task.cancel()

    async def _of(self, handle: Handle, child_id: str) -> Handle:
        if not child_id:
            return handle
        return (await self._client()).get_workflow_handle(child_id)

    def _is_new(self, command_id: str) -> bool:
        if not command_id:
            return True
        new = command_id not in self._known
        self._known.add(command_id)
        return new

    async def _applied(self, command_id: str) -> None:
        if command_id:
            await self._append(self._chronicle.applied(command_id))

    async def _reject(self, command_id: str, reason: str) -> None:
        if command_id:
            await self._append(self._chronicle.rejected(command_id, reason))


class ChildOfRun:
    """A child workflow, as far as persons tell it something."""

    def __init__(self, commands: Commands, workflow_id: str) -> None:
        self._commands = commands
        self._workflow_id = workflow_id

    def signal(self, name: str, *arguments: object, command_id: str = "") -> None:
        """Send it a signal."""
        self._commands.signal(self._workflow_id, name, arguments, command_id)

    def update(self, name: str, *arguments: object, command_id: str = "") -> "asyncio.Future[object]":
        """Send it an update."""
        return self._commands.update(self._workflow_id, name, arguments, command_id)

    def cancel(self, reason: str, *, command_id: str = "") -> None:
        """It ends with its parent alone."""
        self._commands.cancel(reason, command_id)


async def _settle(result: "asyncio.Task[object]", answer: "asyncio.Future[object]") -> None:
    try:
        value = await result
    except (WorkflowUpdateFailedError, RPCError) as error:
        _refuse(answer, _words(error.__cause__ or error))
    else:
        if not answer.done():
            answer.set_result(value)


def _refuse(answer: "asyncio.Future[object]", reason: str) -> None:
    if not answer.done():
        answer.set_exception(UpdateRefused(reason))


def _seen(answer: "asyncio.Future[object]") -> None:
    """Nobody need await it."""
    if not answer.cancelled():
        answer.exception()


def _words(error: BaseException) -> str:
    said = error.message if isinstance(error, FailureError | RPCError) else str(error)
    return " ".join(said.split())[:_LONGEST_REASON] or type(error).__name__
