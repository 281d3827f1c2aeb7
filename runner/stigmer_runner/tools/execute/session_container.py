"""The sandbox of a run in a container of Docker or Podman: one for a session, in which its commands run one after the other or beside each other.

A command has no terminal there: its two outputs come as one, and it reads no input. Its directory and exported variables carry over by a
file in the session's /tmp, which is believed for nothing else.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import shlex
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path

from stigmer_runner.finishing import uninterrupted
from stigmer_runner.sandbox import (
    MARKER_VARIABLE,
    CommandRequest,
    ExecutionRequest,
    ExecutionResult,
    Outcome,
    OutputSink,
    SandboxClosed,
    SandboxDescription,
    SandboxKind,
    SandboxLayout,
    SpawnFailed,
)
from stigmer_runner.sandbox.ending import end_marked
from stigmer_runner.sandbox.environment import can_carry
from stigmer_runner.sandbox.shell import END, STATE
from stigmer_runner.sandbox.workspace import resolved_workspace
from stigmer_runner.tools.execute.container_command import ContainerCommand, End, fed
from stigmer_runner.tools.execute.engine import Engine
from stigmer_runner.tools.shell.executing import LongOutput

_START = 'eval "$(cat)" </dev/null 2>&1'
_START_APART = 'eval "$(cat)" </dev/null'
"""The command and the variables come by the standard input: arguments are there for others to read."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PATIENCE = 2.0
_LOOK = 10.0
IMAGE = "STIGMER_SANDBOX_IMAGE"
_MADE = 600.0
"""Seconds that making a container may take: its image may have to be fetched."""
GAPS = (
    "Commands have no terminal and read no input: nobody can attach to one.",
    "Commands of one session see each other's processes.",
    "Single hosts cannot be opened: the network is open or closed.",
)


@dataclass(frozen=True)
class ContainerSettings:
    """What settings say of containers."""

    image: str
    """Its name, or, for Podman, a directory from the root that holds a file tree. It has to have `sh`."""
    pull: bool = True
    """Whether an image that is not here is fetched."""
    cleanup: bool = True
    """Whether a session's container is removed with the run that made it."""
    ttl: float = 3600.0
    """Seconds after which one that nothing used is removed."""


@dataclass(frozen=True)
class _Key:
    """What a container is made of."""

    workspace: Path
    scratch: Path | None
    network: bool
    read_only: tuple[Path, ...]
    shown: tuple[Path, ...]
    limits: tuple[int, int]


@dataclass(eq=False)
class _Made:
    name: str
    owner: str
    users: int = 0
    timer: asyncio.TimerHandle | None = None


