"""Which sandbox this machine can have."""

import asyncio

from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.interface import Sandbox
from stigmer_runner.sandbox.local import LocalSandbox
from stigmer_runner.sandbox.model import SandboxKind, SandboxLayout
from stigmer_runner.sandbox.probe import Unusable, probe, probe_landlock
from stigmer_runner.sandbox.programs import Find, Programs, find, find_programs
from stigmer_runner.sandbox.unwalled import NoWalls
from stigmer_runner.sandbox.walls import Walls
from stigmer_runner.sandbox.workspace import resolved_layout


async def choose_sandbox(
    layout: SandboxLayout, kind: SandboxKind | None = None, find: Find = find, *, walls: bool = False
) -> Sandbox:
    """The best sandbox that works here, tried for real once; or exactly `kind`. Programs are found by `find`.

    bubblewrap, else Landlock, else, unless there have to be `walls`, none; the description says why nothing better could be had.
    Raises `LayoutRefused` for directories that cannot be kept apart, and `SpawnFailed` where a needed program is
    missing, or `kind` or walls cannot be had.
    """

    def choose() -> LocalSandbox:
        real = resolved_layout(layout)
        programs = find_programs(find)
        match kind:
            case None:
                chosen = _best(programs, real, find, walls=walls)
            case SandboxKind.BUBBLEWRAP:
                chosen = probe(programs, real, find)
            case SandboxKind.LANDLOCK:
                chosen = probe_landlock(programs, real, "")
            case SandboxKind.CONTAINER | SandboxKind.DAYTONA:
                raise SpawnFailed("such a sandbox is made by whoever has an engine or an account for it")
            case SandboxKind.NONE:
                chosen = NoWalls(programs, "a sandbox without walls was asked for")
        return LocalSandbox(chosen, programs, real)

    return await asyncio.to_thread(choose)


def _best(programs: Programs, layout: SandboxLayout, find: Find, *, walls: bool) -> Walls:
    try:
        return probe(programs, layout, find)
    except Unusable as error:
        reason = str(error)
    try:
        return probe_landlock(programs, layout, f"there are walls of Landlock alone, for {reason}")
    except Unusable as error:
        reason = f"{reason}. Nor can Landlock take its place: {error}"
    if walls:
        raise SpawnFailed(reason)
    return NoWalls(programs, reason)
