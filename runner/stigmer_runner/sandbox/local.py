"""The sandbox of this machine: a shell in a terminal behind whatever walls there are."""

import asyncio
import contextlib
import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from stigmer_runner.sandbox.anchor import Anchor
from stigmer_runner.sandbox.cgroups import find_groups
from stigmer_runner.sandbox.command import Ground, TerminalCommand
from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.ending import Target
from stigmer_runner.sandbox.environment import client_environment
from stigmer_runner.sandbox.errors import SandboxClosed, SandboxError, SpawnFailed
from stigmer_runner.sandbox.expecting import Expectations, Expected
from stigmer_runner.sandbox.inner_network import at_gate, let_go
from stigmer_runner.sandbox.interface import OutputSink
from stigmer_runner.sandbox.launching import Launched, holding, spawning
from stigmer_runner.sandbox.model import (
    MARKER_VARIABLE,
    CommandLimits,
    CommandRequest,
    ExecutionRequest,
    ExecutionResult,
    SandboxDescription,
    SandboxKind,
    SandboxLayout,
)
from stigmer_runner.sandbox.plain import PlainCommand, PlainProcess
from stigmer_runner.sandbox.programs import Programs
from stigmer_runner.sandbox.ready import Mould, ReadyShell, ReadyShells, unmarked
from stigmer_runner.sandbox.report import ReportPipe
from stigmer_runner.sandbox.requests import program_of, resolved, words
from stigmer_runner.sandbox.shell import LAUNCHER, SUPERVISOR
from stigmer_runner.sandbox.spawner import Spawner
from stigmer_runner.sandbox.terminal import Launch, Terminal
from stigmer_runner.sandbox.walls import Place, Walls
from stigmer_runner.sandbox.watching import Kept, Watcher
from stigmer_runner.sandbox.workspace import resolved_workspace

STARTING = 30.0
"""Seconds for a sandbox to stand."""


_MARKER = re.compile(r"[A-Za-z0-9._:-]{1,200}\Z")


