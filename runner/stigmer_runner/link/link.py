"""The leases of a runner, and one stream to a daemon after the other."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psutil

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalBatch, JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Sandbox
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    GetExecutionContextRequest,
    GetExecutionContextResponse,
    GetProviderKeyRequest,
    LinkRequest,
    LinkResponse,
    ReadJournalRequest,
    ReadSessionMemoryRequest,
    ReadSessionMemoryResponse,
    ReadSkillRequest,
    WriteArtifactRequest,
    WriteArtifactResponse,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceStub
from stigmer_apis.errors import StigmerError
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.protocol import AUTHORIZATION, PROTOCOL
from stigmer_apis.transport import aio, client_options, grpc, unix_target
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.errors import DaemonGone, RefusedByDaemon
from stigmer_runner.link.conversation import Conversation, LinkCall, Sendable
from stigmer_runner.link.handler import LinkHandler
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.link.pressure import LIMIT_BYTES, Pressure
from stigmer_runner.tools.handing_over import HandedFile

if TYPE_CHECKING:
    from stigmer_runner.link.elsewhere import Elsewhere

_logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""Seconds between two tries to connect: from the first, doubling, to the longest."""

FUTILE_TRIES = 5
"""How often in a row a daemon may call what it is sent malformed."""

_Answer = TypeVar("_Answer")

