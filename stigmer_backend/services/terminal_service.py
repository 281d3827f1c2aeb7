"""Our service for people at terminals."""

import asyncio
from collections.abc import AsyncIterator

from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2 import AttachRequest, AttachResponse
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2_grpc import TerminalServiceServicer
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_apis.transport import aio
from stigmer_backend.executions.appending import has_ended
from stigmer_backend.executions.attaching import Attachment, Attachments
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runs import run_kind
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.stamps import LOCAL_USER
from stigmer_backend.store import Store


class TerminalService(TerminalServiceServicer):
    """Attaches people to terminals."""

    def __init__(self, store: Store, tasks: Tasks, registry: Registry, attachments: Attachments) -> None:
        self._store = store
        self._tasks = tasks
        self._registry = registry
        self._attachments = attachments

    async def Attach(
        self,
        request_iterator: AsyncIterator[AttachRequest],
        context: aio.ServicerContext[AttachRequest, AttachResponse],
    ) -> AsyncIterator[AttachResponse]:
        """A person at a terminal, from taking its keyboard to letting go."""
        first = await anext(request_iterator, None)
        if first is None or not first.HasField("open"):
            raise InvalidArgument("attaching begins with what to attach to")
        attachment = await self._open(first.open)
        terminal = attachment.terminal
        reason = "the connection was lost"
        reader = asyncio.create_task(self._attachments.listen(attachment, request_iterator), name="attached keys")
        watcher = asyncio.create_task(self._attachments.over(attachment), name="attached terminal")
        try:
            yield AttachResponse(
                attached=AttachResponse.Attached(
                    terminal_id=terminal.terminal_id,
                    started_seq=terminal.started_seq,
                    call_id=terminal.call_id,
                    title=terminal.title,
                )
            )
            await asyncio.wait([reader, watcher], return_when=asyncio.FIRST_COMPLETED)
            if watcher.done():
                ended = watcher.result()
                reason = ended.reason
                yield AttachResponse(ended=ended)
            else:
                reason = ""
                reader.result()
        finally:
            reader.cancel()
            watcher.cancel()
            await asyncio.wait([reader, watcher])
            self._tasks.start(self._let_go(attachment, reason), "let go of a terminal")

    async def _open(self, wanted: AttachRequest.Open) -> Attachment:
        live = self._registry.get(wanted.execution_id)
        if live is None:
            await self._store.read_state(lambda state: find(state, run_kind(wanted.execution_id), wanted.execution_id))
            raise FailedPrecondition(
                f"the execution {wanted.execution_id} has ended: nothing runs in it",
                remedy="`stigmer logs` shows what it printed",
            )
        if live.ended or live.closing:
            raise has_ended(live)
        return await self._attachments.attach(live, wanted, LOCAL_USER)

    async def _let_go(self, attachment: Attachment, reason: str) -> None:
        try:
            await self._attachments.let_go(attachment, reason)
        except FailedPrecondition:
            return