class LocalSandbox:
    """See `interface.Sandbox`. `layout` has its symbolic links resolved."""

    def __init__(self, walls: Walls, programs: Programs, layout: SandboxLayout) -> None:
        self._walls = walls
        self._programs = programs
        self._layout = layout
        self._groups = find_groups()
        self._spawner = Spawner(walls.prepare)
        self._enders = ThreadPoolExecutor(4, thread_name_prefix="sandbox-ender")
        self._watcher = Watcher(self._enders)
        self._running: set[TerminalCommand | PlainCommand] = set()
        self._starting: set[asyncio.Task[TerminalCommand] | asyncio.Task[PlainCommand]] = set()
        self._ready = ReadyShells(self._make_ready)
        self._expected = Expectations(self._ready)
        self._closed = False
        self._walled = walls.description.walls
        self._whole = walls.description.whole

    @property
    def kind(self) -> SandboxKind:
        return self._walls.description.kind

    @property
    def description(self) -> SandboxDescription:
        return replace(self._walls.description, own=self._layout.own)

    async def expect(self, request: CommandRequest) -> None:
        ready = None if self._closed else await self._ready.take(request.ahead)
        if ready is None:
            return
        prologue = None
        try:
            prologue = await self._fitting(ready, request, self._given(request, request.marker))
        except SandboxError:
            return  # which `start` will say
        finally:
            if prologue is None or self._closed:
                self._misfit(ready, request)
        if prologue is not None and not self._closed:
            self._expected.add(Expected(request, ready, prologue, asyncio.get_running_loop().time()))
            self._ready.prepare(request)

    async def start(self, request: CommandRequest, on_output: OutputSink) -> TerminalCommand:
        self._check(request.marker, request.line, request.state.directory)
        starting = asyncio.create_task(self._start(request, on_output))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await _ended(starting)
            raise

    async def execute(self, request: ExecutionRequest) -> ExecutionResult:
        self._check(request.marker, request.directory or "", *words(request.command))
        starting = asyncio.create_task(self._start_plain(request))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        try:
            command = await asyncio.shield(starting)
            return await command.wait()
        except asyncio.CancelledError:
            await _ended(starting)
            raise

    async def forget(self, owner: str) -> None:
        self._expected.drop(owner)
        await self._ready.forget(owner)

    async def close(self) -> None:
        self._closed = True
        if self._starting:
            await asyncio.wait(list(self._starting))
        self._expected.close()
        await self._ready.close()
        async with asyncio.TaskGroup() as group:
            for command in list(self._running):
                group.create_task(command.cancel())
        await asyncio.get_running_loop().run_in_executor(None, self._spawner.close)
        self._watcher.close()
        self._enders.shutdown()
        self._walls.close()

    def _check(self, marker: str, *texts: str) -> None:
        if self._closed:
            raise _closed()
        if not _MARKER.match(marker):
            raise SpawnFailed(f"the marker {marker!r} is not 1 to 200 letters, digits and . _ : -")
        if any("\0" in text for text in texts):
            raise SpawnFailed("a command holds a NUL byte, which no shell can read: remove it")

    async def _start(self, request: CommandRequest, on_output: OutputSink) -> TerminalCommand:
        if self._closed:
            raise _closed()
        given = self._given(request, request.marker)
        command = await self._taken(request, given) if request.ahead else None
        if command is None:
            began = asyncio.get_running_loop().time()
            launched, report, up = await self._launched(request, given, request.marker, ahead=False)
            target = Target(launched.terminal.ptyproc.pid, request.marker, request.line, launched.ink)
            ground = self._ground(began, given, target, launched.anchor)
            command = TerminalCommand(launched.terminal, report, request, ground)
            self._keep(command)
            said = bytearray()
            if not await _stands(command, up) or self._closed:
                command.begin(said.extend)
                await command.cancel()
                raise _closed() if self._closed else _failed(said)
        command.begin(on_output)
        self._ready.prepare(request)
        return command

    async def _taken(self, request: CommandRequest, given: dict[str, str]) -> TerminalCommand | None:
        """The command in a sandbox that stands already; None where none does that is what its own would be."""
        began = asyncio.get_running_loop().time()
        expected = self._expected.take(request, began)
        ready = await self._ready.take(request.ahead) if expected is None else expected.ready
        if ready is None:
            return None
        told = False
        try:
            prologue = await self._fitting(ready, request, given) if expected is None else expected.prologue
            ready.command.resize(request.columns, request.rows)  # before the line runs, which may ask at once
            told = prologue is not None and ready.tell(prologue)
        finally:
            if not told:
                self._misfit(ready, request)
        if not told:
            return None
        target = Target(ready.command.pid, ready.marker, request.line, ready.ink)
        ready.command.assign(request, self._ground(began, given, target, ready.anchor))
        return ready.command

    def _misfit(self, ready: ReadyShell, request: CommandRequest) -> None:
        """`ready` is not what `request` needs, and no more are others that were made like it."""
        self._ready.discard(ready)
        self._ready.drop(request.ahead)

    async def _fitting(self, ready: ReadyShell, request: CommandRequest, given: Mapping[str, str]) -> bytes | None:
        """What `ready` is to be told, where it is what the line's own sandbox would be."""

        def look() -> bytes | None:
            place = self._place(request, terminal=True)
            if Mould(place, unmarked(given), self._walls.made_of(place)) != ready.mould:
                return None
            return self._prologue(request, place, ready.report, ready.ink)

        return await asyncio.get_running_loop().run_in_executor(self._enders, look)

    async def _make_ready(self, request: CommandRequest, marker: str) -> ReadyShell:
        """A shell for the next command like this one. Raises `SandboxError`."""
        if self._closed:
            raise _closed()
        given = self._given(request, marker)
        launched, report, up = await self._launched(request, given, marker, ahead=True)
        target = Target(launched.terminal.ptyproc.pid, marker, "", launched.ink)
        ground = self._ground(0.0, given, target, launched.anchor)
        command = TerminalCommand(launched.terminal, report, request, ground)
        self._keep(command)
        assert launched.mould is not None
        ready = ReadyShell(
            command, launched.mould, marker, launched.ink, launched.report, launched.anchor, launched.line
        )
        if not await _stands(command, up) or self._closed:
            await ready.end()
            raise _closed()
        return ready

    async def _launched(
        self, request: CommandRequest, given: Mapping[str, str], marker: str, *, ahead: bool
    ) -> tuple[Launched, ReportPipe, asyncio.Event]:
        """A terminal with a shell on its way, the pipe that it reports on, and what is set once its sandbox stands."""
        up = asyncio.Event()
        report = ReportPipe(up.set)
        ink = self._walls.ink(marker)
        try:
            launched = await self._spawner.run(lambda: self._terminal(request, given, report.write_fd, ink, ahead))
        except BaseException:
            report.close()
            raise
        report.close_write()
        return launched, report, up

    async def _start_plain(self, request: ExecutionRequest) -> PlainCommand:
        if self._closed:
            raise _closed()
        given = self._given(request, request.marker)
        ink = self._walls.ink(request.marker)
        up, began = asyncio.Event(), asyncio.get_running_loop().time()
        report = ReportPipe(up.set)
        try:
            process, anchor = await self._spawner.run(lambda: self._plain(request, given, report.write_fd, ink))
            report.close_write()
            line = " ".join(words(request.command))
            target = Target(process.pid, request.marker, line, ink)
            command = PlainCommand(process, request, self._ground(began, given, target, anchor))
            self._keep(command)
            if await _stands(command, up) and not self._closed:
                command.begin()
                return command
            command.begin()
            await command.cancel()
            raise _closed() if self._closed else _failed((await command.wait()).stderr)
        finally:
            report.close()

    def _terminal(
        self, request: CommandRequest, given: Mapping[str, str], report: int, ink: int | None, ahead: bool
    ) -> Launched:
        """Start a shell: for a line, or `ahead` for what will be written to its pipe."""
        with ChildDescriptors() as descriptors, spawning(), contextlib.ExitStack() as failing:
            place = self._place(request, terminal=True)
            mould = Mould(place, unmarked(given), self._walls.made_of(place)) if ahead else None
            workspace, shell = str(place.workspace), self._programs.shell
            report = descriptors.duplicate(report)
            if ahead:
                prologue, line = descriptors.incoming()
                failing.callback(os.close, line)
            else:
                prologue, line = descriptors.holding(self._prologue(request, place, report, ink), "stigmer-line"), -1
            everybody = "1" if self._whole else "0"
            program = [self._programs.sh, "-c", SUPERVISOR, "sh", str(report), everybody, *shell.arguments(prologue)]
            wrapped = self._walls.wrap(program, {**given, "PWD": workspace}, place, descriptors)
            launch = Launch(
                wrapped.arguments,
                wrapped.environment,
                workspace,
                descriptors.all,
                wrapped.new_session,
                request.columns,
                request.rows,
                wrapped.confinement,
            )
            with holding(wrapped.anchor), at_gate(wrapped):
                terminal = Terminal(launch)
                let_go(wrapped, request.listening, terminal.abandon)
            failing.pop_all()
            return Launched(terminal, wrapped.anchor, report, ink, line, mould)

    def _prologue(self, request: CommandRequest, place: Place, report: int, ink: int | None) -> bytes:
        state, limits = resolved(request.state, request.workspace, place.workspace), self._kernels(request.limits)
        return self._programs.shell.prologue(
            request.line, state, str(place.workspace), report=report, ink=ink, limits=limits
        )

    def _plain(
        self, request: ExecutionRequest, given: Mapping[str, str], report: int, ink: int | None
    ) -> tuple[PlainProcess, Anchor | None]:
        with ChildDescriptors() as descriptors, spawning():
            place = self._place(request, terminal=False)
            workspace, shell = str(place.workspace), self._programs.shell
            report = descriptors.duplicate(report)
            if isinstance(request.command, str):
                prologue = descriptors.holding(
                    shell.plain_prologue(request.command, ink=ink, limits=self._kernels(request.limits)), "stigmer-line"
                )
                program = shell.arguments(prologue, plain=True)
            else:
                program = list(request.command)
            launched = [self._programs.sh, "-c", LAUNCHER, "sh", str(report), request.directory or "", *program]
            wrapped = self._walls.wrap(launched, {**given, "PWD": workspace}, place, descriptors)
            with holding(wrapped.anchor), at_gate(wrapped):
                process = PlainProcess(wrapped, workspace, request.input, descriptors)
                let_go(wrapped, request.listening, process.abandon)
                return process, wrapped.anchor

    def _given(self, request: CommandRequest | ExecutionRequest, marker: str) -> dict[str, str]:
        layout = self._layout
        home, own_tmp = str(layout.person_home), self._walled
        client = client_environment(layout.environment, path=layout.path, home=home, own_tmp=own_tmp)
        own = self._walls.variables(request.scratch)
        given = {**client, **own, **request.environment, MARKER_VARIABLE: marker}
        for name, value in given.items():
            if not name or "=" in name or "\0" in name or "\0" in value:
                raise SpawnFailed(
                    f"the variable {name!r} cannot be given to a command: its name or value is no text for one"
                )
        return given

    def _kernels(self, limits: CommandLimits | None) -> CommandLimits | None:
        """What of `limits` the kernel can keep: the number of processes only where it counts the command's alone."""
        return limits if limits is None or self._walls.own_count else replace(limits, processes=0)

    def _place(self, request: CommandRequest | ExecutionRequest, *, terminal: bool) -> Place:
        real = resolved_workspace(request.workspace, self._layout, walls=self._whole)
        return Place(
            real,
            request.scratch and request.scratch.resolve(strict=True),
            request.network,
            terminal,
            read_only=tuple(place for place in request.read_only if place != real and place.is_relative_to(real)),
            shown=request.shown,
            program=program_of(request),
            memory_files=request.limits.memory_files if request.limits else 0,
            gated=request.listening is not None and not request.network,
        )

    def _ground(self, began: float, given: dict[str, str], target: Target, anchor: Anchor | None) -> Ground:
        end, ended = partial(self._walls.end, target), partial(self._walls.ended, target)
        kept = Kept(self._groups, partial(self._walls.strays, target))
        return Ground(began, self._whole, given, end, ended, self._enders, self._watcher, kept, anchor)

    def _keep(self, command: "TerminalCommand | PlainCommand") -> None:
        self._running.add(command)
        command.life.add_done_callback(lambda _: self._running.discard(command))


async def _stands(command: "TerminalCommand | PlainCommand", up: asyncio.Event) -> bool:
    """Wait until the sandbox of `command` stands; False where it never does."""
    first = [asyncio.ensure_future(event.wait()) for event in (up, command.exited)]
    try:
        await asyncio.wait(first, timeout=STARTING, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in first:
            waiter.cancel()
    return up.is_set()


async def _ended(starting: "asyncio.Task[TerminalCommand] | asyncio.Task[PlainCommand]") -> None:
    """Wait for a start whose caller gave up, and end what came of it."""
    with contextlib.suppress(SandboxError):
        command = await starting
        await command.cancel()


def _closed() -> SandboxClosed:
    return SandboxClosed("this sandbox was closed and starts nothing any more: restart the runner")


def _failed(said: bytes | bytearray) -> SpawnFailed:
    words = said.decode("utf-8", "replace").strip() or "it said nothing"
    return SpawnFailed(f"the sandbox could not be set up for this command: {words}")