class ContainerSandbox:
    """See `interface.Sandbox`."""

    kind = SandboxKind.CONTAINER

    def __init__(self, engine: Engine, settings: ContainerSettings, layout: SandboxLayout) -> None:
        """`layout` has its symbolic links resolved."""
        self._engine = engine
        self._settings = settings
        self._layout = layout
        self._made: dict[_Key, _Made] = {}
        self._making = asyncio.Lock()
        self._running: set[ContainerCommand] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._number = 0
        self._closed = False
        self.description = SandboxDescription(
            SandboxKind.CONTAINER,
            walls=True,
            reason=f"containers of {engine.name}, image {settings.image}",
            network=True,
            own=layout.own,
            gaps=GAPS,
            whole=True,
        )

    async def expect(self, request: CommandRequest) -> None:
        """See `Sandbox.expect`: nothing is done ahead."""

    async def start(self, request: CommandRequest, on_output: OutputSink) -> "ContainerCommand":
        """See `Sandbox.start`."""
        key = await self._key(request)
        made = await self._container(key, request.ahead or request.marker.rpartition(":")[0])
        made.users += 1
        process = None
        try:
            self._number += 1
            state = f".stigmer-state-{self._number}"
            process = await self._exec(made, request.marker, _START)
            command = ContainerCommand(
                process,
                request,
                on_output,
                key.scratch / state if key.scratch else None,
                self._end_of(made, request.marker),
            )
            await fed(process, self._program(request, state if key.scratch else ""))
        except BaseException:
            self._left(key, made)
            raise
        self._running.add(command)
        command.life.add_done_callback(lambda _: self._running.discard(command))
        command.life.add_done_callback(lambda _: self._left(key, made))
        return command

    async def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """See `Sandbox.execute`."""
        key = await self._key(request)
        made = await self._container(key, request.marker.rpartition(":")[0])
        made.users += 1
        began = asyncio.get_running_loop().time()
        end = self._end_of(made, request.marker)
        try:
            process = await self._exec(made, request.marker, _START_APART)
            assert process.stdout is not None
            assert process.stderr is not None
            out, err = LongOutput(request.output_limit), LongOutput(request.output_limit)
            reading = asyncio.gather(
                fed(process, self._plain_program(request)), out.read(process.stdout), err.read(process.stderr)
            )
            timed_out = False
            try:
                async with asyncio.timeout(request.timeout):
                    await asyncio.shield(reading)
                    await process.wait()
            except TimeoutError:
                timed_out = True
                await uninterrupted(end(process))
                await reading
            except asyncio.CancelledError:
                await uninterrupted(end(process))
                raise
        finally:
            self._left(key, made)
        return ExecutionResult(
            outcome=Outcome.TIMED_OUT if timed_out else Outcome.EXITED,
            exit_code=None if timed_out else process.returncode,
            stdout=out.data,
            stderr=err.data,
            duration=asyncio.get_running_loop().time() - began,
            truncated=out.truncated or err.truncated,
        )

    async def forget(self, owner: str) -> None:
        """See `Sandbox.forget`: the containers of the owner are removed, where settings say so."""
        if self._settings.cleanup:
            for key, made in list(self._made.items()):
                if made.owner == owner and not made.users:
                    self._drop(key)
        if self._ending:
            await asyncio.wait(tuple(self._ending))

    async def close(self) -> None:
        """See `Sandbox.close`."""
        self._closed = True
        for command in tuple(self._running):
            await command.cancel()
        for key in tuple(self._made):
            self._drop(key)
        if self._ending:
            await asyncio.wait(tuple(self._ending))

    async def _key(self, request: CommandRequest | ExecutionRequest) -> _Key:
        if self._closed:
            raise SandboxClosed("this sandbox was closed and starts nothing any more: restart the runner")
        if request.listening is not None:
            raise SpawnFailed(
                "single hosts cannot be opened in a container: open the network in the policy, or close it"
            )
        real = await asyncio.to_thread(resolved_workspace, request.workspace, self._layout, walls=False)
        limits = (request.limits.processes, request.limits.memory) if request.limits else (0, 0)
        return _Key(
            real,
            request.scratch and request.scratch.resolve(),
            request.network,
            tuple(place for place in request.read_only if place != real and place.is_relative_to(real)),
            request.shown,
            limits,
        )

    async def _container(self, key: _Key, owner: str) -> _Made:
        """The container for `key`, made where there is none that runs. Raises `SpawnFailed`."""
        async with self._making:
            made = self._made.get(key)
            if made is not None:
                if made.timer is not None:
                    made.timer.cancel()
                if await self._engine.runs(made.name):
                    made.owner = owner
                    return made
                self._drop(key)
            for other, old in list(self._made.items()):
                if (other.workspace, other.scratch) == (key.workspace, key.scratch) and not old.users:
                    self._drop(other)  # what it was made of has changed
            self._number += 1
            name = f"stigmer-{hashlib.sha256(repr((key, owner)).encode()).hexdigest()[:12]}-{self._number}"
            code, said = await self._engine.say(self._arguments(key, name, owner), _MADE)
            if code != 0:
                await self._engine.remove(name)
                raise SpawnFailed(await self._why(said))
            found = self._made[key] = _Made(name, owner)
            return found

    async def _why(self, said: str) -> str:
        """Why no container could be started, for a person."""
        image, name, last = self._settings.image, self._engine.name, said.strip().rpartition("\n")[2][:400]
        if re.search(r"sh\b.*(executable file|no such file or directory|not found)", last, re.IGNORECASE | re.DOTALL):
            return f"the image {image} has no `sh`, which runs the commands: set {IMAGE} to one that has it"
        if image.startswith("/"):
            what = (
                "could not start a container of the file tree"
                if await asyncio.to_thread(os.path.isdir, image)
                else "has no file tree at"
            )
            return f"{name} {what} {image}: {last}. Is {IMAGE} right?"
        if (await self._engine.say(self._engine.command("image", "inspect", image), _LOOK))[0] == 0:
            return f"{name} could not start a container of {image}: {last}"
        if not self._settings.pull:
            return (
                f"the image {image} is not on this machine, and settings say not to fetch it (STIGMER_SANDBOX_AUTO_PULL): "
                f"fetch it yourself, `{name} pull {image}`, or set {IMAGE} to one that is here: `{name} images` lists them"
            )
        short = ": Podman wants a name with its registry's host in front" if "short-name" in last else ""
        return (
            f"the image {image} is not on this machine, and {name} could not fetch it{short} ({last}): look at the name in "
            f"{IMAGE} and at the network, and try `{name} pull {image}`"
        )

    def _arguments(self, key: _Key, name: str, owner: str) -> list[str]:
        processes, memory = key.limits
        options = [
            f"--name={name}",
            "--detach",
            "--rm",
            "--init",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            f"--network={'host' if key.network else 'none'}",
            f"--env={MARKER_VARIABLE}={owner}:container",
            f"--volume={key.workspace}:{key.workspace}",
            *(f"--volume={each}:{each}:ro" for each in (*key.read_only, *key.shown)),
            f"--volume={key.scratch}:/tmp" if key.scratch else "--tmpfs=/tmp",
            f"--workdir={key.workspace}",
            *self._engine.as_caller,
        ]
        if processes:
            options.append(f"--pids-limit={processes}")
        if memory:
            options += [f"--memory={memory}", f"--memory-swap={memory}"]
        image = self._settings.image
        program = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 86400 & wait $!; done")
        if image.startswith("/"):
            without_init = [each for each in options if each != "--init"]
            return self._engine.command("run", *without_init, "--read-only", "--rootfs", image, *program)
        pull = f"--pull={'missing' if self._settings.pull else 'never'}"
        return self._engine.command("run", *options, pull, image, *program)

    async def _exec(self, made: _Made, marker: str, start: str) -> Process:
        # Not `--env NAME`: the client's own mark would be taken for the container's by others.
        options = ("--interactive", f"--env={MARKER_VARIABLE}={marker}")
        try:
            return await asyncio.create_subprocess_exec(
                *self._engine.command("exec", *options, made.name, "sh", "-c", start),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(self._engine.environment),
            )
        except OSError as error:
            raise SpawnFailed(f"{self._engine.name} could not be started: {error}") from error

    def _program(self, request: CommandRequest, state: str) -> bytes:
        """All that the shell reads: the state before, the line, and how the state after is told."""
        before = request.state
        save = (
            f"__stigmer_save() {{ {{ printf '\\000{STATE}\\000end\\000%s\\000%s\\000' \"$1\" \"$PWD\"; env -0; printf '\\000{END}\\000'; }} >/tmp/{state} 2>/dev/null; }}\n"
            "trap '__stigmer_save $?' EXIT\n"
            if state
            else ""
        )
        carried = [
            f"export {name}={shlex.quote(value)}" for name, value in before.variables.items() if can_carry(name, value)
        ]
        gone = [f"unset {name}" for name in before.removed if can_carry(name, "")]
        text = "\n".join(
            [
                *self._limits(request),
                *(
                    f"export {name}={shlex.quote(value)}"
                    for name, value in request.environment.items()
                    if _NAME.match(name)
                ),
                *gone,
                *carried,
                f"cd {shlex.quote(before.directory)} 2>/dev/null || cd {shlex.quote(str(request.workspace))}",
                f"{save}eval {shlex.quote(request.line)}\n",
            ]
        )
        return text.encode("utf-8", "surrogateescape")

    def _plain_program(self, request: ExecutionRequest) -> bytes:
        words = request.command if isinstance(request.command, str) else shlex.join(request.command)
        given = (
            f"export {name}={shlex.quote(value)}" for name, value in request.environment.items() if _NAME.match(name)
        )
        where = [f"cd {shlex.quote(request.directory)} || exit 125"] if request.directory else []
        return "\n".join([*self._limits(request), *given, *where, f"{words}\n"]).encode("utf-8", "surrogateescape")

    def _limits(self, request: CommandRequest | ExecutionRequest) -> list[str]:
        limits = request.limits
        if limits is None:
            return []
        own = (("-f", limits.file_size // 512), ("-n", limits.open_files))
        return [f"{{ ulimit {option} {value}; }} 2>/dev/null" for option, value in own if value]

    def _end_of(self, made: _Made, marker: str) -> End:
        async def end(process: Process) -> None:
            """End what carries the mark; where it cannot be seen from here, the whole container."""
            await asyncio.to_thread(end_marked, marker)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await process.wait()
            except TimeoutError:
                await self._engine.end(made.name)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

        return end

    def _left(self, key: _Key, made: _Made) -> None:
        made.users -= 1
        if not made.users and self._made.get(key) is made and not self._closed:
            made.timer = asyncio.get_running_loop().call_later(self._settings.ttl, self._drop, key)

    def _drop(self, key: _Key) -> None:
        made = self._made.pop(key, None)
        if made is None:
            return
        if made.timer is not None:
            made.timer.cancel()
        task = asyncio.ensure_future(self._engine.remove(made.name))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
