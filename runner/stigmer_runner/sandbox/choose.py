"""Which sandbox this machine can have."""

import asyncio

from stigmer_runner.sandbox.interface import Sandbox
from stigmer_runner.sandbox.local import LocalSandbox
from stigmer_runner.sandbox.model import SandboxKind, SandboxLayout
from stigmer_runner.sandbox.probe import Unusable, probe
from stigmer_runner.sandbox.programs import Find, find, find_programs
from stigmer_runner.sandbox.unwalled import NoWalls
from stigmer_runner.sandbox.walls import Walls
from stigmer_runner.sandbox.workspace import resolved_layout


async def choose_sandbox(layout: SandboxLayout, kind: SandboxKind | None = None, find: Find = find) -> Sandbox:
    """The best sandbox that works here, tried for real once; or exactly `kind`. Programs are found by `find`.

    Where bubblewrap does not work and `kind` is not given, the sandbox has no walls, and its description says why.
    Raises `LayoutRefused` for directories that cannot be kept apart, and `SpawnFailed` where a needed program is
    missing or `kind` cannot be had.
    """

    def choose() -> LocalSandbox:
        real = resolved_layout(layout)
        programs = find_programs(find)
        walls: Walls
        if kind is SandboxKind.NONE:
            walls = NoWalls(programs, "a sandbox without walls was asked for")
        else:
            try:
                walls = probe(programs, real, find)
            except Unusable as error:
                if kind is not None:
                    raise
                walls = NoWalls(programs, str(error))
        return LocalSandbox(walls, programs, real)

    return await asyncio.to_thread(choose)