_REFUSALS = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Answers of a daemon that will not have this runner, now or later."""


@dataclass(frozen=True)
class LinkOptions:
    """Who the runner is, and how long it waits."""

    socket: Path
    """Where the daemon of this machine answers runners."""
    token: str
    runner_id: str
    home: Path | None = None
    """`STIGMER_HOME`, where it matters: once that is gone, there is nothing left to serve."""
    capacity: int = 64
    """Executions that it takes at once."""
    patience: float = 600.0
    """Seconds without a daemon after which a runner leaves that runs no command and holds nothing for a daemon."""
    patience_holding: float = 3600.0
    """The same for a runner that runs no command, but holds what no daemon has taken yet."""
    limit_bytes: int = LIMIT_BYTES
    """Bytes held for the daemon before children are paused."""
    elsewhere: "Elsewhere | None" = None
    """A daemon of another machine, in place of the one here."""


class Link:
    """Connects, again and again; knows which leases are held and what of them is not acknowledged.

    `busy` tells whether a command runs now, which can go on without a daemon; where it is not given, whether anything is under way.
    """

    def __init__(
        self,
        options: LinkOptions,
        handler: LinkHandler,
        sandbox: Sandbox,
        busy: Callable[[], bool] | None = None,
    ) -> None:
        self._options = options
        self._handler = handler
        self._busy = busy or (lambda: handler.running > 0)
        self._sandbox = sandbox
        self._pressure = Pressure(options.limit_bytes)
        self._sendable = Sendable()
        self._leases: dict[str, Outbox] = {}
        self._stub: RunnerServiceStub | None = None
        self._connected = asyncio.Event()
        self._call: LinkCall | None = None
        self._leaving = False
        self._futile = 0
        self._told: str | None = None
        self._metadata = ((AUTHORIZATION, f"Bearer {options.token}"),)
        self._process = psutil.Process()

    async def run(self) -> None:
        """Stay connected until `leave`.

        Raises `RefusedByDaemon` where a daemon will not have this runner, `DaemonGone` where there is none for too long,
        or no home any more. Either way every lease is over.
        """
        loop = asyncio.get_running_loop()
        lost_at, pause = loop.time(), FIRST_PAUSE
        try:
            while not self._leaving:
                if await self._conversation():
                    lost_at, pause = loop.time(), FIRST_PAUSE
                self._check_patience(loop.time() - lost_at)
                if not self._leaving:
                    await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            for outbox in list(self._leases.values()):
                self._end(outbox, "the runner leaves")

    def _check_patience(self, alone: float) -> None:
        """Raise `DaemonGone` where a runner without a daemon for `alone` seconds is of no more use."""
        home = self._options.home
        if home is not None and not home.is_dir():
            raise DaemonGone(f"{home} is gone")
        if self._busy():
            return
        holding = self._pressure.held_bytes > 0
        patience = self._options.patience_holding if holding else self._options.patience
        if alone > patience:
            raise DaemonGone(f"no daemon for {patience:g} s, and no command runs")

    async def _conversation(self) -> bool:
        """One stream to its end; whether there was a welcome. Raises `RefusedByDaemon`."""
        self._connected.clear()
        try:
            await self._converse()
        except aio.AioRpcError as error:
            self._ended_by(error)
        except StigmerError as error:
            self._say(error.message)
        self._stub = None
        return self._connected.is_set()

    def _ended_by(self, error: aio.AioRpcError) -> None:
        if self._leaving:
            return
        code, words = error.code(), error.details()
        self._futile += code is grpc.StatusCode.INVALID_ARGUMENT
        if code in _REFUSALS or self._futile >= FUTILE_TRIES:
            raise RefusedByDaemon(f"the daemon does not take this runner: {words}") from error
        self._say(words)

    def _say(self, words: str | None) -> None:
        """Why there is no daemon, once."""
        if self._connected.is_set() or words != self._told:
            self._told = words
            _logger.warning("no daemon: %s", words)

    def leave(self) -> None:
        """Say goodbye at the next opportunity: `run` returns once the stream is closed."""
        self._leaving = True
        if self._call is not None:
            self._call.cancel()

    def close(self, outbox: Outbox) -> None:
        """A lease came to its end by its final append, or was lost."""
        if self._leases.get(outbox.execution_id) is outbox:
            del self._leases[outbox.execution_id]
        outbox.close()

    def give_back(self, outbox: Outbox, reason: str) -> None:
        """Give a lease back without having ended the execution."""
        returned = LinkRequest.LeaseReturned(execution_id=outbox.execution_id, epoch=outbox.epoch, reason=reason)
        self._sendable.push(LinkRequest(lease_returned=returned))
        self._end(outbox, reason)

    async def read_journal(self, outbox: Outbox) -> Sequence[JournalRecord]:
        """The engine lane of an execution that is held, from the first record on. Waits for a daemon where there is none.

        Raises `LeaseLost`.
        """
        request = ReadJournalRequest(execution_id=outbox.execution_id, epoch=outbox.epoch)
        while True:
            await self._connected.wait()
            if outbox.lost is not None:
                raise LeaseLost(outbox.lost)
            stub = self._stub
            if stub is None:
                await asyncio.sleep(FIRST_PAUSE)
                continue
            records: list[JournalRecord] = []
            try:
                async for part in stub.ReadJournal(request, metadata=self._metadata):
                    records.extend(JournalBatch.FromString(part.journal).records)
            except aio.AioRpcError as error:
                if error.code() in _REFUSALS or error.code() is grpc.StatusCode.NOT_FOUND:
                    raise LeaseLost(f"the journal cannot be read: {error.details()}") from error
                await asyncio.sleep(FIRST_PAUSE)
                continue
            return records

    async def execution_values(self, outbox: Outbox) -> GetExecutionContextResponse:
        """The variables of an execution that is held, and of its MCP servers, secrets in plain text: for its commands and these
        servers alone, and for no log.

        Raises `RefusedByDaemon` where they cannot be had, with the daemon's words, and `LeaseLost`.
        """
        request = GetExecutionContextRequest(execution_id=outbox.execution_id, epoch=outbox.epoch)

        async def ask(stub: RunnerServiceStub) -> GetExecutionContextResponse:
            return await stub.GetExecutionContext(request, metadata=self._metadata)

        return await self.asked(outbox, ask)

    async def provider_key(self, outbox: Outbox, provider: str) -> bytes:
        """The key of a provider, for an execution that is held. Raises `RefusedByDaemon` where there is none, `LeaseLost`."""
        request = GetProviderKeyRequest(execution_id=outbox.execution_id, epoch=outbox.epoch, provider=provider)

        async def ask(stub: RunnerServiceStub) -> bytes:
            return (await stub.GetProviderKey(request, metadata=self._metadata)).value

        return await self.asked(outbox, ask)

    async def session_memory(self, outbox: Outbox, executions: int) -> Sequence[ReadSessionMemoryResponse]:
        """What was said and done before in the session of an execution that is held, the oldest first. Raises `LeaseLost`."""
        if not executions:
            return ()
        request = ReadSessionMemoryRequest(execution_id=outbox.execution_id, epoch=outbox.epoch)

        async def ask(stub: RunnerServiceStub) -> Sequence[ReadSessionMemoryResponse]:
            return [each async for each in stub.ReadSessionMemory(request, metadata=self._metadata)]

        return await self.asked(outbox, ask)

    async def skill_archive(self, outbox: Outbox, digest: str) -> bytes:
        """The archive of a skill in the version with this hash, which the agent of an execution that is held names.

        Raises `RefusedByDaemon` with the daemon's words, `LeaseLost`.
        """
        request = ReadSkillRequest(execution_id=outbox.execution_id, epoch=outbox.epoch, version_hash=digest)

        async def ask(stub: RunnerServiceStub) -> bytes:
            return b"".join([piece.data async for piece in stub.ReadSkill(request, metadata=self._metadata)])

        return await self.asked(outbox, ask)

    async def write_artifact(self, outbox: Outbox, file: HandedFile) -> WriteArtifactResponse:
        """Hand a file of an execution that is held over, to be kept. Raises `RefusedByDaemon`, `LeaseLost`, and what reading it raises."""
        about = WriteArtifactRequest(
            execution_id=outbox.execution_id,
            epoch=outbox.epoch,
            name=file.name,
            media_type=file.media_type,
            call_id=file.call_id,
        )

        async def ask(stub: RunnerServiceStub) -> WriteArtifactResponse:
            call = stub.WriteArtifact(metadata=self._metadata)
            try:
                await _write_all(call, about, file.read())
                return await call
            finally:
                call.cancel()

        return await self.asked(outbox, ask)

    async def asked(self, outbox: Outbox | None, ask: Callable[[RunnerServiceStub], Awaitable[_Answer]]) -> _Answer:
        """Ask the daemon for a lease, or for none; wait for a daemon where there is none. Raises `LeaseLost`, and `RefusedByDaemon` with its words."""
        while True:
            await self._connected.wait()
            if outbox is not None and outbox.lost is not None:
                raise LeaseLost(outbox.lost)
            stub = self._stub
            if stub is not None:
                try:
                    return await ask(stub)
                except aio.AioRpcError as error:
                    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                        refused = error_from_rpc(error)
                        remedy = f". What to do: {refused.remedy}." if refused.remedy else ""
                        raise RefusedByDaemon(f"{refused.message}{remedy}") from error
            await asyncio.sleep(FIRST_PAUSE)

    @property
    def metadata(self) -> Sequence[tuple[str, str]]:
        """What proves to the daemon who calls: goes with each call."""
        return self._metadata

    # One stream

    async def _converse(self) -> None:
        """Open a stream and speak over it until it ends. Raises `aio.AioRpcError`."""
        elsewhere, target = self._options.elsewhere, unix_target(self._options.socket)
        channel = (
            aio.insecure_channel(target, options=client_options()) if elsewhere is None else await elsewhere.open()
        )
        async with channel:
            stub = RunnerServiceStub(channel)
            call = self._call = stub.Link(metadata=self._metadata)
            try:
                await self._speak(call, stub)
            finally:
                self._call = None
                call.cancel()

    async def _speak(self, call: LinkCall, stub: RunnerServiceStub) -> None:
        conversation = Conversation(call, self._sendable, self._heartbeat, self._hear)
        held = list(self._leases.values())
        self._sendable.clear()
        welcome = await conversation.open(self._hello(held))
        if welcome is None:
            return
        self._welcomed(welcome, held)
        self._stub = stub
        self._connected.set()
        _logger.info("linked; %d of %d leases go on", len(welcome.kept), len(held))
        await conversation.go_on()

    def _hello(self, held: Sequence[Outbox]) -> LinkRequest:
        elsewhere = self._options.elsewhere
        return LinkRequest(
            hello=LinkRequest.Hello(
                runner_id=self._options.runner_id,
                pid=os.getpid(),
                version=__version__,
                protocol=PROTOCOL,
                held=[LinkRequest.HeldLease(execution_id=each.execution_id, epoch=each.epoch) for each in held],
                capacity=self._options.capacity,
                sandbox=self._sandbox,
                labels=elsewhere.labels if elsewhere is not None else (),
                host=elsewhere.host if elsewhere is not None else "",
                takes_groups=True,
            )
        )

    def _heartbeat(self) -> LinkRequest:
        return LinkRequest(
            heartbeat=LinkRequest.Heartbeat(
                memory_bytes=self._process.memory_info().rss,
                unacknowledged_bytes=self._pressure.held_bytes,
                running=self._handler.running,
            )
        )

    def _welcomed(self, welcome: LinkResponse.Welcome, held: Sequence[Outbox]) -> None:
        self._sendable.groups = welcome.takes_groups
        kept = {(each.execution_id, each.epoch): each.producer_seq for each in welcome.kept}
        for outbox in held:
            durable = kept.get((outbox.execution_id, outbox.epoch))
            if durable is None:
                self._end(outbox, "the daemon has given it to another runner, or it has ended")
            else:
                outbox.rewind(durable)

    def _hear(self, frame: LinkResponse) -> None:
        match frame.WhichOneof("frame"):
            case "acknowledged":
                self._acknowledged(frame.acknowledged)
            case "acknowledged_all":
                for told in frame.acknowledged_all.acknowledged:
                    self._acknowledged(told)
            case "lease_granted":
                self._granted(frame.lease_granted)
            case "lease_revoked":
                outbox = self._held(frame.lease_revoked.execution_id, frame.lease_revoked.epoch)
                if outbox is not None:
                    self._end(outbox, frame.lease_revoked.reason)
            case "command_delivered":
                self._handler.command(frame.command_delivered.execution_id, frame.command_delivered.command)
            case "terminal_input":
                keys = frame.terminal_input
                self._handler.terminal_input(keys.execution_id, keys.terminal_id, keys.data)
            case "terminal_resize":
                size = frame.terminal_resize
                self._handler.terminal_resized(size.execution_id, size.terminal_id, size.columns, size.rows)
            case "undo_ended":
                self._handler.undo_ended(frame.undo_ended, self._undone)
            case "shut_down":
                self._handler.shut_down(frame.shut_down.reason)
            case other:
                _logger.warning("the daemon said something that this version does not understand: %s", other)

    def _acknowledged(self, told: LinkResponse.Acknowledged) -> None:
        outbox = self._held(told.execution_id, told.epoch)
        if outbox is not None:
            self._futile = 0
            outbox.acknowledged(told.producer_seq)

    def _undone(self, answer: LinkRequest.EndedUndone) -> None:
        self._sendable.push(LinkRequest(ended_undone=answer))

    def _granted(self, grant: LinkResponse.LeaseGranted) -> None:
        before = self._leases.get(grant.execution_id)
        if before is not None:
            if before.epoch >= grant.epoch:
                return
            self._end(before, "the daemon has given it anew")
        if self._options.elsewhere is not None:
            self._options.elsewhere.settle(grant)
        outbox = Outbox(grant.execution_id, grant.epoch, self._pressure, self._sendable.wake)
        self._leases[grant.execution_id] = outbox
        self._handler.granted(grant, outbox)

    def _held(self, execution_id: str, epoch: int) -> Outbox | None:
        outbox = self._leases.get(execution_id)
        return outbox if outbox is not None and outbox.epoch == epoch else None

    def _end(self, outbox: Outbox, reason: str) -> None:
        if self._leases.get(outbox.execution_id) is outbox:
            del self._leases[outbox.execution_id]
        outbox.lose(reason)


async def _write_all(
    call: "aio.StreamUnaryCall[WriteArtifactRequest, WriteArtifactResponse]",
    about: WriteArtifactRequest,
    data: AsyncIterator[bytes],
) -> None:
    """Write a file out, as far as the daemon takes it: where it refuses in between, the call's answer says why."""
    try:
        await call.write(about)
        async for piece in data:
            await call.write(WriteArtifactRequest(data=piece))
        await call.done_writing()
    except asyncio.InvalidStateError:
        return
