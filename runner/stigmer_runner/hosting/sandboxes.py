"""Sandboxes for the environments of clients: commands inside answer as they would in the client's own terminal."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import ClientEnvironment
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.config import Execution, ExecutionMode
from stigmer_apis.home import Home
from stigmer_runner.finishing import uninterrupted
from stigmer_runner.hosting.around import Around, around
from stigmer_runner.sandbox import (
    Sandbox,
    SandboxDescription,
    SandboxKind,
    SandboxLayout,
    SpawnFailed,
    choose_sandbox,
)
from stigmer_runner.sandbox.workspace import resolved_layout

_logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from stigmer_runner.tools.execute.daytona import DaytonaAccount

AskAccount: TypeAlias = Callable[[], Awaitable["DaytonaAccount"]]
"""Asks for an account. Raises `RunnerError` where there is none."""
NO_POLICY: Final = Policy()
KEPT = 4
"""Sandboxes that are kept while nobody uses them."""

_KINDS = {
    Around.BEST: None,
    Around.WALLS: None,
    Around.LANDLOCK: SandboxKind.LANDLOCK,
    Around.NONE: SandboxKind.NONE,
}
"""Which kind of this machine is meant; None: the best that there is."""

_OF_TERMINALS = frozenset({"LANG", "LANGUAGE", "TERM", "COLORTERM", "TZ"})
"""Variables that a client's terminal decides, with all LC_*."""


@dataclass(slots=True)
class _Lent:
    sandbox: "asyncio.Task[Sandbox]"
    users: int = 0


class Sandboxes:
    """One sandbox for each environment, made when it is first wanted. `environ` is the runner's own."""

    def __init__(
        self,
        home: Home,
        mode: ExecutionMode = ExecutionMode.AUTO,
        environ: Mapping[str, str] = os.environ,
        containers: Execution | None = None,
    ) -> None:
        """`containers`: which ones, for the mode that wants them."""
        self._home = home
        self._mode = mode
        self._containers = containers or Execution()
        self._environ = dict(environ)
        self._lent: dict[tuple[object, ...], _Lent] = {}

    @asynccontextmanager
    async def lent(
        self,
        client: ClientEnvironment | None,
        of_run: Policy = NO_POLICY,
        of_agent: Policy = NO_POLICY,
        daytona: AskAccount | None = None,
    ) -> AsyncGenerator[Sandbox]:
        """The sandbox for a client's environment; None, and what the client leaves open, are the runner's own.
        The policies say which kind a run wants; `daytona` asks for an account there, whose sandbox is this run's alone.

        Raises `SandboxError` where it cannot be had.
        """
        kind = around(self._mode, of_agent, of_run)
        layout = self._layout(client)
        if kind is Around.DAYTONA:
            async with _in_daytona(layout, daytona) as sandbox:
                yield sandbox
            return
        key = (kind, layout.path, tuple(sorted(layout.environment.items())))
        lent = self._lent.pop(key, None) or _Lent(asyncio.create_task(self._choose(kind, layout)))
        self._lent[key] = lent
        lent.users += 1
        try:
            yield await asyncio.shield(lent.sandbox)
        except BaseException:
            if lent.sandbox.done() and (lent.sandbox.cancelled() or lent.sandbox.exception()):
                self._lent.pop(key, None)
            raise
        finally:
            lent.users -= 1
            await self._close_unused()

    @asynccontextmanager
    async def looked_at(self) -> AsyncGenerator[SandboxDescription]:
        """What the runner's own sandbox is. Where settings want walls that cannot be had, that, and each command is refused with it."""
        async with AsyncExitStack() as stack:
            try:
                description = (await stack.enter_async_context(self.lent(None))).description
            except SpawnFailed as error:
                if not self._needs_walls:
                    raise
                _logger.error("commands are refused, since STIGMER_EXECUTION_MODE is %s: %s", self._mode.value, error)
                description = SandboxDescription(SandboxKind.NONE, walls=False, reason=f"commands are refused: {error}")
            yield description

    @property
    def _needs_walls(self) -> bool:
        return self._mode in (ExecutionMode.SANDBOX, ExecutionMode.LANDLOCK, ExecutionMode.CONTAINER)

    async def _choose(self, kind: Around, layout: SandboxLayout) -> Sandbox:
        match kind:
            case Around.CONTAINER:
                return await _containers(layout, self._containers)
            case Around.DAYTONA:
                raise AssertionError("a sandbox in Daytona is lent to nobody else")
            case Around.BEST | Around.WALLS | Around.LANDLOCK | Around.NONE:
                walls = kind in (Around.WALLS, Around.LANDLOCK)
                return await choose_sandbox(layout, _KINDS[kind], walls=walls)

    async def close(self) -> None:
        """End every command, and the sandboxes."""
        lent, self._lent = self._lent, {}
        for each in lent.values():
            await _close(each)

    async def _close_unused(self) -> None:
        unused = [key for key, lent in self._lent.items() if not lent.users]
        for key in unused[: max(len(unused) - KEPT, 0)]:
            await _close(self._lent.pop(key))

    def _layout(self, client: ClientEnvironment | None) -> SandboxLayout:
        environment = self._environ
        path = environment.get("PATH", os.defpath)
        if client is not None and (client.path or client.variables):
            own = {name: value for name, value in environment.items() if not _of_terminal(name)}
            environment = own | dict(client.variables)
            path = client.path or path
        return SandboxLayout(
            home=self._home.root,
            run_directory=self._home.run,
            person_home=Path.home(),
            path=path,
            environment=environment,
            data_directory=self._home.data_elsewhere,
        )


@asynccontextmanager
async def _in_daytona(layout: SandboxLayout, ask: AskAccount | None) -> AsyncGenerator[Sandbox]:
    """A sandbox in Daytona, deleted in the end. Raises `SpawnFailed` where there is no account."""
    from stigmer_runner.tools.execute.session_daytona import DaytonaSandbox

    if ask is None:
        raise SpawnFailed("this kind of run does not go to Daytona: use `--sandbox walls` or `--sandbox container`")
    sandbox = DaytonaSandbox(await ask(), await asyncio.to_thread(resolved_layout, layout))
    try:
        yield sandbox
    finally:
        await uninterrupted(sandbox.close())


async def _containers(layout: SandboxLayout, wanted: Execution) -> Sandbox:
    """The sandbox that is containers. Raises `SpawnFailed` where there can be none."""
    from stigmer_runner.tools.execute.engine import NoContainerEngine, find_engine
    from stigmer_runner.tools.execute.session_container import ContainerSandbox, ContainerSettings

    if not wanted.sandbox_image:
        raise SpawnFailed(
            "no image is named for containers: set STIGMER_SANDBOX_IMAGE to one that has `sh` "
            "(`stigmer config set backend.local.execution.sandbox_image IMAGE`), and restart the daemon"
        )
    try:
        engine = await find_engine()
    except NoContainerEngine as error:
        raise SpawnFailed(str(error)) from error
    if wanted.sandbox_image.startswith("/") and engine.name != "podman":
        raise SpawnFailed(
            f"STIGMER_SANDBOX_IMAGE names the directory {wanted.sandbox_image}, which Podman alone can run: name an image, or install Podman"
        )
    settings = ContainerSettings(wanted.sandbox_image, wanted.auto_pull, wanted.cleanup, wanted.ttl)
    return ContainerSandbox(engine, settings, await asyncio.to_thread(resolved_layout, layout))


async def _close(lent: _Lent) -> None:
    await asyncio.wait((lent.sandbox,))
    if not lent.sandbox.cancelled() and lent.sandbox.exception() is None:
        await lent.sandbox.result().close()


def _of_terminal(name: str) -> bool:
    return name in _OF_TERMINALS or name.startswith("LC_")
